package org.tonle.query;

import java.time.Duration;

/**
 * What queries may take.
 *
 * @param concurrent how many run at once
 * @param queueTime how long one waits for its turn before it is refused as OVERLOADED
 * @param timeout from start to the last row
 */
public record QuerySettings(int concurrent, Duration queueTime, Duration timeout) {
    public static final QuerySettings DEFAULT =
            new QuerySettings(8, Duration.ofSeconds(10), Duration.ofMinutes(5));
}
