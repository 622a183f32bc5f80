package org.tonle.e2e;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.LongPredicate;
import java.util.stream.Collectors;
import org.apache.arrow.memory.RootAllocator;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Types;
import org.tonle.catalog.Compaction;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.duckdb.DuckDbEngine;
import org.tonle.duckdb.DuckDbSettings;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.FailPoints;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Sql;
import org.tonle.sql.TableName;
import org.tonle.transfer.Export;

/**
 * A table {@code silver.customers} (id, name and, later, town) whose rows were added, deleted and
 * moved, and what it must hold by what was done to it: no reader is asked.
 */
final class ChangedTable implements AutoCloseable {
    private static final TableIdentifier NAME = TableIdentifier.of("silver", "customers");
    private static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.required(1, "id", Types.LongType.get()),
                    Types.NestedField.optional(2, "label", Types.StringType.get()));

    private final EmbeddedPostgres postgres;
    private final Ledger ledger;
    private final LakeCatalog catalog;
    private final RootAllocator allocator = new RootAllocator();
    private final DuckDbEngine engine;

    /** By file, the id at each position. */
    private final Map<String, List<Long>> ids = new HashMap<>();

    /** What is left. */
    private final Map<Long, String> rows = new TreeMap<>();

    private boolean evolved;
    private long next;

    ChangedTable(Path dir) throws Exception {
        Path warehouse = dir.resolve("warehouse");
        Path temporary = Files.createDirectories(dir.resolve("tmp"));
        postgres = EmbeddedPostgres.start(dir.resolve("pg"));
        ledger =
                Ledger.open(
                        new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password()),
                        FailPoints.NONE);
        catalog = new LakeCatalog(ledger, warehouse, FailPoints.NONE);
        engine =
                DuckDbEngine.open(
                        new DuckDbSettings(List.of(warehouse), temporary, 256L << 20, 2, 2),
                        allocator);
        catalog.ensureNamespace("silver", "test");
        try (StagedCommit commit = catalog.stage()) {
            commit.create(NAME, SCHEMA, PartitionSpec.unpartitioned(), StagedTable.ROWS_CHANGE);
            publish(commit, "define");
        }
    }

    private static void publish(StagedCommit commit, String kind) {
        var unused = commit.publish(CommitRequest.builder(commit.id(), kind, "test"));
    }

    PinnedTable now() {
        return catalog.pin().table(NAME).orElseThrow();
    }

    /** The metadata file of its state, as a path. */
    Path metadata() {
        return LocalFileIO.path(now().metadataLocation());
    }

    /** The metadata file of what is exported of it into a new folder, as a path. */
    Path export(Path folder) {
        Pin pin = catalog.pin();
        return LocalFileIO.path(
                new Export(catalog)
                        .write(pin, pin.tables(), folder, "file://" + folder, each -> {})
                        .getFirst()
                        .metadata());
    }

    /** Its rows in the order of the ids: id, name and town, parted by bars. */
    List<String> rows() {
        return List.copyOf(rows.values());
    }

    /** Adds a file of so many rows, and deletes those whose id {@code gone} takes. */
    void change(int added, LongPredicate gone) {
        PinnedTable read = now();
        Map<String, BitSet> deleted = new HashMap<>();
        for (DataFile file : read.files()) {
            List<Long> here = ids.get(file.location());
            BitSet positions = new BitSet();
            for (int i = 0; i < here.size(); i++) {
                if (gone.test(here.get(i)) && rows.containsKey(here.get(i))) {
                    positions.set(i);
                }
            }
            deleted.put(file.location(), positions);
        }
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(read.ref(), OnConflict.FAIL);
            List<DataFile> files = added == 0 ? List.of() : write(table, commit, added);
            table.change(read, files, deleted);
            publish(commit, "change");
        }
        rows.keySet().removeIf(gone::test);
        for (long id = next - added; id < next; id++) {
            rows.put(id, id + "|n" + id + "|" + (evolved ? "t" + id % 7 : "null"));
        }
    }

    /** From now on {@code label} is called {@code name}, and there are towns. */
    void evolve() {
        try (StagedCommit commit = catalog.stage()) {
            commit.table(NAME, OnConflict.FAIL)
                    .transaction()
                    .updateSchema()
                    .renameColumn("label", "name")
                    .addColumn("town", Types.StringType.get())
                    .commit();
            publish(commit, "define");
        }
        evolved = true;
    }

    private List<DataFile> write(StagedTable table, StagedCommit commit, int count) {
        List<Long> here = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            here.add(next++);
        }
        String values =
                here.stream()
                        .map(id ->
                                "(%d, 'n%d'%s)"
                                        .formatted(id, id, evolved ? ", 't" + id % 7 + "'" : ""))
                        .collect(Collectors.joining(", "));
        String columns = evolved ? "id, name, town" : "id, label";
        List<DataFile> files =
                write(
                        table,
                        commit.id().toString(),
                        "SELECT * FROM (VALUES %s) AS t(%s) ORDER BY id".formatted(values, columns),
                        new Inputs(Map.of()));
        ids.put(files.getFirst().location(), here);
        return files;
    }

    private List<DataFile> write(StagedTable table, String name, String sql, Inputs inputs) {
        return engine
                .write(
                        Sql.query(sql, new PinnedTables(catalog.pin(), List.of())),
                        inputs,
                        new FileTarget(table.dataDirectory(), name, table.schema()))
                .stream()
                .map(file -> table.adopt(file.path()))
                .toList();
    }

    /** Puts one file in the place of the two oldest. */
    void compact() {
        PinnedTable read = now();
        boolean done =
                new Compaction(catalog, 2, FailPoints.NONE)
                        .compact(read, read.files(), Optional.empty(), this::copy);
        if (!done) {
            throw new AssertionError("nothing was compacted");
        }
    }

    private List<DataFile> copy(StagedTable table, UUID commit, List<DataFile> small) {
        List<DataFile> files =
                write(
                        table,
                        commit.toString(),
                        "SELECT * FROM silver.customers ORDER BY id",
                        Inputs.of(
                                new TableName("silver", "customers"),
                                PinnedTables.files(now(), small)));
        List<Long> left =
                small.stream()
                        .flatMap(file -> ids.get(file.location()).stream())
                        .filter(rows::containsKey)
                        .sorted()
                        .toList();
        ids.put(files.getFirst().location(), left);
        return files;
    }

    @Override
    public void close() {
        engine.close();
        ledger.close();
        postgres.close();
        allocator.close();
    }
}
