package org.tonle.pipeline;

/**
 * Keys of 128 bits with the time of each, in open addressing over one primitive array. The bits of
 * a key are a hash's: evenly spread, whatever the keys are.
 */
final class KeyTable {
    static final long ABSENT = Long.MIN_VALUE;
    private static final int SMALLEST = 1 << 10;

    /** An empty table keeps no more slots than these, 12 MB. */
    private static final int MOST_KEPT = 1 << 19;

    /** High half, low half and time of an entry lie together: looking it up reads one place. */
    private static final int ENTRY = 3;

    private static final int TIME = 2;

    private long[] entries = new long[0];
    private int slots;
    private int size;

    KeyTable() {
        allocate(SMALLEST);
    }

    private void allocate(int count) {
        slots = count;
        entries = new long[count * ENTRY];
        for (int i = TIME; i < entries.length; i += ENTRY) {
            entries[i] = ABSENT;
        }
        size = 0;
    }

    int size() {
        return size;
    }

    /** Forgets all; what was needed for it is expected to be needed again. */
    void clear() {
        if (size > 0) {
            allocate(Math.clamp(2L * Integer.highestOneBit(size), SMALLEST, MOST_KEPT));
        }
    }

    /** The key's time, or {@link #ABSENT}. */
    long get(long high, long low) {
        return entries[place(high, low) + TIME];
    }

    void put(long high, long low, long time) {
        if (size >= slots / 2) {
            grow();
        }
        int place = place(high, low);
        if (entries[place + TIME] == ABSENT) {
            entries[place] = high;
            entries[place + 1] = low;
            size++;
        }
        entries[place + TIME] = time;
    }

    private int place(long high, long low) {
        int mask = slots - 1;
        int slot = (int) low & mask;
        while (true) {
            int place = slot * ENTRY;
            if (entries[place + TIME] == ABSENT
                    || (entries[place] == high && entries[place + 1] == low)) {
                return place;
            }
            slot = (slot + 1) & mask;
        }
    }

    private void grow() {
        long[] old = entries;
        allocate(slots * 2);
        for (int i = 0; i < old.length; i += ENTRY) {
            if (old[i + TIME] != ABSENT) {
                put(old[i], old[i + 1], old[i + TIME]);
            }
        }
    }

    /** Takes an entry. */
    interface Visitor {
        void visit(long high, long low, long time);
    }

    /** Every entry, in no order. */
    void forEach(Visitor visitor) {
        for (int i = 0; i < entries.length; i += ENTRY) {
            if (entries[i + TIME] != ABSENT) {
                visitor.visit(entries[i], entries[i + 1], entries[i + TIME]);
            }
        }
    }

    /** Every entry, ordered by key. */
    void forEachSorted(Visitor visitor) {
        for (int place : sorted()) {
            visitor.visit(entries[place], entries[place + 1], entries[place + TIME]);
        }
    }

    /**
     * Where the entries lie, in their order: first they are dealt out by their leading bits, which
     * leaves one or two in each bucket since they are evenly spread, then those are put in order.
     */
    private int[] sorted() {
        int bits = Math.max(1, Integer.SIZE - Integer.numberOfLeadingZeros(size));
        int[] ends = new int[1 << bits];
        for (int i = 0; i < entries.length; i += ENTRY) {
            if (entries[i + TIME] != ABSENT) {
                ends[bucket(i, bits)]++;
            }
        }
        for (int i = 1; i < ends.length; i++) {
            ends[i] += ends[i - 1];
        }
        int[] order = new int[size];
        for (int i = 0; i < entries.length; i += ENTRY) {
            if (entries[i + TIME] != ABSENT) {
                order[--ends[bucket(i, bits)]] = i;
            }
        }
        for (int i = 1; i < size; i++) {
            int moved = order[i];
            int to = i;
            while (to > 0 && isLess(moved, order[to - 1])) {
                order[to] = order[to - 1];
                to--;
            }
            order[to] = moved;
        }
        return order;
    }

    private int bucket(int place, int bits) {
        return (int) (entries[place] >>> (Long.SIZE - bits));
    }

    private boolean isLess(int place, int other) {
        int byHigh = Long.compareUnsigned(entries[place], entries[other]);
        return byHigh != 0
                ? byHigh < 0
                : Long.compareUnsigned(entries[place + 1], entries[other + 1]) < 0;
    }
}
