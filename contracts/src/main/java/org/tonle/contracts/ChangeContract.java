package org.tonle.contracts;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tonle.contracts.StreamKit.Event;
import org.tonle.definition.ColumnType.Simple;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;

/** What every {@link SqlEngine} does with a change table. */
public abstract class ChangeContract {
    private static final SqlTable EVENTS =
            StreamKit.source(
                    StreamKit.column("id", Simple.BIGINT, false),
                    StreamKit.column("v", Simple.STRING, false),
                    StreamKit.column("n", Simple.INT, false),
                    StreamKit.column("op", Simple.STRING, false),
                    StreamKit.column("seq", Simple.BIGINT, false));

    /** As the tables of databases have them. */
    private static final SqlTable CHANGES =
            StreamKit.source(
                    StreamKit.column("id", Simple.BIGINT, false),
                    StreamKit.column("v", Simple.STRING, false),
                    StreamKit.column("_op", Simple.STRING, true),
                    StreamKit.column("_seq", Simple.STRING, true),
                    StreamKit.column("_at", Simple.TIMESTAMPTZ, false),
                    StreamKit.column("_unchanged", Simple.STRING, false));

    private static final String CLAUSES =
            "KEYS (id) APPLY AS DELETE WHEN op = 'd' APPLY AS TRUNCATE WHEN op = 't' SEQUENCE BY seq"
                    + " COLUMNS * EXCEPT (op, seq) STORED AS SCD TYPE ";

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

    private ChangeKit kit(int type) throws java.io.IOException {
        return kit(EVENTS, CLAUSES + type);
    }

    private static Event change(String op, long id, long seq, String value) {
        return new Event(
                op + id + "-" + seq,
                1,
                "{\"id\":%s,\"v\":\"%s\",\"n\":%d,\"op\":\"%s\",\"seq\":%d}"
                        .formatted(op.equals("t") ? "null" : id, value, seq, op, seq));
    }

    private static List<@Nullable Object> row(@Nullable Object... values) {
        return Arrays.asList(values);
    }

    @Test
    void theLatestChangeOfAKeyIsItsRow() throws Exception {
        ChangeKit kit = kit(1);
        kit.run(change("c", 1, 1, "a"), change("c", 2, 2, "b"), change("u", 1, 3, "c"));
        assertThat(kit.rows("id, v, n", "id")).containsExactly(row(1L, "c", 3), row(2L, "b", 2));
        kit.run(change("u", 2, 5, "e"), change("d", 1, 4, "c"), change("c", 3, 6, "f"));
        assertThat(kit.rows("id, v", "id")).containsExactly(row(2L, "e"), row(3L, "f"));
        assertThat(kit.rows("*", "id")).allMatch(all -> all.size() == 3);
        assertThat(kit.rows("\"_sequence\"", "id")).containsExactly(row(5L), row(6L));
    }

    @Test
    void aChangeThatComesLateOrAgainMakesNoDifference() throws Exception {
        ChangeKit kit = kit(1);
        kit.run(change("u", 1, 5, "new"), change("d", 2, 7, ""));
        kit.run(change("u", 1, 3, "late"), change("u", 2, 6, "late"));
        kit.run(change("u", 1, 5, "new"), change("d", 2, 7, ""), change("c", 2, 1, "first"));
        assertThat(kit.rows("id, v", "id")).containsExactly(row(1L, "new"));
        kit.run(change("c", 2, 8, "again"));
        assertThat(kit.rows("id, v", "id")).containsExactly(row(1L, "new"), row(2L, "again"));
    }

    @Test
    void aTruncationEndsAllRowsBeforeItAndNoneBehindIt() throws Exception {
        ChangeKit latest = kit(1);
        ChangeKit history = kit(2);
        for (ChangeKit kit : List.of(latest, history)) {
            kit.run(change("c", 1, 1, "a"), change("c", 2, 2, "b"), change("c", 3, 9, "later"));
            kit.run(change("t", 0, 5, ""), change("c", 4, 6, "d"));
            kit.run(change("u", 1, 4, "late"), change("c", 5, 3, "late"));
        }
        assertThat(latest.rows("id, v", "id")).containsExactly(row(3L, "later"), row(4L, "d"));
        assertThat(history.rows("id, v, \"__start_at\", \"__end_at\"", "id, \"__start_at\""))
                .containsExactly(
                        row(1L, "a", 1L, 4L),
                        row(1L, "late", 4L, 5L),
                        row(2L, "b", 2L, 5L),
                        row(3L, "later", 9L, null),
                        row(4L, "d", 6L, null),
                        row(5L, "late", 3L, 5L));
    }

