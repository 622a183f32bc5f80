package org.tonle.pipeline;

import java.time.Duration;

/** The time behind a run in which no other begins, so that each finds more to do for its cost. */
final class Rest {
    private volatile boolean draining;
    private long until = System.nanoTime();

    /** How long it still is; zero or less if it is over. */
    Duration left() {
        return draining ? Duration.ZERO : Duration.ofNanos(until - System.nanoTime());
    }

    /** Begins now and lasts so many nanoseconds. */
    void begin(long nanos) {
        until = System.nanoTime() + nanos;
    }

    /** From now on there is none. From any thread. */
    void drain() {
        draining = true;
    }
}
