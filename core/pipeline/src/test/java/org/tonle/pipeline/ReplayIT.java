package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tonle.pipeline.Readings.SILVER;
import static org.tonle.pipeline.Readings.reading;
import static org.tonle.pipeline.TestLake.event;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.catalog.TableIdentifier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.QuarantineTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.sql.Dataset;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Sql;

/** Rows of quarantine that are judged again, and datasets that are computed anew. */
class ReplayIT {
    static final String ROWS =
            "SELECT id, station, temperature, _key, _ingest_time FROM silver.readings ORDER BY _key";
    private static final String REFUSED =
            "SELECT \"key\", rule FROM quarantine.silver_readings ORDER BY \"key\"";
    private static final String LOOSE = SILVER.replace("-90 AND 60", "-90 AND 100");

    @TempDir private Path dir;
    private TestLake lake;
    private LeaseKeeper leases;

    @BeforeEach
    void start() {
        lake = new TestLake(dir, Readings.source());
        leases = lake.leases("one");
    }

    @AfterEach
    void stop() {
        lake.close();
    }

    private PipelineRunner run(String... statements) {
        return lake.run(lake.datasets(statements), leases, FailPoints.NONE);
    }

    private PipelineRunner changed(PipelineRunner before, String... statements)
            throws InterruptedException {
        lake.settled(before);
        before.close();
        PipelineRunner after = run(statements);
        lake.settled(after);
        return after;
    }

    private static DatasetTask replay() {
        return new DatasetTask.Replay(
                "silver.readings", Optional.empty(), Optional.empty(), "anna");
    }

    @Test
    void rowsThatPassALoosenedExpectationLeaveQuarantineForTheirTable() throws Exception {
        PipelineRunner runner = run(SILVER);
        lake.arrive(
                "readings", reading("1", "a", 10), reading("2", "a", 80), reading("3", "b", 500));
        runner = changed(runner, LOOSE);
        assertThat(lake.rows(REFUSED)).containsExactly("2|plausible", "3|plausible");

        TaskResult result = runner.perform(replay());

        assertThat(result.written()).isEqualTo(1);
        assertThat(result.quarantined()).isEqualTo(1);
        assertThat(lake.rows("SELECT id FROM silver.readings ORDER BY 1"))
                .isEqualTo(List.of("1", "2"));
        assertThat(lake.rows(REFUSED)).containsExactly("3|plausible");
        long head = lake.ledger.head();
        assertThat(runner.perform(replay()).seq()).isEmpty();
        assertThat(lake.ledger.head()).isEqualTo(head);
        lake.arrive("readings", reading("2", "a", 1), reading("4", "a", 1));
        lake.settled(runner);
        assertThat(lake.rows("SELECT id FROM silver.readings ORDER BY 1"))
                .isEqualTo(List.of("1", "2", "4"));
    }

    @Test
    void whatIsMendedEntersAsIfItHadComeSo() throws Exception {
        PipelineRunner runner = run(SILVER);
        lake.arrive(
                "readings",
                event("1", "{\"station\":\"b\",\"temperature\":\"N/A\"}"),
                event("2", "{\"temperature\":4}"));
        lake.settled(runner);

        TaskResult result =
                runner.perform(
                        new DatasetTask.Replay(
                                "silver.readings",
                                Optional.of("rule = 'temperature'"),
                                Optional.of("REPLACE(payload, '\"N/A\"', '7.5')"),
                                "anna"));

        assertThat(result.read()).isEqualTo(1);
        assertThat(lake.rows("SELECT id, station, temperature FROM silver.readings"))
                .containsExactly("1|b|7.5");
        assertThat(lake.rows(REFUSED)).containsExactly("2|station");
    }

    /** What it was before is no other event that had waited for its key. */
    @Test
    void whatIsMendedSoThatItIsLeftOutDoesNotComeBack() throws Exception {
        PipelineRunner runner = run(SILVER);
        lake.arrive(
                "readings",
                event("1", "{\"station\":\"b\",\"temperature\":\"N/A\"}"),
                event("2", "{\"station\":\"b\",\"temperature\":\"?\"}"),
                reading("2", "c", 5));
        lake.settled(runner);
        assertThat(lake.rows(REFUSED)).containsExactly("1|temperature", "2|temperature");
        DatasetTask leftOut =
                new DatasetTask.Replay(
                        "silver.readings",
                        Optional.empty(),
                        Optional.of("'{\"station\":\"test\",\"temperature\":1}'"),
                        "anna");

        runner.perform(leftOut);

        assertThat(lake.rows(REFUSED)).isEmpty();
        // the other one of its key is free to enter
        assertThat(lake.rows("SELECT id, station FROM silver.readings")).containsExactly("2|c");
        assertThat(runner.perform(leftOut).seq()).isEmpty();
    }

