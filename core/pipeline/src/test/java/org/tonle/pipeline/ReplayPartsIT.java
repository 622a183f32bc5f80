package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tonle.pipeline.TestLake.START;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tonle.catalog.ChangeRange;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.SourceDefinition;
import org.tonle.ledger.CommitRecord;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.pipeline.TestLake.Event;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/** A replay of many rows is done in parts, and leads to what one in one piece leads to. */
class ReplayPartsIT {
    private static final int TABLES = 2;
    private static final int KEYS = 5;
    private static final ChangeRange.Limit SMALL = new ChangeRange.Limit(32L << 20, 3);
    private static final String TEMPERATURE =
            "REPLACE(REPLACE(payload, '\"?1\"', '1'), '\"?99\"', '99')";
    private static final String KEY = "REPLACE(payload, 'was', 'no')";

    @TempDir private Path dir;

    private static String silver(int i, boolean loose) {
        return "CREATE STREAMING TABLE silver.t%d (CONSTRAINT plausible EXPECT (temperature < %d) ON VIOLATION DROP ROW) AS SELECT event_id AS id, station, temperature FROM STREAM bronze.s%1$d WHERE station <> 'test'"
                .formatted(i, loose ? 80 : 40);
    }

    private static String[] tables(boolean loose) {
        return IntStream.range(0, TABLES).mapToObj(i -> silver(i, loose)).toArray(String[]::new);
    }

    /** Loose: the station may be missing, and then WHERE leaves the event out. */
    private static SourceDefinition[] sources(boolean loose) {
        return IntStream.range(0, TABLES)
                .mapToObj(i -> {
                    SourceDefinition plain = SourceDefinition.named("s" + i);
                    return new SourceDefinition(
                            plain.name(),
                            plain.place(),
                            plain.idField(),
                            Optional.empty(),
                            i % 2 == 0 ? Optional.empty() : Optional.of("no"),
                            List.of(
                                    column("station", ColumnType.Simple.STRING, !loose),
                                    column("temperature", ColumnType.Simple.DOUBLE, false),
                                    column("no", ColumnType.Simple.STRING, false)),
                            1,
                            plain.retention(),
                            plain.kind());
                })
                .toArray(SourceDefinition[]::new);
    }

    private static ColumnDefinition column(String name, ColumnType type, boolean required) {
        return new ColumnDefinition(
                name, type, JsonPath.field(name), required, new Place("sources/s.yaml", 1, 1));
    }

    /** Events over several windows, some at once; a few come late. */
    private static List<List<Event>> history(Random random) {
        List<List<Event>> batches = new ArrayList<>();
        long day = 0;
        for (int batch = 0; batch < 16; batch++) {
            List<Event> events = new ArrayList<>();
            for (int n = 1 + random.nextInt(4); n > 0; n--) {
                events.add(
                        new Event(
                                "e" + random.nextInt(KEYS),
                                START.plus(day, ChronoUnit.DAYS)
                                        .plus(Duration.ofHours(random.nextInt(3))),
                                payload(random)));
            }
            batches.add(events);
            day += random.nextInt(4);
        }
        return batches;
    }

