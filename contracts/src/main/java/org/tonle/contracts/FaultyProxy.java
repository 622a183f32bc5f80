package org.tonle.contracts;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/** Stands before a server that speaks HTTP and passes on what is said, as well as it is told to. */
public final class FaultyProxy implements AutoCloseable {
    private static final Duration LATENCY = Duration.ofSeconds(1);

    private final ServerSocket socket;
    private final URI server;
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger struck = new AtomicInteger();
    private volatile long mostBytes = Long.MAX_VALUE;
    private volatile Predicate<Request> where = request -> false;
    private volatile Fault fault = Fault.SLOW_DOWN;
    private final AtomicInteger answersToLose = new AtomicInteger();

    /** What may happen to a request or its answer. */
    public enum Fault {
        /** Everything takes a second more. */
        LATENCY,
        /** The connection is reset before the server hears of it. */
        RESET,
        /** 500 Internal Server Error, and the server never hears of it. */
        ERROR,
        /** 503 Slow Down, and the server never hears of it. */
        SLOW_DOWN,
        /** The server does it, and its answer breaks off behind its first line. */
        CUT_EARLY,
        /** The server does it, and its answer's body, if it has one, breaks off in the middle. */
        CUT,
        /** The server gets it twice; what it says to the second is passed on. */
        TWICE,
        /** The server does it, and the connection ends without an answer. */
        LOST,
        /** The server does it, and no answer ever comes. */
        SILENCE
    }

    /**
     * What a client asks for.
     *
     * @param target path and query
     * @param headers by their names in lower case
     */
    public record Request(String method, String target, Map<String, String> headers) {
        private static Request of(HttpMessage message) {
            String[] line = message.firstLine().split(" ", -1);
            return new Request(line[0], line[1], message.headers());
        }
    }

    public FaultyProxy(URI server) throws IOException {
        this.server = server;
        this.socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }

    /** Does so from now on with the requests that are chosen; asked once for each, in turn. */
    public void fault(Fault what, Predicate<Request> chosen) {
        where = request -> false;
        fault = what;
        where = chosen;
    }

    /** Passes on everything as it is. */
    public void heal() {
        where = request -> false;
        mostBytes = Long.MAX_VALUE;
        answersToLose.set(0);
    }

    /** Ends each answer behind so many bytes of its body, and the connection. */
    public void cutAfter(long bytes) {
        mostBytes = bytes;
    }

    /** Answers each request itself, with 503. */
    public void slowDown(boolean slow) {
        fault(Fault.SLOW_DOWN, request -> slow);
    }

    /** Ends as many connections when the server has answered, instead of passing that on. */
    public void loseAnswers(int count) {
        answersToLose.set(count);
    }

    public int connections() {
        return connections.get();
    }

    /** How many requests came. */
    public int requests() {
        return asked.get();
    }

    /** How many requests met with {@link #fault}. */
    public int struck() {
        return struck.get();
    }

    private void accept() {
        while (true) {
            try {
                Socket client = socket.accept();
                Thread.ofVirtual().start(() -> serve(client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        connections.incrementAndGet();
        try (client) {
            InputStream in = new BufferedInputStream(client.getInputStream());
            boolean more = true;
            while (more) {
                HttpMessage head = HttpMessage.head(in);
                if (head.expectsToBeAsked()) {
                    send(client, "HTTP/1.1 100 Continue\r\n\r\n");
                }
                HttpMessage request = head.unasked().withBody(in);
                asked.incrementAndGet();
                more = answer(client, in, request);
            }
        } catch (IOException e) {
            // one of them went away
        }
    }

    private synchronized boolean isStruck(HttpMessage request) {
        return where.test(Request.of(request));
    }

    /** Whether the connection goes on. */
    private boolean answer(Socket client, InputStream in, HttpMessage request) throws IOException {
        if (!isStruck(request)) {
            HttpMessage answer = ask(request);
            if (answersToLose.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                return false;
            }
            return pass(client, answer, (int) Math.min(mostBytes, answer.body().length))
                    && answer.goesOn(request);
        }
        struck.incrementAndGet();
        return switch (fault) {
            case LATENCY -> {
                LockSupport.parkNanos(LATENCY.toNanos());
                HttpMessage answer = ask(request);
                yield pass(client, answer, answer.body().length) && answer.goesOn(request);
            }
            case RESET -> {
                client.setSoLinger(true, 0);
                yield false;
            }
            case ERROR -> refuse(client, "500 Internal Server Error", "InternalError");
            case SLOW_DOWN -> refuse(client, "503 Slow Down", "SlowDown");
            case CUT_EARLY -> {
                send(client, ask(request).firstLine() + "\r\n");
                yield false;
            }
            case CUT -> {
                HttpMessage answer = ask(request);
                yield pass(client, answer, answer.body().length / 2) && answer.goesOn(request);
            }
            case TWICE -> {
                var unused = ask(request);
                HttpMessage answer = ask(request);
                yield pass(client, answer, answer.body().length) && answer.goesOn(request);
            }
            case LOST -> {
                var unused = ask(request);
                yield false;
            }
            case SILENCE -> {
                HttpMessage kept = ask(request);
                // until whoever asked has had enough
                yield in.read() >= 0 && pass(client, kept, 0);
            }
        };
    }

    private HttpMessage ask(HttpMessage request) throws IOException {
        try (Socket behind = new Socket(server.getHost(), server.getPort())) {
            OutputStream out = behind.getOutputStream();
            out.write(request.head());
            out.write(request.body());
            out.flush();
            InputStream in = new BufferedInputStream(behind.getInputStream());
            HttpMessage head = HttpMessage.head(in);
            while (head.firstLine().startsWith("HTTP/1.1 1")) {
                head = HttpMessage.head(in);
            }
            return head.hasBody(request) ? head.withBody(in) : head;
        } catch (EOFException e) {
            throw new IOException("the server said nothing", e);
        }
    }

    private static boolean pass(Socket client, HttpMessage answer, int most) throws IOException {
        OutputStream out = client.getOutputStream();
        out.write(answer.head());
        out.write(answer.body(), 0, most);
        out.flush();
        return most == answer.body().length;
    }

    private static boolean refuse(Socket client, String status, String code) throws IOException {
        String body =
                "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>Not now.</Message></Error>"
                        .formatted(code);
        send(
                client,
                "HTTP/1.1 %s\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                        .formatted(status, body.length(), body));
        return false;
    }

    private static void send(Socket client, String text) throws IOException {
        OutputStream out = client.getOutputStream();
        out.write(text.getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
