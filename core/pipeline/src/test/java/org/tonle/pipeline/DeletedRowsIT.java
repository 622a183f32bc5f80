package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.pipeline.TestLake.event;

import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.catalog.TableIdentifier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.definition.SourceDefinition;
import org.tonle.ledger.CommitRecord;
import org.tonle.ledger.CommitRequest;
import org.tonle.spi.FailPoints;

/** What follows a table sees that rows of it were deleted, and never sees them again. */
class DeletedRowsIT {
    private static final int FAN_IN = 4;
    private static final TableIdentifier EVENTS = TableIdentifier.of("silver", "events");
    private static final String SILVER =
            "CREATE STREAMING TABLE silver.events AS SELECT event_id AS id,"
                    + " CAST(JSON_VALUE(payload, '$.n') AS INTEGER) AS n FROM STREAM bronze.events";
    private static final String COPY =
            "CREATE STREAMING TABLE silver.copies AS SELECT id, n FROM STREAM silver.events";
    private static final String GOLD =
            "CREATE MATERIALIZED VIEW gold.total AS SELECT COUNT(*) AS events, SUM(n) AS total"
                    + " FROM silver.events";

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

    /** Ten events in a batch of their own. */
    private void arrive(int batch) {
        lake.arrive(
                "events",
                IntStream.range(10 * batch, 10 * batch + 10)
                        .mapToObj(n -> event("e%03d".formatted(n), "{\"n\":%d}".formatted(n)))
                        .toArray(TestLake.Event[]::new));
    }

    private PinnedTable events() {
        return lake.catalog.pin().table(EVENTS).orElseThrow();
    }

    private void withVectors() {
        try (StagedCommit commit = lake.catalog.stage()) {
            commit.table(EVENTS, OnConflict.FAIL)
                    .transaction()
                    .updateProperties()
                    .set(TableProperties.FORMAT_VERSION, "3")
                    .commit();
            commit.publish(CommitRequest.builder(commit.id(), "test", "test"));
        }
    }

    /** Deletes the same rows of each file. */
    private long delete(int... positions) {
        PinnedTable read = events();
        BitSet rows = new BitSet();
        IntStream.of(positions).forEach(rows::set);
        Map<String, BitSet> deleted = new HashMap<>();
        read.files().stream().map(DataFile::location).forEach(file -> deleted.put(file, rows));
        try (StagedCommit commit = lake.catalog.stage()) {
            StagedTable table = commit.table(read.ref(), OnConflict.FAIL);
            table.change(read, List.of(), deleted);
            return commit.publish(CommitRequest.builder(commit.id(), "test", "test"));
        }
    }

    private List<CommitRecord> commits(long after, String kind) {
        return lake.ledger.commits(after, lake.ledger.head()).stream()
                .filter(commit -> commit.kind().equals(kind))
                .toList();
    }

    private List<String> ids() {
        return lake.rows("SELECT id FROM silver.events ORDER BY id");
    }

    @Test
    void aViewIsComputedAgainAndAStreamStopsByName() throws Exception {
        PipelineRunner runner = run(SILVER, COPY, GOLD);
        arrive(0);
        lake.settled(runner);
        withVectors();
        lake.settled(runner);
        long deleted = delete(0, 9);
        DatasetStatus copies;
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        do {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(10);
            copies =
                    runner.status().stream()
                            .filter(status -> status.name().equals("silver.copies"))
                            .findFirst()
                            .orElseThrow();
        } while (copies.state() != DatasetStatus.State.FAILING
                || !lake.rows("SELECT * FROM gold.total").equals(List.of("8|36")));
        assertThat(copies.reason().orElseThrow())
                .contains("silver.events was changed by commit " + deleted + " (delete)");
        assertThat(lake.rows("SELECT COUNT(*) AS n FROM silver.copies")).containsExactly("10");
        assertThat(lake.rowsAt(deleted - 1, "SELECT COUNT(*) AS n FROM silver.events"))
                .containsExactly("10");
    }

    @Test
    void aCompactionBringsNoRowBackAndNoViewIsComputedForIt() throws Exception {
        PipelineRunner runner = run(SILVER, GOLD);
        for (int batch = 0; batch < FAN_IN - 1; batch++) {
            arrive(batch);
            lake.settled(runner);
        }
        withVectors();
        delete(1, 2);
        long first = lake.ledger.head();
        arrive(FAN_IN - 1);
        lake.settled(runner);
        List<String> left =
                IntStream.range(0, 10 * FAN_IN)
                        .filter(n -> n >= 10 * (FAN_IN - 1) || (n % 10 != 1 && n % 10 != 2))
                        .mapToObj("e%03d"::formatted)
                        .toList();
        assertThat(commits(first, LakeCatalog.COMPACTION)).hasSize(1);
        assertThat(events().files()).hasSize(1);
        assertThat(events().deleted()).isEmpty();
        assertThat(ids()).isEqualTo(left);
        assertThat(lake.rowsAt(first, "SELECT COUNT(*) AS n FROM silver.events"))
                .containsExactly("24");
    }

    @Test
    void aFileOfWhichManyRowsAreDeletedIsRewrittenOnceAndNoViewIsComputedForIt() throws Exception {
        PipelineRunner runner = run(SILVER, GOLD);
        arrive(0);
        lake.settled(runner);
        runner.stop();
        withVectors();
        long deleted = delete(0, 1, 2, 3);
        PipelineRunner again = run(SILVER, GOLD);
        // the first look is at what an earlier process left
        arrive(1);
        lake.settled(again);
        assertThat(commits(deleted, LakeCatalog.COMPACTION)).hasSize(1);
        assertThat(events().deleted()).isEmpty();
        assertThat(events().files()).hasSize(2);
        assertThat(lake.rows("SELECT * FROM gold.total")).containsExactly("16|184");
        long compacted = commits(deleted, LakeCatalog.COMPACTION).getFirst().seq();
        assertThat(lake.rowsAt(compacted, "SELECT * FROM silver.events ORDER BY id"))
                .isEqualTo(lake.rowsAt(compacted - 1, "SELECT * FROM silver.events ORDER BY id"));
        // for the rows that were deleted and for those that arrived, at most
        assertThat(
                        commits(deleted, "run").stream()
                                .filter(commit -> commit.summary().contains("gold.total")))
                .hasSizeLessThanOrEqualTo(2);
    }
}
