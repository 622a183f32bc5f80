package org.tonle.query;

import java.io.OutputStream;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.iceberg.Schema;
import org.tonle.sql.QueryResult;

/** Rows of a running query, used by one thread except {@link #cancel}. */
public final class RunningQuery implements AutoCloseable {
    private final long seq;
    private final QueryResult result;
    private final Semaphore turns;
    private final AtomicBoolean closed = new AtomicBoolean();

    RunningQuery(long seq, QueryResult result, Semaphore turns) {
        this.seq = seq;
        this.result = result;
        this.turns = turns;
    }

    /** The commit as of which the query reads all its tables. */
    public long seq() {
        return seq;
    }

    public Schema schema() {
        return result.schema();
    }

    /** The rows as Arrow batches; moving on in it and {@link #writeTo} exclude each other. */
    public QueryResult batches() {
        return result;
    }

    /**
     * Writes all rows; the stream is flushed and stays open.
     *
     * @return how many rows there were
     * @throws org.tonle.spi.LakeException what stopped the query, perhaps after some rows
     */
    public long writeTo(OutputStream out, RowFormat format) {
        return RowWriter.write(result, out, format);
    }

    /** Makes the query end soon with CANCELLED. From any thread, any number of times. */
    public void cancel() {
        result.cancel();
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            try {
                result.close();
            } finally {
                turns.release();
            }
        }
    }
}
