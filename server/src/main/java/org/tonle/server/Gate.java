package org.tonle.server;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.Principal;

/** Lets a number of requests of one kind in at once, and none once the server is stopping. */
final class Gate {
    private final String what;
    private final int most;
    private final AtomicBoolean stopping;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Integer> owned = new HashMap<>();
    private int inside;

    Gate(String what, int most, AtomicBoolean stopping) {
        this.what = what;
        this.most = most;
        this.stopping = stopping;
    }

    /** One request that is inside. */
    final class Pass implements AutoCloseable {
        private final String owner;
        private final AtomicBoolean left = new AtomicBoolean();

        private Pass(String owner) {
            this.owner = owner;
        }

        @Override
        public void close() {
            if (left.compareAndSet(false, true)) {
                lock.lock();
                try {
                    inside--;
                    owned.computeIfPresent(owner, (name, n) -> n == 1 ? null : n - 1);
                } finally {
                    lock.unlock();
                }
            }
        }
    }

    /** Takes any free place. Never waits. */
    Pass enter() {
        return enter("", false);
    }

    /**
     * Takes a free place if more are free than this principal has: whoever is alone gets half of
     * all, and however many push in, one who comes then finds a place. Never waits.
     */
    Pass enter(Principal principal) {
        return enter(principal.name(), true);
    }

    private Pass enter(String owner, boolean fair) {
        if (stopping.get()) {
            throw new DoorException(
                    ErrorCode.NOT_READY,
                    "the lake is stopping",
                    null,
                    "retry when it is up again; with the same Idempotency-Key nothing is doubled");
        }
        lock.lock();
        try {
            int own = owned.getOrDefault(owner, 0);
            if (inside >= most) {
                throw full("more than %d %s at once".formatted(most, what));
            }
            if (fair && own >= most - inside) {
                throw full(
                        "%d %s of yours at once; the other places are kept for others"
                                .formatted(own, what));
            }
            inside++;
            owned.put(owner, own + 1);
            return new Pass(owner);
        } finally {
            lock.unlock();
        }
    }

    private static DoorException full(String detail) {
        return new DoorException(ErrorCode.OVERLOADED, detail, null, "retry after a while");
    }

    int inside() {
        lock.lock();
        try {
            return inside;
        } finally {
            lock.unlock();
        }
    }
}
