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
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;

/** Runs SELECTs against the lake as it is when they start. Safe for use by many threads. */
public final class QueryService {
    private final LakeCatalog catalog;
    private final List<SourceDefinition> sources;
    private final SqlEngine engine;
    private final QuerySettings settings;
    private final Semaphore turns;

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

    /**
     * Starts a query; its rows come as they are read. Close what is returned.
     *
     * @throws LakeException INVALID_SQL, UNSUPPORTED_SQL, NOT_FOUND: ask differently; OVERLOADED:
     *     ask again later; CANCELLED if the thread is interrupted while it waits for its turn
     */
    public RunningQuery run(String sql) {
        Pin pin = catalog.pin();
        PinnedTables tables = new PinnedTables(pin, sources);
        BoundQuery query = Sql.query(sql, tables);
        awaitTurn();
        try {
            QueryResult result =
                    engine.run(query, tables.inputs(query), new QueryLimits(settings.timeout()));
            return new RunningQuery(pin.seq(), result, turns);
        } catch (RuntimeException | Error e) {
            turns.release();
            throw e;
        }
    }

    private void awaitTurn() {
        try {
            if (!turns.tryAcquire(settings.queueTime().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new LakeException(
                        ErrorCode.OVERLOADED,
                        "%d queries are running, and none ended within %d s; ask again later"
                                .formatted(
                                        settings.concurrent(), settings.queueTime().toSeconds()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LakeException(
                    ErrorCode.CANCELLED, "The query was cancelled before it ran", e);
        }
    }
}
