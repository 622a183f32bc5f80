package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.pipeline.TestLake.event;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.iceberg.catalog.TableIdentifier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.PinnedTable;
import org.tonle.definition.SourceDefinition;
import org.tonle.ledger.CommitRecord;
import org.tonle.ledger.Listing;
import org.tonle.spi.FailPoints;

/** Many small files of silver and of quarantine become few, and nobody notices. */
class StreamCompactionIT {
    private static final int FAN_IN = 4;
    private static final String SILVER =
            "CREATE STREAMING TABLE silver.events (CONSTRAINT few EXPECT (n < 1000) ON VIOLATION"
                    + " DROP ROW) AS SELECT event_id AS id,"
                    + " CAST(JSON_VALUE(payload, '$.n') AS INTEGER) AS n,"
                    + " CAST(JSON_VALUE(payload, '$.n') AS DECIMAL(9, 2)) AS \"the \"\"price\"\"\","
                    + " CAST(JSON_VALUE(payload, '$.at') AS TIMESTAMP) AS \"at\""
                    + " FROM STREAM bronze.events";
    private static final String COPY =
            "CREATE STREAMING TABLE silver.copies AS SELECT id, n FROM STREAM silver.events";
    private static final String GOLD =
            "CREATE MATERIALIZED VIEW gold.total AS SELECT COUNT(*) AS events, SUM(n) AS total"
                    + " FROM silver.events";
    private static final String ROWS =
            "SELECT _key, _ingest_time, id, n, \"the \"\"price\"\"\", \"at\" FROM silver.events"
                    + " ORDER BY id, _ingest_time";
    private static final String REFUSED =
            "SELECT dataset, reason, rule, message, \"key\", ingest_time, \"partition\","
                    + " \"position\", \"index\", \"ordinal\", payload, commit_id"
                    + " FROM quarantine.silver_events ORDER BY \"key\"";

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

    private PipelineRunner run(FailPoints failPoints, String... statements) {
        return lake.run(lake.datasets(statements), "one", failPoints);
    }

    /** One intact event and one that is refused, in a batch of their own. */
    private void arrive(int batch) {
        String at = "2001-01-01 00:00:%02d".formatted(batch % 60);
        lake.arrive(
                "events",
                event("e%03d".formatted(batch), "{\"n\":%d,\"at\":\"%s\"}".formatted(batch, at)),
                event("x%03d".formatted(batch), "{\"n\":5000}"));
    }

    private PinnedTable table(String namespace, String name) {
        return lake.catalog.pin().table(TableIdentifier.of(namespace, name)).orElseThrow();
    }

    private List<CommitRecord> compactions() {
        return lake.ledger.commits(0, lake.ledger.head()).stream()
                .filter(commit -> commit.kind().equals(LakeCatalog.COMPACTION))
                .toList();
    }

    private static List<String> ids(int batches) {
        return IntStream.range(0, batches).mapToObj("e%03d"::formatted).toList();
    }

    @Test
    void aCompactionChangesNoRowAtAnyPointOfTheHistoryAndNobodyReadsARowTwice() throws Exception {
        PipelineRunner runner = run(FailPoints.NONE, SILVER, COPY, GOLD);
        for (int batch = 0; batch < FAN_IN - 1; batch++) {
            arrive(batch);
            lake.settled(runner);
        }
        long early = lake.ledger.head();
        PinnedTable old = table("silver", "events");
        List<String> oldRows = lake.rows(ROWS);
        assertThat(old.files()).hasSize(FAN_IN - 1);

        int batches = 6 * FAN_IN;
        for (int batch = FAN_IN - 1; batch < batches; batch++) {
            arrive(batch);
            lake.settled(runner);
        }

        for (CommitRecord compaction : compactions()) {
            long seq = compaction.seq();
            for (String sql : List.of(ROWS, REFUSED)) {
                assertThat(lake.rowsAt(seq, sql))
                        .as("%d %s", seq, compaction.summary())
                        .isEqualTo(lake.rowsAt(seq - 1, sql));
            }
        }
        List<@Nullable Object[]> told =
                lake.ledger.listings().of(Listing.MAINTENANCE, lake.ledger.head(), 1_000);
        assertThat(told)
                .hasSameSizeAs(compactions())
                .allSatisfy(row -> {
                    assertThat(row[5]).as("files before").isEqualTo((long) FAN_IN);
                    assertThat(row[6]).as("files after").isEqualTo(1L);
                    assertThat((Long) row[8])
                            .as("bytes after")
                            .isPositive()
                            .isLessThan((Long) row[7]);
                    assertThat((Long) row[9]).as("rows").isGreaterThanOrEqualTo(FAN_IN);
                    assertThat(row[10]).as("rows folded").isEqualTo(0L);
                });
        assertThat(told.stream().map(row -> row[2] + "." + row[3]))
                .contains("silver.events", "silver.copies", "quarantine.silver_events");
        for (String table : List.of("silver.events", "silver.copies")) {
            assertThat(lake.rows("SELECT id FROM " + table + " ORDER BY id"))
                    .as(table)
                    .isEqualTo(ids(batches));
        }
        assertThat(lake.rows(REFUSED)).hasSize(batches);
        assertThat(lake.rows("SELECT * FROM gold.total"))
                .containsExactly(batches + "|" + batches * (batches - 1) / 2);
        // who pinned it before reads on
        assertThat(lake.rowsAt(early, ROWS)).isEqualTo(oldRows);
        assertThat(old.files()).allMatch(f -> Files.exists(LocalFileIO.path(f.location())));
    }

