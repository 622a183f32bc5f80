package org.tonle.ingest;

import java.util.Optional;

/**
 * Requests by their key, in one array of longs: 48 bytes each at most two thirds full. Not safe for
 * concurrent use.
 */
final class KeyTable {
    /**
     * What is remembered of a request.
     *
     * @param bodyHash see {@link RequestKey#shortHash}
     */
    record Entry(long bodyHash, int partition, long position, int events, long ingestTimeMicros) {}

    private static final int WIDTH = 6;
    private static final int HIGH = 0;
    private static final int LOW = 1;
    private static final int HASH = 2;
    private static final int POSITION = 3;
    private static final int TIME = 4;

    /** Events in the low half; the partition, plus one so that a used slot is never zero, above. */
    private static final int REST = 5;

    private static final int SMALLEST = 1 << 8;

    private long[] slots = new long[SMALLEST * WIDTH];
    private int size;

    int size() {
        return size;
    }

    Optional<Entry> find(RequestKey key) {
        int slot = slot(slots, key.high(), key.low());
        if (slots[slot + REST] == 0) {
            return Optional.empty();
        }
        return Optional.of(
                new Entry(
                        slots[slot + HASH],
                        (int) (slots[slot + REST] >>> 32) - 1,
                        slots[slot + POSITION],
                        (int) slots[slot + REST],
                        slots[slot + TIME]));
    }

    /**
     * Puts or replaces.
     *
     * @param horizonMicros entries older than this may be forgotten when room is needed
     */
    void put(RequestKey key, Entry entry, long horizonMicros) {
        if ((size + 1) * 3L > capacity() * 2L) {
            rebuild(horizonMicros);
        }
        int slot = slot(slots, key.high(), key.low());
        if (slots[slot + REST] == 0) {
            size++;
        }
        slots[slot + HIGH] = key.high();
        slots[slot + LOW] = key.low();
        slots[slot + HASH] = entry.bodyHash();
        slots[slot + POSITION] = entry.position();
        slots[slot + TIME] = entry.ingestTimeMicros();
        slots[slot + REST] = ((long) entry.partition() + 1) << 32 | (entry.events() & 0xffffffffL);
    }

    /** Forgets what is older. */
    void expire(long horizonMicros) {
        rebuild(horizonMicros);
    }

    private int capacity() {
        return slots.length / WIDTH;
    }

    private void rebuild(long horizonMicros) {
        int kept = 0;
        for (int slot = 0; slot < slots.length; slot += WIDTH) {
            if (slots[slot + REST] != 0 && slots[slot + TIME] >= horizonMicros) {
                kept++;
            }
        }
        int capacity = SMALLEST;
        // half full after a rebuild, so that the next one is far away
        while (capacity < 2L * (kept + 1)) {
            capacity <<= 1;
        }
        long[] fresh = new long[Math.multiplyExact(capacity, WIDTH)];
        for (int from = 0; from < slots.length; from += WIDTH) {
            if (slots[from + REST] != 0 && slots[from + TIME] >= horizonMicros) {
                System.arraycopy(
                        slots, from, fresh, slot(fresh, slots[from], slots[from + LOW]), WIDTH);
            }
        }
        slots = fresh;
        size = kept;
    }

    /** Where the key is, or the free slot where it belongs. */
    private static int slot(long[] slots, long high, long low) {
        int capacity = slots.length / WIDTH;
        // the key is a cryptographic hash: its bits need no mixing
        int index = (int) low & (capacity - 1);
        while (true) {
            int slot = index * WIDTH;
            if (slots[slot + REST] == 0 || (slots[slot] == high && slots[slot + LOW] == low)) {
                return slot;
            }
            index = (index + 1) & (capacity - 1);
        }
    }
}