    private static DatasetTask.Refresh refresh(String dataset) {
        return new DatasetTask.Refresh(dataset, Optional.empty(), false, "anna");
    }

    private Optional<String> hint(String statement) {
        return JudgedBy.hint(
                lake.datasets(statement).getFirst(),
                lake.catalog.pin().table(TableIdentifier.of("silver", "readings")).orElseThrow());
    }

    @Test
    void aTightenedExpectationAsksForARefreshAndALoosenedOneDoesNot() throws Exception {
        PipelineRunner runner = run(SILVER);
        lake.arrive("readings", reading("1", "a", 10), reading("2", "a", 50));
        String tight = SILVER.replace("-90 AND 60", "-90 AND 40");
        runner = changed(runner, tight);

        assertThat(hint(tight).orElseThrow())
                .contains("plausible")
                .contains("tonle refresh silver.readings");
        assertThat(lake.rows("SELECT id FROM silver.readings ORDER BY 1"))
                .isEqualTo(List.of("1", "2"));

        TaskResult result = runner.perform(refresh("Silver.Readings"));

        assertThat(result.written()).isEqualTo(1);
        assertThat(hint(tight)).isEmpty();
        assertThat(lake.rows("SELECT id FROM silver.readings")).containsExactly("1");
        assertThat(lake.rows(REFUSED)).containsExactly("2|plausible");
        runner = changed(runner, LOOSE);
        assertThat(hint(LOOSE)).as("every row holds to it").isEmpty();
        assertThat(runner.perform(replay()).written()).isEqualTo(1);
    }

    @Test
    void whereverAReplayEndsARowIsInQuarantineOrInItsTable() throws Exception {
        PipelineRunner runner = run(SILVER);
        lake.arrive("readings", reading("1", "a", 80), reading("2", "a", 90));
        lake.settled(runner);
        runner.close();
        AtomicReference<String> failing = new AtomicReference<>("");
        runner =
                lake.run(
                        lake.datasets(LOOSE),
                        leases,
                        name -> {
                            if (failing.get().equals(name)) {
                                failing.set("");
                                throw new LakeException(ErrorCode.STORAGE, "killed at " + name);
                            }
                        });
        lake.settled(runner);
        PipelineRunner killed = runner;
        for (String point : List.of("run.before-engine", "run.after-engine")) {
            failing.set(point);
            assertThatThrownBy(() -> killed.perform(replay())).hasMessageContaining(point);
            assertThat(lake.rows("SELECT id FROM silver.readings")).isEmpty();
            assertThat(lake.rows(REFUSED)).hasSize(2);
        }
        failing.set("run.after-commit");
        assertThatThrownBy(() -> killed.perform(replay())).hasMessageContaining("after-commit");
        assertThat(killed.perform(replay()).seq()).isEmpty();
        assertThat(lake.rows("SELECT id FROM silver.readings ORDER BY 1"))
                .isEqualTo(List.of("1", "2"));
        assertThat(lake.rows(REFUSED)).isEmpty();
        assertThat(leftFiles()).isEmpty();
    }

    /** Files of the lake that no state of a table has. */
    private List<Path> leftFiles() throws IOException {
        Set<String> reached = new TreeSet<>();
        for (long seq = 0; seq <= lake.ledger.head(); seq++) {
            for (PinnedTable table : lake.catalog.pinAt(seq).tables()) {
                table.files().forEach(file -> reached.add(file.location()));
            }
        }
        try (Stream<Path> all = Files.walk(dir.resolve("warehouse"))) {
            return all.filter(path -> path.toString().endsWith(".parquet"))
                    .filter(path -> !reached.contains(LocalFileIO.location(path)))
                    .toList();
        }
    }

