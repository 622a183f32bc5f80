package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.tonle.pipeline.TestLake.event;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.iceberg.io.FileInfo;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.Reach;
import org.tonle.definition.SourceDefinition;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.DatasetMove;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/** States of a lake have expired, and every file is gone that only they had. */
class ExpiredHistoryIT {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final int FAN_IN = 4;
    private static final int BATCHES = 3 * FAN_IN;
    private static final String SILVER =
            "CREATE STREAMING TABLE silver.events AS SELECT event_id AS id,"
                    + " CAST(JSON_VALUE(payload, '$.n') AS INTEGER) AS n FROM STREAM bronze.events";
    private static final String COPY =
            "CREATE STREAMING TABLE silver.copies AS SELECT id, n FROM STREAM silver.events";
    private static final String GOLD =
            "CREATE MATERIALIZED VIEW gold.total AS SELECT COUNT(*) AS events FROM silver.events";
    private static final String LATEST =
            "AUTO CDC INTO silver.latest FROM STREAM silver.events KEYS (id) SEQUENCE BY n"
                    + " STORED AS SCD TYPE 1";

    @TempDir private Path dir;
    private TestLake lake;

    @BeforeEach
    void start() {
        lake = new TestLake(dir, SourceDefinition.named("events"));
        lake.fanIn = FAN_IN;
    }

    @AfterEach
    void stop() {
        lake.close();
    }

    private PipelineRunner run(String... statements) {
        return lake.run(lake.datasets(statements), "one", FailPoints.NONE);
    }

    private void arrive(int from, int to, PipelineRunner runner) throws InterruptedException {
        for (int batch = from; batch < to; batch++) {
            lake.arrive("events", event("e%03d".formatted(batch), "{\"n\":%d}".formatted(batch)));
            lake.settled(runner);
        }
    }

