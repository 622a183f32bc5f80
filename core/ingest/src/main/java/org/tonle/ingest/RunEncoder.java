package org.tonle.ingest;

/**
 * Parquet's RLE encoding of levels and dictionary ids, for values that come in long runs: only runs
 * are written, never bit-packed groups, so that a value costs a comparison.
 */
final class RunEncoder {
    private final PageBuffer out;
    private final int valueBytes;
    private int value;
    private int count;

    /**
     * @param bitWidth of the largest value
     */
    RunEncoder(PageBuffer out, int bitWidth) {
        this.out = out;
        this.valueBytes = (bitWidth + 7) / 8;
    }

    /** {@code times} values {@code next}. */
    void add(int next, int times) {
        if (next != value) {
            flush();
            value = next;
        }
        count += times;
    }

    /** To be called behind the last value. */
    void flush() {
        if (count > 0) {
            out.writeVarInt(count << 1);
            for (int i = 0; i < valueBytes; i++) {
                out.write(value >>> (8 * i));
            }
            count = 0;
        }
    }
}
