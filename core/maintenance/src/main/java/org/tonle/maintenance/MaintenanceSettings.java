package org.tonle.maintenance;

import java.time.Duration;

/**
 * What is kept of a lake, and how often it is looked what can go.
 *
 * @param history what the lake was can be read as of any time so far back
 * @param slowReaders so much longer states are kept for datasets that have yet to read them
 * @param grace how long files stay that nothing reaches; longer than a query may take
 * @param interval between two rounds
 */
public record MaintenanceSettings(
        Duration history, Duration slowReaders, Duration grace, Duration interval) {}
