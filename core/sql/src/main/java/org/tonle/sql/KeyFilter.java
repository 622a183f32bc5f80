package org.tonle.sql;

import java.util.BitSet;

/**
 * Decides which rows of a streaming run are there already.
 *
 * <p>Each candidate of a run is asked about exactly once, in the order (ingest_time, partition,
 * position, index), or (_ingest_time, _key) where the input is a streaming table. A candidate whose
 * key came earlier in the same run is a duplicate too: the filter remembers what it was asked.
 */
@FunctionalInterface
public interface KeyFilter {
    /** Nothing is a duplicate. */
    KeyFilter NONE = batch -> new BitSet();

    /** Bit {@code i} is set if row {@code i} of the batch is a duplicate. */
    BitSet duplicates(KeyBatch batch);
}
