package org.tonle.server;

import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tonle.definition.SourceDefinition;
import org.tonle.ingest.IngestReceipt;
import org.tonle.lake.Lake;
import org.tonle.lake.TableStatus;
import org.tonle.query.RowFormat;

/**
 * What the doors ask of a lake. Every call may block and is made on a virtual thread; errors are
 * {@link org.tonle.spi.LakeException}s.
 */
public interface Backend {
    /** Rows of a running query, used by one thread except {@link #cancel}. */
    interface Rows extends AutoCloseable {
        /** The commit whose tables the query reads. */
        long seq();

        /** Writes all rows. Called once. */
        void writeTo(OutputStream out, RowFormat format);

        /** Makes the query end soon. From any thread, any number of times. */
        void cancel();

        /** Stops the query if it still runs and frees its memory. */
        @Override
        void close();
    }

    /** A lake that runs in this process. */
    static Backend of(Lake lake) {
        return new RunningLake(lake);
    }

    /** The source of that name. */
    Optional<SourceDefinition> source(String name);

    /** Makes a request's events durable; returns when they are. */
    IngestReceipt ingest(
            String source,
            byte[] body,
            String contentType,
            Optional<String> idempotencyKey,
            Map<String, String> headers);

    /** Starts a query. Interrupting the calling thread cancels it. */
    Rows query(String sql);

    /** In the order of the data. */
    List<TableStatus> tables();

    /** Why the lake can't take requests now; empty if it can. */
    Optional<String> notReady();
}
