package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.catalog.TableIdentifier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.RowExpiry;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.definition.MaintenanceDefinition;
import org.tonle.definition.SourceDefinition;
import org.tonle.ledger.CommitRecord;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Listing;
import org.tonle.pipeline.TestLake.Event;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/** Rows leave when they have been kept for long enough, and nobody else loses one by it. */
class RowExpiryIT {
    private static final Duration LIMIT = Duration.ofDays(10);
    private static final String SILVER =
            "CREATE STREAMING TABLE silver.events (CONSTRAINT few EXPECT (n < 1000) ON VIOLATION"
                    + " DROP ROW) AS SELECT event_id AS id,"
                    + " CAST(JSON_VALUE(payload, '$.n') AS INTEGER) AS n FROM STREAM bronze.events";
    private static final String KEPT =
            "CREATE STREAMING TABLE kept.copies AS SELECT id, n FROM STREAM silver.events";
    private static final String NOW =
            "AUTO CDC INTO silver.latest FROM STREAM silver.events KEYS (id) SEQUENCE BY n";
    private static final String GOLD =
            "CREATE MATERIALIZED VIEW silver.total AS SELECT id, n FROM silver.events";
    private static final String IDS = "SELECT id FROM silver.events ORDER BY id";
    private static final String REFUSED =
            "SELECT payload FROM quarantine.silver_events ORDER BY ingest_time";

    @TempDir private Path dir;
    private TestLake lake;
    private final SetClock clock = new SetClock();

    /** Stands still until it is set. */
    private static final class SetClock extends Clock {
        private volatile Instant now = TestLake.START;

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @BeforeEach
    void start() {
        lake = new TestLake(dir, SourceDefinition.named("events"));
        lake.clock = clock;
        lake.rows = Map.of("silver", LIMIT, "quarantine", LIMIT);
    }

    @AfterEach
    void stop() {
        lake.close();
    }

    /** Of the day in which it is taken in: an event, and one that is refused. */
    private static Event[] of(int day) {
        Instant at = TestLake.START.plus(Duration.ofDays(day));
        return new Event[] {
            new Event("e%02d".formatted(day), at, "{\"n\":%d}".formatted(day)),
            new Event("x%02d".formatted(day), at, "{\"n\":%d}".formatted(1000 + day))
        };
    }

    private static Event[] of(int first, int last) {
        List<Event> events = new ArrayList<>();
        IntStream.rangeClosed(first, last).forEach(day -> events.addAll(List.of(of(day))));
        return events.toArray(Event[]::new);
    }

    /** Takes in the events of the day that the clock is set to, and waits for whatever follows. */
    private void day(int day, Duration more, PipelineRunner runner) throws InterruptedException {
        clock.now = TestLake.START.plus(Duration.ofDays(day)).plus(more);
        lake.arrive("events", of(day));
        lake.settled(runner);
    }

    private static List<String> ids(int first, int last) {
        return IntStream.rangeClosed(first, last).mapToObj("e%02d"::formatted).toList();
    }

    private static List<String> refused(int first, int last) {
        return IntStream.rangeClosed(first, last)
                .mapToObj(day -> "{\"n\":%d}".formatted(1000 + day))
                .toList();
    }

    private PinnedTable table(String namespace, String name) {
        return lake.catalog.pin().table(TableIdentifier.of(namespace, name)).orElseThrow();
    }

    private List<CommitRecord> expiries() {
        return lake.ledger.commits(0, lake.ledger.head()).stream()
                .filter(commit -> commit.kind().equals(LakeCatalog.EXPIRED_ROWS))
                .toList();
    }

    @Test
    void rowsLeaveAFileAtATimeWhenItIsOverAndOthersKeepTheirs() throws Exception {
        PipelineRunner runner =
                lake.run(lake.datasets(SILVER, KEPT, NOW, GOLD), "one", FailPoints.NONE);
        for (int day = 0; day <= 9; day++) {
            day(day, Duration.ZERO, runner);
        }
        day(10, Duration.ZERO, runner);
        assertThat(expiries()).as("not a moment before").isEmpty();
        assertThat(lake.rows(IDS)).isEqualTo(ids(0, 10));
        long before = lake.ledger.head();

        day(11, Duration.ofHours(2), runner);
        assertThat(lake.rows(IDS)).isEqualTo(ids(2, 11));
        assertThat(lake.rows(REFUSED)).isEqualTo(refused(2, 11));
        assertThat(lake.rowsAt(before, IDS)).isEqualTo(ids(0, 10));
        assertThat(expiries().getFirst().fact("before").orElseThrow())
                .isEqualTo(TestLake.START.plus(Duration.ofDays(1)).plusSeconds(7200).toString());

        day(12, Duration.ZERO, runner);
        day(12, Duration.ofMinutes(30), runner);
        assertThat(lake.rows(IDS)).as("looked at once an hour").isEqualTo(ids(2, 12));
        assertThat(lake.rows("SELECT id FROM kept.copies ORDER BY id")).isEqualTo(ids(0, 12));
        assertThat(lake.rows("SELECT id FROM silver.latest ORDER BY id")).isEqualTo(ids(0, 12));
        assertThat(lake.rows("SELECT id FROM silver.total ORDER BY id"))
                .as("what its input held when it was computed last")
                .isEqualTo(ids(2, 12));
        assertThat(lake.rows("SELECT event_id FROM bronze.events")).hasSize(28);
        List<@Nullable Object[]> told =
                lake.ledger.listings().of(Listing.MAINTENANCE, lake.ledger.head(), 1_000).stream()
                        .filter(row -> "expire-rows".equals(row[4]))
                        .toList();
        assertThat(told.stream().map(row -> row[2] + "." + row[3]))
                .containsExactlyInAnyOrder("silver.events", "quarantine.silver_events");
        assertThat(told)
                .allSatisfy(row -> {
                    assertThat(row[5]).as("files").isEqualTo(2L);
                    assertThat(row[6]).as("files written").isEqualTo(0L);
                    assertThat((Long) row[7]).as("bytes").isPositive();
                    assertThat(row[9]).as("rows").isEqualTo(2L);
                });
    }

