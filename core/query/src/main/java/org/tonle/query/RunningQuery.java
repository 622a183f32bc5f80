package org.tonle.query;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.Schema;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.QueryResult;

/** A running query's rows. For one thread, except {@link #cancel}; close it. */
public final class RunningQuery implements AutoCloseable {
    private final long seq;
    private final QueryResult result;
    private final QuerySettings.Limits limits;
    private final QueryObserver observer;
    private final Runnable onClose;
    private final AtomicBoolean closed = new AtomicBoolean();
    private long rows;
    private boolean complete;

    RunningQuery(
            long seq,
            QueryResult result,
            QuerySettings.Limits limits,
            QueryObserver observer,
            Runnable onClose) {
        this.seq = seq;
        this.result = result;
        this.limits = limits;
        this.observer = observer;
        this.onClose = onClose;
    }

    /** The commit whose tables are read. */
    public long seq() {
        return seq;
    }

    /** The columns in order. */
    public Schema schema() {
        return result.schema();
    }

    /**
     * Moves on to the next batch; false if there is none.
     *
     * @throws LakeException OUT_OF_RESOURCES beyond the most rows allowed, and what stopped the
     *     query
     */
    public boolean next() {
        try {
            return advance();
        } catch (RuntimeException e) {
            observer.failed(e, rows);
            throw e;
        }
    }

    private boolean advance() {
        if (!result.next()) {
            complete = true;
            return false;
        }
        rows += result.batch().getRowCount();
        if (rows > limits.maxRows()) {
            throw new LakeException(
                    ErrorCode.OUT_OF_RESOURCES,
                    "The result has more than "
                            + limits.maxRows()
                            + " rows, the most that are sent; add a LIMIT or aggregate");
        }
        return true;
    }

    /** The current batch, until the next. */
    public VectorSchemaRoot batch() {
        return result.batch();
    }

    /**
     * Writes all rows that are left; the stream is flushed and stays open.
     *
     * @return how many rows there were in all
     * @throws LakeException what stopped the query, perhaps after some rows
     * @throws UncheckedIOException if the stream takes no more
     */
    public long writeTo(OutputStream out, RowFormat format) {
        try {
            write(out, format, Long.MAX_VALUE);
            out.flush();
            return rows;
        } catch (IOException e) {
            observer.left(rows);
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            observer.failed(e, rows);
            throw e;
        }
    }

    /** As {@link #writeTo}, at most so many rows. */
    public void writeFirst(OutputStream out, RowFormat format, int most) {
        try {
            write(out, format, most);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All rows that are left of columns that are texts. */
    public List<@Nullable String[]> texts() {
        List<@Nullable String[]> texts = new ArrayList<>();
        while (next()) {
            VectorSchemaRoot batch = batch();
            for (int row = 0; row < batch.getRowCount(); row++) {
                @Nullable String[] values = new @Nullable String[batch.getFieldVectors().size()];
                for (int i = 0; i < values.length; i++) {
                    Object value = batch.getVector(i).getObject(row);
                    values[i] = value == null ? null : value.toString();
                }
                texts.add(values);
            }
        }
        return texts;
    }

    private void write(OutputStream out, RowFormat format, long most) throws IOException {
        Utf8Output text = new Utf8Output(out, limits.maxBytes());
        RowWriter writer =
                switch (format) {
                    case JSON -> JsonRows.array(text);
                    case NDJSON -> JsonRows.lines(text);
                    case CSV -> new CsvRows(text);
                };
        writer.begin(schema().columns());
        long left = most;
        while (left > 0 && next()) {
            int count = batch().getRowCount();
            if (count <= left) {
                writer.write(batch());
            } else {
                try (VectorSchemaRoot first = batch().slice(0, (int) left)) {
                    writer.write(first);
                }
            }
            left -= count;
        }
        writer.end();
        text.flush();
    }

    /** Makes the query end soon with CANCELLED. From any thread, any number of times. */
    public void cancel() {
        result.cancel();
    }

    /** Stops the query if it still runs and frees its memory. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            try {
                result.close();
            } finally {
                if (complete) {
                    observer.finished(rows);
                } else {
                    observer.left(rows);
                }
                onClose.run();
            }
        }
    }
}
