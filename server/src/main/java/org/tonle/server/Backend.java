package org.tonle.server;

import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tonle.definition.SourceDefinition;

/**
 * What the doors ask of a lake. Every call may block and is made on a virtual thread; errors are
 * {@link org.tonle.spi.LakeException}s.
 */
public interface Backend {
    /**
     * What became durable.
     *
     * @param accepted events, at least 1
     * @param position of the one record that holds them, in {@code partition} of {@code topic}
     */
    record Receipt(int accepted, String topic, int partition, long position) {}

    /**
     * One table that is fed by the lake.
     *
     * @param name with its namespace
     * @param kind {@code source}, {@code streaming table} or {@code materialized view}
     * @param state {@code running} or {@code failing}
     * @param reason why it is failing
     * @param seq the commit that wrote it last; 0 if none has
     * @param lag commits (records, for a source) that it hasn't taken in yet
     */
    record Dataset(
            String name,
            String kind,
            String state,
            Optional<String> reason,
            long rows,
            long files,
            long seq,
            long lag) {}

    /** How rows are written. */
    enum Format {
        JSON,
        NDJSON,
        CSV
    }

    /** Rows of a running query, used by one thread except {@link #cancel}. */
    interface Rows extends AutoCloseable {
        /** The commit whose tables the query reads. */
        long seq();

        /** Writes all rows. Called once. */
        void writeTo(OutputStream out, Format format);

        /** Makes the query end soon. From any thread, any number of times. */
        void cancel();

        /** Stops the query if it still runs and frees its memory. */
        @Override
        void close();
    }

    /** The source of that name. */
    Optional<SourceDefinition> source(String name);

    /** Makes a request's events durable; returns when they are. */
    Receipt ingest(
            String source,
            byte[] body,
            String contentType,
            Optional<String> idempotencyKey,
            Map<String, String> headers);

    /** Starts a query. Interrupting the calling thread cancels it. */
    Rows query(String sql);

    List<Dataset> datasets();

    /** Why the lake can't take requests now; empty if it can. */
    Optional<String> notReady();
}
