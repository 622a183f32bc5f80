package org.tonle.pipeline;

import java.util.Arrays;

/** Keys of 128 bits with the time of each, in open addressing over primitive arrays. */
final class KeyTable {
    static final long ABSENT = Long.MIN_VALUE;
    private static final int SMALLEST = 1 << 10;

    private long[] highs = new long[0];
    private long[] lows = new long[0];
    private long[] times = new long[0];
    private int size;

    KeyTable() {
        allocate(SMALLEST);
    }

    private void allocate(int slots) {
        highs = new long[slots];
        lows = new long[slots];
        times = new long[slots];
        Arrays.fill(times, ABSENT);
        size = 0;
    }

    int size() {
        return size;
    }

    void clear() {
        if (size > 0) {
            allocate(SMALLEST);
        }
    }

    /** The key's time, or {@link #ABSENT}. */
    long get(long high, long low) {
        return times[slot(high, low)];
    }

    void put(long high, long low, long time) {
        if (size >= highs.length / 2) {
            grow();
        }
        int slot = slot(high, low);
        if (times[slot] == ABSENT) {
            highs[slot] = high;
            lows[slot] = low;
            size++;
        }
        times[slot] = time;
    }

    private int slot(long high, long low) {
        int mask = highs.length - 1;
        int slot = (int) low & mask;
        while (times[slot] != ABSENT && (highs[slot] != high || lows[slot] != low)) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldHighs = highs;
        long[] oldLows = lows;
        long[] oldTimes = times;
        allocate(oldHighs.length * 2);
        for (int i = 0; i < oldTimes.length; i++) {
            if (oldTimes[i] != ABSENT) {
                put(oldHighs[i], oldLows[i], oldTimes[i]);
            }
        }
    }

    /** Takes an entry. */
    interface Visitor {
        void visit(long high, long low, long time);
    }

    /** Every entry, in no order. */
    void forEach(Visitor visitor) {
        for (int i = 0; i < times.length; i++) {
            if (times[i] != ABSENT) {
                visitor.visit(highs[i], lows[i], times[i]);
            }
        }
    }

    /** Every entry, ordered by key. */
    void forEachSorted(Visitor visitor) {
        Integer[] order = new Integer[size];
        int next = 0;
        for (int i = 0; i < times.length; i++) {
            if (times[i] != ABSENT) {
                order[next++] = i;
            }
        }
        Arrays.sort(
                order,
                (a, b) -> {
                    int byHigh = Long.compareUnsigned(highs[a], highs[b]);
                    return byHigh != 0 ? byHigh : Long.compareUnsigned(lows[a], lows[b]);
                });
        for (int slot : order) {
            visitor.visit(highs[slot], lows[slot], times[slot]);
        }
    }
}
