package org.tonle.ingest;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Requests by their key, in one piece of memory outside of the heap: 40 bytes each, between half
 * and four fifths full. Not safe for concurrent use.
 */
final class KeyTable {
    private static final long MICROS_PER_SECOND = 1_000_000L;
    private static final long HASH_MASK = RequestKey.SHORT_HASH_MASK;
    private static final int LARGEST_PARTITION = 0xfffe;

    /**
     * What is remembered of a request.
     *
     * @param bodyHash see {@link RequestKey#shortHash}
     * @param ingestTimeMicros of a whole second, rounded down: the same whether it was remembered
     *     or read again
     */
    record Entry(long bodyHash, int partition, long position, int events, long ingestTimeMicros) {
        Entry {
            if (partition > LARGEST_PARTITION || (bodyHash & ~HASH_MASK) != 0) {
                throw new IllegalArgumentException("out of range: " + partition + ", " + bodyHash);
            }
            ingestTimeMicros =
                    Math.floorDiv(ingestTimeMicros, MICROS_PER_SECOND) * MICROS_PER_SECOND;
        }
    }

    /** In longs: the key, its other half, hash and partition + 1, position, events and seconds. */
    private static final int WIDTH = 5;

    private static final int HIGH = 0;
    private static final int LOW = 1;
    private static final int HASH = 2;
    private static final int POSITION = 3;
    private static final int REST = 4;

    private static final long SMALLEST = 1 << 8;

    private MemorySegment slots = allocate(SMALLEST);
    private long capacity = SMALLEST;
    private int size;

    private static MemorySegment allocate(long capacity) {
        // freed when nobody refers to it any more
        return Arena.ofAuto().allocate(capacity * WIDTH * Long.BYTES, Long.BYTES);
    }

    int size() {
        return size;
    }

    private static long get(MemorySegment slots, long slot, int field) {
        return slots.getAtIndex(ValueLayout.JAVA_LONG, slot * WIDTH + field);
    }

    private static void set(MemorySegment slots, long slot, int field, long value) {
        slots.setAtIndex(ValueLayout.JAVA_LONG, slot * WIDTH + field, value);
    }

    private static boolean isFree(MemorySegment slots, long slot) {
        return get(slots, slot, HASH) == 0;
    }

    private static long micros(MemorySegment slots, long slot) {
        return (get(slots, slot, REST) & 0xffffffffL) * MICROS_PER_SECOND;
    }

    Optional<Entry> find(RequestKey key) {
        long slot = slot(slots, capacity, key.high(), key.low());
        if (isFree(slots, slot)) {
            return Optional.empty();
        }
        long hash = get(slots, slot, HASH);
        return Optional.of(
                new Entry(
                        hash & HASH_MASK,
                        (int) (hash >>> 48) - 1,
                        get(slots, slot, POSITION),
                        (int) (get(slots, slot, REST) >>> 32),
                        micros(slots, slot)));
    }

    /**
     * Puts or replaces.
     *
     * @param horizonMicros entries older than this may be forgotten when room is needed
     */
    void put(RequestKey key, Entry entry, long horizonMicros) {
        if ((size + 1) * 5L > capacity * 4) {
            rebuild(horizonMicros);
        }
        long slot = slot(slots, capacity, key.high(), key.low());
        if (isFree(slots, slot)) {
            size++;
        }
        set(slots, slot, HIGH, key.high());
        set(slots, slot, LOW, key.low());
        set(slots, slot, HASH, (entry.partition() + 1L) << 48 | entry.bodyHash());
        set(slots, slot, POSITION, entry.position());
        long seconds = entry.ingestTimeMicros() / MICROS_PER_SECOND;
        set(slots, slot, REST, ((long) entry.events() << 32) | (seconds & 0xffffffffL));
    }

    /** Forgets what is older. */
    void expire(long horizonMicros) {
        rebuild(horizonMicros);
    }

    private void rebuild(long horizonMicros) {
        int kept = 0;
        for (long slot = 0; slot < capacity; slot++) {
            if (!isFree(slots, slot) && micros(slots, slot) >= horizonMicros) {
                kept++;
            }
        }
        // half full after a rebuild, so that the next one is far away
        long larger = Math.max(SMALLEST, 2L * kept);
        MemorySegment fresh = allocate(larger);
        for (long from = 0; from < capacity; from++) {
            if (!isFree(slots, from) && micros(slots, from) >= horizonMicros) {
                long to = slot(fresh, larger, get(slots, from, HIGH), get(slots, from, LOW));
                MemorySegment.copy(
                        slots,
                        from * WIDTH * Long.BYTES,
                        fresh,
                        to * WIDTH * Long.BYTES,
                        (long) WIDTH * Long.BYTES);
            }
        }
        slots = fresh;
        capacity = larger;
        size = kept;
    }

    /** Where the key is, or the free slot where it belongs. */
    private static long slot(MemorySegment slots, long capacity, long high, long low) {
        // the key is a cryptographic hash: its bits need no mixing, only to be spread
        long slot = Math.unsignedMultiplyHigh(low, capacity);
        while (true) {
            if (isFree(slots, slot)
                    || (get(slots, slot, HIGH) == high && get(slots, slot, LOW) == low)) {
                return slot;
            }
            slot++;
            if (slot == capacity) {
                slot = 0;
            }
        }
    }
}