    @Test
    void aFileOfOldAndNewerRowsIsWrittenAnewOnceTheOldestIsOverForADay() throws Exception {
        PipelineRunner runner = lake.run(lake.datasets(SILVER, KEPT), "one", FailPoints.NONE);
        clock.now = TestLake.START.plus(Duration.ofDays(5));
        lake.arrive("events", of(0, 5));
        lake.settled(runner);
        assertThat(table("silver", "events").files()).hasSize(1);
        PinnedTable quarantine = table("quarantine", "silver_events");
        delete(quarantine, quarantine.files().getFirst(), 4);
        List<String> without = new ArrayList<>(refused(0, 5));
        without.remove("{\"n\":1004}");
        assertThat(lake.rows(REFUSED)).isEqualTo(without);

        day(11, Duration.ZERO, runner);
        assertThat(expiries()).isEmpty();
        day(12, Duration.ofSeconds(1), runner);
        assertThat(lake.rows(IDS)).containsExactly("e03", "e04", "e05", "e11", "e12");
        assertThat(lake.rows(REFUSED))
                .containsExactly("{\"n\":1003}", "{\"n\":1005}", "{\"n\":1011}", "{\"n\":1012}");
        assertThat(table("quarantine", "silver_events").deleted()).isEmpty();
        assertThat(lake.rows("SELECT id FROM kept.copies ORDER BY id"))
                .containsExactly("e00", "e01", "e02", "e03", "e04", "e05", "e11", "e12");
        assertThat(expiries())
                .hasSize(2)
                .allSatisfy(commit -> {
                    assertThat(commit.fact("rows")).contains("3");
                    assertThat(commit.fact("written_files")).contains("1");
                });
        assertThat(expiries().stream().map(commit -> commit.fact("folded_rows").orElseThrow()))
                .containsExactlyInAnyOrder("0", "1");
        // its hidden columns are what they were
        assertThat(lake.rows("SELECT _key, _ingest_time FROM silver.events WHERE id = 'e03'"))
                .isEqualTo(
                        lake.rows("SELECT _key, _ingest_time FROM kept.copies WHERE id = 'e03'"));
    }

    private void delete(PinnedTable table, DataFile file, int row) {
        BitSet rows = new BitSet();
        rows.set(row);
        try (StagedCommit commit = lake.catalog.stage()) {
            commit.table(table.ref(), OnConflict.FAIL)
                    .change(table, List.of(), Map.of(file.location(), rows));
            commit.publish(CommitRequest.builder(commit.id(), "run", "test"));
        }
    }

    @Test
    void whoIsBehindReadsWhatHasLeftMeanwhile() throws Exception {
        PipelineRunner both = lake.run(lake.datasets(SILVER, KEPT), "one", FailPoints.NONE);
        day(0, Duration.ZERO, both);
        both.stop();
        PipelineRunner one = lake.run(lake.datasets(SILVER), "one", FailPoints.NONE);
        day(1, Duration.ZERO, one);
        day(2, Duration.ZERO, one);
        day(20, Duration.ZERO, one);
        assertThat(lake.rows(IDS)).isEqualTo(ids(20, 20));
        one.stop();

        PipelineRunner again = lake.run(lake.datasets(SILVER, KEPT), "one", FailPoints.NONE);
        lake.settled(again);
        assertThat(lake.rows("SELECT id FROM kept.copies ORDER BY id"))
                .containsExactly("e00", "e01", "e02", "e20");
        // what is no longer there isn't taken for missing either
        day(21, Duration.ZERO, again);
        assertThat(lake.rows("SELECT id FROM kept.copies ORDER BY id"))
                .containsExactly("e00", "e01", "e02", "e20", "e21");
    }

