package org.tonle.pipeline;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.tonle.catalog.ChangeRange;

/**
 * How datasets run.
 *
 * @param refreshInterval least time between two recomputations of one materialized view
 * @param batch how much of its input a streaming run takes at once
 * @param window how far apart two rows of one key may be and still be the same row
 * @param temporary an existing directory for what can be rebuilt
 * @param compactionFanIn how many small files of a streaming table become one
 * @param rows how long a streaming table, or a quarantine, keeps a row since it was taken in, by
 *     namespace; no shorter than the window, and of others for ever
 * @param rowsInterval how often it is looked which rows can go
 */
public record PipelineSettings(
        Duration refreshInterval,
        ChangeRange.Limit batch,
        Duration window,
        Path temporary,
        int compactionFanIn,
        Map<String, Duration> rows,
        Duration rowsInterval) {
    /** Small rows are as much work by their number as large ones by their bytes. */
    public static final ChangeRange.Limit DEFAULT_BATCH =
            new ChangeRange.Limit(32L << 20, 2_000_000);

    public static final Duration DEFAULT_WINDOW = Duration.ofDays(7);
    public static final int DEFAULT_COMPACTION_FAN_IN = 16;

    public PipelineSettings {
        rows = Map.copyOf(rows);
    }

    public PipelineSettings(
            Duration refreshInterval,
            Path temporary,
            Map<String, Duration> rows,
            Duration rowsInterval) {
        this(
                refreshInterval,
                DEFAULT_BATCH,
                DEFAULT_WINDOW,
                temporary,
                DEFAULT_COMPACTION_FAN_IN,
                rows,
                rowsInterval);
    }
}