    @Test
    void theFilesStayFewHoweverManyBatchesCameAndThoughTheLakeBeganAnewInBetween()
            throws Exception {
        int batches = 0;
        for (int start = 0; start < 8; start++) {
            PipelineRunner runner = run(FailPoints.NONE, SILVER);
            // fewer than become one
            for (int i = 0; i < FAN_IN - 1; i++) {
                arrive(batches++);
                lake.settled(runner);
            }
            runner.stop();
        }
        PipelineRunner runner = run(FailPoints.NONE, SILVER);
        for (int i = 0; i < 10 * FAN_IN; i++) {
            arrive(batches++);
            lake.settled(runner);
            // the new ones that nobody has looked at, and fewer than become one
            assertThat(table("silver", "events").files()).hasSizeLessThan(2 * FAN_IN);
            assertThat(table("quarantine", "silver_events").files()).hasSizeLessThan(2 * FAN_IN);
        }
        assertThat(lake.rows("SELECT id FROM silver.events ORDER BY id")).isEqualTo(ids(batches));
    }

    @Test
    void filesFromBeforeAColumnWasAddedAreCompactedWithThoseThatHaveIt() throws Exception {
        PipelineRunner first = run(FailPoints.NONE, SILVER);
        for (int batch = 0; batch < 2; batch++) {
            arrive(batch);
            lake.settled(first);
        }
        first.stop();
        PipelineRunner second =
                run(FailPoints.NONE, SILVER.replace(" FROM STREAM", ", 7 AS seven FROM STREAM"));
        for (int batch = 2; batch < FAN_IN; batch++) {
            arrive(batch);
            lake.settled(second);
        }
        assertThat(table("silver", "events").files()).hasSize(1);
        assertThat(lake.rows("SELECT id, seven FROM silver.events ORDER BY id"))
                .containsExactly("e000|null", "e001|null", "e002|7", "e003|7");
    }

    @Test
    void aCompactionThatFailsIsDoneLaterAndLeavesNeitherAFileNorAFailingDataset() throws Exception {
        AtomicInteger failures = new AtomicInteger();
        FailPoints twice =
                name -> {
                    if (name.equals("compact.after-write") && failures.incrementAndGet() <= 2) {
                        throw new org.tonle.spi.LakeException(
                                org.tonle.spi.ErrorCode.STORAGE, "the disk is full");
                    }
                };
        PipelineRunner runner = run(twice, SILVER);
        int batches = 3 * FAN_IN;
        for (int batch = 0; batch < batches; batch++) {
            arrive(batch);
            lake.settled(runner);
        }
        assertThat(failures.get()).isGreaterThan(2);
        assertThat(table("silver", "events").files()).hasSizeLessThan(batches);
        assertThat(lake.rows("SELECT id FROM silver.events ORDER BY id")).isEqualTo(ids(batches));
        assertThat(filesOnDisk()).isEqualTo(filesOfTheHistory());
    }

    private Set<String> filesOnDisk() throws IOException {
        try (Stream<Path> all = Files.walk(dir.resolve("warehouse/silver"))) {
            return all.filter(path -> path.toString().endsWith(".parquet"))
                    .map(LocalFileIO::location)
                    .collect(Collectors.toSet());
        }
    }

    private Set<String> filesOfTheHistory() {
        TableIdentifier silver = TableIdentifier.of("silver", "events");
        return Stream.iterate(1L, seq -> seq + 1)
                .limit(lake.ledger.head())
                .flatMap(seq -> lake.catalog.pinAt(seq).table(silver).stream())
                .flatMap(table -> table.files().stream())
                .map(file -> file.location())
                .collect(Collectors.toSet());
    }
}
