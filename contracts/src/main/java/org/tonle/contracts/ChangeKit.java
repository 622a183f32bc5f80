package org.tonle.contracts;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.iceberg.Schema;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.DeletedRows;
import org.tonle.catalog.QuarantineTable;
import org.tonle.contracts.StreamKit.Event;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.sql.BoundChanges;
import org.tonle.sql.ChangeResult;
import org.tonle.sql.ChangeTarget;
import org.tonle.sql.DataFile;
import org.tonle.sql.Dataset;
import org.tonle.sql.Inputs;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/** A change table {@code silver.out} over {@code bronze.events}, for tests of engines. */
public final class ChangeKit {
    private static final Place PLACE = new Place("pipelines/test.sql", 1, 1);
    private static final TableName OUT = new TableName("silver", "out");
    private static final TableName DELETES = new TableName("deleted", "silver_out");

    private final SqlEngine engine;
    private final StreamKit kit;
    private final SqlTable source;
    private final BoundChanges changes;
    private final Path directory;
    private final List<DataFile> rows = new ArrayList<>();
    private final List<DataFile> deletes = new ArrayList<>();
    private final List<WrittenFile> quarantine = new ArrayList<>();
    private final Map<Path, BitSet> dead = new HashMap<>();
    private int runs;

    /**
     * @param clauses what stands behind FROM STREAM bronze.events
     * @param directory empty, and the engine's to read and write
     */
    public ChangeKit(SqlEngine engine, Path directory, SqlTable source, String clauses) {
        this.engine = engine;
        this.directory = directory;
        this.kit = new StreamKit(engine, directory);
        this.source = kit.tables().table(source);
        this.changes =
                Sql.changes(
                        (Dataset.ChangeTable)
                                Sql.dataset(
                                        new SqlText(
                                                PLACE,
                                                "AUTO CDC INTO silver.out FROM STREAM"
                                                        + " bronze.events "
                                                        + clauses)),
                        kit.tables());
    }

    /** Takes in some events with the table as its statement declares it. */
    public ChangeResult run(Event... events) {
        return run(changes.schema(), events);
    }

    /** Takes in some events with a table that has other columns besides. */
    public ChangeResult run(Schema schema, Event... events) {
        List<DataFile> added = kit.events(source, events);
        Path folder = folder("run-" + runs++);
        ChangeResult result =
                engine.writeChanges(
                        changes,
                        new Inputs(Map.of(source.name(), added, OUT, current(), DELETES, deletes)),
                        new ChangeTarget(
                                OUT,
                                DELETES,
                                "commit-" + runs,
                                folder(folder, "rows"),
                                folder(folder, "deletes"),
                                folder(folder, "quarantine"),
                                "part",
                                schema));
        result.removed()
                .forEach((path, positions) -> {
                    BitSet gone = dead.computeIfAbsent(path, file -> new BitSet());
                    if (gone.intersects(positions)) {
                        throw new AssertionError("rows of " + path + " were removed twice");
                    }
                    gone.or(positions);
                });
        result.rows().forEach(file -> rows.add(new DataFile(file.path(), file.records(), false)));
        result.deletes()
                .forEach(file -> deletes.add(new DataFile(file.path(), file.records(), false)));
        quarantine.addAll(result.quarantine());
        return result;
    }

    public BoundChanges changes() {
        return changes;
    }

    private List<DataFile> current() {
        return rows.stream()
                .map(file ->
                        new DataFile(
                                file.path(),
                                file.records(),
                                file.current(),
                                Optional.ofNullable(dead.get(file.path())).map(DeletedRows::of)))
                .toList();
    }

    private Path folder(String name) {
        return folder(directory, name);
    }

    private static Path folder(Path parent, String name) {
        try {
            return Files.createDirectory(parent.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the table holds. */
    public List<List<@Nullable Object>> rows(String columns, String order) {
        return read(changes.schema(), current(), columns, order);
    }

    /** What the table of deletes holds. */
    public List<List<@Nullable Object>> deletes(String columns, String order) {
        return read(changes.deleted(), deletes, columns, order);
    }

    /** What was refused. */
    public List<List<@Nullable Object>> quarantine(String columns, String order) {
        return read(
                QuarantineTable.SCHEMA,
                quarantine.stream()
                        .map(file -> new DataFile(file.path(), file.records(), false))
                        .toList(),
                columns,
                order);
    }

    private List<List<@Nullable Object>> read(
            Schema schema, List<DataFile> files, String columns, String order) {
        SqlTable table = SqlTable.of(new TableName("read", "t" + runs++), schema);
        kit.tables().give(table, files);
        return kit.tables()
                .rows("SELECT " + columns + " FROM " + table.name() + " ORDER BY " + order);
    }
}
