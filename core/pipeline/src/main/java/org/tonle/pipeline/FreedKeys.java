package org.tonle.pipeline;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tonle.sql.KeyBatch;
import org.tonle.sql.KeyFilter;

/**
 * Keys whose rows left quarantine without entering their table: lets the first other row of each
 * through, and no row of another key.
 */
final class FreedKeys implements KeyFilter {
    private final long windowMicros;

    /** When rows of each key were taken in. */
    private final Map<String, List<Long>> taken = new HashMap<>();

    /** The mended rows themselves, by time and key. */
    private final Set<String> gone = new HashSet<>();

    private long earliest = Long.MAX_VALUE;
    private long latest = Long.MIN_VALUE;

    FreedKeys(long windowMicros) {
        this.windowMicros = windowMicros;
    }

    /**
     * A key is free since its row of that time is gone.
     *
     * @param mended whether it is gone because it was mended: as it came it is let in no more
     */
    void free(String key, long time, boolean mended) {
        taken.computeIfAbsent(key, none -> new ArrayList<>());
        if (mended) {
            gone.add(time + " " + key);
        }
        earliest = Math.min(earliest, time);
        latest = Math.max(latest, time);
    }

    /** Another row has that key; of keys that weren't said to be free nothing is kept. */
    void occupy(String key, long time) {
        List<Long> rows = taken.get(key);
        if (rows != null) {
            rows.add(time);
        }
    }

    /** How far apart two rows of one key may be and still be the same row, in microseconds. */
    long window() {
        return windowMicros;
    }

    /** From when on rows may take a place that is free. */
    long earliest() {
        return earliest;
    }

    /** Up to when rows were kept out by one that is gone. */
    long latest() {
        return latest + windowMicros;
    }

    @Override
    public BitSet duplicates(KeyBatch batch) {
        BitSet duplicates = new BitSet(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            long time = batch.ingestTimeMicros(i);
            String key = new String(batch.key(i), StandardCharsets.UTF_8);
            List<Long> rows = taken.get(key);
            if (rows == null
                    || gone.remove(time + " " + key)
                    || rows.stream().anyMatch(known -> Math.abs(time - known) <= windowMicros)) {
                duplicates.set(i);
            } else {
                rows.add(time);
            }
        }
        return duplicates;
    }
}
