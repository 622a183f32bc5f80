package org.tonle.duckdb;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowReader;
import org.apache.iceberg.Schema;
import org.duckdb.DuckDBResultSet;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.QueryResult;

/** A running query's rows, exported as Arrow without copying. */
final class DuckDbResult implements QueryResult {
    /** As many as DuckDB computes at once: rows may be long. */
    private static final long BATCH_ROWS = 2048;

    /** What the driver says when a stream fails before its first row. */
    private static final String NO_REASON = "Invalid result set";

    private final Session session;
    private final Schema schema;
    private final Statement statement;
    private final ArrowReader reader;
    private boolean closed;

    private DuckDbResult(Session session, Schema schema, Statement statement, ArrowReader reader) {
        this.session = session;
        this.schema = schema;
        this.statement = statement;
        this.reader = reader;
    }

    static DuckDbResult start(
            Session session, Schema schema, String sql, BufferAllocator allocator) {
        return session.call(() -> {
            Statement statement = session.statement();
            ResultSet rows = execute(session, statement, sql);
            ArrowReader reader =
                    (ArrowReader)
                            rows.unwrap(DuckDBResultSet.class)
                                    .arrowExportStream(allocator, BATCH_ROWS);
            return new DuckDbResult(session, schema, statement, reader);
        });
    }

    /**
     * The driver asks for the columns of a stream before it looks whether its first rows failed,
     * and so drops the reason. Only running the statement again, without its rows, brings it back;
     * the session's deadline holds for both.
     */
    private static ResultSet execute(Session session, Statement statement, String sql)
            throws SQLException {
        try {
            return statement.executeQuery(sql);
        } catch (SQLException e) {
            if (String.valueOf(e.getMessage()).contains(NO_REASON)) {
                session.execute("EXPLAIN ANALYZE " + sql);
            }
            throw e;
        }
    }

    @Override
    public Schema schema() {
        return schema;
    }

    @Override
    public boolean next() {
        boolean more = session.call(reader::loadNextBatch);
        if (!more) {
            session.checkStopped();
        }
        return more;
    }

    @Override
    public VectorSchemaRoot batch() {
        try {
            return reader.getVectorSchemaRoot();
        } catch (java.io.IOException e) {
            throw DuckErrors.of(e);
        }
    }

    @Override
    public void cancel() {
        session.stop(new LakeException(ErrorCode.CANCELLED, "The statement was cancelled"));
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try (session) {
            cancel();
            reader.close();
            statement.close();
        } catch (java.io.IOException | SQLException e) {
            throw DuckErrors.of(e);
        }
    }
}
