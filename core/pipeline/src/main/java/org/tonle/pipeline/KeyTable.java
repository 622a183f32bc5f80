package org.tonle.pipeline;

/**
 * Keys of 128 bits with the time of each, in open addressing over one primitive array. The bits of
 * a key are a hash's: evenly spread, whatever the keys are. A key's place is given by its leading
 * bits, so that entries lie nearly in their order: to sort them, or to put them into another table,
 * goes through memory once from its beginning to its end.
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

    /** By so many bits a key's high half is longer than the number of a slot. */
    private int shift;

    private int size;

    KeyTable() {
        allocate(SMALLEST);
    }

    private void allocate(int count) {
        slots = count;
        shift = Long.SIZE - Integer.numberOfTrailingZeros(count);
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
            resize(2 * slots);
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
        int slot = (int) (high >>> shift);
        while (true) {
            int place = slot * ENTRY;
            if (entries[place + TIME] == ABSENT
                    || (entries[place] == high && entries[place + 1] == low)) {
                return place;
            }
            slot = (slot + 1) & mask;
        }
    }

    /**
     * Makes room for so many entries. Entries of another table are put in nearly in their order,
     * and would crowd the first slots of one that has to grow meanwhile.
     */
    void reserve(int count) {
        if (count > slots / 2) {
            resize(2 * Integer.highestOneBit(2 * count - 1));
        }
    }

    private void resize(int count) {
        long[] old = entries;
        allocate(count);
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

    /** Where the entries lie, in their order: few are far from where they lie already. */
    private int[] sorted() {
        int[] order = new int[size];
        int count = 0;
        for (int i = 0; i < entries.length; i += ENTRY) {
            if (entries[i + TIME] != ABSENT) {
                int to = count++;
                while (to > 0 && isLess(i, order[to - 1])) {
                    order[to] = order[to - 1];
                    to--;
                }
                order[to] = i;
            }
        }
        return order;
    }

    private boolean isLess(int place, int other) {
        int byHigh = Long.compareUnsigned(entries[place], entries[other]);
        return byHigh != 0
                ? byHigh < 0
                : Long.compareUnsigned(entries[place + 1], entries[other + 1]) < 0;
    }
}
