package org.tonle.sql;

import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarCharVector;

/**
 * Keys of rows in the order in which they are asked about. Valid only during the call that it is
 * handed to.
 */
public final class KeyBatch {
    private final VarCharVector keys;
    private final BigIntVector ingestTimes;

    /**
     * @param keys no nulls
     * @param ingestTimes microseconds since 1970 in UTC, no nulls, as many as keys
     */
    public KeyBatch(VarCharVector keys, BigIntVector ingestTimes) {
        this.keys = keys;
        this.ingestTimes = ingestTimes;
    }

    public int size() {
        return keys.getValueCount();
    }

    /** The key of row {@code i} in UTF-8. */
    public byte[] key(int i) {
        return keys.get(i);
    }

    /** When row {@code i} was taken in, in microseconds since 1970 in UTC. */
    public long ingestTimeMicros(int i) {
        return ingestTimes.get(i);
    }
}
