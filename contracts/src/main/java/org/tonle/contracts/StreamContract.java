package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.BronzeTable;
import org.tonle.contracts.StreamKit.Event;
import org.tonle.contracts.StreamKit.Run;
import org.tonle.contracts.StreamKit.SeenKeys;
import org.tonle.definition.ColumnType.Simple;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundStream;
import org.tonle.sql.DataFile;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.StreamResult;
import org.tonle.sql.StreamTarget;
import org.tonle.sql.TableName;

/** What every {@link SqlEngine} does with a streaming table. */
public abstract class StreamContract {
    private static final SqlTable FLIGHTS =
            StreamKit.source(
                    StreamKit.column("origin", Simple.STRING, true),
                    StreamKit.column("delay", Simple.INT, false));

    private static final String COPY =
            "CREATE STREAMING TABLE silver.out AS SELECT event_id AS id, origin, delay FROM STREAM"
                    + " bronze.events";

    @SuppressWarnings("NullAway.Init") // JUnit sets it
    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init") // set before each test
    private SqlEngine engine;

    @SuppressWarnings("NullAway.Init") // set before each test
    private StreamKit kit;

    /** A new engine that may read and write below {@code directory}. */
    protected abstract SqlEngine open(Path directory);

    @BeforeEach
    void openEngine() {
        engine = open(directory);
        kit = new StreamKit(engine, directory);
    }

    @AfterEach
    void closeEngine() {
        engine.close();
    }

    @Test
    void writesEachIntactEventOnceWithItsKeyAndTime() {
        kit.events(
                FLIGHTS,
                new Event("b", 2, "{\"origin\":\"LAS\",\"delay\":5}"),
                new Event("a", 1, "{\"origin\":\"Zürich\"}"));
        Run run = kit.run(COPY, new SeenKeys());
        assertThat(run.result().written()).isEqualTo(2);
        assertThat(run.result().quarantine()).isEmpty();
        assertThat(kit.rows(run, "*", "id").toString())
                .isEqualTo("[[a, Zürich, null], [b, LAS, 5]]");
        assertThat(kit.rows(run, "_key, CAST(_ingest_time AS VARCHAR)", "_key").toString())
                .isEqualTo("[[a, 2026-01-01 00:00:01+00], [b, 2026-01-01 00:00:02+00]]");
    }

    @Test
    void asksAboutEachCandidateOnceInTheOrderOfTimeAndPlace() {
        kit.events(
                FLIGHTS,
                new Event("late", 9, "{\"origin\":\"A\"}"),
                new Event("early", 1, "{\"origin\":\"B\"}"),
                new Event("left-out", 2, "{\"origin\":\"no\"}"),
                new Event("malformed", 3, "[]"),
                new Event("same-time-1", 5, "{\"origin\":\"C\"}"),
                new Event("same-time-2", 5, "{\"origin\":\"D\"}"));
        SeenKeys keys = new SeenKeys();
        Run run = kit.run(COPY + " WHERE origin <> 'no'", keys);
        assertThat(keys.asked())
                .containsExactly("early", "malformed", "same-time-1", "same-time-2", "late");
        assertThat(run.result().filtered()).isEqualTo(1);
        assertThat(run.result().input()).isEqualTo(6);
    }

    @Test
    void keepsTheFirstOfAKeyAlsoAcrossFiles() {
        kit.events(FLIGHTS, new Event("x", 5, "{\"origin\":\"second\"}"));
        kit.events(
                FLIGHTS,
                new Event("x", 4, "{\"origin\":\"first\"}"),
                new Event("y", 6, "{\"origin\":\"other\"}"),
                new Event("x", 7, "{\"origin\":7}"),
                new Event("x", 8, "no json"));
        Run run = kit.run(COPY, new SeenKeys());
        assertThat(kit.rows(run, "id, origin", "id").toString())
                .isEqualTo("[[x, first], [y, other]]");
        assertThat(run.result().duplicates()).isEqualTo(3);
        assertThat(run.result().malformed()).isZero();
    }

