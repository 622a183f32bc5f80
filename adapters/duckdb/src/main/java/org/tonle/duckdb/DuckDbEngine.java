package org.tonle.duckdb;

import java.io.IOException;
import java.nio.file.Files;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.iceberg.types.Types;
import org.duckdb.DuckDBConnection;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.BoundStream;
import org.tonle.sql.BoundTable;
import org.tonle.sql.EnginePlan;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.StreamResult;
import org.tonle.sql.StreamTarget;
import org.tonle.sql.WrittenFile;

/**
 * DuckDB in this process. It reaches only the directories it was given, loads no extension, and
 * takes no setting after it was opened.
 */
public final class DuckDbEngine implements SqlEngine {
    private final BufferAllocator allocator;
    private final DuckDBConnection database;
    private final Workers workers;
    private final Semaphore slots;
    private final int statements;
    private final String version;
    private final Set<Session> sessions = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    private DuckDbEngine(
            DuckDbSettings settings,
            DuckDBConnection database,
            String version,
            BufferAllocator allocator) {
        this.database = database;
        this.version = version;
        this.allocator = allocator.newChildAllocator("duckdb", 0, Long.MAX_VALUE);
        this.statements = settings.statements();
        this.workers = new Workers(statements);
        this.slots = new Semaphore(statements, true);
    }

    /** Opens an empty database in memory. */
    public static DuckDbEngine open(DuckDbSettings settings, BufferAllocator allocator) {
        Properties properties = new Properties();
        properties.setProperty("jdbc_stream_results", "true");
        properties.setProperty("autoload_known_extensions", "false");
        properties.setProperty("autoinstall_known_extensions", "false");
        properties.setProperty("allow_community_extensions", "false");
        try {
            DuckDBConnection database =
                    DriverManager.getConnection("jdbc:duckdb:", properties)
                            .unwrap(DuckDBConnection.class);
            try (Statement statement = database.createStatement()) {
                statement.execute("SET GLOBAL memory_limit='" + settings.memoryBytes() + "B'");
                statement.execute("SET GLOBAL threads=" + settings.threads());
                statement.execute(
                        "SET GLOBAL temp_directory="
                                + DuckTypes.text(settings.temporary().toString()));
                statement.execute(
                        "SET GLOBAL max_temp_directory_size='" + spilledBytes(settings) + "B'");
                statement.execute("SET GLOBAL TimeZone='UTC'");
                statement.execute("SET GLOBAL error_on_division_by_zero=true");
                statement.execute("SET GLOBAL ieee_floating_point_ops=false");
                // statements are refused at a depth of their own; printing deepens them a little
                statement.execute("SET GLOBAL max_expression_depth=4000");
                statement.execute("SET GLOBAL preserve_insertion_order=true");
                statement.execute(
                        "SET GLOBAL allowed_directories="
                                + settings.readable().stream()
                                        .map(path -> DuckTypes.text(path.toString()))
                                        .collect(Collectors.joining(",", "[", "]")));
                statement.execute("SET GLOBAL enable_external_access=false");
                statement.execute("SET GLOBAL lock_configuration=true");
                return new DuckDbEngine(settings, database, version(statement), allocator);
            }
        } catch (SQLException | IOException e) {
            throw new LakeException(
                    ErrorCode.NOT_READY, "DuckDB can't be opened: " + e.getMessage(), e);
        }
    }

    /**
     * What may be on disk of all statements together. DuckDB keeps an eighth of it in memory,
     * beside what its limit counts; and the lake needs room on that disk, too.
     */
    private static long spilledBytes(DuckDbSettings settings) throws IOException {
        return Math.min(
                8 * settings.memoryBytes(),
                Files.getFileStore(settings.temporary()).getUsableSpace() / 2);
    }

