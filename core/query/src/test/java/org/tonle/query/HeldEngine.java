package org.tonle.query;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
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
import org.tonle.sql.WrittenFile;

/** DuckDB, whose runs are counted and can be held before they begin. */
final class HeldEngine implements SqlEngine {
    private final SqlEngine engine;
    final AtomicInteger runs = new AtomicInteger();
    private final AtomicInteger held = new AtomicInteger();
    private volatile CountDownLatch gate = new CountDownLatch(0);

    HeldEngine(SqlEngine engine) {
        this.engine = engine;
    }

    void hold() {
        held.set(0);
        gate = new CountDownLatch(1);
    }

    void awaitHeld(int count) {
        while (held.get() < count) {
            Thread.onSpinWait();
        }
    }

    int held() {
        return held.get();
    }

    void release() {
        gate.countDown();
    }

    @Override
    public QueryResult run(BoundQuery query, Inputs inputs, QueryLimits limits) {
        runs.incrementAndGet();
        held.incrementAndGet();
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LakeException(ErrorCode.CANCELLED, "cancelled", e);
        }
        return engine.run(query, inputs, limits);
    }

    @Override
    public String print(BoundQuery query, Function<BoundTable, String> table) {
        return engine.print(query, table);
    }

    @Override
    public EnginePlan explain(BoundQuery query, Inputs inputs, QueryLimits limits) {
        return engine.explain(query, inputs, limits);
    }

    @Override
    public List<WrittenFile> write(BoundQuery query, Inputs inputs, FileTarget target) {
        return engine.write(query, inputs, target);
    }

    @Override
    public StreamResult writeStream(
            BoundStream stream, Inputs inputs, KeyFilter keys, StreamTarget target) {
        return engine.writeStream(stream, inputs, keys, target);
    }

    @Override
    public ChangeResult writeChanges(BoundChanges changes, Inputs inputs, ChangeTarget target) {
        return engine.writeChanges(changes, inputs, target);
    }

    @Override
    public void close() {
        engine.close();
    }
}
