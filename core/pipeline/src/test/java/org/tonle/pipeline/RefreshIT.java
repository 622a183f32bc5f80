package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tonle.pipeline.Readings.SILVER;
import static org.tonle.pipeline.TestLake.START;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.LakeCatalog;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.ledger.Ledger;
import org.tonle.pipeline.TestLake.Event;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.sql.DataFile;
import org.tonle.sql.Dataset;

/** Datasets that are computed anew from a time on, and those that follow them. */
class RefreshIT {
    private static final String LOOSE = SILVER.replace("-90 AND 60", "-90 AND 100");
    private static final String COPY =
            "CREATE STREAMING TABLE silver.copy AS SELECT id, temperature FROM STREAM silver.readings";
    private static final String IDS = "SELECT id FROM silver.readings ORDER BY 1";
    private static final String COPIED = "SELECT id FROM silver.copy ORDER BY 1";
    private static final String REFUSED =
            "SELECT \"key\" FROM quarantine.silver_readings ORDER BY 1";
    private static final Instant NOON = START.plus(Duration.ofHours(12));

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

    private static Event reading(String id, Instant at, double temperature) {
        return new Event(id, at, "{\"station\":\"a\",\"temperature\":%s}".formatted(temperature));
    }

    private void arriveAroundNoon() {
        lake.arrive(
                "readings",
                reading("1", NOON.minusSeconds(2), 70),
                reading("2", NOON.minusSeconds(1), 20),
                reading("3", NOON, 70),
                reading("4", NOON.plusSeconds(1), 20));
    }

    private static DatasetTask refresh(Optional<Instant> from, boolean downstream) {
        return new DatasetTask.Refresh("silver.readings", from, downstream, "anna");
    }

    private static DatasetTask fromNoon() {
        return refresh(Optional.of(NOON), false);
    }

    @Test
    void rowsFromBeforeStayWhereTheyAre() throws Exception {
        PipelineRunner runner = run(SILVER);
        arriveAroundNoon();
        runner = changed(runner, LOOSE);

        TaskResult result = runner.perform(fromNoon());

        assertThat(result.read()).isEqualTo(2);
        assertThat(result.written()).isEqualTo(2);
        assertThat(lake.rows(IDS)).containsExactly("2", "3", "4");
        assertThat(lake.rows(REFUSED)).containsExactly("1");
        // keys are known, of those that stayed and of those that came anew
        lake.arrive(
                "readings",
                reading("1", NOON.plusSeconds(5), 1),
                reading("2", NOON.plusSeconds(5), 1),
                reading("3", NOON.plusSeconds(5), 1),
                reading("5", NOON.plusSeconds(5), 1));
        lake.settled(runner);
        assertThat(lake.rows(IDS)).isEqualTo(List.of("2", "3", "4", "5"));
        assertThat(
                        runner.perform(
                                        new DatasetTask.Replay(
                                                "silver.readings",
                                                Optional.empty(),
                                                Optional.empty(),
                                                "anna"))
                                .written())
                .isEqualTo(1);
        assertThat(lake.rows(REFUSED)).isEmpty();
    }

    @Test
    void onlyRowsFromThenOnAreCountedWhateverElseIsInTheirFiles() throws Exception {
        PipelineRunner runner = run(SILVER);
        Instant before = NOON.minusNanos(1_000);
        String leftOut = "{\"station\":\"test\",\"temperature\":1}";
        lake.arrive(
                "readings",
                reading("1", before, 70),
                reading("2", before, 20),
                new Event("3", before, leftOut),
                new Event("4", before, leftOut),
                new Event("5", NOON, leftOut),
                reading("6", NOON, 70),
                reading("2", NOON, 20),
                reading("7", NOON, 20));
        lake.settled(runner);
        TaskResult result = runner.perform(fromNoon());

        assertThat(result)
                .isEqualTo(new TaskResult(OptionalLong.of(lake.ledger.head()), 4, 1, 1, 1, 1));
        assertThat(lake.ledger.commits(lake.ledger.head() - 1, lake.ledger.head()))
                .first()
                .satisfies(commit -> assertThat(commit.fact("filtered")).contains("1"))
                .satisfies(commit -> assertThat(commit.fact("input")).contains("4"));
    }

    /** It came late: what is taken in from noon on is as if it had come after it. */
    @Test
    void aRepeatFromBeforeThatCameLateStaysOut() throws Exception {
        PipelineRunner runner = run(SILVER);
        lake.arrive("readings", reading("1", NOON, 20));
        lake.arrive("readings", reading("1", NOON.minusSeconds(1), 10));
        runner = changed(runner, SILVER.replace("<> 'test'", "<> 'a'"));

        runner.perform(fromNoon());

        assertThat(lake.rows(IDS)).isEmpty();
    }

