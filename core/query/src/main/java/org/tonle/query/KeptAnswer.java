package org.tonle.query;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** An answer as it is kept: its bytes, and behind them how many rows they are. */
final class KeptAnswer {
    private static final int ROWS = Long.BYTES;

    private final byte[] value;

    /**
     * @param value as {@link #value} gave it
     */
    KeptAnswer(byte[] value) {
        this.value = value;
    }

    static KeptAnswer of(byte[] answer, long rows) {
        byte[] value = Arrays.copyOf(answer, answer.length + ROWS);
        ByteBuffer.wrap(value).putLong(answer.length, rows);
        return new KeptAnswer(value);
    }

    /** The longest answer that fits into a value. */
    static int longest(int largestValue) {
        return Math.max(0, largestValue - ROWS);
    }

    /** Not to be written to. */
    byte[] value() {
        return value;
    }

    /** How many bytes of {@link #value} are the answer's. */
    int length() {
        return value.length - ROWS;
    }

    long rows() {
        return ByteBuffer.wrap(value).getLong(length());
    }
}