    private static String payload(Random random) {
        String key = random.nextInt(4) == 0 ? "was" : "no";
        String station =
                switch (random.nextInt(6)) {
                    case 0, 1 -> "";
                    case 2 -> ",\"station\":\"test\"";
                    default -> ",\"station\":\"a\"";
                };
        String temperature = List.of("1", "60", "99", "\"?1\"", "\"?99\"").get(random.nextInt(5));
        return "{\"%s\":\"n%d\"%s,\"temperature\":%s}"
                .formatted(key, random.nextInt(KEYS), station, temperature);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void whatIsReplayedInPartsOrByALakeThatEndsBetweenThemIsAsIfItHadBeenOne(long seed)
            throws Exception {
        List<List<List<Event>>> histories = new ArrayList<>();
        Random random = new Random(seed);
        for (int i = 0; i < TABLES; i++) {
            histories.add(history(random));
        }

        List<List<String>> whole = replayed("whole", histories, PipelineSettings.DEFAULT_BATCH, 0);
        List<List<String>> parts = replayed("parts", histories, SMALL, 3);

        for (int i = 0; i < whole.size(); i++) {
            assertThat(parts.get(i)).as("seed %d, content %d", seed, i).isEqualTo(whole.get(i));
        }
    }

    /**
     * What the tables hold after each of three replays.
     *
     * @param often how many times the first of them ends right after a commit, to be asked for
     *     again
     */
    private List<List<String>> replayed(
            String name, List<List<List<Event>>> histories, ChangeRange.Limit batch, int often)
            throws Exception {
        List<List<String>> contents = new ArrayList<>();
        AtomicInteger ends = new AtomicInteger();
        try (TestLake lake =
                new TestLake(Files.createDirectory(dir.resolve(name)), sources(false))) {
            LeaseKeeper leases = lake.leases("one");
            for (int i = 0; i < TABLES; i++) {
                for (List<Event> events : histories.get(i)) {
                    lake.arrive("s" + i, events.toArray(Event[]::new));
                }
            }
            // which run takes what is the same in each lake: of late events that decides who is
            // first
            lake.batch = SMALL;
            PipelineRunner strict = lake.run(lake.datasets(tables(false)), leases, FailPoints.NONE);
            lake.settled(strict);
            strict.close();
            lake.sources = List.of(sources(true));
            lake.batch = batch;
            PipelineRunner loose =
                    lake.run(
                            lake.datasets(tables(true)),
                            leases,
                            point -> {
                                if (point.equals("run.after-commit")
                                        && ends.decrementAndGet() >= 0) {
                                    throw new LakeException(ErrorCode.STORAGE, "ended");
                                }
                            });
            lake.settled(loose);
            for (int i = 0; i < TABLES; i++) {
                ends.set(often);
                replay(loose, task(i, "rule <> 'no'", Optional.empty()));
            }
            contents.addAll(contents(lake));
            // asked for again, they would also mend what they let into quarantine
            ends.set(0);
            for (int i = 0; i < TABLES; i++) {
                replay(loose, task(i, "rule <> 'no'", Optional.of(TEMPERATURE)));
            }
            contents.addAll(contents(lake));
            for (int i = 0; i < TABLES; i++) {
                replay(loose, task(i, "rule = 'no'", Optional.of(KEY)));
            }
            contents.addAll(contents(lake));
        }
        return contents;
    }

    private static DatasetTask.Replay task(int i, String where, Optional<String> fix) {
        return new DatasetTask.Replay("silver.t" + i, Optional.of(where), fix, "anna");
    }

    /** Until it isn't ended in between. */
    private static void replay(PipelineRunner runner, DatasetTask.Replay task) {
        while (true) {
            try {
                runner.perform(task);
                return;
            } catch (LakeException e) {
                assertThat(e).hasMessageContaining("ended");
            }
        }
    }

    private static List<List<String>> contents(TestLake lake) {
        List<List<String>> all = new ArrayList<>();
        for (String sql :
                List.of(
                        "SELECT id, station, temperature, _key, _ingest_time FROM silver.t%d ORDER BY 4, 5",
                        "SELECT \"key\", ingest_time, payload FROM quarantine.silver_t%d ORDER BY 1, 2, 3")) {
            for (int i = 0; i < TABLES; i++) {
                all.add(lake.rows(sql.formatted(i)));
            }
        }
        return all;
    }

    /** Events without a station, each of another key; their keys can't be read, either, or can. */
    private static Event[] stationless(int from, int to, String key) {
        return IntStream.range(from, to)
                .mapToObj(n -> {
                    String payload = "{\"%s\":\"n%d\",\"temperature\":1}".formatted(key, n);
                    return TestLake.event("e" + n, payload);
                })
                .toArray(Event[]::new);
    }

    private static List<String> ids(TestLake lake, int table) {
        return lake.rows("SELECT id FROM silver.t%d ORDER BY 1".formatted(table));
    }

    private static long replays(TestLake lake) {
        return lake.ledger.commits(0, lake.ledger.head()).stream()
                .map(CommitRecord::kind)
                .filter("replay"::equals)
                .count();
    }

    /** Of the tables, those whose keys are read into memory. */
    @Test
    void whatIsHeldDoesNotGrowWithTheNumberOfRows() throws Exception {
        try (TestLake lake = new TestLake(dir, sources(false))) {
            WatchedEngine engine = new WatchedEngine(lake.engine);
            lake.worked = engine;
            lake.batch = new ChangeRange.Limit(32L << 20, 5);
            PipelineRunner runner =
                    lake.run(lake.datasets(silver(1, false)), "one", FailPoints.NONE);
            String fix = "REPLACE(REPLACE(payload, 'was', 'no'), '{', '{\"station\":\"%s\",')";
            int rows = 0;
            for (int more : List.of(12, 48)) {
                lake.arrive("s1", stationless(rows, rows + more, "was"));
                lake.settled(runner);
                rows += more;
                long before = replays(lake);

                TaskResult result =
                        runner.perform(task(1, "true", Optional.of(fix.formatted("a"))));

                assertThat(result)
                        .isEqualTo(
                                new TaskResult(
                                        OptionalLong.of(lake.ledger.head()), more, more, 0, 0, 0));
                assertThat(replays(lake) - before).isEqualTo((more + 4) / 5);
                assertThat(engine.most).containsEntry("numbered", (long) more);
            }
            assertThat(ids(lake, 1)).hasSize(rows);
            lake.arrive("s1", stationless(rows, rows + 30, "no"));
            lake.settled(runner);
            TaskResult leftOut =
                    runner.perform(task(1, "true", Optional.of(fix.formatted("test"))));
            assertThat(leftOut.filtered()).isEqualTo(30);
            assertThat(ids(lake, 1)).hasSize(rows);
            for (String held : List.of("selected", "found", "freed")) {
                assertThat(engine.most).containsEntry(held, 5L);
            }
        }
    }

    @Test
    void severalAtOnceWhileRowsArriveTakeEachRowOnce() throws Exception {
        int refused = 20;
        try (TestLake lake = new TestLake(dir, sources(false))) {
            lake.batch = SMALL;
            PipelineRunner runner =
                    lake.run(lake.datasets(silver(0, false)), "one", FailPoints.NONE);
            lake.arrive("s0", stationless(0, refused, "no"));
            lake.settled(runner);
            Optional<String> fix = Optional.of("REPLACE(payload, '{', '{\"station\":\"a\",')");
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<TaskResult>> asked = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    DatasetTask task = task(0, "MOD(\"position\", 3) <> " + i, fix);
                    asked.add(threads.submit(() -> runner.perform(task)));
                    // some of them were refused before
                    lake.arrive("s0", stationless(refused - 2, refused + i, "no"));
                }
                long written = 0;
                for (Future<TaskResult> each : asked) {
                    written += each.get().written();
                }
                lake.settled(runner);
                written += runner.perform(task(0, "true", fix)).written();
                assertThat(written).isEqualTo(refused + 3);
            }
            assertThat(ids(lake, 0)).hasSize(refused + 3).doesNotHaveDuplicates();
            assertThat(lake.rows("SELECT \"key\" FROM quarantine.silver_t0")).isEmpty();
        }
    }

    @Test
    void whatIsDoneWhenAPartFailsIsSaidAndItsKeysAreFree() throws Exception {
        AtomicInteger until = new AtomicInteger(Integer.MAX_VALUE);
        try (TestLake lake = new TestLake(dir, sources(false))) {
            LeaseKeeper leases = lake.leases("one");
            PipelineRunner strict =
                    lake.run(lake.datasets(silver(0, false)), leases, FailPoints.NONE);
            lake.arrive("s0", stationless(0, 9, "no"));
            lake.settled(strict);
            strict.close();
            lake.sources = List.of(sources(true));
            lake.batch = SMALL;
            PipelineRunner runner =
                    lake.run(
                            lake.datasets(silver(0, true)),
                            leases,
                            point -> {
                                if (point.equals("run.before-engine")
                                        && until.decrementAndGet() == 0) {
                                    // as if the input's columns had changed so that nothing fits
                                    throw new LakeException(ErrorCode.INVALID_SQL, "Not now.");
                                }
                            });
            Event again = TestLake.event("e0", "{\"station\":\"a\",\"temperature\":1}");
            lake.arrive("s0", again);
            lake.settled(runner);
            assertThat(ids(lake, 0)).as("a repeat of what is in quarantine").isEmpty();
            until.set(3);

            assertThatThrownBy(() -> runner.perform(task(0, "true", Optional.empty())))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_SQL))
                    .hasMessageStartingWith("Not now.")
                    .hasMessageContaining("silver.t0 by then")
                    .hasMessageContaining("commit " + lake.ledger.head());

            // WHERE leaves the first six out
            assertThat(lake.rows("SELECT \"key\" FROM quarantine.silver_t0 ORDER BY 1"))
                    .isEqualTo(List.of("e6", "e7", "e8"));
            assertThat(ids(lake, 0)).as("the one that e0 kept out").containsExactly("e0");
            lake.arrive("s0", TestLake.event("e1", again.payload()));
            lake.settled(runner);
            assertThat(ids(lake, 0)).isEqualTo(List.of("e0", "e1"));
            assertThat(runner.perform(task(0, "true", Optional.empty())).filtered()).isEqualTo(3);
        }
    }

    private static Event onDay(int day, String payload) {
        return new Event("e", START.plus(day, ChronoUnit.DAYS), payload);
    }

    /** Two rows that WHERE leaves out now kept others out, more than a window apart. */
    @Test
    void ofRowsThatSeveralPartsSetFreeTheFirstOneEnters() throws Exception {
        String reading = "{\"station\":\"a\",\"temperature\":%d}";
        try (TestLake lake = new TestLake(dir, sources(false))) {
            LeaseKeeper leases = lake.leases("one");
            PipelineRunner strict =
                    lake.run(lake.datasets(silver(0, false)), leases, FailPoints.NONE);
            for (Event event :
                    List.of(
                            onDay(0, "{}"),
                            onDay(5, reading.formatted(5)),
                            onDay(8, "{}"),
                            onDay(9, reading.formatted(9)))) {
                lake.arrive("s0", event);
                lake.settled(strict);
            }
            strict.close();
            lake.sources = List.of(sources(true));
            lake.batch = new ChangeRange.Limit(32L << 20, 1);
            PipelineRunner runner =
                    lake.run(lake.datasets(silver(0, true)), leases, FailPoints.NONE);

            TaskResult result = runner.perform(task(0, "true", Optional.empty()));

            assertThat(result.filtered()).isEqualTo(2);
            // that of day 5 keeps out that of day 9
            assertThat(lake.rows("SELECT temperature FROM silver.t0")).containsExactly("5.0");
        }
    }

    /** It stays under the key that it had. */
    @Test
    void rowsMayTakeTheKeysThatOthersOfTheSameReplayLeave() throws Exception {
        String next =
                "REPLACE(REPLACE(REPLACE(REPLACE(payload, 'n2', 'n3'), 'n1', 'n2'), 'n0', 'n1'), '99', '1')";
        try (TestLake lake = new TestLake(dir, sources(false))) {
            PipelineRunner runner =
                    lake.run(lake.datasets(silver(1, false)), "one", FailPoints.NONE);
            for (int i = 0; i < 3; i++) {
                lake.arrive(
                        "s1",
                        new Event(
                                "e" + i,
                                START.plusSeconds(i),
                                "{\"no\":\"n%d\",\"station\":\"a\",\"temperature\":99}"
                                        .formatted(i)));
            }
            lake.settled(runner);
            assertThat(lake.rows("SELECT COUNT(*) FROM quarantine.silver_t1")).containsExactly("3");

            TaskResult result = runner.perform(task(1, "true", Optional.of(next)));

            assertThat(result.written()).isEqualTo(3);
            assertThat(lake.rows("SELECT _key FROM silver.t1 ORDER BY 1"))
                    .containsExactly("n1", "n2", "n3");
            assertThat(lake.rows("SELECT COUNT(*) FROM quarantine.silver_t1")).containsExactly("0");
        }
    }

    @Test
    void aKeyThatALaterPartMayLeaveIsNotTakenAndNoRowIsLost() throws Exception {
        String next = "REPLACE(REPLACE(payload, 'n1', 'n2'), 'n0', 'n1')";
        try (TestLake lake = new TestLake(dir, sources(false))) {
            lake.batch = new ChangeRange.Limit(32L << 20, 1);
            PipelineRunner runner =
                    lake.run(lake.datasets(silver(1, false)), "one", FailPoints.NONE);
            for (int i = 0; i < 2; i++) {
                lake.arrive(
                        "s1",
                        new Event(
                                "e" + i,
                                START.plusSeconds(i),
                                "{\"no\":\"n%d\",\"station\":\"a\",\"temperature\":\"?1\"}"
                                        .formatted(i)));
            }
            lake.settled(runner);

            assertThatThrownBy(() ->
                            runner.perform(
                                    task(
                                            1,
                                            "true",
                                            Optional.of(
                                                    next.replace(
                                                            "payload",
                                                            "REPLACE(payload, '\"?1\"', '1')")))))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST))
                    .hasMessageContaining("n1");
            assertThat(lake.rows("SELECT \"key\" FROM quarantine.silver_t1 ORDER BY 1"))
                    .containsExactly("n0", "n1");
        }
    }

    @Test
    void aKeyOfARowThatIsRefusedAgainIsNotTakenAndNoRowIsLost() throws Exception {
        String first =
                "CASE WHEN payload LIKE '%n0%' THEN REPLACE(REPLACE(payload, 'n0', 'n1'), '99', '1')"
                        + " ELSE REPLACE(payload, 'n1', 'n2') END";
        try (TestLake lake = new TestLake(dir, sources(false))) {
            PipelineRunner runner =
                    lake.run(lake.datasets(silver(1, false)), "one", FailPoints.NONE);
            for (int i = 0; i < 2; i++) {
                lake.arrive(
                        "s1",
                        new Event(
                                "e" + i,
                                START.plusSeconds(i),
                                "{\"no\":\"n%d\",\"station\":\"a\",\"temperature\":99}"
                                        .formatted(i)));
            }
            lake.settled(runner);

            assertThatThrownBy(() -> runner.perform(task(1, "true", Optional.of(first))))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST))
                    .hasMessageContaining("n1");
            assertThat(lake.rows("SELECT \"key\" FROM quarantine.silver_t1 ORDER BY 1"))
                    .containsExactly("n0", "n1");
            assertThat(ids(lake, 1)).isEmpty();
        }
    }

    @Test
    void aRowThatIsRefusedUnderAnotherKeyKeepsOutThoseOfThatKeyInLaterParts() throws Exception {
        try (TestLake lake = new TestLake(dir, sources(false))) {
            lake.batch = new ChangeRange.Limit(32L << 20, 1);
            PipelineRunner runner =
                    lake.run(lake.datasets(silver(1, false)), "one", FailPoints.NONE);
            for (int temperature : new int[] {99, 1}) {
                String payload =
                        "{\"was\":\"n\",\"station\":\"a\",\"temperature\":%d}"
                                .formatted(temperature);
                lake.arrive("s1", TestLake.event("e" + temperature, payload));
            }
            lake.settled(runner);

            TaskResult result = runner.perform(task(1, "true", Optional.of(KEY)));

            assertThat(result)
                    .isEqualTo(new TaskResult(OptionalLong.of(lake.ledger.head()), 2, 0, 1, 0, 1));
            assertThat(ids(lake, 1)).isEmpty();
            assertThat(lake.rows("SELECT \"key\" FROM quarantine.silver_t1"))
                    .containsExactly("e99");
        }
    }

    @Test
    void aProcessThatIsTakenOverBetweenPartsSaysWhatItDidAndTheOtherGoesOn() throws Exception {
        AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});
        AtomicInteger parts = new AtomicInteger();
        Optional<String> fix = Optional.of("REPLACE(payload, '{', '{\"station\":\"a\",')");
        try (TestLake lake = new TestLake(dir, sources(false))) {
            lake.batch = SMALL;
            PipelineRunner one =
                    lake.run(
                            lake.datasets(silver(0, false)),
                            "one",
                            point -> {
                                if (point.equals("run.after-engine")
                                        && parts.incrementAndGet() == 2) {
                                    meanwhile.get().run();
                                }
                            });
            lake.arrive("s0", stationless(0, 8, "no"));
            lake.settled(one);
            PipelineRunner two = lake.run(lake.datasets(silver(0, false)), "two", FailPoints.NONE);
            AtomicLong others = new AtomicLong();
            meanwhile.set(() -> {
                lake.ledger
                        .leases("dataset/silver.t0")
                        .forEach(lease -> assertThat(lake.ledger.release(lease)).isTrue());
                others.set(taken(two, task(0, "true", fix)).written());
            });
            parts.set(0);

            assertThatThrownBy(() -> one.perform(task(0, "true", fix)))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.LEASE_LOST))
                    .hasMessageContaining("3 rows had entered silver.t0 by then");

            assertThat(others.get()).isEqualTo(5);
            assertThat(ids(lake, 0)).hasSize(8).doesNotHaveDuplicates();
            assertThat(lake.rows("SELECT \"key\" FROM quarantine.silver_t0")).isEmpty();
        }
    }

    /** Asks until it has the lease. */
    private static TaskResult taken(PipelineRunner runner, DatasetTask task) {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (true) {
            try {
                return runner.perform(task);
            } catch (LakeException e) {
                if (e.code() != ErrorCode.LEASE_LOST || System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }
}
