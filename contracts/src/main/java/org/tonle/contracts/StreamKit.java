package org.tonle.contracts;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.iceberg.Schema;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.QuarantineTable;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.sql.BoundStream;
import org.tonle.sql.DataFile;
import org.tonle.sql.Dataset;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.ReadColumn;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.StreamResult;
import org.tonle.sql.StreamTarget;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/** Events in files, and streaming tables over them, for tests of engines. */
public final class StreamKit {
    private static final Place PLACE = new Place("pipelines/test.sql", 1, 1);

    private final SqlEngine engine;
    private final Path directory;
    private final SqlKit kit;
    private int runs;

    public StreamKit(SqlEngine engine, Path directory) {
        this.engine = engine;
        this.directory = directory;
        this.kit = new SqlKit(engine, directory);
    }

    public SqlKit tables() {
        return kit;
    }

    /** A schema-on-read column at {@code $.name}. */
    public static ReadColumn column(String name, ColumnType type, boolean required) {
        return ReadColumn.of(
                new ColumnDefinition(name, type, JsonPath.field(name), required, PLACE));
    }

    /** A source {@code events} with these columns, known but without events. */
    public static SqlTable source(ReadColumn... columns) {
        return new SqlTable(
                new TableName("bronze", "events"),
                BronzeTable.SCHEMA,
                List.of(columns),
                java.util.Optional.empty());
    }

    /** An event of partition 0, taken in at a second of 2026-01-01, at its place in the list. */
    public record Event(String id, int second, String payload) {}

    /** Adds a file of events; positions count from 0 in each call. */
    public List<DataFile> events(SqlTable source, Event... events) {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < events.length; i++) {
            Event e = events[i];
            rows.add(
                    "('%s', TIMESTAMP '2026-01-01 00:00:%02d', 0, %d, 0, '%s')"
                            .formatted(e.id(), e.second(), i, e.payload().replace("'", "''")));
        }
        return kit.add(
                source,
                BronzeTable.SCHEMA,
                "SELECT event_id, ingest_time, 'events' AS source, 't' AS topic, \"partition\","
                        + " \"position\", \"index\", 'application/json' AS content_type, payload"
                        + " FROM (VALUES "
                        + String.join(", ", rows)
                        + ") AS t(event_id, ingest_time, \"partition\", \"position\", \"index\","
                        + " payload)");
    }

    public BoundStream bind(String statement) {
        return Sql.stream((Dataset.StreamingTable) Sql.dataset(new SqlText(PLACE, statement)), kit);
    }

    /** What a run did, and where its rows are. */
    public record Run(StreamResult result, BoundStream stream, Path rows, Path quarantine) {}

    /** Runs a statement over all files of its input. */
    public Run run(String statement, KeyFilter keys) {
        BoundStream stream = bind(statement);
        int run = runs++;
        Path rows = folder("rows-" + run);
        Path quarantine = folder("quarantine-" + run);
        StreamTarget target =
                new StreamTarget(
                        new TableName("silver", "out"),
                        "commit-" + run,
                        rows,
                        quarantine,
                        "part",
                        stream.schema());
        return new Run(
                engine.writeStream(stream, kit.inputs(), keys, target), stream, rows, quarantine);
    }

    private Path folder(String name) {
        try {
            return Files.createDirectory(directory.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The rows a run wrote, read back, of some columns and in some order. */
    public List<List<@Nullable Object>> rows(Run run, String columns, String order) {
        return read("silver", run.stream().schema(), run.result().rows(), columns, order);
    }

    /** The rows a run sent to quarantine. */
    public List<List<@Nullable Object>> quarantine(Run run, String columns, String order) {
        return read(
                "quarantine", QuarantineTable.SCHEMA, run.result().quarantine(), columns, order);
    }

    private List<List<@Nullable Object>> read(
            String namespace,
            Schema schema,
            List<WrittenFile> files,
            String columns,
            String order) {
        SqlTable table = SqlTable.of(new TableName(namespace, "read" + runs++), schema);
        kit.table(table);
        kit.give(
                table,
                files.stream()
                        .map(file -> new DataFile(file.path(), file.records(), false))
                        .toList());
        return kit.rows("SELECT " + columns + " FROM " + table.name() + " ORDER BY " + order);
    }

    /** Remembers every key it is asked about; the second of a kind is a duplicate. */
    public static final class SeenKeys implements KeyFilter {
        private final Set<String> seen = new HashSet<>();
        private final List<String> asked = new ArrayList<>();

        @Override
        public BitSet duplicates(org.tonle.sql.KeyBatch batch) {
            BitSet duplicates = new BitSet();
            IntStream.range(0, batch.size())
                    .forEach(i -> {
                        String key = new String(batch.key(i), StandardCharsets.UTF_8);
                        asked.add(key);
                        duplicates.set(i, !seen.add(key));
                    });
            return duplicates;
        }

        /** In the order of the questions. */
        public List<String> asked() {
            return asked;
        }
    }
}
