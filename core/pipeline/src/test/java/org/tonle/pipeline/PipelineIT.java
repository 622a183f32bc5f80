package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tonle.pipeline.TestLake.START;
import static org.tonle.pipeline.TestLake.event;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.catalog.TableIdentifier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.SourceDefinition;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.pipeline.DatasetStatus.State;
import org.tonle.pipeline.TestLake.Event;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.sql.Dataset;

/** Bronze to gold on a real ledger and a real engine. */
class PipelineIT {
    private static final String SILVER =
            "CREATE STREAMING TABLE silver.readings ("
                    + " CONSTRAINT plausible EXPECT (temperature BETWEEN -90 AND 60)"
                    + " ON VIOLATION DROP ROW,"
                    + " CONSTRAINT warm EXPECT (temperature > 0))"
                    + " AS SELECT event_id AS id, station, temperature"
                    + " FROM STREAM bronze.readings WHERE station <> 'test'";
    private static final String GOLD =
            "CREATE MATERIALIZED VIEW gold.station AS SELECT station, COUNT(*) AS readings,"
                    + " MAX(temperature) AS hottest FROM silver.readings GROUP BY station";

    @TempDir private Path dir;
    private TestLake lake;
    private final List<AutoCloseable> open = new ArrayList<>();

    @BeforeEach
    void start() {
        lake = new TestLake(dir, source());
    }

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable each : open.reversed()) {
            each.close();
        }
        lake.close();
    }

    private static SourceDefinition source() {
        SourceDefinition plain = SourceDefinition.named("readings");
        return new SourceDefinition(
                plain.name(),
                plain.place(),
                plain.idField(),
                Optional.empty(),
                Optional.empty(),
                List.of(
                        column("station", ColumnType.Simple.STRING, true),
                        column("temperature", ColumnType.Simple.DOUBLE, false)),
                1,
                plain.retention(),
                plain.maxBodyBytes());
    }

    private static ColumnDefinition column(String name, ColumnType type, boolean required) {
        return new ColumnDefinition(
                name,
                type,
                JsonPath.field(name),
                required,
                new Place("sources/readings.yaml", 1, 1));
    }

    private static Event reading(String id, String station, double temperature) {
        return event(id, "{\"station\":\"%s\",\"temperature\":%s}".formatted(station, temperature));
    }

    private PipelineRunner run(List<Dataset> datasets, String holder, FailPoints failPoints) {
        LeaseKeeper leases = lake.leases(holder);
        PipelineRunner runner = lake.runner(datasets, leases, failPoints);
        runner.apply();
        open.add(leases);
        open.add(runner);
        runner.start();
        return runner;
    }

    private PipelineRunner run(String... statements) {
        return run(lake.datasets(statements), "one", FailPoints.NONE);
    }

    private void settled(PipelineRunner runner) throws InterruptedException {
        lake.settled(runner);
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        await(() -> "no", condition);
    }

    private static void await(Supplier<String> state, BooleanSupplier condition)
            throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("%s", state.get()).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    @Test
    void eventsGoThroughSilverToGoldAndWhatIsWrongGoesToQuarantineWithItsReason() throws Exception {
        PipelineRunner runner = run(SILVER, GOLD);
        lake.arrive(
                "readings",
                reading("1", "a", 10),
                reading("2", "a", -5),
                reading("3", "b", 1000),
                event("4", "{\"station\":\"b\",\"temperature\":\"warm\"}"),
                event("5", "[1,2]"),
                event("6", "{\"temperature\":1}"),
                reading("7", "test", 1));
        lake.arrive("readings", reading("8", "b", 20));
        settled(runner);

        assertThat(lake.rows("SELECT id, station, temperature FROM silver.readings ORDER BY id"))
                .containsExactly("1|a|10.0", "2|a|-5.0", "8|b|20.0");
        assertThat(lake.rows("SELECT * FROM gold.station ORDER BY station"))
                .containsExactly("a|2|10.0", "b|1|20.0");
        assertThat(
                        lake.rows(
                                "SELECT \"key\", reason, rule, \"position\" FROM"
                                        + " quarantine.silver_readings ORDER BY \"key\""))
                .satisfiesExactly(
                        row -> assertThat(row).isEqualTo("3|expectation|plausible|2"),
                        row -> assertThat(row).isEqualTo("4|malformed|temperature|3"),
                        row -> assertThat(row).startsWith("5|malformed|").endsWith("|4"),
                        row -> assertThat(row).isEqualTo("6|malformed|station|5"));
        assertThat(lake.rows("SELECT payload FROM quarantine.silver_readings WHERE \"key\" = '5'"))
                .containsExactly("[1,2]");
        assertThat(lake.ledger.expectations("silver.readings", 0, lake.ledger.head()))
                .extracting(
                        CommitRequest.ExpectationResult::expectation,
                        CommitRequest.ExpectationResult::passed,
                        CommitRequest.ExpectationResult::failed)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("plausible", 3L, 1L),
                        org.assertj.core.groups.Tuple.tuple("warm", 3L, 1L));
    }

    @Test
    void aKeyIsThereOnceAlsoAfterARestartAndThoughItsFirstRowWasRefused() throws Exception {
        PipelineRunner first = run(SILVER);
        lake.arrive("readings", reading("1", "a", 1), reading("1", "a", 2), reading("2", "a", 999));
        settled(first);
        lake.arrive("readings", reading("1", "a", 3));
        settled(first);
        first.stop();

        PipelineRunner second = run(SILVER);
        lake.arrive("readings", reading("1", "a", 4), reading("2", "a", 5), reading("3", "a", 6));
        settled(second);

        assertThat(lake.rows("SELECT id, temperature FROM silver.readings ORDER BY id"))
                .containsExactly("1|1.0", "3|6.0");
        assertThat(lake.rows("SELECT \"key\" FROM quarantine.silver_readings"))
                .containsExactly("2");
    }

    @Test
    void aKeyThatComesAgainAfterTheWindowIsAnotherRow() throws Exception {
        PipelineRunner runner = run(SILVER);
        lake.arrive("readings", reading("1", "a", 1));
        settled(runner);
        Event inside =
                new Event("1", START.plus(Duration.ofDays(7)), reading("1", "a", 2).payload());
        lake.arrive("readings", inside);
        settled(runner);
        Event outside =
                new Event(
                        "1",
                        START.plus(Duration.ofDays(7)).plusMillis(1),
                        reading("1", "a", 3).payload());
        lake.arrive("readings", outside);
        settled(runner);
        assertThat(lake.rows("SELECT temperature FROM silver.readings ORDER BY 1"))
                .containsExactly("1.0", "3.0");
    }

    @Test
    void aRunThatFailsCommitsNothingLeavesNoFileAndIsDoneRightTheNextTime() throws Exception {
        AtomicInteger failures = new AtomicInteger();
        FailPoints twice =
                name -> {
                    if (name.equals("run.after-engine") && failures.incrementAndGet() <= 2) {
                        throw new IllegalStateException("the disk is full");
                    }
                };
        PipelineRunner runner = run(lake.datasets(SILVER), "one", twice);
        lake.arrive("readings", reading("1", "a", 1), reading("1", "a", 1));
        settled(runner);
        assertThat(failures.get()).isEqualTo(3);
        assertThat(lake.rows("SELECT id FROM silver.readings")).containsExactly("1");
        assertThat(dataFiles("silver")).hasSize(1);
    }

    @Test
    void aBrokenFailExpectationStopsItsDatasetByNameAndNoOther() throws Exception {
        String strict =
                "CREATE STREAMING TABLE silver.strict (CONSTRAINT calm EXPECT (temperature < 50)"
                        + " ON VIOLATION FAIL UPDATE) AS SELECT event_id AS id, temperature"
                        + " FROM STREAM bronze.readings";
        PipelineRunner runner = run(SILVER, strict);
        lake.arrive("readings", reading("1", "a", 1));
        settled(runner);
        lake.arrive("readings", reading("2", "a", 55));
        await(() -> status(runner, "silver.strict").state() == State.FAILING);
        await(() -> lake.rows("SELECT id FROM silver.readings").size() == 2);

        assertThat(status(runner, "silver.strict").reason().orElseThrow()).contains("calm");
        assertThat(lake.rows("SELECT id FROM silver.strict")).containsExactly("1");
        assertThat(status(runner, "silver.readings").state()).isEqualTo(State.RUNNING);
    }

    @Test
    void anInputThatWasOverwrittenStopsItsStreamAndRecomputesItsViews() throws Exception {
        String copy =
                "CREATE STREAMING TABLE silver.copy AS SELECT id, temperature"
                        + " FROM STREAM silver.readings";
        PipelineRunner runner = run(SILVER, copy, GOLD);
        lake.arrive("readings", reading("1", "a", 1));
        settled(runner);
        assertThat(lake.rows("SELECT id FROM silver.copy")).containsExactly("1");
        try (StagedCommit commit = lake.catalog.stage()) {
            commit.table(TableIdentifier.of("silver", "readings"), OnConflict.FAIL)
                    .replaceAll(List.of());
            commit.publish(CommitRequest.builder(commit.id(), "test", "test"));
        }
        await(() -> status(runner, "silver.copy").state() == State.FAILING);
        await(() -> lake.rows("SELECT * FROM gold.station").isEmpty());
        assertThat(status(runner, "silver.copy").reason().orElseThrow())
                .contains("silver.readings was changed by commit");
    }

    @Test
    void aViewIsEqualToItsRecomputationAtEveryCommitOfItsOwn() throws Exception {
        PipelineRunner runner = run(SILVER, GOLD);
        for (int i = 0; i < 12; i++) {
            lake.arrive("readings", reading("r" + i, "s" + i % 3, i));
        }
        settled(runner);
        String recomputation =
                "SELECT station, COUNT(*), MAX(temperature) FROM silver.readings"
                        + " GROUP BY station ORDER BY 1";
        int views = 0;
        for (var change :
                lake.ledger.changes(lake.uuid("gold", "station"), 0, lake.ledger.head())) {
            if (change.snapshotId().isPresent()) {
                views++;
                String gold = "SELECT * FROM gold.station ORDER BY 1";
                List<String> rows = lake.rowsAt(change.seq(), gold);
                // it was computed from some state before its own commit, and from one state
                assertThat(
                                Stream.iterate(change.seq(), seq -> seq - 1)
                                        .limit(change.seq())
                                        .filter(seq -> seq >= firstSilver())
                                        .anyMatch(seq ->
                                                lake.rowsAt(seq, recomputation).equals(rows)))
                        .isTrue();
            }
        }
        assertThat(views).isPositive();
        assertThat(lake.rows("SELECT * FROM gold.station ORDER BY 1"))
                .isEqualTo(lake.rows(recomputation));
    }

    private long firstSilver() {
        return lake.ledger
                .changes(lake.uuid("silver", "readings"), 0, lake.ledger.head())
                .getFirst()
                .seq();
    }

    @Test
    void twoProcessesOnOneLedgerTakeInEachRowOnceWhoeverHoldsTheLease() throws Exception {
        List<Dataset> datasets = lake.datasets(SILVER);
        PipelineRunner one = run(datasets, "one", FailPoints.NONE);
        lake.arrive("readings", reading("0", "a", 1));
        settled(one);
        PipelineRunner two = run(datasets, "two", FailPoints.NONE);
        for (int i = 1; i <= 10; i++) {
            lake.arrive("readings", reading("r" + i, "a", i));
            if (i == 5) {
                one.stop();
                ((LeaseKeeper) open.getFirst()).close();
            }
        }
        await(() -> lake.rows("SELECT id FROM silver.readings").size() >= 11);
        assertThat(lake.rows("SELECT id FROM silver.readings")).hasSize(11).doesNotHaveDuplicates();
        assertThat(status(two, "silver.readings").state()).isEqualTo(State.RUNNING);
    }

    @Test
    void processesThatStartAtOnceAllFindTheirTables() throws Exception {
        List<Dataset> datasets = lake.datasets(SILVER, GOLD);
        List<java.util.concurrent.Future<?>> starts = new ArrayList<>();
        try (var pool = java.util.concurrent.Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 4; i++) {
                LeaseKeeper leases = lake.leases("process " + i);
                open.add(leases);
                PipelineRunner runner = lake.runner(datasets, leases, FailPoints.NONE);
                starts.add(pool.submit(runner::apply));
            }
        }
        for (var start : starts) {
            start.get();
        }
        assertThat(lake.ledger.definitions()).hasSize(2);
    }

    @Test
    void aChangedSelectMeetsNewRowsOnlyAndMayAddColumns() throws Exception {
        PipelineRunner first = run(SILVER, GOLD);
        lake.arrive("readings", reading("1", "a", 1));
        settled(first);
        first.stop();
        PipelineRunner second =
                run(
                        SILVER.replace(
                                "temperature FROM", "temperature, temperature * 2 AS twice FROM"),
                        GOLD.replace("MAX(", "MIN("));
        lake.arrive("readings", reading("2", "a", 2));
        settled(second);
        assertThat(lake.rows("SELECT id, twice FROM silver.readings ORDER BY id"))
                .containsExactly("1|null", "2|4.0");
        assertThat(lake.rows("SELECT * FROM gold.station")).containsExactly("a|2|1.0");
        assertThat(lake.ledger.definitions().get("dataset silver.readings").version()).isEqualTo(2);
    }

    @Test
    void aViewMayChangeItsColumns() throws Exception {
        PipelineRunner first = run(SILVER, GOLD);
        lake.arrive("readings", reading("1", "a", 1));
        settled(first);
        first.stop();
        PipelineRunner second =
                run(
                        SILVER,
                        "CREATE MATERIALIZED VIEW gold.station AS SELECT COUNT(*) AS n,"
                                + " station AS place FROM silver.readings GROUP BY station");
        settled(second);
        assertThat(lake.rows("SELECT * FROM gold.station")).containsExactly("1|a");
    }

    @Test
    void aChangeThatOldRowsCantFollowIsRefusedAndChangesNothing() throws Exception {
        PipelineRunner first = run(SILVER);
        first.stop();
        long head = lake.ledger.head();
        for (String changed :
                List.of(
                        SILVER.replace(", temperature FROM", " FROM")
                                .replace(
                                        "CONSTRAINT plausible EXPECT (temperature BETWEEN -90 AND 60)"
                                                + " ON VIOLATION DROP ROW,",
                                        "")
                                .replace(
                                        "CONSTRAINT warm EXPECT (temperature > 0)",
                                        "CONSTRAINT named EXPECT (station > '')"),
                        SILVER.replace(
                                "temperature FROM",
                                "CAST(temperature AS INTEGER) AS temperature FROM"),
                        "CREATE MATERIALIZED VIEW silver.readings AS SELECT COUNT(*) AS n"
                                + " FROM bronze.readings")) {
            LeaseKeeper leases = lake.leases("two");
            open.add(leases);
            PipelineRunner runner = lake.runner(lake.datasets(changed), leases, FailPoints.NONE);
            assertThatThrownBy(runner::apply)
                    .isInstanceOf(LakeException.class)
                    .hasMessageContaining("silver.readings can't change like this");
        }
        assertThat(lake.ledger.head()).isEqualTo(head);
    }

    private static DatasetStatus status(PipelineRunner runner, String name) {
        return runner.status().stream()
                .filter(status -> status.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private Set<String> dataFiles(String namespace) throws IOException {
        try (Stream<Path> all = Files.walk(dir.resolve("warehouse").resolve(namespace))) {
            Set<String> files =
                    all.filter(path -> path.toString().endsWith(".parquet"))
                            .map(LocalFileIO::location)
                            .collect(Collectors.toCollection(TreeSet::new));
            Set<String> reached = new TreeSet<>();
            for (PinnedTable table : lake.catalog.pin().tables()) {
                table.files().forEach(file -> reached.add(file.location()));
            }
            assertThat(reached).containsAll(files);
            return files;
        }
    }
}