    @Test
    void readersSeeTheOldRowsWhereverARefreshFromATimeEnds() throws Exception {
        PipelineRunner before = run(SILVER);
        arriveAroundNoon();
        lake.settled(before);
        before.close();
        AtomicReference<String> failing = new AtomicReference<>("");
        PipelineRunner runner =
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
        for (String point : List.of("run.before-engine", "run.after-engine")) {
            failing.set(point);
            assertThatThrownBy(() -> runner.perform(fromNoon())).hasMessageContaining(point);
            assertThat(lake.rows(IDS)).containsExactly("2", "4");
            assertThat(lake.rows(REFUSED)).containsExactly("1", "3");
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<TaskResult>> both =
                    IntStream.range(0, 2)
                            .mapToObj(i -> threads.submit(() -> runner.perform(fromNoon())))
                            .toList();
            for (Future<TaskResult> each : both) {
                assertThat(each.get().written()).isEqualTo(2);
            }
        }
        assertThat(lake.rows(IDS)).containsExactly("2", "3", "4");
        assertThat(lake.rows(REFUSED)).containsExactly("1");
    }

    @Test
    void theHintToRefreshGoesWhenNoRowThatStayedBreaksAnExpectation() throws Exception {
        PipelineRunner runner = run(LOOSE);
        arriveAroundNoon();
        runner = changed(runner, SILVER);
        assertThat(hint()).isPresent();
        runner.perform(fromNoon());
        lake.settled(runner);
        assertThat(hint()).as("1 is too warm and stayed").isPresent();

        runner.perform(refresh(Optional.of(NOON.minusSeconds(2)), false));
        lake.arrive("readings", reading("5", NOON.plusSeconds(5), 1));
        lake.settled(runner);

        assertThat(hint()).isEmpty();
    }

    private Optional<String> hint() {
        return JudgedBy.hint(
                lake.datasets(SILVER).getFirst(),
                lake.catalog
                        .pin()
                        .table(org.apache.iceberg.catalog.TableIdentifier.of("silver", "readings"))
                        .orElseThrow());
    }