    @Test
    void eachVersionHoldsUntilTheNextChange() throws Exception {
        ChangeKit kit = kit(2);
        kit.run(change("c", 1, 10, "a"));
        kit.run(change("u", 1, 30, "c"));
        kit.run(change("u", 1, 20, "b"), change("d", 1, 40, ""));
        kit.run(change("d", 2, 5, ""), change("c", 1, 50, "e"));
        kit.run(change("c", 2, 4, "z"), change("u", 1, 45, "d"));
        assertThat(kit.rows("id, v, \"__start_at\", \"__end_at\"", "id, \"__start_at\""))
                .containsExactly(
                        row(1L, "a", 10L, 20L),
                        row(1L, "b", 20L, 30L),
                        row(1L, "c", 30L, 40L),
                        row(1L, "d", 45L, 50L),
                        row(1L, "e", 50L, null),
                        row(2L, "z", 4L, 5L));
    }

    @Test
    void aDeleteThatALateOneHidesStillEndsWhatComesBetween() throws Exception {
        ChangeKit kit = kit(2);
        kit.run(change("c", 1, 10, "a"), change("d", 1, 20, ""));
        kit.run(change("d", 1, 15, ""));
        kit.run(change("u", 1, 17, "b"));
        assertThat(kit.rows("v, \"__start_at\", \"__end_at\"", "\"__start_at\""))
                .containsExactly(row("a", 10L, 15L), row("b", 17L, 20L));
    }

    @Test
    void anEventWithoutKeyOrSequenceIsRefused() throws Exception {
        ChangeKit kit = kit(1);
        var result =
                kit.run(
                        change("c", 1, 1, "a"),
                        new Event("k", 2, "{\"v\":\"x\",\"seq\":2}"),
                        new Event("s", 3, "{\"id\":3}"),
                        new Event("b", 4, "{\"id\":\"many\",\"seq\":4}"),
                        new Event("j", 5, "no JSON"));
        assertThat(result.malformed()).isEqualTo(4);
        assertThat(kit.rows("id", "id")).containsExactly(row(1L));
        assertThat(kit.quarantine("\"key\", \"rule\", message, payload", "\"key\""))
                .containsExactly(
                        row(
                                "b",
                                "id",
                                "id is many, which is no bigint",
                                "{\"id\":\"many\",\"seq\":4}"),
                        row("j", "payload", "the payload is no JSON", "no JSON"),
                        row("k", "id", "id is a key and missing", "{\"v\":\"x\",\"seq\":2}"),
                        row(
                                "s",
                                "SEQUENCE BY",
                                "nothing says where it stands in the order of changes",
                                "{\"id\":3}"));
    }