    @Test
    void aRowStaysUntilAllThatMayRepeatItWasRead() throws Exception {
        PipelineRunner first = lake.run(lake.datasets(SILVER), "one", FailPoints.NONE);
        day(0, Duration.ZERO, first);
        first.stop();
        clock.now = TestLake.START.plus(Duration.ofDays(12));
        lake.arrive("events", of(5));
        Event repeat = of(0)[0];
        lake.arrive(
                "events",
                new Event(repeat.id(), TestLake.START.plus(Duration.ofDays(6)), repeat.payload()));
        lake.batch = new ChangeRange.Limit(1, 1);
        AtomicInteger runs = new AtomicInteger();
        FailPoints second =
                point -> {
                    if (point.equals("run.before-engine") && runs.incrementAndGet() == 2) {
                        // what it remembers is read from the table again
                        throw new LakeException(ErrorCode.STORAGE, "the disk is away");
                    }
                };
        PipelineRunner slow = lake.run(lake.datasets(SILVER), "one", second);
        lake.settled(slow);
        assertThat(runs.get()).isEqualTo(3);
        assertThat(lake.rows(IDS)).containsExactly("e05");
        assertThat(expiries()).isNotEmpty();
    }

    private boolean expire(LakeCatalog catalog, PinnedTable table) {
        return new RowExpiry(catalog, clock)
                .expire(table, LIMIT, Optional.empty(), Optional.empty());
    }

    @Test
    void whatIsAddedWhileRowsLeaveIsThere() {
        lake.arrive("events", of(0));
        AtomicBoolean once = new AtomicBoolean();
        FailPoints meanwhile =
                point -> {
                    if (point.equals("stage.after-metadata") && once.compareAndSet(false, true)) {
                        lake.arrive("events", of(1));
                    }
                };
        LakeCatalog other = new LakeCatalog(lake.ledger, dir.resolve("warehouse"), meanwhile);
        clock.now = TestLake.START.plus(LIMIT).plusSeconds(1);
        PinnedTable bronze = other.pin().table(TestLake.bronze("events")).orElseThrow();
        assertThat(expire(other, bronze)).isTrue();
        assertThat(once).isTrue();
        assertThat(lake.rows("SELECT event_id FROM bronze.events ORDER BY 1"))
                .containsExactly("e01", "x01");

        // and the other way round: a writer that has begun before loses nothing
        clock.now = clock.now.plus(Duration.ofDays(1));
        try (StagedCommit commit = lake.catalog.stage()) {
            StagedTable staged = commit.table(TestLake.bronze("events"), OnConflict.REAPPLY);
            staged.append(List.of(lake.write(staged, "events", List.of(of(12)))));
            assertThat(expire(lake.catalog, table("bronze", "events"))).isTrue();
            commit.publish(CommitRequest.builder(commit.id(), "ingest", "test"));
        }
        assertThat(lake.rows("SELECT event_id FROM bronze.events ORDER BY 1"))
                .containsExactly("e12", "x12");
        assertThat(expire(lake.catalog, table("bronze", "events"))).isFalse();
    }

    @Test
    void nothingThatSomebodyElseDeletedOrReplacedMeanwhileComesBack() throws Exception {
        PipelineRunner runner = lake.run(lake.datasets(SILVER), "one", FailPoints.NONE);
        clock.now = TestLake.START.plus(Duration.ofDays(5));
        lake.arrive("events", of(0, 5));
        lake.settled(runner);
        runner.stop();
        PinnedTable read = table("quarantine", "silver_events");
        DataFile file = read.files().getFirst();
        clock.now = TestLake.START.plus(Duration.ofDays(12)).plusSeconds(1);

        // all of it is over, or a part: the copy still has the row that is deleted
        boolean copied =
                new RowExpiry(lake.catalog, clock)
                        .expire(
                                read,
                                LIMIT,
                                Optional.empty(),
                                Optional.of((staged, commit, files, since) -> {
                                    delete(read, file, 5);
                                    return new RowExpiry.Kept(List.of(), 6);
                                }));
        assertThat(copied).isFalse();
        assertThat(lake.rows(REFUSED)).isEqualTo(refused(0, 4));

        clock.now = TestLake.START.plus(Duration.ofDays(30));
        PinnedTable old = table("quarantine", "silver_events");
        try (StagedCommit commit = lake.catalog.stage()) {
            commit.table(old.ref(), OnConflict.FAIL).replaceAll(old, List.of(), Map.of());
            commit.publish(CommitRequest.builder(commit.id(), "run", "test"));
        }
        assertThat(expire(lake.catalog, old)).as("the files aren't there any more").isFalse();
        assertThat(expiries()).isEmpty();
    }

    @Test
    void aRowStaysForAsLongAsARepeatOfItIsKnownByIt() {
        assertThat(MaintenanceDefinition.LEAST_ROWS)
                .isGreaterThanOrEqualTo(PipelineSettings.DEFAULT_WINDOW);
    }
}