    private static String version(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery("SELECT version()")) {
            if (!row.next()) {
                throw new SQLException("it doesn't say which version it is");
            }
            return "DuckDB " + row.getString(1) + ", dialect " + DuckDbDialect.VERSION + ", UTC";
        }
    }

    @Override
    public QueryResult run(BoundQuery query, Inputs inputs, QueryLimits limits) {
        String sql = select(query, inputs);
        Session session = session();
        try {
            session.limit(limits.timeout());
            return DuckDbResult.start(session, query.schema(), sql, allocator);
        } catch (RuntimeException e) {
            session.close();
            throw e;
        }
    }

    @Override
    public EnginePlan explain(BoundQuery query, Inputs inputs, QueryLimits limits) {
        String sql = select(query, inputs);
        try (Session session = session()) {
            session.limit(limits.timeout());
            return session.call(() -> {
                try (Statement statement = session.statement();
                        ResultSet rows = statement.executeQuery("EXPLAIN " + sql)) {
                    StringBuilder plan = new StringBuilder();
                    while (rows.next()) {
                        plan.append(rows.getString(2));
                    }
                    return new EnginePlan(sql, plan.toString());
                }
            });
        }
    }

    @Override
    public List<WrittenFile> write(BoundQuery query, Inputs inputs, FileTarget target) {
        String columns =
                target.schema().columns().stream()
                        .map(column -> {
                            Types.NestedField own =
                                    query.schema().caseInsensitiveFindField(column.name());
                            return "CAST("
                                    + (own == null ? "NULL" : DuckTypes.name(own.name()))
                                    + " AS "
                                    + DuckTypes.type(column.type())
                                    + ") AS "
                                    + DuckTypes.name(column.name());
                        })
                        .collect(Collectors.joining(", "));
        String sql = "SELECT " + columns + " FROM (" + select(query, inputs) + ")";
        try (Session session = session()) {
            return ParquetCopy.write(
                    session,
                    sql,
                    target.schema(),
                    target.directory().resolve(target.name() + ".parquet"));
        }
    }

    @Override
    public StreamResult writeStream(
            BoundStream stream, Inputs inputs, KeyFilter keys, StreamTarget target) {
        try (Session session = session()) {
            return new StreamRun(session, allocator, stream, inputs, target)
                    .run(inputs.records(), keys);
        }
    }

    @Override
    public String print(BoundQuery query, Function<BoundTable, String> table) {
        return version + "\n" + select(query, table);
    }

    static String select(BoundQuery query, Inputs inputs) {
        return select(query, table -> Scan.table(table, inputs.of(table.table().name())));
    }

    /** The query with the names and types it is bound to. */
    private static String select(BoundQuery query, Function<BoundTable, String> table) {
        String inner = query.print(DuckDbDialect.INSTANCE, table);
        List<String> columns = new ArrayList<>();
        List<String> positions = new ArrayList<>();
        for (Types.NestedField column : query.schema().columns()) {
            String position = DuckTypes.name("c" + column.fieldId());
            positions.add(position);
            columns.add(
                    "CAST("
                            + position
                            + " AS "
                            + DuckTypes.type(column.type())
                            + ") AS "
                            + DuckTypes.name(column.name()));
        }
        return "SELECT "
                + String.join(", ", columns)
                + " FROM ("
                + inner
                + ") AS tonle_query("
                + String.join(", ", positions)
                + ")";
    }

    /** A connection of its own, once fewer than allowed are in use. */
    Session session() {
        if (closed) {
            throw new LakeException(ErrorCode.NOT_READY, "The SQL engine is closed");
        }
        try {
            slots.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LakeException(ErrorCode.CANCELLED, "Interrupted while waiting for a slot", e);
        }
        try {
            Session[] made = new Session[1];
            Session session =
                    new Session(
                            workers,
                            database.duplicate(),
                            () -> {
                                sessions.remove(made[0]);
                                slots.release();
                            });
            made[0] = session;
            sessions.add(session);
            return session;
        } catch (SQLException e) {
            slots.release();
            throw DuckErrors.of(e);
        }
    }

    /** A result that nobody closes must not keep the lake from ending. */
    private void awaitSessions() {
        try {
            if (!slots.tryAcquire(statements, 10, TimeUnit.SECONDS)) {
                sessions.forEach(Session::close);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        sessions.forEach(session ->
                session.stop(new LakeException(ErrorCode.CANCELLED, "The SQL engine is closing")));
        awaitSessions();
        workers.close();
        try {
            database.close();
        } catch (SQLException e) {
            throw DuckErrors.of(e);
        } finally {
            allocator.close();
        }
    }
}
