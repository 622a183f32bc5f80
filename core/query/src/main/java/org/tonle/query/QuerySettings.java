package org.tonle.query;

import java.time.Duration;

/**
 * What queries may take.
 *
 * @param concurrent how many run at once
 * @param queueTime how long one waits for its turn before it is refused as OVERLOADED
 * @param timeout from start to the last row, then TIMEOUT
 * @param maxRows most rows of a result; then OUT_OF_RESOURCES
 * @param maxBytes most bytes of a result as it is written; then OUT_OF_RESOURCES
 */
public record QuerySettings(
        int concurrent, Duration queueTime, Duration timeout, long maxRows, long maxBytes) {
    public static final QuerySettings DEFAULT =
            new QuerySettings(
                    8, Duration.ofSeconds(10), Duration.ofMinutes(5), 100_000_000L, 10L << 30);

    public QuerySettings {
        if (timeout.isNegative() || timeout.isZero() || queueTime.isNegative()) {
            throw new IllegalArgumentException("A query needs time: " + timeout + ", " + queueTime);
        }
        if (concurrent < 1 || maxRows < 1 || maxBytes < 1) {
            throw new IllegalArgumentException(
                    "A query needs a turn, a row and a byte at least, not "
                            + concurrent
                            + ", "
                            + maxRows
                            + " and "
                            + maxBytes);
        }
    }
}
