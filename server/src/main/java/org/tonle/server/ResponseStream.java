package org.tonle.server;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.ResponseHeaders;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A response's body as a stream that waits for its reader. Nothing is sent before the buffer is
 * full for the first time, so that what fails early can still be answered with a status of its own.
 */
final class ResponseStream extends OutputStream {
    private static final int SIZE = 64 << 10;

    private final HttpResponseWriter writer;
    private final ResponseHeaders headers;
    private final Duration patience;

    private byte[] buffer = new byte[SIZE];
    private int filled;
    private boolean started;

    /**
     * @param patience how long one chunk may wait for a reader that doesn't read
     */
    ResponseStream(HttpResponseWriter writer, ResponseHeaders headers, Duration patience) {
        this.writer = writer;
        this.headers = headers;
        this.patience = patience;
    }

    /** Whether the status is sent already. */
    boolean started() {
        return started;
    }

    @Override
    public void write(int b) throws IOException {
        if (filled == SIZE) {
            send();
        }
        buffer[filled++] = (byte) b;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        int from = offset;
        int left = length;
        while (left > 0) {
            if (filled == SIZE) {
                send();
            }
            int n = Math.min(left, SIZE - filled);
            System.arraycopy(bytes, from, buffer, filled, n);
            filled += n;
            from += n;
            left -= n;
        }
    }

    private void send() throws IOException {
        if (!started) {
            started = true;
            offer(writer.tryWrite(headers));
        }
        offer(writer.tryWrite(HttpData.wrap(buffer, 0, filled)));
        // the one sent belongs to the writer now
        buffer = new byte[SIZE];
        filled = 0;
        try {
            writer.whenConsumed().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("stopped while sending");
        } catch (TimeoutException e) {
            throw new IOException("the client stopped reading for " + patience, e);
        } catch (ExecutionException e) {
            throw new IOException("the client went away", e);
        }
    }

    private static void offer(boolean taken) throws IOException {
        if (!taken) {
            throw new IOException("the client went away");
        }
    }

    /** Sends the rest; a body that fits into the buffer says its length. */
    @Override
    public void close() throws IOException {
        if (!started) {
            started = true;
            offer(
                    writer.tryWrite(
                            headers.toBuilder()
                                    .setInt(HttpHeaderNames.CONTENT_LENGTH, filled)
                                    .build()));
        }
        if (filled > 0) {
            offer(writer.tryWrite(HttpData.wrap(buffer, 0, filled)));
            filled = 0;
        }
        writer.close();
    }
}
