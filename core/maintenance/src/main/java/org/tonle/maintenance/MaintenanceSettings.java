package org.tonle.maintenance;

import java.time.Duration;
import java.util.Map;
import org.apache.iceberg.catalog.TableIdentifier;

/**
 * What is kept of a lake, and how often it is looked what can go.
 *
 * @param history what the lake was can be read as of any time so far back
 * @param slowReaders so much longer states are kept for datasets that have yet to read them
 * @param grace how long files stay that nothing reaches; longer than a query may take
 * @param interval between two rounds
 * @param rows tables of bronze, and how long they keep a row since it was taken in; whoever writes
 *     another table looks after its rows
 */
public record MaintenanceSettings(
        Duration history,
        Duration slowReaders,
        Duration grace,
        Duration interval,
        Map<TableIdentifier, Duration> rows) {
    public MaintenanceSettings {
        rows = Map.copyOf(rows);
    }
}
