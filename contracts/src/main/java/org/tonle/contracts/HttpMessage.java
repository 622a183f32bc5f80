package org.tonle.contracts;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** A request or an answer as it stands on the wire, whole in memory. */
final class HttpMessage {
    private static final int LONGEST_HEAD = 64 << 10;
    private static final String LINE = "\r\n";

    private final byte[] head;
    private final String firstLine;
    private final Map<String, String> headers;
    private final byte[] body;

    private HttpMessage(byte[] head, String firstLine, Map<String, String> headers, byte[] body) {
        this.head = head;
        this.firstLine = firstLine;
        this.headers = headers;
        this.body = body;
    }

    /** With the empty line at its end. */
    byte[] head() {
        return head;
    }

    String firstLine() {
        return firstLine;
    }

    /** By their names in lower case. */
    Map<String, String> headers() {
        return headers;
    }

    /** As it was sent, in chunks if it was. */
    byte[] body() {
        return body;
    }

    /**
     * Reads the head of the next one.
     *
     * @throws EOFException if there is none
     */
    static HttpMessage head(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        int ended = 0;
        while (ended < 4) {
            int next = in.read();
            if (next < 0 || head.size() > LONGEST_HEAD) {
                throw new EOFException("no more");
            }
            head.write(next);
            ended = next == (ended % 2 == 0 ? '\r' : '\n') ? ended + 1 : next == '\r' ? 1 : 0;
        }
        String[] lines = head.toString(StandardCharsets.ISO_8859_1).split(LINE, -1);
        Map<String, String> headers = new TreeMap<>();
        for (int i = 1; i < lines.length - 2; i++) {
            int colon = lines[i].indexOf(':');
            headers.put(
                    lines[i].substring(0, colon).toLowerCase(Locale.ROOT),
                    lines[i].substring(colon + 1).strip());
        }
        return new HttpMessage(head.toByteArray(), lines[0], headers, new byte[0]);
    }

    /** With the body that follows the head. */
    HttpMessage withBody(InputStream in) throws IOException {
        return new HttpMessage(head, firstLine, headers, readBody(in));
    }

    private byte[] readBody(InputStream in) throws IOException {
        if ("chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
            return chunks(in);
        }
        String length = headers.get("content-length");
        if (length == null) {
            return isRequest() ? new byte[0] : in.readAllBytes();
        }
        byte[] all = in.readNBytes(Integer.parseInt(length));
        if (all.length < Integer.parseInt(length)) {
            throw new EOFException("cut");
        }
        return all;
    }

    private static byte[] chunks(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (true) {
            String size = line(in, all);
            int length = Integer.parseInt(size.split(";", 2)[0].strip(), 16);
            all.write(in.readNBytes(length));
            String end = line(in, all);
            if (length == 0) {
                while (!end.isEmpty()) {
                    end = line(in, all);
                }
                return all.toByteArray();
            }
        }
    }

    private static String line(InputStream in, OutputStream copy) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int next = in.read();
        while (next >= 0 && next != '\n') {
            line.write(next);
            next = in.read();
        }
        if (next < 0) {
            throw new EOFException("cut");
        }
        copy.write(line.toByteArray());
        copy.write('\n');
        return line.toString(StandardCharsets.ISO_8859_1).strip();
    }

    private boolean isRequest() {
        return !firstLine.startsWith("HTTP/");
    }

    boolean expectsToBeAsked() {
        return "100-continue".equalsIgnoreCase(headers.get("expect"));
    }

    /** A request that doesn't wait for a word before it sends its body. */
    HttpMessage unasked() {
        String text = new String(head, StandardCharsets.ISO_8859_1);
        byte[] without =
                text.replaceAll("(?im)^expect:.*\r\n", "").getBytes(StandardCharsets.ISO_8859_1);
        return new HttpMessage(without, firstLine, headers, body);
    }

    /** Whether an answer is followed by a body, by what was asked. */
    boolean hasBody(HttpMessage request) {
        String status = firstLine.split(" ", -1)[1];
        return !request.firstLine.startsWith("HEAD ")
                && !status.equals("204")
                && !status.equals("304");
    }

    /** Whether the connection goes on behind an answer. */
    boolean goesOn(HttpMessage request) {
        return !"close".equalsIgnoreCase(headers.get("connection"))
                && (!hasBody(request)
                        || headers.containsKey("content-length")
                        || headers.containsKey("transfer-encoding"));
    }
}
