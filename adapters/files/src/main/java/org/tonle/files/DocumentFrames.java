package org.tonle.files;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.StreamCorruptedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What the lake and the process that reads documents say to each other. What comes from that
 * process is bounded: a document may have got the better of it.
 */
final class DocumentFrames {
    /** A document's text, in characters. */
    static final int LONGEST_TEXT = 1_000_000;

    /** Values that metadata has. */
    static final int MOST_VALUES = 200;

    /** Each of them, and why something can't be read, in characters. */
    static final int LONGEST_VALUE = 2_000;

    private static final int READY = 'H';
    private static final int TYPE = 'T';
    private static final int RESULT = 'R';

    /** UTF-8 has three bytes for each of Java's characters at most. */
    private static final int MOST_BYTES = 3 * LONGEST_TEXT;

    /** A file to be read. */
    record Request(Path file, String name) {}

    private DocumentFrames() {}

    static void ready(DataOutputStream out) throws IOException {
        out.writeByte(READY);
        out.flush();
    }

    static void awaitReady(DataInputStream in) throws IOException {
        require(in.readUnsignedByte() == READY);
    }

    static void request(DataOutputStream out, Request request) throws IOException {
        text(out, request.file().toString());
        text(out, request.name());
        out.flush();
    }

    static Request request(DataInputStream in) throws IOException {
        return new Request(Path.of(text(in)), text(in));
    }

    /** Said first: it is right also when the document can't be read. */
    static void type(DataOutputStream out, String mediaType) throws IOException {
        out.writeByte(TYPE);
        text(out, mediaType);
        out.flush();
    }

    static String type(DataInputStream in) throws IOException {
        require(in.readUnsignedByte() == TYPE);
        return text(in);
    }

    static void result(DataOutputStream out, Document document) throws IOException {
        out.writeByte(RESULT);
        text(out, document.mediaType());
        out.writeInt(document.metadata().values().stream().mapToInt(List::size).sum());
        for (Map.Entry<String, List<String>> entry : document.metadata().entrySet()) {
            for (String value : entry.getValue()) {
                text(out, entry.getKey());
                text(out, value);
            }
        }
        text(out, document.text().orElse(""));
        out.writeBoolean(document.truncated());
        text(out, document.error().orElse(""));
        out.flush();
    }

    static Document result(DataInputStream in) throws IOException {
        require(in.readUnsignedByte() == RESULT);
        String mediaType = text(in);
        int values = in.readInt();
        require(values >= 0 && values <= MOST_VALUES);
        Map<String, List<String>> metadata = new TreeMap<>();
        for (int i = 0; i < values; i++) {
            metadata.computeIfAbsent(text(in), name -> new ArrayList<>()).add(text(in));
        }
        return new Document(
                mediaType,
                metadata,
                Optional.of(text(in)).filter(text -> !text.isEmpty()),
                in.readBoolean(),
                Optional.of(text(in)).filter(error -> !error.isEmpty()));
    }

    private static void text(DataOutputStream out, String text) throws IOException {
        byte[] bytes = text.getBytes(UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static String text(DataInputStream in) throws IOException {
        int length = in.readInt();
        require(length >= 0 && length <= MOST_BYTES);
        return new String(in.readNBytes(length), UTF_8);
    }

    private static void require(boolean said) throws IOException {
        if (!said) {
            throw new StreamCorruptedException("what reads documents says something else");
        }
    }
}