    @Test
    void thoseThatReadItFollowWithoutBeingAsked() throws Exception {
        String change =
                "AUTO CDC INTO silver.now FROM STREAM silver.copy KEYS (id) SEQUENCE BY temperature";
        PipelineRunner runner = run(SILVER, COPY, change);
        arriveAroundNoon();
        runner = changed(runner, LOOSE, COPY, change);

        runner.perform(refresh(Optional.of(NOON), true));
        lake.arrive("readings", reading("5", NOON.plusSeconds(5), 1));
        lake.settled(runner);

        assertThat(lake.rows(COPIED)).containsExactly("2", "3", "4", "5");
        assertThat(lake.rows("SELECT id FROM silver.now ORDER BY 1"))
                .containsExactly("2", "3", "4", "5");
        PipelineRunner all = runner;
        assertThatThrownBy(() ->
                        all.perform(
                                new DatasetTask.Refresh(
                                        "silver.now", Optional.of(NOON), false, "anna")))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST))
                .hasMessageContaining("leave from out");
    }

    /** It comes in the commit that rewrites the rows from noon on. */
    @Test
    void aRowFromBeforeThatCameLateReachesThoseThatFollowThoseThatFollow() throws Exception {
        String second = "CREATE STREAMING TABLE silver.second AS SELECT id FROM STREAM silver.copy";
        PipelineRunner runner = run(SILVER, COPY, second);
        arriveAroundNoon();
        runner = changed(runner, LOOSE, COPY, second);
        runner.perform(fromNoon());
        assertThat(
                        runner.perform(
                                        new DatasetTask.Replay(
                                                "silver.readings",
                                                Optional.empty(),
                                                Optional.empty(),
                                                "anna"))
                                .written())
                .isEqualTo(1);

        runner.perform(new DatasetTask.Refresh("silver.copy", Optional.of(NOON), true, "anna"));
        lake.settled(runner);

        assertThat(lake.rows(COPIED)).containsExactly("1", "2", "3", "4");
        assertThat(lake.rows("SELECT id FROM silver.second ORDER BY 1"))
                .containsExactly("1", "2", "3", "4");
    }

    @Test
    void whoComesAfterARefreshBeginsWithWhatIsThere() throws Exception {
        PipelineRunner runner = run(SILVER);
        arriveAroundNoon();
        runner = changed(runner, LOOSE);
        runner.perform(refresh(Optional.empty(), false));
        String change =
                "AUTO CDC INTO silver.now FROM STREAM silver.readings KEYS (id) SEQUENCE BY temperature";

        runner = changed(runner, LOOSE, COPY, change);
        lake.arrive("readings", reading("5", NOON.plusSeconds(5), 1));
        lake.settled(runner);

        assertThat(lake.rows(COPIED)).containsExactly("1", "2", "3", "4", "5");
        assertThat(lake.rows("SELECT id FROM silver.now ORDER BY 1"))
                .containsExactly("1", "2", "3", "4", "5");
    }

    @Test
    void whatAnotherProcessRunsFollowsThere() throws Exception {
        List<Dataset> all = lake.datasets(SILVER, COPY);
        PipelineRunner here = lake.run(all.subList(0, 1), leases, FailPoints.NONE);
        arriveAroundNoon();
        lake.settled(here);
        PipelineRunner there = lake.run(all.subList(1, 2), lake.leases("two"), FailPoints.NONE);
        lake.settled(there);
        here.close();
        PipelineRunner again = lake.run(lake.datasets(LOOSE, COPY), leases, FailPoints.NONE);

        long seq = again.perform(refresh(Optional.empty(), true)).seq().orElseThrow();

        assertThatThrownBy(() -> again.perform(new DatasetTask.Follow("silver.copy", seq, "anna")))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.LEASE_LOST))
                .hasMessageContaining("two");
        lake.settled(there);
        assertThat(lake.rows(COPIED)).containsExactly("1", "2", "3", "4");
    }

    @Test
    void aTableWhoseInputWasRewrittenFromAnEarlierTimeOnIsRefused() throws Exception {
        PipelineRunner runner = run(SILVER, COPY);
        arriveAroundNoon();
        lake.settled(runner);
        PipelineRunner both = runner;
        DatasetTask copy = new DatasetTask.Refresh("silver.copy", Optional.of(NOON), false, "anna");

        both.perform(refresh(Optional.of(NOON.minusSeconds(1)), false));
        assertThatThrownBy(() -> both.perform(copy))
                .hasMessageContaining("silver.readings was rewritten from 2026-03-01T11:59:59Z on")
                .hasMessageContaining("from that time on, or in full");
        both.perform(refresh(Optional.empty(), false));
        assertThatThrownBy(() -> both.perform(copy))
                .hasMessageContaining("silver.readings was rewritten as a whole")
                .hasMessageContaining("without from");

        both.perform(new DatasetTask.Refresh("silver.copy", Optional.empty(), false, "anna"));
        lake.settled(both);
        assertThat(lake.rows(COPIED)).isEqualTo(lake.rows(IDS));
    }

    /** A hundred commits or more, so that they are asked for in several pages. */
    @Test
    void ofAHistoryOnePartIsHeldAtATimeHoweverManyCommitsThereAre() {
        int commits = 130;
        for (int i = 0; i < commits; i++) {
            lake.arrive("readings", reading("e" + i, NOON.plusSeconds(i), i));
        }
        long head = lake.ledger.head();
        ChangeRange.Limit ten = new ChangeRange.Limit(Long.MAX_VALUE, Long.MAX_VALUE, 10);
        List<Integer> sizes = new java.util.ArrayList<>();
        List<Path> files = new java.util.ArrayList<>();

        history(lake.catalog, head, ten)
                .all(part -> {
                    sizes.add(part.size());
                    part.stream().map(DataFile::path).forEach(files::add);
                });

        assertThat(sizes).hasSize(13).containsOnly(10);
        ChangeRange.Appended whole =
                (ChangeRange.Appended)
                        lake.catalog.changes(
                                lake.uuid("bronze", "readings"), 0, head, ChangeRange.Limit.NONE);
        assertThat(files)
                .hasSize(commits)
                .isEqualTo(
                        whole.files().stream()
                                .map(file -> org.tonle.catalog.LocalFileIO.path(file.location()))
                                .toList());
        sizes.clear();
        history(lake.catalog, head, ten)
                .within(
                        micros(NOON.plusSeconds(15)),
                        micros(NOON.plusSeconds(27)),
                        part -> sizes.add(part.size()));
        assertThat(sizes).containsExactly(10, 3);
    }

    /** Nothing more is asked of the ledger before a part is dealt with. */
    @Test
    void aHistoryIsReadAsItIsGoneThrough() {
        for (int i = 0; i < 25; i++) {
            lake.arrive("readings", reading("e" + i, NOON.plusSeconds(i), i));
        }
        Ledger other = lake.openLedger();
        InputHistory history =
                history(
                        new LakeCatalog(other, dir.resolve("warehouse"), FailPoints.NONE),
                        other.head(),
                        new ChangeRange.Limit(Long.MAX_VALUE, Long.MAX_VALUE, 10));
        List<Integer> sizes = new java.util.ArrayList<>();

        assertThatThrownBy(() ->
                        history.all(part -> {
                            sizes.add(part.size());
                            other.close();
                        }))
                .isInstanceOf(RuntimeException.class);

        assertThat(sizes).containsExactly(10);
    }

    private static long micros(Instant time) {
        return java.time.temporal.ChronoUnit.MICROS.between(Instant.EPOCH, time);
    }

    private InputHistory history(LakeCatalog catalog, long upTo, ChangeRange.Limit batch) {
        return new InputHistory(
                new RunEnvironment(
                        lake.sources,
                        catalog,
                        lake.engine,
                        new PipelineSettings(
                                Duration.ofMillis(10),
                                batch,
                                Duration.ofDays(7),
                                dir,
                                PipelineSettings.DEFAULT_COMPACTION_FAN_IN,
                                Map.of(),
                                Duration.ofHours(1)),
                        FailPoints.NONE,
                        Clock.systemUTC()),
                catalog.pinAt(upTo).table(TestLake.bronze("readings")).orElseThrow(),
                upTo);
    }
}
