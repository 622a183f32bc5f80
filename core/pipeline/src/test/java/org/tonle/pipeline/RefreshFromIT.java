package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.pipeline.TestLake.START;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
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
 * Random histories: a lake whose definition was changed, and that was refreshed from a time on,
 * holds what a lake holds whose definition says itself that it is another from that time on.
 */
class RefreshFromIT {
    private static final int TABLES = 4;
    private static final int IDS = 6;

    @TempDir private Path dir;

    /** What a table's definition says of a row: up to where it is warm, and which station isn't. */
    private record Rule(int warm, String leftOut) {
        static Rule before(int i) {
            return i % 2 == 0 ? new Rule(40, "test") : new Rule(80, "odd");
        }

        static Rule after(int i) {
            return before(i + 1);
        }
    }

    private static String silver(int i, String warm, String leftOut) {
        return "CREATE STREAMING TABLE silver.t%d (CONSTRAINT plausible EXPECT (temperature < %s) ON VIOLATION DROP ROW) AS SELECT event_id AS id, station, temperature, ingest_time AS taken FROM STREAM bronze.s%1$d WHERE station <> %s"
                .formatted(i, warm, leftOut);
    }

    private static String plain(int i, Rule rule) {
        return silver(i, String.valueOf(rule.warm()), "'" + rule.leftOut() + "'");
    }

    /** One definition that is the old one up to a time and the new one from then on. */
    private static String both(int i, Instant from) {
        String choice = "CASE WHEN %s < TIMESTAMP WITH LOCAL TIME ZONE '%s' THEN %s ELSE %s END";
        String time = from.toString().replace('T', ' ').replace("Z", "");
        Rule before = Rule.before(i);
        Rule after = Rule.after(i);
        return silver(
                i,
                choice.formatted("taken", time, before.warm(), after.warm()),
                choice.formatted(
                        "ingest_time",
                        time,
                        "'" + before.leftOut() + "'",
                        "'" + after.leftOut() + "'"));
    }

    private static String copy(int i) {
        return "CREATE STREAMING TABLE silver.c%d (CONSTRAINT odd EXPECT (temperature <> 13) ON VIOLATION DROP ROW) AS SELECT id, temperature, station FROM STREAM silver.t%1$d WHERE temperature < 70"
                .formatted(i);
    }

    private static String[] datasets(List<String> tables) {
        List<String> all = new ArrayList<>(tables);
        IntStream.range(0, TABLES).mapToObj(RefreshFromIT::copy).forEach(all::add);
        return all.toArray(String[]::new);
    }

    private static SourceDefinition[] sources() {
        return IntStream.range(0, TABLES)
                .mapToObj(i -> {
                    SourceDefinition plain = SourceDefinition.named("s" + i);
                    return new SourceDefinition(
                            plain.name(),
                            plain.place(),
                            plain.idField(),
                            Optional.empty(),
                            i < 2 ? Optional.empty() : Optional.of("no"),
                            List.of(
                                    column("station", ColumnType.Simple.STRING),
                                    column("temperature", ColumnType.Simple.DOUBLE),
                                    column("no", ColumnType.Simple.STRING)),
                            1,
                            plain.retention(),
                            plain.kind());
                })
                .toArray(SourceDefinition[]::new);
    }

    private static ColumnDefinition column(String name, ColumnType type) {
        return new ColumnDefinition(
                name, type, JsonPath.field(name), false, new Place("sources/s.yaml", 1, 1));
    }

    /** Batches of events; the window of keys is a part of the time that they span. */
    private static List<List<Event>> history(Random random, Duration from) {
        List<List<Event>> batches = new ArrayList<>();
        Instant at = START.plus(from);
        for (int i = 0; i < 4; i++) {
            List<Event> batch = new ArrayList<>();
            for (int n = 2 + random.nextInt(6); n > 0; n--) {
                String payload =
                        "{\"no\":\"n%d\",\"station\":\"%s\",\"temperature\":%s}"
                                .formatted(
                                        random.nextInt(IDS),
                                        List.of("test", "odd", "a", "b").get(random.nextInt(4)),
                                        random.nextInt(9) == 0
                                                ? "\"warm\""
                                                : List.of(13, 30, 60, 75, 90)
                                                        .get(random.nextInt(5)));
                batch.add(new Event("e" + random.nextInt(IDS), at, payload));
                at = at.plus(Duration.ofHours(random.nextInt(20)));
            }
            batches.add(batch);
        }
        return batches;
    }

