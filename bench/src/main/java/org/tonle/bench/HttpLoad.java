package org.tonle.bench;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** One query again and again over connections that stay open, with as little work as it takes. */
final class HttpLoad implements AutoCloseable {
    private final byte[] request;
    private final List<Connection> connections = new ArrayList<>();
    private final ExecutorService threads;

    /** What came back; times in milliseconds from when the request was due. */
    record Result(long answers, double seconds, double p50, double p95, double p99) {}

    HttpLoad(URI lake, String token, byte[] body, int count) throws IOException {
        byte[] head =
                ("POST /api/v1/query HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n"
                                + "authorization: Bearer "
                                + token
                                + "\r\n"
                                + "content-type: application/json\r\ncontent-length: "
                                + body.length
                                + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII);
        request = Arrays.copyOf(head, head.length + body.length);
        System.arraycopy(body, 0, request, head.length, body.length);
        for (int i = 0; i < count; i++) {
            connections.add(new Connection(new Socket(lake.getHost(), lake.getPort())));
        }
        threads = Executors.newFixedThreadPool(count);
    }

    private static final class Connection {
        private final Socket socket;
        private final InputStream in;
        private final OutputStream out;
        private final byte[] buffer = new byte[8192];

        Connection(Socket socket) throws IOException {
            this.socket = socket;
            socket.setTcpNoDelay(true);
            in = new BufferedInputStream(socket.getInputStream(), 64 << 10);
            out = socket.getOutputStream();
        }

        void exchange(byte[] request) throws IOException {
            out.write(request);
            String status = line();
            int length = 0;
            for (String header = line(); !header.isEmpty(); header = line()) {
                if (header.regionMatches(true, 0, "content-length:", 0, 15)) {
                    length = Integer.parseInt(header.substring(15).strip());
                }
            }
            in.skipNBytes(length);
            if (!status.startsWith("HTTP/1.1 200")) {
                throw new IOException(status.toLowerCase(Locale.ROOT));
            }
        }

        private String line() throws IOException {
            int size = 0;
            for (int b = in.read(); b != '\n'; b = in.read()) {
                if (b < 0) {
                    throw new EOFException("the lake closed the connection");
                }
                if (b != '\r') {
                    buffer[size++] = (byte) b;
                }
            }
            return new String(buffer, 0, size, StandardCharsets.US_ASCII);
        }
    }

    /** Every connection asks again as soon as it has its answer. */
    Result asFastAsItGoes(int seconds) throws InterruptedException {
        return run(seconds, 0);
    }

    /**
     * A fixed rate, whatever the lake makes of it: who waits for a late answer is late, too.
     *
     * @param rate requests per second over all connections
     */
    Result at(double rate, int seconds) throws InterruptedException {
        return run(seconds, (long) (1e9 * connections.size() / rate));
    }

    private Result run(int seconds, long gap) throws InterruptedException {
        long start = System.nanoTime();
        long end = start + seconds * 1_000_000_000L;
        List<Callable<long[]>> all = new ArrayList<>();
        for (int i = 0; i < connections.size(); i++) {
            Connection connection = connections.get(i);
            long first = start + gap * i / connections.size();
            all.add(() -> ask(connection, first, end, gap));
        }
        List<long[]> times = new ArrayList<>();
        for (Future<long[]> one : threads.invokeAll(all)) {
            try {
                times.add(one.get());
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            }
        }
        double took = (System.nanoTime() - start) / 1e9;
        long[] sorted = times.stream().flatMapToLong(Arrays::stream).sorted().toArray();
        return new Result(sorted.length, took, at(sorted, 0.5), at(sorted, 0.95), at(sorted, 0.99));
    }

    private static double at(long[] sorted, double share) {
        return sorted[(int) Math.min(sorted.length - 1, sorted.length * share)] / 1e6;
    }

    private long[] ask(Connection connection, long first, long end, long gap) throws IOException {
        long[] nanos = new long[1024];
        int count = 0;
        for (long due = first; due < end; ) {
            for (long now = System.nanoTime(); now < due; now = System.nanoTime()) {
                java.util.concurrent.locks.LockSupport.parkNanos(due - now);
            }
            connection.exchange(request);
            long now = System.nanoTime();
            if (count == nanos.length) {
                nanos = Arrays.copyOf(nanos, 2 * count);
            }
            nanos[count++] = now - due;
            due = gap == 0 ? now : due + gap;
        }
        return Arrays.copyOf(nanos, count);
    }

    @Override
    public void close() throws IOException {
        threads.shutdownNow();
        for (Connection connection : connections) {
            connection.socket.close();
        }
    }
}