    @Test
    void aProcessThatWasTakenOverWhileItReplayedCommitsNothing() throws Exception {
        PipelineRunner runner = run(SILVER);
        lake.arrive("readings", reading("1", "a", 80));
        lake.settled(runner);
        runner.close();
        AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});
        PipelineRunner one =
                lake.run(
                        lake.datasets(LOOSE),
                        leases,
                        name -> {
                            if (name.equals("run.after-engine")) {
                                meanwhile.getAndSet(() -> {}).run();
                            }
                        });
        lake.settled(one);
        PipelineRunner two = lake.run(lake.datasets(LOOSE), lake.leases("two"), FailPoints.NONE);
        assertThatThrownBy(() -> two.perform(replay()))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.LEASE_LOST))
                .hasMessageContaining("one");
        meanwhile.set(() -> {
            lake.ledger
                    .leases("dataset/silver.readings")
                    .forEach(lease -> assertThat(lake.ledger.release(lease)).isTrue());
            assertThat(taken(two).written()).isEqualTo(1);
        });

        assertThatThrownBy(() -> one.perform(replay()))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.LEASE_LOST));

        assertThat(lake.rows("SELECT id FROM silver.readings")).containsExactly("1");
        assertThat(lake.rows(REFUSED)).isEmpty();
    }

    /** Asks until it has the lease. */
    private static TaskResult taken(PipelineRunner runner) {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (true) {
            try {
                return runner.perform(replay());
            } catch (LakeException e) {
                if (e.code() != ErrorCode.LEASE_LOST || System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }

    @Test
    void replaysAtOnceWhileRowsArriveTakeEachRowOnce() throws Exception {
        PipelineRunner before = run(SILVER);
        for (int i = 0; i < 6; i++) {
            lake.arrive("readings", reading("r" + i, "a", 70 + i), reading("s" + i, "a", i));
        }
        PipelineRunner runner = changed(before, LOOSE);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<TaskResult>> asked = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                String where = "MOD(\"position\", 4) = " + 2 * (i % 2);
                asked.add(
                        threads.submit(() ->
                                runner.perform(
                                        new DatasetTask.Replay(
                                                "silver.readings",
                                                Optional.of(where),
                                                Optional.empty(),
                                                "anna"))));
                lake.arrive("readings", reading("r" + i, "b", 1), reading("t" + i, "b", 1));
            }
            long written = 0;
            for (Future<TaskResult> each : asked) {
                written += each.get().written();
            }
            assertThat(written).isEqualTo(6);
        }
        lake.settled(runner);
        assertThat(lake.rows("SELECT id FROM silver.readings WHERE station = 'a'")).hasSize(12);
        assertThat(lake.rows("SELECT id FROM silver.readings")).hasSize(18).doesNotHaveDuplicates();
        assertThat(lake.rows(REFUSED)).isEmpty();
    }

    @Test
    void quarantineOfAnEarlierLakeLetsItsRowsGoToo() throws Exception {
        Dataset.StreamingTable dataset = (Dataset.StreamingTable) lake.datasets(LOOSE).getFirst();
        lake.catalog.ensureNamespace("silver", "test");
        lake.catalog.ensureNamespace("quarantine", "test");
        try (StagedCommit commit = lake.catalog.stage()) {
            commit.create(
                    TableIdentifier.of("silver", "readings"),
                    Sql.stream(dataset, new PinnedTables(lake.catalog.pin(), lake.sources))
                            .schema(),
                    PartitionSpec.unpartitioned(),
                    Map.of("tonle.key", "event_id"));
            commit.create(
                    TableIdentifier.of("quarantine", "silver_readings"),
                    QuarantineTable.SCHEMA,
                    PartitionSpec.unpartitioned(),
                    Map.of());
            commit.publish(CommitRequest.builder(commit.id(), "test", "test"));
        }
        PipelineRunner strict = run(SILVER);
        lake.arrive("readings", reading("1", "a", 80), reading("2", "a", 500));
        PipelineRunner runner = changed(strict, LOOSE);

        assertThat(runner.perform(replay()).written()).isEqualTo(1);
        assertThat(lake.rows(REFUSED)).containsExactly("2|plausible");
        lake.arrive("readings", reading("3", "a", 500));
        lake.settled(runner);
        assertThat(lake.rows(REFUSED)).containsExactly("2|plausible", "3|plausible");
    }

    @Test
    void aTableThatReadsAStreamingTableIsReplayedByKeyAndRefreshedAfterIt() throws Exception {
        String copy =
                "CREATE STREAMING TABLE silver.copy (CONSTRAINT mild EXPECT (temperature < 20) ON"
                        + " VIOLATION DROP ROW) AS SELECT id, temperature FROM STREAM"
                        + " silver.readings";
        PipelineRunner before = run(SILVER, copy);
        lake.arrive(
                "readings", reading("1", "a", 10), reading("2", "a", 30), reading("3", "a", 80));
        lake.settled(before);
        PipelineRunner runner = changed(before, SILVER, copy.replace("< 20", "< 40"));
        String ids = "SELECT id FROM silver.copy ORDER BY 1";
        assertThat(lake.rows(ids)).containsExactly("1");
        assertThatThrownBy(() ->
                        runner.perform(
                                new DatasetTask.Replay(
                                        "silver.copy",
                                        Optional.empty(),
                                        Optional.of("payload"),
                                        "anna")))
                .hasMessageContaining("not events with a payload");
        assertThat(
                        runner.perform(
                                        new DatasetTask.Replay(
                                                "silver.copy",
                                                Optional.empty(),
                                                Optional.empty(),
                                                "anna"))
                                .written())
                .isEqualTo(1);
        assertThat(lake.rows(ids)).containsExactly("1", "2");

        PipelineRunner loose = changed(runner, LOOSE, copy.replace("< 20", "< 100"));
        assertThat(loose.downstream("silver.readings")).containsExactly("silver.copy");
        loose.perform(refresh("silver.readings"));
        loose.perform(refresh("silver.copy"));
        lake.settled(loose);
        assertThat(lake.rows(ids)).containsExactly("1", "2", "3");
        lake.arrive("readings", reading("4", "a", 1));
        lake.settled(loose);
        assertThat(lake.rows(ids)).containsExactly("1", "2", "3", "4");
    }

    @Test
    void readersSeeTheOldRowsUntilARefreshIsWhole() throws Exception {
        PipelineRunner strict = run(SILVER);
        lake.arrive("readings", reading("1", "a", 10), reading("2", "a", 80));
        lake.settled(strict);
        strict.close();
        AtomicReference<List<String>> seen = new AtomicReference<>(List.of());
        AtomicReference<String> refreshing = new AtomicReference<>("");
        PipelineRunner runner =
                lake.run(
                        lake.datasets(LOOSE),
                        leases,
                        name -> {
                            if (refreshing.get().equals(name)) {
                                refreshing.set("");
                                seen.set(lake.rows("SELECT id FROM silver.readings"));
                                lake.arrive("readings", reading("3", "a", 3));
                            }
                        });
        lake.settled(runner);
        refreshing.set("run.after-engine");

        runner.perform(refresh("silver.readings"));

        assertThat(seen.get()).containsExactly("1");
        lake.settled(runner);
        assertThat(lake.rows("SELECT id FROM silver.readings ORDER BY 1"))
                .isEqualTo(List.of("1", "2", "3"));
        assertThat(lake.rows(REFUSED)).isEmpty();
    }

    @Test
    void aChangeTableTakesMendedEventsInWhereTheyBelongAndIsComputedAnew() throws Exception {
        String changes =
                "AUTO CDC INTO silver.now FROM STREAM bronze.readings KEYS (station) SEQUENCE BY"
                        + " temperature";
        PipelineRunner runner = run(changes);
        lake.arrive(
                "readings",
                reading("1", "a", 10),
                event("2", "{\"station\":\"a\",\"temperature\":\"twelve\"}"),
                event("3", "{\"station\":\"b\",\"temperature\":\"hot\"}"));
        lake.settled(runner);
        String rows = "SELECT station, temperature FROM silver.now ORDER BY 1";
        String refused = "SELECT \"key\" FROM quarantine.silver_now ORDER BY 1";
        assertThat(lake.rows(rows)).containsExactly("a|10.0");
        assertThat(lake.rows(refused)).containsExactly("2", "3");
        DatasetTask replay =
                new DatasetTask.Replay(
                        "silver.now",
                        Optional.empty(),
                        Optional.of("REPLACE(payload, '\"twelve\"', '12')"),
                        "anna");

        TaskResult result = runner.perform(replay);

        assertThat(result.written()).isEqualTo(1);
        assertThat(lake.rows(rows)).containsExactly("a|12.0");
        assertThat(lake.rows(refused)).containsExactly("3");
        assertThat(runner.perform(replay).seq()).isEmpty();
        lake.arrive("readings", reading("4", "b", 1));
        lake.settled(runner);
        runner.perform(refresh("silver.now"));
        assertThat(lake.rows(rows))
                .as("a refresh knows nothing of mended events")
                .containsExactly("a|10.0", "b|1.0");
        assertThat(lake.rows(refused)).containsExactly("2", "3");
        lake.arrive("readings", reading("5", "b", 2));
        lake.settled(runner);
        assertThat(lake.rows(rows)).containsExactly("a|10.0", "b|2.0");
    }
}
