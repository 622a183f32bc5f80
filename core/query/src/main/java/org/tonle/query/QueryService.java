package org.tonle.query;

import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;

/** Runs SELECTs over branch {@code main}. Thread-safe. */
public final class QueryService {
    private final LakeCatalog catalog;
    private final List<SourceDefinition> sources;
    private final SqlEngine engine;
    private final QuerySettings settings;
    private final Semaphore turns;

    /**
     * @param sources what bronze tables show are the columns they declare
     */
    public QueryService(
            LakeCatalog catalog,
            List<SourceDefinition> sources,
            SqlEngine engine,
            QuerySettings settings) {
        this.catalog = catalog;
        this.sources = List.copyOf(sources);
        this.engine = engine;
        this.settings = settings;
        this.turns = new Semaphore(settings.concurrent(), true);
    }

    /** Starts a query over the lake as it is now. Errors as for {@link #run(String, ReadPoint)}. */
    public RunningQuery run(String sql) {
        return run(sql, ReadPoint.NEWEST);
    }

    /**
     * Starts a query. Interrupting the caller cancels it. Close what comes back.
     *
     * @throws LakeException INVALID_SQL, UNSUPPORTED_SQL, NOT_FOUND (a table, or a commit that
     *     isn't there yet), OVERLOADED, TIMEOUT (the commit demanded didn't come), and what an
     *     engine throws
     */
    public RunningQuery run(String sql, ReadPoint at) {
        if (sql.isBlank()) {
            throw new LakeException(ErrorCode.INVALID_SQL, "The statement is empty; send a SELECT");
        }
        takeTurn();
        boolean started = false;
        try {
            Pin pin = pin(at);
            PinnedTables tables = new PinnedTables(pin, sources);
            BoundQuery query = Sql.query(sql, tables);
            RunningQuery rows =
                    new RunningQuery(
                            pin.seq(),
                            engine.run(
                                    query,
                                    tables.inputs(query),
                                    new QueryLimits(settings.timeout())),
                            settings,
                            turns::release);
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
