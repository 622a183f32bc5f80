package org.tonle.query;

import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Policies;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;

/** Runs SELECTs over branch {@code main}. Thread-safe. */
public final class QueryService {
    private final LakeCatalog catalog;
    private final List<SourceDefinition> sources;
    private final Policies policies;
    private final SqlEngine engine;
    private final QuerySettings settings;
    private final Semaphore turns;

    /**
     * @param sources what bronze tables show are the columns they declare
     * @param policies who sees what
     */
    public QueryService(
            LakeCatalog catalog,
            List<SourceDefinition> sources,
            Policies policies,
            SqlEngine engine,
            QuerySettings settings) {
        this.catalog = catalog;
        this.sources = List.copyOf(sources);
        this.policies = policies;
        this.engine = engine;
        this.settings = settings;
        this.turns = new Semaphore(settings.concurrent(), true);
    }

    /**
     * Starts a query over what a principal sees. Interrupting the caller cancels it. Close what
     * comes back.
     *
     * @throws LakeException INVALID_SQL, UNSUPPORTED_SQL, NOT_FOUND (a table that isn't there or
     *     isn't seen, or a commit that isn't there yet), OVERLOADED, TIMEOUT (the commit demanded
     *     didn't come), and what an engine throws, without a value where some are hidden
     */
    public RunningQuery run(String sql, Principal principal, ReadPoint at) {
        if (sql.isBlank()) {
            throw new LakeException(ErrorCode.INVALID_SQL, "The statement is empty; send a SELECT");
        }
        takeTurn();
        boolean started = false;
        try {
            Pin pin = pin(at);
            PinnedTables tables = new PinnedTables(pin, sources);
            BoundQuery query = Sql.query(sql, tables, policies.of(principal));
            RunningQuery rows =
                    new RunningQuery(pin.seq(), start(query, tables), settings, turns::release);
            started = true;
            return rows;
        } catch (LakeException e) {
            // whoever was asked when the interrupt came has its own word for it
            throw Thread.currentThread().isInterrupted()
                    ? new LakeException(ErrorCode.CANCELLED, "The query was cancelled", e)
                    : e;
        } finally {
            if (!started) {
                turns.release();
            }
        }
    }

    private QueryResult start(BoundQuery query, PinnedTables tables) {
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
