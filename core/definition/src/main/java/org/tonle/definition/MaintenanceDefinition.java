package org.tonle.definition;

import java.time.Duration;
import java.util.Map;

/**
 * What is kept of a lake, and for how long.
 *
 * @param history what the lake was can be read as of any time so far back
 * @param slowReaders so much longer states are kept for datasets that have yet to read them
 * @param grace how long files stay that nothing reaches; longer than a query may take
 * @param interval how often it is looked what can go
 * @param rows how long a table keeps a row since it was taken in, by namespace; of others for ever
 */
public record MaintenanceDefinition(
        Duration history,
        Duration slowReaders,
        Duration grace,
        Duration interval,
        Map<String, Duration> rows) {
    /**
     * Rows stay that long at least: a repeat of an event is known for one by the row that it
     * repeats.
     */
    public static final Duration LEAST_ROWS = Duration.ofDays(7);

    public MaintenanceDefinition {
        rows = Map.copyOf(rows);
    }
}
