package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tonle.contracts.StreamKit.Event;
import org.tonle.definition.ColumnType;
import org.tonle.definition.ColumnType.Simple;
import org.tonle.definition.JsonPath;
import org.tonle.sql.ReadColumn;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;

/** What columns of a change table may be called, and what their keys may be. */
public abstract class ChangeNamesContract {
    @SuppressWarnings("NullAway.Init") // JUnit sets it
    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init") // set before each test
    private SqlEngine engine;

    /** A new engine that may read and write below {@code directory}. */
    protected abstract SqlEngine open(Path directory);

    @BeforeEach
    void openEngine() {
        engine = open(directory);
    }

    @AfterEach
    void closeEngine() {
        engine.close();
    }

    private ChangeKit kit(SqlTable source, String clauses) throws java.io.IOException {
        return new ChangeKit(engine, Files.createTempDirectory(directory, "kit"), source, clauses);
    }

    private static List<@Nullable Object> row(@Nullable Object... values) {
        return Arrays.asList(values);
    }

    /** As the tables of databases have them, the columns' names other than those outside. */
    private static SqlTable renamed() {
        return StreamKit.source(
                new ReadColumn("id", Simple.BIGINT, JsonPath.parse("$.row.ID"), false),
                new ReadColumn("note", Simple.STRING, JsonPath.parse("$.row.letter"), false),
                new ReadColumn("tag", Simple.STRING, JsonPath.parse("$.row.tags[0]"), false),
                new ReadColumn("letter", Simple.STRING, JsonPath.parse("$.row.other"), false),
                new ReadColumn("_op", Simple.STRING, JsonPath.parse("$.op"), true),
                new ReadColumn("_seq", Simple.STRING, JsonPath.parse("$.seq"), true),
                new ReadColumn("_at", Simple.TIMESTAMPTZ, JsonPath.parse("$.at"), false),
                new ReadColumn("_unchanged", Simple.STRING, JsonPath.parse("$.unchanged"), false));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aValueThatIsNotToldStaysWhateverItsColumnIsCalled(int type) throws Exception {
        ChangeKit kit = kit(renamed(), "KEYS (id) STORED AS SCD TYPE " + type);
        kit.run(
                new Event(
                        "1",
                        1,
                        "{\"op\":\"c\",\"seq\":\"1\",\"row\":{\"ID\":1,\"letter\":\"long\",\"tags\":[\"x\"],\"other\":\"o\"}}"));
        kit.run(
                new Event(
                        "2",
                        2,
                        "{\"op\":\"u\",\"seq\":\"2\",\"row\":{\"ID\":1,\"other\":null},\"unchanged\":\"[\\\"letter\\\",\\\"tags\\\"]\"}"));
        assertThat(
                        kit.rows(
                                "note, tag, letter",
                                type == 1 ? "\"_sequence\"" : "\"__start_at\" DESC"))
                .first()
                .isEqualTo(row("long", "x", null));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void columnsMayBeCalledAnything(int type) throws Exception {
        List<String> names =
                List.of(
                        "s",
                        "d",
                        "f",
                        "p",
                        "n",
                        "t",
                        "u",
                        "o",
                        "w",
                        "e",
                        "r",
                        "k",
                        "g",
                        "v0",
                        "v1",
                        "v2",
                        "counts",
                        "known",
                        "filename",
                        "file_row_number",
                        "row",
                        "select",
                        "tonle_run",
                        "temp",
                        "x",
                        "a.b",
                        "it's",
                        "a\"b",
                        "ünï",
                        "c1",
                        "rowid",
                        "$x",
                        "file_index",
                        "values",
                        "schema");
        List<ReadColumn> columns = new ArrayList<>();
        for (String name : names) {
            columns.add(StreamKit.column(name, Simple.STRING, false));
        }
        columns.add(StreamKit.column("op", Simple.STRING, false));
        columns.add(StreamKit.column("seq", Simple.BIGINT, false));
        SqlTable source = StreamKit.source(columns.toArray(ReadColumn[]::new));
        for (String key : List.of("s", "v1", "file_row_number", "a\"b")) {
            ChangeKit kit =
                    kit(
                            source,
                            "KEYS (\""
                                    + key.replace("\"", "\"\"")
                                    + "\") APPLY AS DELETE WHEN op = 'd' APPLY AS TRUNCATE WHEN op = 't' SEQUENCE BY seq COLUMNS * EXCEPT (op, seq) STORED AS SCD TYPE "
                                    + type);
            kit.run(event(names, "a", "u", 1), event(names, "b", "u", 2));
            kit.run(event(names, "c", "u", 3), event(names, "b", "d", 4));
            kit.run(event(names, "a", "u", 5), event(names, "c", "u", 6));
            kit.run(event(names, "x", "t", 7), event(names, "a", "u", 8));
            String all =
                    String.join(
                            ", ",
                            names.stream()
                                    .map(name -> "\"" + name.replace("\"", "\"\"") + "\"")
                                    .toList());
            if (type == 1) {
                List<@Nullable Object> expected = new ArrayList<>();
                names.forEach(name -> expected.add("a-" + name));
                assertThat(kit.rows(all, "1")).as(key).containsExactly(expected);
            } else {
                assertThat(kit.rows(all, "1")).as(key).hasSize(6);
            }
        }
    }

    private static Event event(List<String> names, String value, String op, int seq) {
        StringBuilder json = new StringBuilder("{");
        for (String name : names) {
            json.append("\"")
                    .append(name.replace("\"", "\\\""))
                    .append("\":\"")
                    .append(value + "-" + name.replace("\"", "\\\""))
                    .append("\",");
        }
        return new Event(
                "e" + seq + value,
                1,
                json.append("\"op\":\"")
                        .append(op)
                        .append("\",\"seq\":")
                        .append(seq)
                        .append("}")
                        .toString());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void keysMayBeOfAnyType(int type) throws Exception {
        Object[][] types = {
            {Simple.BOOLEAN, "true", "false"},
            {Simple.INT, "1", "2"},
            {Simple.BIGINT, "9223372036854775807", "-9223372036854775808"},
            {Simple.DOUBLE, "1.5", "-0.0"},
            {Simple.STRING, "\"\"", "\"\\u00e4\""},
            {Simple.STRING, "\"a\"", "\"A\""},
            {Simple.STRING, "\"a\"", "\"a \""},
            {Simple.STRING, "\"\\u00e9\"", "\"e\\u0301\""},
            {Simple.DATE, "\"2026-01-01\"", "\"0001-01-01\""},
            {Simple.TIMESTAMP, "\"2026-01-01T00:00:00.000001\"", "\"2026-01-01T00:00:00.000002\""},
            {
                Simple.TIMESTAMPTZ,
                "\"2026-01-01T00:00:00.000001Z\"",
                "\"2026-01-01T00:00:00.000002Z\""
            },
            {
                new ColumnType.Decimal(38, 10),
                "\"1234567890123456789012345678.0000000001\"",
                "\"1234567890123456789012345678.0000000002\""
            },
            {new ColumnType.Decimal(5, 2), "\"1.10\"", "\"1.11\""},
        };
        List<String> sequences =
                List.of(
                        "seq",
                        "CAST(seq AS DOUBLE)",
                        "CAST(seq AS DECIMAL(20,3))",
                        "CAST(seq AS VARCHAR)",
                        "at");
        int round = 0;
        for (Object[] each : types) {
            {
                String sequence = sequences.get(round++ % sequences.size());
                SqlTable source =
                        StreamKit.source(
                                StreamKit.column("id", (ColumnType) each[0], false),
                                StreamKit.column("v", Simple.STRING, false),
                                StreamKit.column("op", Simple.STRING, false),
                                StreamKit.column("at", Simple.TIMESTAMPTZ, false),
                                StreamKit.column("seq", Simple.BIGINT, false));
                ChangeKit kit =
                        kit(
                                source,
                                "KEYS (id) APPLY AS DELETE WHEN op = 'd' APPLY AS TRUNCATE WHEN op = 't' SEQUENCE BY "
                                        + sequence
                                        + " COLUMNS (v, id) STORED AS SCD TYPE "
                                        + type);
                kit.run(keyed(each[1], "u", 1), keyed(each[2], "u", 2));
                kit.run(keyed(each[1], "u", 4), keyed(each[2], "d", 5));
                kit.run(keyed(each[1], "u", 3), keyed(each[2], "u", 4));
                String which = type == 1 ? "\"_sequence\"" : "\"__start_at\"";
                assertThat(kit.rows("v", which + ", v"))
                        .as(each[0] + " " + sequence)
                        .isEqualTo(
                                type == 1
                                        ? List.of(row("u4"))
                                        : List.of(
                                                row("u1"), row("u2"), row("u3"), row("u4"),
                                                row("u4")));
                kit.run(keyed("null", "t", 6), keyed(each[2], "u", 7));
                assertThat(kit.rows("v", which + ", v"))
                        .as(each[0] + " " + sequence)
                        .isEqualTo(
                                type == 1
                                        ? List.of(row("u7"))
                                        : List.of(
                                                row("u1"), row("u2"), row("u3"), row("u4"),
                                                row("u4"), row("u7")));
            }
        }
    }

    private static Event keyed(Object id, String op, int seq) {
        return new Event(
                "k" + id.hashCode() + seq,
                1,
                "{\"id\":%s,\"v\":\"%s\",\"op\":\"%s\",\"seq\":%d,\"at\":\"2026-01-01T00:00:00.00000%dZ\"}"
                        .formatted(id, op + seq, op, seq, seq));
    }
}
