package org.tonle.lake;

import java.util.concurrent.atomic.AtomicInteger;
import org.tonle.spi.FailPoints;

/**
 * Ends the process at the n-th time that a fail point is reached, as a power cut would: no shutdown
 * hook runs, nothing is flushed.
 */
public final class HaltAt implements FailPoints {
    /** The exit status of a process that was ended by a fail point. */
    public static final int EXIT_STATUS = 137;

    private final String name;
    private final AtomicInteger left;

    private HaltAt(String name, int times) {
        this.name = name;
        this.left = new AtomicInteger(times);
    }

    /**
     * Reads {@code name} or {@code name:n}.
     *
     * @throws IllegalArgumentException if n is no positive number
     */
    public static FailPoints parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 0) {
            return new HaltAt(text, 1);
        }
        int times = Integer.parseInt(text.substring(colon + 1));
        if (times < 1) {
            throw new IllegalArgumentException("not a number of times: " + text);
        }
        return new HaltAt(text.substring(0, colon), times);
    }

    @Override
    public void reach(String reached) {
        if (reached.equals(name) && left.decrementAndGet() == 0) {
            // stderr is unbuffered: a test reads here that the point was really reached
            System.err.println("halted at " + name);
            Runtime.getRuntime().halt(EXIT_STATUS);
        }
    }
}
