package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.pipeline.Readings.GOLD;
import static org.tonle.pipeline.Readings.SILVER;
import static org.tonle.pipeline.Readings.reading;
import static org.tonle.pipeline.TestLake.START;
import static org.tonle.pipeline.TestLake.event;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.pipeline.DatasetStatus.State;
import org.tonle.pipeline.TestLake.Event;
import org.tonle.spi.FailPoints;
import org.tonle.sql.Dataset;
import org.tonle.sql.PinnedTables;

/** Bronze to gold on a real ledger and a real engine. */
class PipelineIT {
    @TempDir private Path dir;
    private TestLake lake;

    @BeforeEach
    void start() {
        lake = new TestLake(dir, Readings.source());
    }

    @AfterEach
    void stop() {
        lake.close();
    }

    private PipelineRunner run(String... statements) {
        return lake.run(lake.datasets(statements), "one", FailPoints.NONE);
    }

    private void settled(PipelineRunner runner) throws InterruptedException {
        lake.settled(runner);
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        await(() -> "no", condition);
    }

    private static void await(Supplier<String> state, BooleanSupplier condition)
            throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
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
        PipelineRunner runner = lake.run(lake.datasets(SILVER), "one", twice);
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
    void aViewOfConstantsIsComputedOnceForEachDefinition() throws Exception {
        for (String name : List.of("low", "high", "low")) {
            PipelineRunner runner =
                    run("CREATE MATERIALIZED VIEW gold.level AS SELECT '" + name + "' AS name");
            settled(runner);
            long computed = lake.ledger.head();
            assertThat(lake.rows("SELECT name FROM gold.level")).containsExactly(name);
            lake.arrive("readings", reading("x" + computed, "s", 1));
            settled(runner);
            assertThat(lake.rows("SELECT COUNT(*) FROM gold.level")).containsExactly("1");
            runner.close();
        }
        assertThat(lake.ledger.changes(lake.uuid("gold", "level"), 0, lake.ledger.head()))
                .as("made, and filled three times")
                .hasSize(4);
    }

    @Test
    void twoProcessesOnOneLedgerTakeInEachRowOnceWhoeverHoldsTheLease() throws Exception {
        List<Dataset> datasets = lake.datasets(SILVER);
        LeaseKeeper leases = lake.leases("one");
        PipelineRunner one = lake.run(datasets, leases, FailPoints.NONE);
        lake.arrive("readings", reading("0", "a", 1));
        settled(one);
        PipelineRunner two = lake.run(datasets, "two", FailPoints.NONE);
        for (int i = 1; i <= 10; i++) {
            lake.arrive("readings", reading("r" + i, "a", i));
            if (i == 5) {
                one.stop();
                leases.close();
            }
        }
        await(() -> lake.rows("SELECT id FROM silver.readings").size() >= 11);
        assertThat(lake.rows("SELECT id FROM silver.readings")).hasSize(11).doesNotHaveDuplicates();
        assertThat(status(two, "silver.readings").state()).isEqualTo(State.RUNNING);
    }

    @Test
    void keysAreReadInTheOrderInWhichTheyCameSoThatEachIsKnownToBeNew() throws Exception {
        Dataset.StreamingTable dataset = (Dataset.StreamingTable) lake.datasets(SILVER).getFirst();
        PipelineRunner runner = run(SILVER);
        for (int i = 0; i < 12; i++) {
            Event event = reading("r" + i, "a", 1);
            lake.arrive(
                    "readings",
                    new Event(event.id(), START.plus(Duration.ofMinutes(i)), event.payload()));
            settled(runner);
        }
        RunEnvironment environment =
                new RunEnvironment(
                        lake.sources,
                        lake.catalog,
                        lake.engine,
                        new PipelineSettings(Duration.ZERO, dir, Map.of(), Duration.ZERO),
                        FailPoints.NONE,
                        Clock.systemUTC());
        try (SeenKeys keys = new SeenKeys(Duration.ofDays(7), dir, 2)) {
            StreamingRun.loadKeys(
                    environment,
                    dataset,
                    new PinnedTables(lake.catalog.pin(), lake.sources),
                    Long.MIN_VALUE,
                    Long.MAX_VALUE,
                    keys);
            assertThat(keys.asked()).as("files asked").isZero();
            for (int i = 0; i < 12; i++) {
                byte[] key = ("r" + i).getBytes(StandardCharsets.UTF_8);
                assertThat(keys.isDuplicate(key, START.toEpochMilli() * 1000)).isTrue();
            }
        }
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
