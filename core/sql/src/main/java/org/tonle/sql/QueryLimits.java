package org.tonle.sql;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * What a statement may take.
 *
 * @param timeout from start to the last row; then it is cancelled with TIMEOUT
 * @param memoryBytes at most for it alone, whatever else runs: what doesn't fit goes to disk, or it
 *     ends with OUT_OF_RESOURCES; empty: it shares what the engine has
 */
public record QueryLimits(Duration timeout, OptionalLong memoryBytes) {
    public QueryLimits {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("A time-out is longer than nothing: " + timeout);
        }
    }

    /** Without memory of its own. */
    public QueryLimits(Duration timeout) {
        this(timeout, OptionalLong.empty());
    }
}
