package org.tonle.sql;

import java.time.Duration;

/**
 * What a statement may take.
 *
 * @param timeout from start to the last row; then it is cancelled with TIMEOUT
 */
public record QueryLimits(Duration timeout) {
    public QueryLimits {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("A time-out is longer than nothing: " + timeout);
        }
    }
}
