package org.tonle.duckdb;

import java.io.IOException;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowReader;
import org.duckdb.DuckDBResultSet;
import org.jspecify.annotations.Nullable;

/** The rows of a query inside a session's own work. */
final class Batches implements AutoCloseable {
    private static final long BATCH_ROWS = 8192;

    private final Session session;
    private final Statement statement;
    private final ArrowReader reader;

    Batches(Session session, BufferAllocator allocator, String query) {
        record Open(Statement statement, ArrowReader reader) {}
        Open open =
                session.call(() -> {
                    Statement made = session.statement();
                    ArrowReader exported =
                            (ArrowReader)
                                    made.executeQuery(query)
                                            .unwrap(DuckDBResultSet.class)
                                            .arrowExportStream(allocator, BATCH_ROWS);
                    return new Open(made, exported);
                });
        this.session = session;
        this.statement = open.statement();
        this.reader = open.reader();
    }

    /** The next batch that has rows, until the one after; null if there is none. */
    @Nullable VectorSchemaRoot next() {
        Optional<VectorSchemaRoot> batch =
                session.call(() -> {
                    while (reader.loadNextBatch()) {
                        if (reader.getVectorSchemaRoot().getRowCount() > 0) {
                            return Optional.of(reader.getVectorSchemaRoot());
                        }
                    }
                    return Optional.empty();
                });
        if (batch.isEmpty()) {
            session.checkStopped();
        }
        return batch.orElse(null);
    }

    /** Frees the memory, of a session that was stopped too. */
    @Override
    public void close() {
        try {
            reader.close();
            statement.close();
        } catch (IOException | SQLException e) {
            throw DuckErrors.of(e);
        }
    }
}