    /** Some event's time, or one close to it. */
    private static Instant from(Random random, List<List<Event>> batches) {
        List<Event> all = batches.stream().flatMap(List::stream).toList();
        return all.get(random.nextInt(all.size()))
                .ingestTime()
                .plusNanos(1000L * (random.nextInt(3) - 1));
    }

    @Test
    void aLakeThatWasRefreshedFromATimeHoldsWhatOneHoldsThatChangedThen() throws Exception {
        for (long seed = 1; seed <= 1; seed++) {
            check(seed, Files.createDirectory(dir.resolve("seed" + seed)));
        }
    }

    private void check(long seed, Path folder) throws Exception {
        Random random = new Random(seed);
        List<List<List<Event>>> read = new ArrayList<>();
        List<List<List<Event>>> unread = new ArrayList<>();
        List<List<List<Event>>> later = new ArrayList<>();
        List<Instant> from = new ArrayList<>();
        for (int i = 0; i < TABLES; i++) {
            read.add(history(random, Duration.ZERO));
            from.add(from(random, read.get(i)));
            unread.add(history(random, Duration.ofDays(30)));
            later.add(history(random, Duration.ofDays(60)));
        }
        List<List<String>> refreshed;
        try (TestLake lake = new TestLake(Files.createDirectory(folder.resolve("a")), sources())) {
            LeaseKeeper leases = lake.leases("one");
            PipelineRunner before =
                    lake.run(
                            lake.datasets(
                                    datasets(
                                            IntStream.range(0, TABLES)
                                                    .mapToObj(i -> plain(i, Rule.before(i)))
                                                    .toList())),
                            leases,
                            FailPoints.NONE);
            arrive(lake, read);
            lake.settled(before);
            before.close();
            // the changed definition may take these in before the refresh, or not
            arrive(lake, unread);
            PipelineRunner after =
                    lake.run(
                            lake.datasets(
                                    datasets(
                                            IntStream.range(0, TABLES)
                                                    .mapToObj(i -> plain(i, Rule.after(i)))
                                                    .toList())),
                            leases,
                            FailPoints.NONE);
            refresh(after, from);
            arrive(lake, later);
            lake.settled(after);
            refreshed = contents(lake);
            refresh(after, from);
            lake.settled(after);
            assertThat(contents(lake)).as("refreshed twice").isEqualTo(refreshed);
        }
        try (TestLake lake = new TestLake(Files.createDirectory(folder.resolve("b")), sources())) {
            PipelineRunner both =
                    lake.run(
                            lake.datasets(
                                    datasets(
                                            IntStream.range(0, TABLES)
                                                    .mapToObj(i -> both(i, from.get(i)))
                                                    .toList())),
                            "one",
                            FailPoints.NONE);
            arrive(lake, read);
            arrive(lake, unread);
            arrive(lake, later);
            lake.settled(both);
            List<List<String>> always = contents(lake);
            for (int i = 0; i < always.size(); i++) {
                assertThat(refreshed.get(i))
                        .as("seed %d, content %d, from %s", seed, i, from.get(i % TABLES))
                        .isEqualTo(always.get(i));
            }
        }
    }

    private static void refresh(PipelineRunner runner, List<Instant> from) {
        for (int i = 0; i < TABLES; i++) {
            long seq =
                    runner.perform(
                                    new DatasetTask.Refresh(
                                            "silver.t" + i, Optional.of(from.get(i)), true, "anna"))
                            .seq()
                            .orElseThrow();
            runner.perform(new DatasetTask.Follow("silver.c" + i, seq, "anna"));
        }
    }

    private static void arrive(TestLake lake, List<List<List<Event>>> histories) {
        for (int batch = 0; batch < histories.getFirst().size(); batch++) {
            for (int i = 0; i < TABLES; i++) {
                lake.arrive("s" + i, histories.get(i).get(batch).toArray(Event[]::new));
            }
        }
    }

    /** Each table, what it refused, and the same of those that read it. */
    private static List<List<String>> contents(TestLake lake) {
        List<List<String>> all = new ArrayList<>();
        for (String sql :
                List.of(
                        "SELECT id, station, temperature, _key, _ingest_time FROM silver.t%d ORDER BY 4, 5",
                        "SELECT \"key\", ingest_time, payload FROM quarantine.silver_t%d ORDER BY 1, 2",
                        "SELECT id, station, temperature, _key, _ingest_time FROM silver.c%d ORDER BY 4, 5",
                        "SELECT \"key\", ingest_time FROM quarantine.silver_c%d ORDER BY 1, 2")) {
            for (int i = 0; i < TABLES; i++) {
                all.add(lake.rows(sql.formatted(i)));
            }
        }
        return all;
    }
}
