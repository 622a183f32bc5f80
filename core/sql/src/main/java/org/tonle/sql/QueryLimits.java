package org.tonle.sql;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * What a statement may take.
 *
 * @param timeout from start to the last row; then it is cancelled with TIMEOUT
 * @param memoryBytes at most for it alone, whatever else runs: what doesn't fit goes to disk, or it
 *     ends with OUT_OF_RESOURCES; empty: it shares what the engine has
 * @param spent what of the time is over already
 */
public record QueryLimits(Duration timeout, OptionalLong memoryBytes, Duration spent) {
    public QueryLimits {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("A time-out is longer than nothing: " + timeout);
        }
    }

    /** With all of its time before it. */
    public QueryLimits(Duration timeout, OptionalLong memoryBytes) {
        this(timeout, memoryBytes, Duration.ZERO);
    }

    /** The same when so much more of the time is over. */
    QueryLimits after(Duration more) {
        return new QueryLimits(timeout, memoryBytes, spent.plus(more));
    }

    /** What is left of the time, longer than nothing. */
    public Duration left() {
        Duration left = timeout.minus(spent);
        return left.isPositive() ? left : Duration.ofNanos(1);
    }

    /** Without memory of its own. */
    public QueryLimits(Duration timeout) {
        this(timeout, OptionalLong.empty());
    }
}
