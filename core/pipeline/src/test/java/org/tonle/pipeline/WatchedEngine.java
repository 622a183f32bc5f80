package org.tonle.pipeline;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
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

/** Another engine, and how many rows the tables had at most that {@link Scratch} made with it. */
final class WatchedEngine implements SqlEngine {
    private final SqlEngine engine;

    /** By the tables' names. */
    final Map<String, Long> most = new ConcurrentHashMap<>();

    WatchedEngine(SqlEngine engine) {
        this.engine = engine;
    }

    @Override
    public QueryResult run(BoundQuery query, Inputs inputs, QueryLimits limits) {
        return engine.run(query, inputs, limits);
    }

    @Override
    public EnginePlan explain(BoundQuery query, Inputs inputs, QueryLimits limits) {
        return engine.explain(query, inputs, limits);
    }

    @Override
    public String print(BoundQuery query, Function<BoundTable, String> table) {
        return engine.print(query, table);
    }

    @Override
    public List<WrittenFile> write(BoundQuery query, Inputs inputs, FileTarget target) {
        List<WrittenFile> written = engine.write(query, inputs, target);
        most.merge(
                target.name().substring(target.name().lastIndexOf('-') + 1),
                written.stream().mapToLong(WrittenFile::records).sum(),
                Math::max);
        return written;
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