    private static Event told(String op, int id, String value, int seq, String unchanged) {
        return new Event(
                "e" + seq,
                1,
                "{\"id\":%d,%s\"_op\":\"%s\",\"_seq\":\"%03d\",\"_unchanged\":%s}"
                        .formatted(
                                id,
                                value.isEmpty() ? "" : "\"v\":\"" + value + "\",",
                                op,
                                seq,
                                unchanged));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void whatAnUpdateDoesNotTellStaysAsItWas(int type) throws Exception {
        ChangeKit kit = kit(CHANGES, "KEYS (id) STORED AS SCD TYPE " + type);
        String bio = "\"[\\\"v\\\"]\"";
        kit.run(told("c", 1, "long", 1, "null"), told("c", 2, "text", 2, "null"));
        kit.run(told("u", 1, "", 3, bio), told("u", 1, "", 4, bio), told("u", 2, "", 5, "null"));
        kit.run(told("d", 2, "", 6, "null"), told("u", 1, "", 7, bio));
        String which = type == 1 ? "\"_sequence\"" : "\"__start_at\"";
        List<List<@Nullable Object>> all = new ArrayList<>();
        if (type == 2) {
            all.addAll(List.of(row(1L, "long", "001"), row(1L, "long", "003")));
            all.add(row(1L, "long", "004"));
        }
        all.add(row(1L, "long", "007"));
        if (type == 2) {
            all.addAll(List.of(row(2L, "text", "002"), row(2L, null, "005")));
        }
        assertThat(kit.rows("id, v, " + which, "id, " + which)).isEqualTo(all);
    }

    @Test
    void whatADatabaseDeletesIsDeletedBesideWhatTheStatementDeletes() throws Exception {
        ChangeKit kit = kit(CHANGES, "KEYS (id) APPLY AS DELETE WHEN v = 'gone'");
        kit.run(told("c", 1, "a", 1, "null"), told("c", 2, "b", 2, "null"));
        kit.run(told("c", 3, "c", 3, "null"), told("u", 1, "gone", 4, "null"));
        kit.run(told("d", 2, "", 5, "null"));
        assertThat(kit.rows("id, v", "id")).containsExactly(row(3L, "c"));
    }

    @Test
    void aTableMayHaveMoreColumnsThanItsStatement() throws Exception {
        ChangeKit kit = kit(1);
        kit.run(change("c", 1, 1, "a"), change("c", 2, 2, "b"));
        List<Types.NestedField> fields = new ArrayList<>(kit.changes().schema().columns());
        fields.add(2, Types.NestedField.optional(9, "since", Types.DateType.get()));
        kit.run(new Schema(fields), change("u", 1, 3, "c"));
        assertThat(kit.rows("id, v, n", "id")).containsExactly(row(1L, "c", 3), row(2L, "b", 2));
    }

    @Test
    void aFailureLeavesNoFile() throws Exception {
        ChangeKit kit =
                kit(
                        EVENTS,
                        "KEYS (id) APPLY AS DELETE WHEN CAST(v AS INTEGER) > 1 SEQUENCE BY seq");
        Path files = directory;
        try {
            kit.run(change("c", 1, 1, "1"), change("c", 2, 2, "none"));
            throw new AssertionError("it should have failed");
        } catch (org.tonle.spi.LakeException e) {
            assertThat(e.code()).isEqualTo(org.tonle.spi.ErrorCode.INVALID_VALUE);
        }
        try (var left = Files.walk(files)) {
            assertThat(left.map(path -> path.getFileName().toString()))
                    .noneMatch(name -> name.startsWith("part"));
        }
    }

    /** One change as the model has it. */
    private record Change(long id, long seq, String op, String value) {
        Event event() {
            return change(op, id, seq, value);
        }
    }

    /**
     * Any history, cut into any runs, in any order, some of it twice, leads to the same tables as
     * the history in its order.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void anyOrderLeadsToTheSameRows(int type) throws Exception {
        int histories = Integer.getInteger("tonle.histories", 10);
        for (int seed = 0; seed < histories; seed++) {
            Random random = new Random(seed);
            List<Change> history = new ArrayList<>();
            for (int seq = 1; seq <= 40; seq++) {
                int kind = random.nextInt(20);
                String op = kind == 0 ? "t" : kind < 5 ? "d" : "u";
                history.add(new Change(random.nextInt(6), seq, op, "v" + seq));
            }
            List<Change> arriving = new ArrayList<>(history);
            if (seed % 3 != 0) {
                Collections.shuffle(arriving, random);
            }
            for (int again = 0; again < 10; again++) {
                arriving.add(
                        random.nextInt(arriving.size()),
                        history.get(random.nextInt(history.size())));
            }
            ChangeKit kit = kit(type);
            for (int from = 0; from < arriving.size(); ) {
                int to = Math.min(arriving.size(), from + 1 + random.nextInt(12));
                kit.run(
                        arriving.subList(from, to).stream()
                                .map(Change::event)
                                .toArray(Event[]::new));
                from = to;
            }
            assertThat(
                            type == 1
                                    ? kit.rows("id, v, \"_sequence\"", "id")
                                    : kit.rows(
                                            "id, v, \"__start_at\", \"__end_at\"",
                                            "id, \"__start_at\""))
                    .as("history %d", seed)
                    .isEqualTo(type == 1 ? latest(history) : versions(history));
        }
    }

    private static List<List<@Nullable Object>> latest(List<Change> history) {
        Map<Long, Change> rows = new TreeMap<>();
        for (Change change : history) {
            switch (change.op()) {
                case "t" -> rows.clear();
                case "d" -> rows.remove(change.id());
                default -> rows.put(change.id(), change);
            }
        }
        return rows.values().stream().map(c -> row(c.id(), c.value(), c.seq())).toList();
    }

    private static List<List<@Nullable Object>> versions(List<Change> history) {
        Map<Long, Change> open = new LinkedHashMap<>();
        List<List<@Nullable Object>> rows = new ArrayList<>();
        for (Change change : history) {
            List<Change> ended =
                    change.op().equals("t")
                            ? List.copyOf(open.values())
                            : open.containsKey(change.id())
                                    ? List.of(requireNonNull(open.get(change.id())))
                                    : List.of();
            for (Change version : ended) {
                rows.add(row(version.id(), version.value(), version.seq(), change.seq()));
                open.remove(version.id());
            }
            if (change.op().equals("u")) {
                open.put(change.id(), change);
            }
        }
        open.values().forEach(c -> rows.add(row(c.id(), c.value(), c.seq(), null)));
        rows.sort(
                java.util.Comparator.<List<@Nullable Object>>comparingLong(
                                r -> (Long) requireNonNull(r.get(0)))
                        .thenComparingLong(r -> (Long) requireNonNull(r.get(2))));
        return rows;
    }
}
