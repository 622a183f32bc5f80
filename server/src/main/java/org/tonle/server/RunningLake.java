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
import org.tonle.query.RunningQuery;

/** A lake of this process behind the doors. */
final class RunningLake implements Backend {
    private final Lake lake;

    RunningLake(Lake lake) {
        this.lake = lake;
    }

    private record RunningRows(RunningQuery query) implements Rows {
        @Override
        public long seq() {
            return query.seq();
        }

        @Override
        public void writeTo(OutputStream out, RowFormat format) {
            query.writeTo(out, format);
        }

        @Override
        public void cancel() {
            query.cancel();
        }

        @Override
        public void close() {
            query.close();
        }
    }

    @Override
    public Optional<SourceDefinition> source(String name) {
        return lake.definition().source(name);
    }

    @Override
    public IngestReceipt ingest(
            String source,
            byte[] body,
            String contentType,
            Optional<String> idempotencyKey,
            Map<String, String> headers) {
        return lake.ingest(source, body, contentType, idempotencyKey, headers);
    }

    @Override
    public Rows query(String sql) {
        return new RunningRows(lake.query(sql));
    }

    @Override
    public List<TableStatus> tables() {
        return lake.tables();
    }

    @Override
    public Optional<String> notReady() {
        return lake.notReady();
    }
}
