package org.tonle.duckdb;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.iceberg.types.Types;
import org.duckdb.DuckDBConnection;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundChanges;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.BoundStream;
import org.tonle.sql.BoundTable;
import org.tonle.sql.ChangeResult;
import org.tonle.sql.ChangeTarget;
import org.tonle.sql.EnginePlan;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.StreamResult;
import org.tonle.sql.StreamTarget;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/** DuckDB in this process. */
public final class DuckDbEngine implements SqlEngine {
    private final BufferAllocator allocator;
    private final Database shared;
    private final OwnDatabases own;
    private final Workers workers;
    private final Semaphore slots;
    private final int statements;
    private final String version;
    private final Set<Session> sessions = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    private DuckDbEngine(DuckDbSettings settings, Database shared, BufferAllocator allocator) {
        this.shared = shared;
        this.own = new OwnDatabases(settings);
        this.version =
                "DuckDB " + shared.version() + ", dialect " + DuckDbDialect.VERSION + ", UTC";
        this.allocator = allocator.newChildAllocator("duckdb", 0, Long.MAX_VALUE);
        this.statements = settings.statements();
        this.workers = new Workers(statements);
        this.slots = new Semaphore(statements, true);
    }

    /** Opens it, with nothing in it. */
    public static DuckDbEngine open(DuckDbSettings settings, BufferAllocator allocator) {
        Database shared =
                Database.open(
                        settings, settings.temporary(), settings.memoryBytes(), settings.threads());
        try {
            return new DuckDbEngine(settings, shared, allocator);
        } catch (RuntimeException | Error e) {
            shared.close();
            throw e;
        }
    }

    @Override
    public QueryResult run(BoundQuery query, Inputs inputs, QueryLimits limits) {
        String sql = select(query, inputs);
        Session session =
                limits.memoryBytes().isPresent()
                        ? session(limits.memoryBytes().getAsLong())
                        : session();
        try {
            session.limit(limits);
            DeletedBits.bind(session, inputs);
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
            session.limit(limits);
            DeletedBits.bindForPlan(session, inputs);
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
            DeletedBits.bind(session, inputs);
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
            DeletedBits.bind(session, inputs);
            return new StreamRun(session, allocator, stream, inputs, target)
                    .run(inputs.rows(), keys);
        }
    }

    @Override
    public ChangeResult writeChanges(BoundChanges changes, Inputs inputs, ChangeTarget target) {
        TableName events = changes.stream().input().table().name();
        try (Session session = session()) {
            // what is deleted of its own rows the run finds out itself
            DeletedBits.bind(session, Inputs.of(events, inputs.of(events)));
            return new ChangeRun(session, allocator, changes, inputs, target).run();
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
        return session(() -> shared, database -> {});
    }

    /** The same to a database of its own. */
    private Session session(long memoryBytes) {
        return session(() -> own.take(memoryBytes), own::giveBack);
    }

    private Session session(Supplier<Database> take, Consumer<Database> giveBack) {
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
            Database database = take.get();
            try {
                return session(database.connect(), () -> giveBack.accept(database));
            } catch (SQLException e) {
                giveBack.accept(database);
                throw DuckErrors.of(e);
            }
        } catch (RuntimeException | Error e) {
            slots.release();
            throw e;
        }
    }

    private Session session(DuckDBConnection connection, Runnable onClose) {
        Session[] made = new Session[1];
        Session session =
                new Session(
                        workers,
                        connection,
                        () -> {
                            try {
                                onClose.run();
                            } finally {
                                sessions.remove(made[0]);
                                slots.release();
                            }
                        });
        made[0] = session;
        sessions.add(session);
        return session;
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
            own.close();
            shared.close();
        } finally {
            allocator.close();
        }
    }
}
