package org.tonle.query;

import org.tonle.catalog.Pin;
import org.tonle.query.QuerySettings.Limits;
import org.tonle.query.Statements.Bound;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.SqlEngine;

/** Runs bound statements, each when it is its principal's turn. Thread-safe. */
final class Execution {
    private final SqlEngine engine;
    private final QuerySettings settings;
    private final FairTurns turns;

    Execution(SqlEngine engine, QuerySettings settings) {
        this.engine = engine;
        this.settings = settings;
        this.turns =
                new FairTurns(settings.concurrent(), settings.waiting(), settings.ownMemoryBytes());
    }

    /** Starts a statement, which is closed with what comes back, or at once if it can't start. */
    RunningQuery start(Bound bound, Pin pin, Principal principal, AuditEntry entry) {
        Limits limits = settings.of(principal);
        FairTurns.Turn turn;
        try {
            turn =
                    turns.take(
                            principal.name(),
                            limits.concurrent(),
                            limits.memoryBytes().orElse(0),
                            settings.queueTime());
        } catch (RuntimeException e) {
            bound.close();
            throw e;
        }
        boolean started = false;
        try {
            RunningQuery rows =
                    new RunningQuery(
                            pin.seq(),
                            run(bound, limits, entry),
                            limits,
                            entry,
                            () -> end(turn, bound));
            started = true;
            return rows;
        } finally {
            if (!started) {
                end(turn, bound);
            }
        }
    }

    private static void end(FairTurns.Turn turn, Bound bound) {
        try (turn) {
            bound.close();
        }
    }

    /** What comes back may be sent: that it was asked for is on the disk. */
    private QueryResult run(Bound bound, Limits limits, AuditEntry entry) {
        AuditEntry.Forced begun = entry.force();
        QueryResult result = run(bound, new QueryLimits(limits.timeout(), limits.memoryBytes()));
        try {
            begun.await();
            return result;
        } catch (RuntimeException e) {
            result.close();
            throw e;
        }
    }

    private QueryResult run(Bound bound, QueryLimits limits) {
        BoundQuery query = bound.query();
        if (!query.isGuarded()) {
            return engine.run(query, bound.inputs(), limits);
        }
        try {
            return new DiscreetResult(engine.run(query, bound.inputs(), limits));
        } catch (LakeException e) {
            throw DiscreetResult.withoutValues(e);
        }
    }
}
