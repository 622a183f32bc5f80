package org.tonle.server;

import java.util.concurrent.atomic.AtomicLong;
import org.tonle.spi.ErrorCode;

/**
 * Bounds how many bytes of bodies are in memory at once, whatever the number of requests. Nobody
 * waits for it: who finds it empty is told to come back.
 */
final class ByteBudget {
    private final long total;
    private final AtomicLong taken = new AtomicLong();

    ByteBudget(long total) {
        this.total = total;
    }

    /** A part of the budget that belongs to one request. */
    final class Share implements AutoCloseable {
        private long mine;

        /** Takes so much more. */
        synchronized void grow(long bytes) {
            growTo(mine + bytes);
        }

        /** Takes more, up to what the request has taken in all. */
        synchronized void growTo(long bytes) {
            long more = bytes - mine;
            if (more <= 0) {
                return;
            }
            if (taken.addAndGet(more) > total) {
                taken.addAndGet(-more);
                throw new DoorException(
                        ErrorCode.OVERLOADED,
                        "too many bytes of requests are being taken in already",
                        null,
                        "retry after a while; smaller bodies find room sooner");
            }
            mine = bytes;
        }

        @Override
        public synchronized void close() {
            taken.addAndGet(-mine);
            mine = 0;
        }
    }

    Share share() {
        return new Share();
    }

    long taken() {
        return taken.get();
    }
}
