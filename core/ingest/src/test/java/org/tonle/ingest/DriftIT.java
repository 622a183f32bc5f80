package org.tonle.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.iceberg.UpdateProperties;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType.Simple;
import org.tonle.definition.Drift;
import org.tonle.definition.DriftPolicy;
import org.tonle.definition.FileLocation;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.SeenFields;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.ledger.CommitRequest;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.Source;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/** Events with fields that there is no column for, on their way to bronze. */
class DriftIT {
    @TempDir private static Path dir;
    private static TestLake lake;

    @BeforeAll
    static void open() {
        lake = new TestLake(dir);
    }

    @AfterAll
    static void close() {
        lake.close();
    }

    private static SourceDefinition source(DriftPolicy drift, SourceKind kind) {
        return source(TestLake.uniqueSource(), drift, kind);
    }

    private static SourceDefinition source(String name, DriftPolicy drift, SourceKind kind) {
        SourceDefinition plain = TestLake.source(name, 1);
        return new SourceDefinition(
                name,
                plain.place(),
                plain.idField(),
                plain.eventTimeField(),
                Optional.empty(),
                List.of(
                        new ColumnDefinition(
                                "n",
                                Simple.INT,
                                JsonPath.field("n"),
                                false,
                                new Place("sources/x.yaml", 1, 1))),
                1,
                plain.retention(),
                kind,
                drift);
    }

    private static final SourceKind HTTP = new SourceKind.Http(1 << 20);

    private static List<String> columns(SourceDefinition source) {
        return source.tables().getFirst().columns(lake.bronze(source.name()).properties()).stream()
                .map(column -> column.name() + " " + column.type())
                .toList();
    }

    private static void post(Ingest ingest, SourceDefinition source, String... events)
            throws InterruptedException {
        TestLake.await(
                ingest,
                source.name(),
                TestLake.send(ingest, source.name(), null, String.join("\n", events)));
    }

    @Test
    void fieldsBecomeColumnsWithTheRowsThatBringThem() throws Exception {
        SourceDefinition source = source(DriftPolicy.EVOLVE, HTTP);
        try (Ingest ingest = lake.ingest(source)) {
            post(ingest, source, "{\"id\":\"1\",\"at\":1,\"n\":1}", "[1]", "7");
            assertThat(columns(source)).containsExactly("n int");
            post(
                    ingest,
                    source,
                    "{\"id\":\"2\",\"a\":5,\"nothing\":null,\"when\":\"2001-01-05\"}",
                    "{\"b\":{\"c\":1},\"list\":[1,2],\"yes\":true,\"at\":\"x\",\"a\":-3}");
            assertThat(columns(source))
                    .containsExactly(
                            "n int",
                            "a int",
                            "when date",
                            "b string",
                            "list string",
                            "yes boolean");
            post(ingest, source, "{\"a\":3000000000,\"nothing\":1.5}");
            assertThat(columns(source))
                    .startsWith("n int", "a bigint")
                    .endsWith("yes boolean", "nothing double");
            post(ingest, source, "{\"a\":1.5}");
            assertThat(columns(source)).contains("a double");
        }
        try (Ingest ingest = lake.ingest(source)) {
            post(ingest, source, "{\"a\":\"many\",\"when\":\"2001-01-06\"}", "{\"a\":1}");
            assertThat(columns(source))
                    .contains("a string", "when date")
                    .startsWith("n int", "a string");
        }
    }

    @Test
    void namesThatCannotBeColumnsStayInThePayloadAndAreWarnedOf() throws Exception {
        SourceDefinition source = source(DriftPolicy.EVOLVE, HTTP);
        try (Ingest ingest = lake.ingest(source)) {
            post(
                    ingest,
                    source,
                    "{\"a b\":1,\"\":2,\"a.b\":3,\"it's \\\"so\\\"\":4,\"payload\":5,\"Source\":6,"
                            + "\"_key\":7,\"N\":8,\"Case\":9,\"case\":10,\"\\u0000\":12,"
                            + "\"é\":13,\""
                            + "x".repeat(255)
                            + "\":14,\""
                            + "y".repeat(256)
                            + "\":15,\"tonle$x\":16,\"*\":17,\":\":18,\"\\ud800\":11,\"hidden\":1}",
                    "{\"n\":"
                            + "[".repeat(500)
                            + "]".repeat(500)
                            + ",\"*\":"
                            + "9".repeat(2_000)
                            + "}");
            assertThat(columns(source).stream().map(c -> c.replace(" int", "")).toList())
                    .containsExactly(
                            "n",
                            "a b",
                            "a.b",
                            "it's \"so\"",
                            "Case",
                            "é",
                            "x".repeat(255),
                            "* string",
                            ":");
            assertThat(ingest.status().getFirst().warning().orElseThrow())
                    .startsWith(
                            "Events have fields that stay in the payload, such as '': its name");
            String many =
                    IntStream.range(0, SeenFields.MOST + 50)
                            .mapToObj(i -> "\"f" + i + "\":" + i)
                            .collect(Collectors.joining(",", "{", "}"));
            post(ingest, source, many);
            assertThat(columns(source)).hasSize(SeenFields.MOST + 1);
            assertThat(lake.ask(source.name(), "SELECT count(*) FROM bronze")).containsExactly("3");
        }
    }

