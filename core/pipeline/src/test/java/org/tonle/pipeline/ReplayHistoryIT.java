package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.pipeline.TestLake.START;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.SourceDefinition;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.pipeline.TestLake.Event;
import org.tonle.spi.FailPoints;

/**
 * Random histories: a lake whose definition was loosened, and that was replayed, holds what a lake
 * holds that always had the loose one.
 */
class ReplayHistoryIT {
    private static final int TABLES = 6;
    private static final int IDS = 12;
    private static final Duration WINDOW = Duration.ofDays(7);
    private static final String COLUMNS = "id, station, temperature, _key, _ingest_time";

    @TempDir private Path dir;

    /** The table number {@code i}, over a source of its own, strict or loose. */
    private static String silver(int i, boolean loose) {
        return "CREATE STREAMING TABLE silver.t%d (CONSTRAINT plausible EXPECT (temperature < %d) ON VIOLATION DROP ROW, CONSTRAINT named EXPECT (%s) ON VIOLATION DROP ROW) AS SELECT event_id AS id, station, temperature FROM STREAM bronze.s%1$d WHERE station <> 'test'"
                .formatted(i, loose ? 80 : 40, loose ? "true" : "station <> 'odd'");
    }

    /** Loose: the station may be missing, and then WHERE leaves the event out. */
    private static SourceDefinition source(int i, boolean loose) {
        SourceDefinition plain = SourceDefinition.named("s" + i);
        return new SourceDefinition(
                plain.name(),
                plain.place(),
                plain.idField(),
                Optional.empty(),
                i % 2 == 0 ? Optional.empty() : Optional.of("no"),
                columns(i, loose),
                1,
                plain.retention(),
                plain.kind());
    }

    private static List<ColumnDefinition> columns(int i, boolean loose) {
        List<ColumnDefinition> columns = new ArrayList<>();
        columns.add(column("station", ColumnType.Simple.STRING, !loose));
        columns.add(column("temperature", ColumnType.Simple.DOUBLE, false));
        if (i % 2 == 1) {
            columns.add(column("no", ColumnType.Simple.STRING, false));
        }
        return columns;
    }

    private static ColumnDefinition column(String name, ColumnType type, boolean required) {
        return new ColumnDefinition(
                name, type, JsonPath.field(name), required, new Place("sources/s.yaml", 1, 1));
    }

    private static SourceDefinition[] sources(boolean loose) {
        return IntStream.range(0, TABLES)
                .mapToObj(i -> source(i, loose))
                .toArray(SourceDefinition[]::new);
    }

    private static String[] tables(boolean loose) {
        return IntStream.range(0, TABLES).mapToObj(i -> silver(i, loose)).toArray(String[]::new);
    }

    private static Event random(Random random, long at) {
        int id = random.nextInt(IDS);
        StringBuilder payload = new StringBuilder("{\"no\":\"n" + random.nextInt(IDS) + '"');
        switch (random.nextInt(5)) {
            case 0 -> {}
            case 1 -> payload.append(",\"station\":\"test\"");
            case 2 -> payload.append(",\"station\":\"odd\"");
            default -> payload.append(",\"station\":\"s").append(random.nextInt(3)).append('"');
        }
        payload.append(
                random.nextInt(9) == 0
                        ? ",\"temperature\":\"warm\""
                        : ",\"temperature\":" + random.nextInt(100));
        return new Event(
                "e" + id, START.plus(Duration.ofMinutes(at)), payload.append('}').toString());
    }

    private static List<List<Event>> history(Random random, long from) {
        List<List<Event>> batches = new ArrayList<>();
        long at = from;
        for (int i = 0; i < 4; i++) {
            List<Event> batch = new ArrayList<>();
            // several events of one moment, too
            for (int n = 1 + random.nextInt(5); n > 0; n--) {
                batch.add(random(random, at));
                at += random.nextInt(2);
            }
            batches.add(batch);
            at++;
        }
        return batches;
    }

    @Test
    void aLakeThatWasLoosenedAndReplayedHoldsWhatOneHoldsThatAlwaysWasSo() throws Exception {
        for (long seed = 1; seed <= 2; seed++) {
            check(seed, Files.createDirectory(dir.resolve("seed" + seed)));
        }
    }

    private void check(long seed, Path folder) throws Exception {
        Random random = new Random(seed);
        List<List<List<Event>>> before = new ArrayList<>();
        List<List<List<Event>>> after = new ArrayList<>();
        for (int i = 0; i < TABLES; i++) {
            before.add(history(random, 0));
            after.add(history(random, 1000));
        }
        List<List<String>> replayed;
        List<List<String>> refused;
        List<List<String>> refreshed;
        try (TestLake lake =
                new TestLake(Files.createDirectory(folder.resolve("a")), sources(false))) {
            LeaseKeeper leases = lake.leases("one");
            PipelineRunner strict = lake.run(lake.datasets(tables(false)), leases, FailPoints.NONE);
            arrive(lake, strict, before);
            strict.close();
            lake.sources = List.of(sources(true));
            PipelineRunner loose = lake.run(lake.datasets(tables(true)), leases, FailPoints.NONE);
            boolean first = random.nextBoolean();
            if (first) {
                replay(loose, random);
            }
            arrive(lake, loose, after);
            replay(loose, random);
            replay(loose, random);
            lake.settled(loose);
            long head = lake.ledger.head();
            for (int i = 0; i < TABLES; i++) {
                assertThat(loose.perform(task(i, Optional.empty())).seq()).isEmpty();
            }
            assertThat(lake.ledger.head()).isEqualTo(head);
            replayed = silver(lake);
            refused = quarantine(lake);
            for (int i = 0; i < TABLES; i++) {
                loose.perform(
                        new DatasetTask.Refresh("silver.t" + i, Optional.empty(), false, "anna"));
            }
            refreshed = silver(lake);
            lake.settled(loose);
        }
        try (TestLake lake =
                new TestLake(Files.createDirectory(folder.resolve("b")), sources(true))) {
            PipelineRunner loose = lake.run(lake.datasets(tables(true)), "one", FailPoints.NONE);
            arrive(lake, loose, before);
            arrive(lake, loose, after);
            for (int i = 0; i < TABLES; i++) {
                String name = "seed %d, table %d".formatted(seed, i);
                assertThat(replayed.get(i)).as(name).isEqualTo(silver(lake).get(i));
                assertThat(refused.get(i)).as(name).isEqualTo(quarantine(lake).get(i));
                assertThat(refreshed.get(i)).as(name).isEqualTo(silver(lake).get(i));
            }
        }
    }

