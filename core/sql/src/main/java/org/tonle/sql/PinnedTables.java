package org.tonle.sql;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.DeletedRows;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.SourceDefinition;
import org.tonle.ledger.Ref;

/**
 * The tables of one pinned state, with the schema-on-read columns that the sources declare now. For
 * one statement, which one thread binds; afterwards any number of threads may ask for its tables.
 */
public final class PinnedTables implements TableResolver {
    private final Pin pin;
    private final Optional<String> namespace;
    private final List<SourceDefinition> sources;
    private final Map<String, BronzeDefinition> bronze = new HashMap<>();
    private final Map<TableName, PinnedTable> resolved =
            new TreeMap<>(
                    java.util.Comparator.comparing(
                            name -> name.toString().toLowerCase(Locale.ROOT)));

    public PinnedTables(Pin pin, List<SourceDefinition> sources) {
        this(pin, sources, Optional.empty());
    }

    /** {@code namespace} is that of tables that are named without one. */
    public PinnedTables(Pin pin, List<SourceDefinition> sources, Optional<String> namespace) {
        this.namespace = namespace;
        this.pin = pin;
        this.sources = List.copyOf(sources);
        sources.stream()
                .flatMap(source -> source.tables().stream())
                .forEach(table -> bronze.put(table.name(), table));
    }

    @Override
    public Optional<String> namespace() {
        return namespace;
    }

    @Override
    public Optional<SqlTable> table(TableName name) {
        return pinned(name).map(table -> describe(table, name.at()));
    }

    /** The pinned table of that name, whatever its case. */
    public Optional<PinnedTable> pinned(TableName name) {
        PinnedTable known = resolved.get(name);
        if (known != null) {
            return Optional.of(known);
        }
        Pin state = name.at().map(this::state).orElse(pin);
        Optional<PinnedTable> found =
                state.table(TableIdentifier.of(name.namespace(), name.name()))
                        .or(() -> find(state, ref -> matches(ref, name.current())));
        found.ifPresent(table -> resolved.put(name, table));
        return found;
    }

    /**
     * The tables that were asked for as they are at another pin: these if each is in the very state
     * in which it is here; empty if one isn't there or has other columns, so that what was bound to
     * these doesn't fit.
     */
    public Optional<PinnedTables> at(Pin other) {
        PinnedTables others = new PinnedTables(other, sources, namespace);
        boolean same = true;
        for (Map.Entry<TableName, PinnedTable> entry : resolved.entrySet()) {
            TableName name = entry.getKey();
            Optional<PinnedTable> table = others.pinned(name);
            if (table.isEmpty()) {
                return Optional.empty();
            }
            if (isSame(table.get().ref(), entry.getValue().ref())) {
                continue;
            }
            same = false;
            if (!others.describe(table.get(), name.at())
                    .hasColumnsOf(describe(entry.getValue(), name.at()))) {
                return Optional.empty();
            }
        }
        return Optional.of(same ? this : others);
    }

    private static boolean isSame(Ref one, Ref other) {
        return one.table().equals(other.table())
                && one.metadataLocation().equals(other.metadataLocation())
                && one.namespace().equals(other.namespace())
                && one.name().equals(other.name());
    }

    private static Optional<PinnedTable> find(Pin pin, Predicate<Ref> which) {
        return pin.tables().stream().filter(table -> which.test(table.ref())).findFirst();
    }

    private Pin state(AsOf at) {
        return switch (at) {
            case AsOf.Commit(long seq) -> pin.at(seq);
            case AsOf.Time(Instant time) -> pin.at(time);
        };
    }

    private static boolean matches(Ref ref, TableName name) {
        return new TableName(ref.namespace(), ref.name()).matches(name);
    }

    @Override
    public List<TableName> names() {
        return pin.tables().stream()
                .map(table -> new TableName(table.ref().namespace(), table.ref().name()))
                .toList();
    }

    /** All files of every table that a query reads. */
    public Inputs inputs(BoundQuery query) {
        Map<TableName, List<DataFile>> files = new HashMap<>();
        for (TableName name : query.reads()) {
            PinnedTable table = pinned(name).orElseThrow();
            files.put(name, files(table));
        }
        return new Inputs(files);
    }

    /** All of a table's files, as engines are given them. */
    public static List<DataFile> files(PinnedTable table) {
        return files(table, file -> true);
    }

    /** Those of a table's files that are chosen, as engines are given them. */
    public static List<DataFile> files(
            PinnedTable table, Predicate<org.apache.iceberg.DataFile> chosen) {
        PinnedTable.Files files = table.filesByColumns();
        Map<String, DeletedRows> deleted = table.deleted();
        return Stream.concat(
                        files.current().stream()
                                .filter(chosen)
                                .map(file -> file(table, file, true, deleted)),
                        files.older().stream()
                                .filter(chosen)
                                .map(file -> file(table, file, false, deleted)))
                .toList();
    }

    /** Some of a table's files, in their order. */
    public static List<DataFile> files(PinnedTable table, List<org.apache.iceberg.DataFile> files) {
        return files(table, files, table.deleted());
    }

    /** Files that were added to a table, in their order, as they were then. */
    public static List<DataFile> added(PinnedTable table, List<org.apache.iceberg.DataFile> files) {
        return files(table, files, Map.of());
    }

    private static List<DataFile> files(
            PinnedTable table,
            List<org.apache.iceberg.DataFile> files,
            Map<String, DeletedRows> deleted) {
        return files.stream().map(file -> file(table, file, !table.evolved(), deleted)).toList();
    }

    private static DataFile file(
            PinnedTable table,
            org.apache.iceberg.DataFile file,
            boolean current,
            Map<String, DeletedRows> deleted) {
        return new DataFile(
                table.path(file),
                file.recordCount(),
                current,
                Optional.ofNullable(deleted.get(file.location())));
    }

    private SqlTable describe(PinnedTable table, Optional<AsOf> at) {
        TableName name = new TableName(table.ref().namespace(), table.ref().name(), at);
        BronzeDefinition declaration = bronze.get(name.name());
        if (declaration == null || !name.namespace().equals(BronzeTable.NAMESPACE)) {
            return SqlTable.of(name, table.schema());
        }
        return SqlTable.bronze(declaration, name, table.schema(), table.properties());
    }
}
