package org.tonle.pipeline;

import com.google.common.hash.HashFunction;
import com.google.common.hash.Hashing;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.BitSet;
import org.tonle.sql.KeyBatch;
import org.tonle.sql.KeyFilter;

/**
 * The deduplication keys that a streaming table has taken in within its window: a cache over the
 * table and its quarantine, rebuilt from them after a crash or a failed run.
 *
 * <p>A key is kept as 128 bits of a keyed hash and the ingest time of its first row. The hash is
 * keyed by this process's own secret, so that nobody can make two ids that collide; by accident it
 * happens to one pair in 10^20 for 30 million keys.
 */
final class SeenKeys implements KeyFilter {
    private static final int SMALLEST = 1 << 12;
    private static final long FREE = Long.MIN_VALUE;

    private final long windowMicros;
    private final HashFunction high;
    private final HashFunction low;
    private long[] highs = new long[SMALLEST];
    private long[] lows = new long[SMALLEST];
    private long[] times = free(SMALLEST);
    private int size;
    private long newest = Long.MIN_VALUE;

    SeenKeys(Duration window) {
        this.windowMicros = window.toMillis() * 1000;
        SecureRandom random = new SecureRandom();
        this.high = Hashing.sipHash24(random.nextLong(), random.nextLong());
        this.low = Hashing.sipHash24(random.nextLong(), random.nextLong());
    }

    private static long[] free(int slots) {
        long[] times = new long[slots];
        java.util.Arrays.fill(times, FREE);
        return times;
    }

    int size() {
        return size;
    }

    /** Remembers a key that the tables hold. */
    void load(byte[] key, long ingestTimeMicros) {
        boolean unused = seen(key, ingestTimeMicros);
    }

    /**
     * Which rows of the batch repeat a key that came at most a window earlier; the keys of the
     * others are remembered from now on.
     */
    @Override
    public BitSet duplicates(KeyBatch batch) {
        BitSet duplicates = new BitSet(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            if (seen(batch.key(i), batch.ingestTimeMicros(i))) {
                duplicates.set(i);
            }
        }
        return duplicates;
    }

    private boolean seen(byte[] key, long time) {
        if (size >= highs.length / 2) {
            rehash();
        }
        newest = Math.max(newest, time);
        long h = high.hashBytes(key).asLong();
        long l = low.hashBytes(key).asLong();
        int slot = slot(h, l);
        if (times[slot] == FREE) {
            highs[slot] = h;
            lows[slot] = l;
            times[slot] = time;
            size++;
            return false;
        }
        if (Math.abs(time - times[slot]) <= windowMicros) {
            return true;
        }
        times[slot] = time;
        return false;
    }

    private int slot(long h, long l) {
        int mask = highs.length - 1;
        int slot = (int) h & mask;
        while (times[slot] != FREE && (highs[slot] != h || lows[slot] != l)) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    /**
     * Leaves out what is too old to matter to any row that may still come, then grows if needed.
     */
    private void rehash() {
        // rows come nearly in order of their ingest time; two windows leave one for latecomers
        long oldest = newest - 2 * windowMicros;
        int kept = 0;
        for (long time : times) {
            kept += time != FREE && time >= oldest ? 1 : 0;
        }
        int slots = highs.length;
        while (kept >= slots / 4) {
            slots *= 2;
        }
        long[] oldHighs = highs;
        long[] oldLows = lows;
        long[] oldTimes = times;
        highs = new long[slots];
        lows = new long[slots];
        times = free(slots);
        size = kept;
        for (int i = 0; i < oldTimes.length; i++) {
            if (oldTimes[i] != FREE && oldTimes[i] >= oldest) {
                int slot = slot(oldHighs[i], oldLows[i]);
                highs[slot] = oldHighs[i];
                lows[slot] = oldLows[i];
                times[slot] = oldTimes[i];
            }
        }
    }
}
