package org.tonle.query;

import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.Statement;
import org.tonle.sql.TableName;

/** Runs SELECTs over branch {@code main}. Thread-safe. */
public final class QueryService {
    private final LakeCatalog catalog;
    private final List<SourceDefinition> sources;
    private final Function<Principal, AccessPolicy> policies;
    private final SystemTables system;
    private final Audit audit;
    private final SqlEngine engine;
    private final QuerySettings settings;
    private final Semaphore turns;

    /**
     * @param sources what bronze tables show are the columns they declare
     * @param policies who sees what
     * @param audit takes in every statement
     */
    public QueryService(
            LakeCatalog catalog,
            List<SourceDefinition> sources,
            Function<Principal, AccessPolicy> policies,
            SystemTables system,
            Audit audit,
            SqlEngine engine,
            QuerySettings settings) {
        this.catalog = catalog;
        this.sources = List.copyOf(sources);
        this.policies = policies;
        this.system = system;
        this.audit = audit;
        this.engine = engine;
        this.settings = settings;
        this.turns = new Semaphore(settings.concurrent(), true);
    }

    /**
     * Starts a query over what a principal sees. Interrupting the caller cancels it. Close what
     * comes back. Whatever becomes of the statement is in the audit.
     *
     * @throws LakeException INVALID_SQL, UNSUPPORTED_SQL, NOT_FOUND (a table that isn't there or
     *     isn't seen, or a commit that isn't there yet), OVERLOADED, TIMEOUT (the commit demanded
     *     didn't come), and what an engine throws, without a value where some are hidden
     */
    public RunningQuery run(String sql, Principal principal, ReadPoint at) {
        Audit.Entry entry = audit.begin(sql, principal);
        try {
            return start(sql, principal, at, entry);
        } catch (LakeException e) {
            // whoever was asked when the interrupt came has its own word for it
            LakeException error =
                    Thread.currentThread().isInterrupted()
                            ? new LakeException(ErrorCode.CANCELLED, "The query was cancelled", e)
                            : e;
            entry.failed(error, 0);
            throw error;
        } catch (RuntimeException | Error e) {
            entry.failed(e, 0);
            throw e;
        }
    }

    private RunningQuery start(String sql, Principal principal, ReadPoint at, Audit.Entry entry) {
        if (sql.isBlank()) {
            throw new LakeException(ErrorCode.INVALID_SQL, "The statement is empty; send a SELECT");
        }
        Statement statement = Statement.of(sql);
        AccessPolicy policy = SystemTables.over(policies.apply(principal), principal);
        takeTurn();
        @Nullable StatementTables opened = null;
        boolean started = false;
        try {
            Pin pin = pin(at);
            entry.pinned(pin.seq());
            StatementTables tables = new StatementTables(pin, sources, system, policy);
            opened = tables;
            BoundQuery query = bind(statement, tables, principal, entry);
            RunningQuery rows =
                    new RunningQuery(
                            pin.seq(), start(query, tables), settings, entry, () -> end(tables));
            started = true;
            return rows;
        } finally {
            if (!started) {
                end(opened);
            }
        }
    }

    private BoundQuery bind(
            Statement statement, StatementTables tables, Principal principal, Audit.Entry entry) {
        if (statement instanceof Statement.Describe describe) {
            // so that a table that isn't seen is answered as everywhere
            var unused = Sql.query(describe.table(), tables, tables.policy());
        }
        BoundQuery query = Sql.query(statement.select(), tables, tables.policy());
        entry.reads(query.reads().stream().map(TableName::toString).toList());
        if (statement instanceof Statement.Explain) {
            tables.explain(
                    new Explanation(tables, query, principal.isAdmin())
                            .rows(() ->
                                    engine.explain(
                                            query,
                                            tables.inputs(query),
                                            new QueryLimits(settings.timeout()))));
            return Sql.query(Explanation.SELECT, tables);
        }
        return query;
    }

    private void end(@Nullable StatementTables tables) {
        try {
            if (tables != null) {
                tables.close();
            }
        } finally {
            turns.release();
        }
    }

    private QueryResult start(BoundQuery query, StatementTables tables) {
        QueryLimits limits = new QueryLimits(settings.timeout());
        if (!query.isGuarded()) {
            return engine.run(query, tables.inputs(query), limits);
        }
        try {
            return new DiscreetResult(engine.run(query, tables.inputs(query), limits));
        } catch (LakeException e) {
            throw DiscreetResult.withoutValues(e);
        }
    }

    private Pin pin(ReadPoint at) {
        return switch (at) {
            case ReadPoint.Newest() -> catalog.pin();
            case ReadPoint.AsOf(long seq) -> {
                long newest = catalog.ledger().head();
                if (seq < 0 || seq > newest) {
                    throw new LakeException(
                            ErrorCode.NOT_FOUND,
                            "There is no commit " + seq + "; the newest is " + newest);
                }
                yield catalog.pinAt(seq);
            }
            case ReadPoint.AtLeast(long seq) -> {
                await(seq);
                yield catalog.pin();
            }
        };
    }

    private void await(long seq) {
        try {
            long newest = catalog.ledger().awaitHeadBeyond(seq - 1, settings.queueTime());
            if (newest < seq) {
                throw new LakeException(
                        ErrorCode.TIMEOUT,
                        "Commit "
                                + seq
                                + " didn't come within "
                                + settings.queueTime()
                                + "; the newest is "
                                + newest);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LakeException(ErrorCode.CANCELLED, "Interrupted before the query began", e);
        }
    }

    private void takeTurn() {
        try {
            if (!turns.tryAcquire(settings.queueTime().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new LakeException(
                        ErrorCode.OVERLOADED,
                        settings.concurrent()
                                + " queries run, as many as may, and none ended within "
                                + settings.queueTime()
                                + "; try again later");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LakeException(ErrorCode.CANCELLED, "Interrupted before the query began", e);
        }
    }
}