    private static DatasetTask task(int table, Optional<String> where) {
        return new DatasetTask.Replay("silver.t" + table, where, Optional.empty(), "anna");
    }

    /** In parts, and then what is left. */
    private static void replay(PipelineRunner runner, Random random) {
        for (int i = 0; i < TABLES; i++) {
            if (random.nextBoolean()) {
                runner.perform(task(i, Optional.of("MOD(\"position\", 3) = " + random.nextInt(3))));
            }
            runner.perform(task(i, Optional.empty()));
        }
    }

    private static void arrive(
            TestLake lake, PipelineRunner runner, List<List<List<Event>>> histories)
            throws InterruptedException {
        for (int batch = 0; batch < histories.getFirst().size(); batch++) {
            for (int i = 0; i < TABLES; i++) {
                lake.arrive("s" + i, histories.get(i).get(batch).toArray(Event[]::new));
            }
            lake.settled(runner);
        }
    }

    private static List<List<String>> silver(TestLake lake) {
        return IntStream.range(0, TABLES)
                .mapToObj(i ->
                        lake.rows(
                                "SELECT %s FROM silver.t%d ORDER BY _key, _ingest_time"
                                        .formatted(COLUMNS, i)))
                .toList();
    }

    private static List<List<String>> quarantine(TestLake lake) {
        return IntStream.range(0, TABLES)
                .mapToObj(i ->
                        lake.rows(
                                "SELECT \"key\", ingest_time, payload FROM quarantine.silver_t%d ORDER BY \"key\", ingest_time"
                                        .formatted(i)))
                .toList();
    }

    /** A row of some key, as it was taken in. */
    private record Keyed(String key, Instant time) {
        boolean repeats(Keyed other) {
            return key.equals(other.key)
                    && Duration.between(time, other.time).abs().compareTo(WINDOW) <= 0;
        }
    }

    @Test
    void aRowThatGetsItsKeyEntersUnlessAnyRowOfThatKeyIsThereWithinTheWindow() throws Exception {
        Random random = new Random(7);
        try (TestLake lake = new TestLake(dir, sources(true))) {
            PipelineRunner runner =
                    lake.run(lake.datasets(silver(1, true)), "one", FailPoints.NONE);
            List<Keyed> mended = new ArrayList<>();
            long at = 0;
            for (int n = 0; n < 60; n++) {
                String key = "n" + random.nextInt(4);
                Instant time = START.plus(Duration.ofHours(at));
                boolean unreadable = random.nextInt(3) == 0;
                if (unreadable) {
                    mended.add(new Keyed(key, time));
                }
                lake.arrive(
                        "s1",
                        new Event(
                                "e" + n,
                                time,
                                unreadable
                                        ? "{\"was\":\"%s\",\"station\":\"a\",\"temperature\":\"?\"}"
                                                .formatted(key)
                                        : "{\"no\":\"%s\",\"station\":\"a\",\"temperature\":%d}"
                                                .formatted(key, random.nextInt(4) == 0 ? 99 : 1)));
                at += random.nextInt(50);
            }
            lake.settled(runner);
            List<Keyed> expected = keyed(lake, "_key, _ingest_time FROM silver.t1");
            List<Keyed> taken = new ArrayList<>(expected);
            taken.addAll(keyed(lake, "\"key\", ingest_time FROM quarantine.silver_t1"));
            for (Keyed row : mended) {
                if (taken.stream().noneMatch(row::repeats)) {
                    taken.add(row);
                    expected.add(row);
                }
            }

            runner.perform(
                    new DatasetTask.Replay(
                            "silver.t1",
                            Optional.of("rule = 'temperature'"),
                            Optional.of("REPLACE(REPLACE(payload, 'was', 'no'), '\"?\"', '1')"),
                            "anna"));

            assertThat(keyed(lake, "_key, _ingest_time FROM silver.t1"))
                    .containsExactlyInAnyOrderElementsOf(expected);
            assertThat(
                            lake.rows(
                                    "SELECT \"key\" FROM quarantine.silver_t1 WHERE rule = 'temperature'"))
                    .isEmpty();
        }
    }

    private static List<Keyed> keyed(TestLake lake, String columns) {
        List<Keyed> rows = new ArrayList<>();
        for (String row : lake.rows("SELECT " + columns)) {
            String[] values = row.split("\\|", -1);
            long micros = Long.parseLong(values[1]);
            rows.add(new Keyed(values[0], Instant.EPOCH.plus(micros, ChronoUnit.MICROS)));
        }
        return rows;
    }
}
