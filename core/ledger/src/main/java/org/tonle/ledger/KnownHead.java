package org.tonle.ledger;

import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/** The newest commit that this process knows of, and when it last asked for it. Thread-safe. */
final class KnownHead {
    private final LongSupplier ask;
    private final AtomicLong seq = new AtomicLong(-1);
    private final ReentrantLock asking = new ReentrantLock();

    /** In {@link System#nanoTime}: what others committed before it is known. */
    private volatile long askedAt;

    private volatile boolean asked;

    KnownHead(LongSupplier ask) {
        this.ask = ask;
    }

    /** Asks the ledger. */
    long exact() {
        long now = System.nanoTime();
        long head = seen(ask.getAsLong());
        // of two that ask at once the later one may write first, which only ages what is known
        askedAt = now;
        asked = true;
        return head;
    }

    /** A commit there is. */
    long seen(long commit) {
        return seq.accumulateAndGet(commit, Math::max);
    }

    /** The newest commit that is known, if the ledger was asked at most {@code age} ago. */
    OptionalLong within(Duration age) {
        return asked && System.nanoTime() - askedAt <= age.toNanos()
                ? OptionalLong.of(seq.get())
                : OptionalLong.empty();
    }

    /** The same, asking if need be: once for all that wait for it. */
    long exactWithin(Duration age) {
        OptionalLong known = within(age);
        if (known.isPresent()) {
            return known.getAsLong();
        }
        asking.lock();
        try {
            OptionalLong meanwhile = within(age);
            return meanwhile.isPresent() ? meanwhile.getAsLong() : exact();
        } finally {
            asking.unlock();
        }
    }
}
