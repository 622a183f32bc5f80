package org.tonle.pipeline;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How datasets run.
 *
 * @param refreshInterval least time between two recomputations of one materialized view
 * @param batchBytes a streaming run ends with the commit that brings its input files to this size
 * @param window how far apart two rows of one key may be and still be the same row
 * @param temporary an existing directory for what can be rebuilt
 * @param compactionFanIn how many small files of a streaming table become one
 */
public record PipelineSettings(
        Duration refreshInterval,
        long batchBytes,
        Duration window,
        Path temporary,
        int compactionFanIn) {
    public static final long DEFAULT_BATCH_BYTES = 32L << 20;
    public static final Duration DEFAULT_WINDOW = Duration.ofDays(7);
    public static final int DEFAULT_COMPACTION_FAN_IN = 16;

    public PipelineSettings(Duration refreshInterval, Path temporary) {
        this(
                refreshInterval,
                DEFAULT_BATCH_BYTES,
                DEFAULT_WINDOW,
                temporary,
                DEFAULT_COMPACTION_FAN_IN);
    }
}
