package org.tonle.server;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.tonle.spi.ErrorCode;

/** Lets a number of requests of one kind in at once, and none once the server is stopping. */
final class Gate {
    private final String what;
    private final int most;
    private final Semaphore free;
    private final AtomicBoolean stopping;

    Gate(String what, int most, AtomicBoolean stopping) {
        this.what = what;
        this.most = most;
        this.free = new Semaphore(most);
        this.stopping = stopping;
    }

    /** One request that is inside. */
    final class Pass implements AutoCloseable {
        private final AtomicBoolean left = new AtomicBoolean();

        @Override
        public void close() {
            if (left.compareAndSet(false, true)) {
                free.release();
            }
        }
    }

    /** Never waits. */
    Pass enter() {
        if (stopping.get()) {
            throw new DoorException(
                    ErrorCode.NOT_READY,
                    "the lake is stopping",
                    null,
                    "retry when it is up again; with the same Idempotency-Key nothing is doubled");
        }
        if (!free.tryAcquire()) {
            throw new DoorException(
                    ErrorCode.OVERLOADED,
                    "more than " + most + " " + what + " at once",
                    null,
                    "retry after a while");
        }
        return new Pass();
    }

    int inside() {
        return most - free.availablePermits();
    }
}