    private static String failure(PipelineRunner runner, String name) throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (System.nanoTime() < deadline) {
            for (DatasetStatus status : runner.status()) {
                if (status.name().equals(name) && status.state() == DatasetStatus.State.FAILING) {
                    return status.reason().orElseThrow();
                }
            }
            Thread.sleep(10);
        }
        throw new AssertionError(name + " isn't failing: " + runner.status());
    }

    private static List<String> ids(int batches) {
        return IntStream.range(0, batches).mapToObj("e%03d"::formatted).toList();
    }

    private List<String> rows(String table) {
        return lake.rows("SELECT id FROM " + table + " ORDER BY id");
    }

    /** Lets everything expire that nobody waits for, and removes what nothing reaches then. */
    private long expire(Instant waits) {
        Instant last =
                lake.ledger.commits(lake.ledger.head() - 1, lake.ledger.head()).getFirst().at();
        long floor = lake.ledger.retention().expire(last, waits);
        Set<String> reached = new HashSet<>();
        Reach.of(lake.catalog, reached::add);
        LocalFileIO io = new LocalFileIO();
        for (FileInfo file : io.listPrefix(lake.catalog.files().root())) {
            if (!reached.contains(file.location())) {
                io.deleteFile(file.location());
            }
        }
        return floor;
    }

    @Test
    void whoComesLaterHoldsAllThatItsInputHoldsAndGoesOnFromThere() throws Exception {
        try (PipelineRunner runner = run(SILVER)) {
            arrive(0, BATCHES, runner);
        }
        assertThat(expire(Instant.EPOCH)).isEqualTo(lake.ledger.head());
        try (PipelineRunner runner = run(SILVER, COPY, GOLD, LATEST)) {
            lake.settled(runner);
            assertThat(rows("silver.copies")).isEqualTo(ids(BATCHES));
            assertThat(rows("silver.latest")).isEqualTo(ids(BATCHES));
            assertThat(lake.rows("SELECT * FROM gold.total")).containsExactly("" + BATCHES);
            arrive(BATCHES, BATCHES + 2, runner);
            assertThat(rows("silver.copies")).isEqualTo(ids(BATCHES + 2));
            assertThat(rows("silver.latest")).isEqualTo(ids(BATCHES + 2));
            var unused =
                    runner.perform(
                            new DatasetTask.Refresh(
                                    "silver.copies", Optional.empty(), false, "anna"));
            assertThat(rows("silver.copies")).isEqualTo(ids(BATCHES + 2));
        }
    }

    @Test
    void whatADatasetHasYetToReadStaysUntilItHasWaitedForTooLong() throws Exception {
        try (PipelineRunner runner = run(SILVER, COPY, LATEST)) {
            arrive(0, 2, runner);
        }
        long read = lake.ledger.head();
        try (PipelineRunner runner = run(SILVER)) {
            arrive(2, BATCHES, runner);
        }
        // what it reads next is the commit after the last that it held
        assertThat(expire(Instant.EPOCH)).isBetween(read, lake.ledger.head() - BATCHES);
        try (PipelineRunner runner = run(SILVER, COPY, LATEST)) {
            lake.settled(runner);
            assertThat(rows("silver.copies")).isEqualTo(ids(BATCHES));
            assertThat(rows("silver.latest")).isEqualTo(ids(BATCHES));
        }
        try (PipelineRunner runner = run(SILVER)) {
            arrive(BATCHES, 2 * BATCHES, runner);
        }
        assertThat(expire(Instant.now().plusSeconds(60))).isEqualTo(lake.ledger.head());
        try (PipelineRunner runner = run(SILVER, COPY, LATEST)) {
            for (String name : List.of("silver.copies", "silver.latest")) {
                assertThat(failure(runner, name))
                        .contains("which nobody read before it expired", "tonle refresh " + name);
                assertThat(rows(name)).isEqualTo(ids(BATCHES));
                var unused =
                        runner.perform(
                                new DatasetTask.Refresh(name, Optional.empty(), false, "anna"));
                assertThat(rows(name)).isEqualTo(ids(2 * BATCHES));
            }
        }
    }

    @Test
    void aViewIsDeclaredAnewThoughWhatItReadHasExpired() throws Exception {
        try (PipelineRunner runner = run(SILVER, GOLD)) {
            arrive(0, BATCHES, runner);
        }
        assertThat(expire(Instant.EPOCH)).isEqualTo(lake.ledger.head());
        try (PipelineRunner runner = run(SILVER, GOLD.replace("COUNT(*)", "COUNT(*) + 1"))) {
            lake.settled(runner);
            assertThat(lake.rows("SELECT * FROM gold.total")).containsExactly("" + (BATCHES + 1));
        }
    }

    @Test
    void tablesOverOneSourceThatRestedGoOnWithOneThatIsNewAndAreRefreshed() throws Exception {
        String other = LATEST.replace("silver.latest", "silver.versions").replace("1", "2");
        try (PipelineRunner runner = run(SILVER, LATEST)) {
            arrive(0, 2, runner);
        }
        // nothing comes to their input while states of other tables expire
        lake.catalog.ensureNamespace("aside", "test");
        assertThat(expire(Instant.EPOCH)).isEqualTo(lake.ledger.head());
        try (PipelineRunner runner = run(SILVER, LATEST, other)) {
            lake.settled(runner);
            assertThat(rows("silver.versions")).isEqualTo(ids(2));
            var unused =
                    runner.perform(
                            new DatasetTask.Refresh(
                                    "silver.latest", Optional.empty(), false, "anna"));
            arrive(2, 4, runner);
            assertThat(rows("silver.latest")).isEqualTo(ids(4));
            assertThat(rows("silver.versions")).isEqualTo(ids(4));
        }
    }

    @Test
    void anExpiredStateIsNoAnswerToAnybody() throws Exception {
        try (PipelineRunner runner = run(SILVER)) {
            arrive(0, FAN_IN, runner);
        }
        long floor = expire(Instant.EPOCH);
        LakeException expired =
                catchThrowableOfType(LakeException.class, () -> lake.catalog.pin().at(floor - 1));
        assertThat(expired.code()).isEqualTo(ErrorCode.NOT_FOUND);
        assertThat(expired)
                .hasMessageContaining("oldest state that it keeps is that of commit " + floor);
        assertThat(lake.catalog.pin().at(floor).seq()).isEqualTo(floor);
        assertThat(
                        catchThrowableOfType(
                                        LakeException.class,
                                        () ->
                                                lake.catalog
                                                        .pin()
                                                        .at(Instant.parse("2020-01-01T00:00:00Z")))
                                .code())
                .isEqualTo(ErrorCode.NOT_FOUND);
        // a run that pinned it before can't bring a dataset to it any more
        CommitRequest.Builder late =
                CommitRequest.builder(java.util.UUID.randomUUID(), "run", "tonle")
                        .move(
                                new DatasetMove(
                                        "silver.late",
                                        lake.uuid("silver", "events"),
                                        java.util.OptionalLong.empty(),
                                        1));
        CommitConflictException conflict =
                catchThrowableOfType(
                        CommitConflictException.class, () -> lake.ledger.commit(late.build()));
        assertThat(conflict.reason()).isEqualTo(CommitConflictException.Reason.POSITION);
    }
}