    @Test
    void sendsWhatIsMalformedToQuarantineWithReasonPlaceAndOriginal() {
        kit.events(
                FLIGHTS,
                new Event("ok", 0, "{\"origin\":\"A\",\"delay\":null}"),
                new Event("no-json", 1, "{\"origin\":"),
                new Event("array", 2, "[{\"origin\":\"A\"}]"),
                new Event("missing", 3, "{\"delay\":5}"),
                new Event("null", 4, "{\"origin\":null}"),
                new Event("wrong", 5, "{\"origin\":\"A\",\"delay\":\"much\"}"),
                new Event("fraction", 6, "{\"origin\":\"A\",\"delay\":1.5}"),
                new Event("unused", 7, " \n{\"origin\":\"A\",\"delay\":[]}"),
                new Event("empty", 8, ""));
        Run run =
                kit.run(
                        "CREATE STREAMING TABLE silver.out AS SELECT event_id AS id FROM STREAM"
                                + " bronze.events WHERE origin = 'A'",
                        new SeenKeys());
        assertThat(kit.rows(run, "id", "id").toString()).isEqualTo("[[ok]]");
        assertThat(run.result().malformed()).isEqualTo(8);
        assertThat(kit.quarantine(run, "\"key\", reason, rule, message", "\"position\"").toString())
                .isEqualTo(
                        "[[no-json, malformed, payload, the payload is no JSON],"
                                + " [array, malformed, payload, the payload is no JSON object],"
                                + " [missing, malformed, origin, origin is required and missing],"
                                + " [null, malformed, origin, origin is required and missing],"
                                + " [wrong, malformed, delay, delay is much, which is no int],"
                                + " [fraction, malformed, delay, delay is 1.5, which is no int],"
                                + " [unused, malformed, delay, delay is [], which is no int],"
                                + " [empty, malformed, payload, the payload is no JSON]]");
        assertThat(
                        kit.quarantine(
                                        run,
                                        "dataset, \"partition\", \"position\", \"index\", \"ordinal\","
                                                + " payload, commit_id",
                                        "\"position\"")
                                .getFirst()
                                .toString())
                .isEqualTo("[silver.out, 0, 1, 0, 0, {\"origin\":, commit-0]");
    }

    @Test
    void countsDropsAndFailsByExpectations() {
        kit.events(
                FLIGHTS,
                new Event("a", 0, "{\"origin\":\"LAS\",\"delay\":-212}"),
                new Event("b", 1, "{\"origin\":\"PHX\",\"delay\":10}"),
                new Event("c", 2, "{\"origin\":\"PHX\"}"),
                new Event("d", 3, "{\"origin\":\"SEA\",\"delay\":90}"));
        Run run =
                kit.run(
                        "CREATE STREAMING TABLE silver.out (\n"
                                + " CONSTRAINT plausible EXPECT (delay BETWEEN -120 AND 2880) ON"
                                + " VIOLATION DROP ROW,\n"
                                + " CONSTRAINT short EXPECT (delay < 60),\n"
                                + " CONSTRAINT known EXPECT (\"origin\" IS NOT NULL) ON VIOLATION"
                                + " FAIL UPDATE\n"
                                + ") AS SELECT event_id AS id, origin, delay FROM STREAM"
                                + " bronze.events AS e",
                        new SeenKeys());
        assertThat(kit.rows(run, "id", "id").toString()).isEqualTo("[[b], [d]]");
        assertThat(run.result().dropped()).isEqualTo(2);
        assertThat(run.result().expectations().toString())
                .isEqualTo(
                        "[ExpectationResult[name=plausible, passed=2, failed=2],"
                                + " ExpectationResult[name=short, passed=2, failed=2],"
                                + " ExpectationResult[name=known, passed=4, failed=0]]");
        assertThat(
                        kit.quarantine(run, "\"key\", reason, rule, message, payload", "\"key\"")
                                .toString())
                .isEqualTo(
                        "[[a, expectation, plausible, plausible EXPECT (delay BETWEEN -120 AND"
                                + " 2880), but the row has delay = -212,"
                                + " {\"origin\":\"LAS\",\"delay\":-212}], [c, expectation, plausible,"
                                + " plausible EXPECT (delay BETWEEN -120 AND 2880), but the row has"
                                + " delay = NULL, {\"origin\":\"PHX\"}]]");
    }

