package org.tonle.pipeline;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.KeyBatch;
import org.tonle.sql.KeyFilter;

/**
 * Keys whose rows left quarantine without entering their table: lets the first other row of each
 * through that such a row kept out, and no row of another key.
 */
final class FreedKeys implements KeyFilter {
    private final long windowMicros;
    private final Map<String, Times> keys = new HashMap<>();

    /** The mended rows themselves, by time and key. */
    private final Set<String> gone = new HashSet<>();

    private long earliest = Long.MAX_VALUE;
    private long latest = Long.MIN_VALUE;

    /**
     * When rows of a key were taken in.
     *
     * @param freed those that are gone
     * @param taken those that are there
     * @param open those that may be gone soon
     */
    private record Times(List<Long> freed, List<Long> taken, List<Long> open) {
        Times() {
            // nearly always one, and there are many of these
            this(new ArrayList<>(1), new ArrayList<>(1), new ArrayList<>(0));
        }
    }

    FreedKeys(long windowMicros) {
        this.windowMicros = windowMicros;
    }

    /**
     * A key is free since its row of that time is gone.
     *
     * @param mended whether it is gone because it was mended: as it came it is let in no more
     */
    void free(String key, long time, boolean mended) {
        keys.computeIfAbsent(key, none -> new Times()).freed().add(time);
        if (mended) {
            gone.add(time + " " + key);
        }
        earliest = Math.min(earliest, time);
        latest = Math.max(latest, time);
    }

    /**
     * Another row has that key, unless it is one that {@link #leaveOpen} was told of; of keys that
     * weren't said to be free nothing is kept.
     */
    void occupy(String key, long time) {
        Times times = keys.get(key);
        if (times != null && !times.open().contains(time)) {
            times.taken().add(time);
        }
    }

    /** Nobody knows yet whether a row that has that key now keeps it. */
    void leaveOpen(String key, long time) {
        Times times = keys.get(key);
        if (times != null) {
            times.open().add(time);
        }
    }

    /**
     * From when on rows may have been kept out by one that is gone: those that came late have an
     * earlier time than that one.
     */
    long earliest() {
        return earliest - windowMicros;
    }

    /** And up to when. */
    long latest() {
        return latest + windowMicros;
    }

    @Override
    public BitSet duplicates(KeyBatch batch) {
        BitSet duplicates = new BitSet(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            long time = batch.ingestTimeMicros(i);
            String key = new String(batch.key(i), StandardCharsets.UTF_8);
            Times times = keys.get(key);
            if (times == null
                    || gone.remove(time + " " + key)
                    || !isNear(times.freed(), time)
                    || isNear(times.taken(), time)) {
                duplicates.set(i);
            } else if (isNear(times.open(), time)) {
                throw new LakeException(
                        ErrorCode.INVALID_REQUEST,
                        "A row would get the key %s, which a later one of these rows has as it is; which of them is the repeat can't be said in parts. Replay fewer rows at once, with a WHERE that takes both, or one that leaves the other out."
                                .formatted(key));
            } else {
                times.taken().add(time);
            }
        }
        return duplicates;
    }

    private boolean isNear(List<Long> times, long time) {
        return times.stream().anyMatch(known -> Math.abs(time - known) <= windowMicros);
    }
}
