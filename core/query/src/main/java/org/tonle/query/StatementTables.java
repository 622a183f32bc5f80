package org.tonle.query;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.parquet.Parquet;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.AsOf;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.DataFile;
import org.tonle.sql.Inputs;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.TableResolver;

/**
 * All tables of one statement: those of the pinned state, those about the lake, those about tables.
 * For one thread; close it when the statement has ended, which removes the files made for it.
 */
final class StatementTables implements TableResolver, AutoCloseable {
    private final Pin pin;
    private final PinnedTables pinned;
    private final SystemTables system;
    private final AccessPolicy policy;
    private final InformationSchema information;
    private @Nullable Path directory;
    private int written;

    StatementTables(
            Pin pin,
            List<SourceDefinition> sources,
            Optional<String> namespace,
            SystemTables system,
            AccessPolicy policy) {
        this.pin = pin;
        this.pinned = new PinnedTables(pin, sources, namespace);
        this.system = system;
        this.policy = policy;
        this.information = new InformationSchema(this, policy);
    }

    @Override
    public Optional<String> namespace() {
        return pinned.namespace();
    }

    /** Those of the pinned state alone. */
    PinnedTables pinned() {
        return pinned;
    }

    /** What the statement's principal sees of them. */
    AccessPolicy policy() {
        return policy;
    }

    @Override
    public Optional<SqlTable> table(TableName name) {
        return about(name)
                .map(table -> SqlTable.of(name, table.schema()))
                .or(() -> isAbout(name) ? Optional.empty() : pinned.table(name));
    }

    /** Nobody's own tables are in these namespaces. */
    static boolean isAbout(TableName name) {
        return name.namespace().equalsIgnoreCase(SystemTables.NAMESPACE)
                || name.namespace().equalsIgnoreCase(SystemTables.INFORMATION_SCHEMA);
    }

    private Optional<SystemTable> about(TableName name) {
        return system.table(name).or(() -> information.table(name));
    }

    @Override
    public List<TableName> names() {
        List<TableName> names = new ArrayList<>();
        pinned.names().stream().filter(name -> !isAbout(name)).forEach(names::add);
        names.addAll(system.names());
        names.addAll(information.names());
        return names;
    }

    /** Makes what is said about a statement a table of it. */
    void explain(List<@Nullable Object[]> rows) {
        SystemTable empty = Explanation.EMPTY;
        information.add(
                new SystemTable(
                        empty.name(), empty.schema(), empty.stated(), (state, limit) -> rows));
    }

    /** Which state of a table is read, for a person. */
    String state(TableName name) {
        Pin state = name.at().map(this::state).orElse(pin);
        String commit = "commit " + state.seq();
        if (isAbout(name)) {
            return commit;
        }
        return pinned.pinned(name)
                .flatMap(PinnedTable::snapshot)
                .map(snapshot -> commit + ", snapshot " + snapshot.snapshotId())
                .orElse(commit);
    }

    /** All files of every table that a query reads; those about the lake are written now. */
    Inputs inputs(BoundQuery query) {
        Map<TableName, List<DataFile>> files = new HashMap<>();
        for (TableName name : query.reads()) {
            Optional<SystemTable> about = about(name);
            if (about.isPresent()) {
                files.put(name, write(name, about.get()));
            } else {
                PinnedTable table = pinned.pinned(name).orElseThrow();
                files.put(name, PinnedTables.files(table));
            }
        }
        return new Inputs(files);
    }

    private List<DataFile> write(TableName name, SystemTable table) {
        if (name.at().isPresent() && !table.stated()) {
            throw new LakeException(
                    ErrorCode.UNSUPPORTED_SQL,
                    name.current() + " has no past states; leave FOR SYSTEM_TIME AS OF out");
        }
        List<@Nullable Object[]> rows =
                table.rows().of(name.at().map(this::state).orElse(pin), SystemTables.MOST_ROWS);
        if (rows.isEmpty()) {
            return List.of();
        }
        try {
            if (directory == null) {
                directory = Files.createTempDirectory(system.directory(), "statement-");
            }
            Path file = directory.resolve(written++ + ".parquet");
            write(file, table.schema(), rows);
            return List.of(new DataFile(file, rows.size(), true));
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE, "can't write the rows of " + name + ": " + e, e);
        }
    }

    private Pin state(AsOf at) {
        return switch (at) {
            case AsOf.Commit(long seq) -> pin.at(seq);
            case AsOf.Time(Instant time) -> pin.at(time);
        };
    }

    private static void write(Path file, Schema schema, List<@Nullable Object[]> rows)
            throws IOException {
        try (FileAppender<Record> writer =
                Parquet.write(new LocalFileIO().newOutputFile(file.toString()))
                        .schema(schema)
                        .createWriterFunc(GenericParquetWriter::create)
                        .build()) {
            for (@Nullable Object[] row : rows) {
                GenericRecord record = GenericRecord.create(schema);
                for (int i = 0; i < row.length; i++) {
                    record.set(
                            i,
                            row[i] instanceof Instant time
                                    ? time.atOffset(ZoneOffset.UTC)
                                    : row[i]);
                }
                writer.add(record);
            }
        }
    }

    @Override
    public void close() {
        if (directory != null) {
            remove(directory);
            directory = null;
        }
    }

    /** Removes a directory of files. */
    static void remove(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(directory);
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE, "can't remove " + directory.getFileName() + ": " + e, e);
        }
    }

    static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