    @Test
    void endsTheRunAndLeavesNoFileWhenAnExpectationSaysSo() throws IOException {
        kit.events(
                FLIGHTS,
                new Event("a", 0, "{\"origin\":\"LAS\",\"delay\":1}"),
                new Event("b", 1, "{\"origin\":\"PHX\",\"delay\":99}"));
        assertThatThrownBy(() ->
                        kit.run(
                                "CREATE STREAMING TABLE silver.out (CONSTRAINT short EXPECT"
                                        + " (delay < 60) ON VIOLATION FAIL UPDATE) AS"
                                        + " SELECT delay FROM STREAM bronze.events",
                                KeyFilter.NONE))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.EXPECTATION_FAILED))
                .hasMessageContaining("short EXPECT (delay < 60), but the row has delay = 99")
                .hasMessageContaining("partition 0, position 1, index 0");
        try (Stream<Path> files = Files.list(directory.resolve("rows-0"))) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void runsOverNoFilesAndOverNothingButDuplicates() {
        kit.tables().table(FLIGHTS);
        assertThat(kit.run(COPY, new SeenKeys()).result().rows()).isEmpty();
        kit.events(FLIGHTS, new Event("a", 0, "{\"origin\":\"LAS\"}"));
        SeenKeys keys = new SeenKeys();
        assertThat(kit.run(COPY, keys).result().written()).isEqualTo(1);
        Run again = kit.run(COPY, keys);
        assertThat(again.result().rows()).isEmpty();
        assertThat(again.result().duplicates()).isEqualTo(1);
    }

    @Test
    void deduplicatesByADeclaredKey() {
        SqlTable keyed =
                new SqlTable(
                        FLIGHTS.name(), BronzeTable.SCHEMA, FLIGHTS.onRead(), Optional.of("delay"));
        kit.events(
                keyed,
                new Event("a", 0, "{\"origin\":\"LAS\",\"delay\":1}"),
                new Event("b", 1, "{\"origin\":\"PHX\",\"delay\":1.0}"),
                new Event("c", 2, "{\"origin\":\"PHX\"}"));
        Run run = kit.run(COPY, new SeenKeys());
        assertThat(kit.rows(run, "_key, origin", "id").toString()).isEqualTo("[[1, LAS]]");
        assertThat(run.result().duplicates()).isEqualTo(1);
        assertThat(kit.quarantine(run, "\"key\", rule, message", "1").toString())
                .isEqualTo("[[c, delay, delay is required and missing]]");
    }

    @Test
    void readsAnotherStreamingTable() {
        kit.events(
                FLIGHTS,
                new Event("a", 2, "{\"origin\":\"LAS\",\"delay\":1}"),
                new Event("b", 1, "{\"origin\":\"PHX\",\"delay\":2}"));
        Run first = kit.run(COPY, new SeenKeys());
        SqlTable silver = SqlTable.of(new TableName("silver", "flights"), first.stream().schema());
        kit.tables()
                .give(
                        silver,
                        first.result().rows().stream()
                                .map(file -> new DataFile(file.path(), file.records(), false))
                                .toList());
        SeenKeys keys = new SeenKeys();
        Run second =
                kit.run(
                        "CREATE STREAMING TABLE silver.more (CONSTRAINT small EXPECT (twice < 4) ON"
                                + " VIOLATION DROP ROW) AS SELECT id, delay * 2 AS twice FROM"
                                + " STREAM silver.flights",
                        keys);
        assertThat(keys.asked()).containsExactly("b", "a");
        assertThat(kit.rows(second, "_key, twice", "1").toString()).isEqualTo("[[a, 2]]");
        assertThat(kit.quarantine(second, "\"key\", \"position\", payload", "1").toString())
                .isEqualTo("[[b, null, {\"id\":\"b\",\"origin\":\"PHX\",\"delay\":2}]]");
    }

    @Test
    void removesWhatItWroteWhenALaterValueFails() throws IOException {
        kit.events(
                FLIGHTS,
                new Event("a", 0, "{\"origin\":\"1\"}"),
                new Event("b", 1, "{\"origin\":\"two\"}"));
        assertThatThrownBy(() ->
                        kit.run(
                                "CREATE STREAMING TABLE silver.out AS SELECT CAST(origin AS"
                                        + " INTEGER) AS n FROM STREAM bronze.events",
                                KeyFilter.NONE))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_VALUE))
                .hasMessageContaining("two");
        try (Stream<Path> files = Files.list(directory.resolve("rows-0"))) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void removesItsRowsWhenQuarantineCantBeWritten() throws IOException {
        kit.events(FLIGHTS, new Event("a", 0, "{\"origin\":\"LAS\"}"), new Event("b", 1, "{}"));
        BoundStream stream = kit.bind(COPY);
        Path rows = Files.createDirectory(directory.resolve("kept"));
        assertThatThrownBy(() ->
                        engine.writeStream(
                                stream,
                                kit.tables().inputs(),
                                KeyFilter.NONE,
                                new StreamTarget(
                                        new TableName("silver", "out"),
                                        "commit",
                                        rows,
                                        directory.resolve("not-there"),
                                        "part",
                                        stream.schema())))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.STORAGE));
        assertThat(rows).isEmptyDirectory();
    }

    @Test
    void keepsRunsThatHappenAtOnceApart() throws Exception {
        kit.events(
                FLIGHTS,
                new Event("a", 0, "{\"origin\":\"LAS\"}"),
                new Event("b", 1, "{\"origin\":\"PHX\"}"),
                new Event("c", 2, "{}"));
        List<Callable<StreamResult>> tasks = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            Path rows = Files.createDirectory(directory.resolve("at-once-" + i));
            Path quarantine = Files.createDirectory(directory.resolve("refused-" + i));
            BoundStream stream = kit.bind(i % 2 == 0 ? COPY : COPY + " WHERE origin = 'LAS'");
            tasks.add(() ->
                    engine.writeStream(
                            stream,
                            kit.tables().inputs(),
                            new SeenKeys(),
                            new StreamTarget(
                                    new TableName("silver", "out"),
                                    "commit",
                                    rows,
                                    quarantine,
                                    "part",
                                    stream.schema())));
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<StreamResult>> results = threads.invokeAll(tasks);
            for (int i = 0; i < results.size(); i++) {
                assertThat(results.get(i).get().written()).isEqualTo(i % 2 == 0 ? 2 : 1);
                assertThat(results.get(i).get().malformed()).isEqualTo(1);
            }
        }
    }

    @Test
    void endsARunWhoseThreadIsInterrupted() throws Exception {
        kit.events(FLIGHTS, new Event("a", 0, "{\"origin\":\"LAS\"}"));
        Throwable[] thrown = new Throwable[1];
        Thread thread =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                Run unused =
                                        kit.run(
                                                COPY,
                                                batch -> {
                                                    Thread.currentThread().interrupt();
                                                    return new java.util.BitSet();
                                                });
                            } catch (LakeException e) {
                                thrown[0] = e;
                            }
                        });
        thread.join();
        assertThat(thrown[0])
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.CANCELLED));
        try (Stream<Path> files = Files.list(directory.resolve("rows-0"))) {
            assertThat(files).isEmpty();
        }
        assertThat(kit.run(COPY, new SeenKeys()).result().written()).isEqualTo(1);
    }
}