    @Test
    void whatOthersFoundOutMeanwhileIsKept() throws Exception {
        SourceDefinition source = source(DriftPolicy.EVOLVE, HTTP);
        AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});
        FailPoints moved =
                name -> {
                    if (name.equals("ingest.before-commit")) {
                        meanwhile.getAndSet(() -> {}).run();
                    }
                };
        try (Ingest ingest =
                lake.ingest(moved, TestLake.settings("a", Duration.ofMillis(50)), source)) {
            post(ingest, source, "{\"id\":\"1\"}");
            meanwhile.set(() -> note(source, "a", "3000000000", "other", "x"));
            post(ingest, source, "{\"a\":5,\"mine\":true}");
            assertThat(columns(source))
                    .containsExactlyInAnyOrder("n int", "a bigint", "other string", "mine boolean");
        }
    }

    private static void note(SourceDefinition source, String... fields) {
        try (StagedCommit commit = lake.catalog.stage()) {
            StagedTable table =
                    commit.table(lake.bronze(source.name()).identifier(), OnConflict.REAPPLY);
            SeenFields seen = SeenFields.of(Map.of());
            for (int i = 0; i < fields.length; i += 2) {
                seen.add(fields[i]).text(fields[i + 1]);
            }
            UpdateProperties update = table.transaction().updateProperties();
            seen.missingIn(Map.of()).forEach(update::set);
            update.commit();
            var unused = commit.publish(CommitRequest.builder(commit.id(), "ingest", "b"));
        }
    }

    @Test
    void aRequestWithAnotherFieldIsRefusedAsAWhole() throws Exception {
        SourceDefinition source = source(DriftPolicy.FAIL, HTTP);
        try (Ingest ingest = lake.ingest(source)) {
            post(ingest, source, "{\"id\":\"1\",\"at\":5,\"n\":1}", "{\"n\":null,\"other\":null}");
            for (Map.Entry<String, String> wrong :
                    Map.of(
                                    "{\"n\":1}\n{\"other\":\"x\"}",
                                    "Event 1 of the body, counted from 0: the field other, a text, has no column",
                                    "{\"n\":\"many\"}",
                                    "the field n is many, which is no int",
                                    "{\"n\":3000000000}",
                                    "the field n is 3000000000, which is no int",
                                    "{\"n\":{}}",
                                    "the field n is an object, which is no int")
                            .entrySet()) {
                assertThatThrownBy(() -> TestLake.send(ingest, source.name(), null, wrong.getKey()))
                        .isInstanceOfSatisfying(
                                LakeException.class,
                                e -> assertThat(e.code()).isEqualTo(ErrorCode.SCHEMA_DRIFT))
                        .hasMessageContaining(wrong.getValue());
            }
            post(ingest, source, "{\"n\":\"12\"}", "{\"n\":7.0}");
            assertThat(lake.ask(source.name(), "SELECT count(*) FROM bronze")).containsExactly("4");
        }
    }

    /** Gives what there is of one file, a line as a body. */
    private static final class Lines implements Source {
        private final List<String> lines;
        private final CountDownLatch told;
        private int next;

        Lines(List<String> lines, CountDownLatch told) {
            this.lines = lines;
            this.told = told;
        }

        @Override
        public void begin(Map<String, SourceMark> taken) {
            next =
                    taken.containsKey("file")
                            ? Integer.parseInt(
                                    java.util.Objects.requireNonNull(taken.get("file")).position())
                            : 0;
        }

        @Override
        public List<SourceBody> poll(Duration limit) throws InterruptedException {
            if (next == lines.size()) {
                Thread.sleep(limit);
                return List.of();
            }
            SourceMark mark = new SourceMark("file", "%06d".formatted(next + 1), "");
            return List.of(
                    new SourceBody(
                            mark,
                            "application/x-ndjson",
                            Map.of(),
                            lines.get(next++).getBytes(java.nio.charset.StandardCharsets.UTF_8),
                            Optional.empty(),
                            false));
        }

        @Override
        public void committed(Map<String, SourceMark> marks) {
            told.countDown();
        }

        @Override
        public void close() {}
    }

    @Test
    void aSourceThatIsToFailStopsBeforeTheEventAndGoesOnWhenThereIsAColumn() throws Exception {
        SourceKind files =
                new SourceKind.Files(
                        new FileLocation.Folder(dir),
                        "**",
                        Optional.empty(),
                        Duration.ofSeconds(1));
        SourceDefinition source = source(DriftPolicy.FAIL, files);
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            lines.add("{\"id\":\"%d\",\"n\":%d%s}".formatted(i, i, i == 6 ? ",\"new\":1" : ""));
        }
        CountDownLatch told = new CountDownLatch(1);
        String all = "SELECT string_agg(event_id, '' ORDER BY position) FROM bronze";
        try (Ingest ingest = ingest(source, lines, told)) {
            await(ingest, SourceStatus.State.FAILING);
            SourceStatus.Problem problem = ingest.status().getFirst().problem().orElseThrow();
            assertThat(problem.code()).isEqualTo(ErrorCode.SCHEMA_DRIFT);
            assertThat(problem.reason())
                    .contains("event 0 behind 000006 of file")
                    .contains("the field new, a whole number, has no column");
            assertThat(told.await(90, TimeUnit.SECONDS)).isTrue();
            assertThat(lake.ask(source.name(), all)).containsExactly("012345");
            ingest.resume(source.name(), "anna");
            await(ingest, SourceStatus.State.FAILING);
            assertThat(lake.ask(source.name(), all)).containsExactly("012345");
        }
        try (Ingest ingest =
                ingest(source(source.name(), DriftPolicy.EVOLVE, files), lines, told)) {
            long deadline = System.nanoTime() + 90_000_000_000L;
            while (!lake.ask(source.name(), all).equals(List.of("0123456789"))) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.sleep(20);
            }
            assertThat(columns(source)).containsExactly("n int", "new int");
        }
    }

    @Test
    void eachTableOfADatabaseGetsTheColumnsOfItsRows() throws Exception {
        SourceDefinition plain = source(DriftPolicy.EVOLVE, HTTP);
        Drift drift =
                new Drift(
                        DriftPolicy.EVOLVE, List.of(new JsonPath.Field("row")), java.util.Set.of());
        SourceDefinition source =
                source(
                        plain.name(),
                        DriftPolicy.EVOLVE,
                        new SourceKind.Postgres(
                                "h",
                                1,
                                "d",
                                "u",
                                Optional.empty(),
                                Map.of(),
                                "s",
                                "p",
                                1L << 30,
                                List.of(
                                        new BronzeDefinition(
                                                plain.name() + "_a",
                                                Optional.of("public.a"),
                                                List.of(),
                                                Optional.empty(),
                                                drift),
                                        new BronzeDefinition(
                                                plain.name() + "_b",
                                                Optional.of("public.b"),
                                                List.of(),
                                                Optional.empty(),
                                                drift))));
        List<String> lines =
                List.of(
                        "{\"table\":\"public.a\",\"op\":\"c\",\"row\":{\"x\":1,\"y\":\"12.50\"}}",
                        "{\"table\":\"public.b\",\"op\":\"c\",\"row\":{\"x\":\"z\"},\"before\":{\"q\":1}}",
                        "{\"table\":\"public.a\",\"op\":\"t\"}");
        CountDownLatch told = new CountDownLatch(1);
        try (Ingest ingest = ingest(source, lines, told)) {
            long deadline = System.nanoTime() + 90_000_000_000L;
            while (lake.ask(plain.name() + "_a", "SELECT 1 FROM bronze").size() < 2) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.sleep(20);
            }
        }
        assertThat(source.tables())
                .extracting(table ->
                        table.columns(lake.bronze(table.name()).properties()).stream()
                                .map(column -> column.path() + " " + column.type())
                                .toList())
                .containsExactly(
                        List.of("$.row.x int", "$.row.y decimal(18,2)"), List.of("$.row.x string"));
    }

    private static Ingest ingest(SourceDefinition source, List<String> lines, CountDownLatch told)
            throws InterruptedException {
        return lake.ingest(
                FailPoints.NONE,
                TestLake.settings("a", Duration.ofMillis(50)),
                each -> new Lines(lines, told),
                source);
    }

    private static void await(Ingest ingest, SourceStatus.State state) throws InterruptedException {
        long deadline = System.nanoTime() + 90_000_000_000L;
        while (ingest.status().getFirst().state() != state) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(ingest.status());
            }
            Thread.sleep(10);
        }
    }
}
