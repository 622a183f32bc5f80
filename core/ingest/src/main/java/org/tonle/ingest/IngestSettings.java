package org.tonle.ingest;

import java.time.Duration;

/**
 * How one process ingests.
 *
 * @param holder names this lake folder in leases: the same after a restart, another one in another
 *     process
 * @param commitInterval a file is committed when its first body was read this long ago
 * @param commitSizeBytes or when it holds this many bytes of bodies
 * @param rememberedKeys of one source; a request with an Idempotency-Key is refused as OVERLOADED
 *     while 24 hours hold more (50 to 80 bytes of memory each, outside of the heap)
 * @param compactionFanIn how many small files of one day and like size become one
 */
public record IngestSettings(
        String holder,
        Duration commitInterval,
        long commitSizeBytes,
        int rememberedKeys,
        int compactionFanIn) {
    public static final int DEFAULT_REMEMBERED_KEYS = 4_000_000;
    public static final int DEFAULT_COMPACTION_FAN_IN = 32;

    public IngestSettings(
            String holder, Duration commitInterval, long commitSizeBytes, int rememberedKeys) {
        this(holder, commitInterval, commitSizeBytes, rememberedKeys, DEFAULT_COMPACTION_FAN_IN);
    }
}
