package org.tonle.contracts;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands before a server and passes on what is said, as well as it is told to. */
public final class FaultyProxy implements AutoCloseable {
    private static final String SLOW_DOWN =
            "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";

    private final ServerSocket socket;
    private final URI server;
    private final AtomicInteger connections = new AtomicInteger();
    private volatile long mostBytes = Long.MAX_VALUE;
    private volatile boolean slowDown;
    private final AtomicInteger answersToLose = new AtomicInteger();

    public FaultyProxy(URI server) throws IOException {
        this.server = server;
        this.socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }

    /** Ends each connection behind so many bytes of what the server says. */
    public void cutAfter(long bytes) {
        mostBytes = bytes;
    }

    /** Answers each request itself, with 503; connections that are there end. */
    public void slowDown(boolean slow) {
        slowDown = slow;
    }

    /**
     * Ends as many connections when the server has answered a request, instead of passing it on.
     */
    public void loseAnswers(int count) {
        answersToLose.set(count);
    }

    public int connections() {
        return connections.get();
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
        try (client) {
            if (slowDown) {
                byte[] some = new byte[64 << 10];
                var unused = client.getInputStream().read(some);
                client.getOutputStream()
                        .write(
                                "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                                        .formatted(SLOW_DOWN.length(), SLOW_DOWN)
                                        .getBytes(StandardCharsets.US_ASCII));
                return;
            }
            connections.incrementAndGet();
            try (Socket behind = new Socket(server.getHost(), server.getPort())) {
                Thread.ofVirtual().start(() -> copy(client, behind, false));
                copy(behind, client, true);
            }
        } catch (IOException e) {
            // one of them went away
        }
    }

    private void copy(Socket from, Socket to, boolean faulty) {
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] buffer = new byte[16 << 10];
            long copied = 0;
            while (true) {
                int n = in.read(buffer);
                if (faulty && n > 0) {
                    n = (int) Math.min(n, mostBytes - copied);
                    if (n <= 0) {
                        return;
                    }
                }
                if (n < 0 || slowDown || (faulty && isLost(buffer, n))) {
                    return;
                }
                out.write(buffer, 0, n);
                copied += n;
            }
        } catch (IOException e) {
            // one of them went away
        }
    }

    private boolean isLost(byte[] buffer, int length) {
        boolean goesOn =
                new String(buffer, 0, length, StandardCharsets.US_ASCII).startsWith("HTTP/1.1 100");
        return !goesOn && answersToLose.getAndUpdate(left -> Math.max(0, left - 1)) > 0;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
