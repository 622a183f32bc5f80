package org.tonle.sql;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.Schema;
import org.tonle.catalog.TableFiles;

/**
 * An engine that reads paths, over files that lie elsewhere: what a statement reads is brought here
 * before it starts, and stays until it has ended.
 */
public final class FetchingEngine implements SqlEngine {
    private final SqlEngine engine;
    private final TableFiles files;

    /**
     * @param engine is closed with this
     */
    public FetchingEngine(SqlEngine engine, TableFiles files) {
        this.engine = engine;
        this.files = files;
    }

    private static List<Path> paths(Inputs inputs) {
        return inputs.files().values().stream().flatMap(List::stream).map(DataFile::path).toList();
    }

    /** What is brought here takes of the statement's time. */
    @Override
    public QueryResult run(BoundQuery query, Inputs inputs, QueryLimits limits) {
        long from = System.nanoTime();
        TableFiles.Held held = files.hold(paths(inputs), limits.timeout());
        try {
            // a statement that was in time until here ends by the engine's clock, with its word
            QueryLimits later = limits.after(Duration.ofNanos(System.nanoTime() - from));
            return new HeldResult(engine.run(query, inputs, later), held);
        } catch (RuntimeException | Error e) {
            held.close();
            throw e;
        }
    }

    /**
     * Over what is here of each table; if nothing is, over its smallest file, without which an
     * engine has no plan.
     */
    @Override
    public EnginePlan explain(BoundQuery query, Inputs inputs, QueryLimits limits) {
        Map<TableName, List<DataFile>> some = new HashMap<>();
        inputs.files().forEach((table, all) -> some.put(table, here(all)));
        Inputs seen = new Inputs(some);
        TableFiles.Held held = files.hold(paths(seen), limits.timeout());
        try {
            return engine.explain(query, seen, limits);
        } finally {
            held.close();
        }
    }

    private List<DataFile> here(List<DataFile> all) {
        List<DataFile> here = all.stream().filter(file -> files.isHere(file.path())).toList();
        return here.isEmpty()
                ? all.stream().min(Comparator.comparingLong(DataFile::records)).stream().toList()
                : here;
    }

    @Override
    public String print(BoundQuery query, Function<BoundTable, String> table) {
        return engine.print(query, table);
    }

    @Override
    public List<WrittenFile> write(BoundQuery query, Inputs inputs, FileTarget target) {
        return files.with(paths(inputs), () -> engine.write(query, inputs, target));
    }

    @Override
    public StreamResult writeStream(
            BoundStream stream, Inputs inputs, KeyFilter keys, StreamTarget target) {
        return files.with(paths(inputs), () -> engine.writeStream(stream, inputs, keys, target));
    }

    @Override
    public ChangeResult writeChanges(BoundChanges changes, Inputs inputs, ChangeTarget target) {
        return files.with(paths(inputs), () -> engine.writeChanges(changes, inputs, target));
    }

    @Override
    public void close() {
        engine.close();
    }

    private record HeldResult(QueryResult result, TableFiles.Held held) implements QueryResult {
        @Override
        public Schema schema() {
            return result.schema();
        }

        @Override
        public boolean next() {
            return result.next();
        }

        @Override
        public VectorSchemaRoot batch() {
            return result.batch();
        }

        @Override
        public void cancel() {
            result.cancel();
        }

        @Override
        public void close() {
            try {
                result.close();
            } finally {
                held.close();
            }
        }
    }
}
