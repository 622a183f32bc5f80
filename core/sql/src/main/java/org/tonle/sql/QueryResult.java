package org.tonle.sql;

import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.Schema;

/**
 * Rows of a running query, in batches. Used by one thread at a time, except {@link #cancel};
 * closing stops the query if it still runs and frees its memory.
 */
public interface QueryResult extends AutoCloseable {
    /** The columns, named and typed as the statement says. */
    Schema schema();

    /**
     * Moves on to the next batch.
     *
     * @return false if there is none
     * @throws org.tonle.spi.LakeException what stopped the query: INVALID_VALUE, TIMEOUT,
     *     CANCELLED, OUT_OF_RESOURCES
     */
    boolean next();

    /** The current batch: overwritten by {@link #next}, freed by {@link #close}. */
    VectorSchemaRoot batch();

    /** Makes the query end soon with CANCELLED. From any thread, any number of times. */
    void cancel();

    @Override
    void close();
}
