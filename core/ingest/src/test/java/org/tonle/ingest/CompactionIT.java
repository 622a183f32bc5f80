package org.tonle.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.ingest.TestLake.await;
import static org.tonle.ingest.TestLake.send;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.iceberg.DataFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.Compaction;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.PinnedTable;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.FailPoints;

class CompactionIT {
    private static final String ROWS =
            "SELECT event_id, event_time, ingest_time, source, topic, partition, position,"
                    + " \"index\", key, headers::VARCHAR, content_type, payload FROM bronze"
                    + " ORDER BY partition, position, \"index\"";

    @TempDir private static Path dir;
    private static TestLake lake;

    @BeforeAll
    static void open() {
        lake = new TestLake(dir);
    }

    @AfterAll
    static void close() {
        lake.close();
    }

    private static BronzeCompaction compaction(int fanIn) {
        return new BronzeCompaction(
                lake.catalog, lake.clock, new Compaction(lake.catalog, fanIn, FailPoints.NONE));
    }

    private static Ingest start(SourceDefinition source) throws InterruptedException {
        return lake.ingest(FailPoints.NONE, TestLake.settings("a", Duration.ofMillis(1)), source);
    }

    @Test
    void manySmallFilesBecomeOneWithTheSameRowsInNobodysWay() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        try (Ingest ingest = start(source)) {
            for (int i = 0; i < 10; i++) {
                String body = "{\"id\":" + i + ",\"at\":\"2001-01-01\"}\n{\"n\":null}";
                String key = i % 2 == 0 ? "k" + i : null;
                await(ingest, source.name(), send(ingest, source.name(), key, body));
            }
            PinnedTable before = lake.bronze(source.name());
            long seq = lake.ledger.head();
            List<String> rows = lake.ask(source.name(), ROWS);
            assertThat(before.files()).hasSize(10);

            BronzeCompaction compaction = compaction(4);
            assertThat(compaction.compact(source.name())).isTrue();
            assertThat(compaction.compact(source.name())).isTrue();
            while (compaction.compact(source.name())) {
                // until nothing is worth it
            }
            assertThat(lake.bronze(source.name()).files()).hasSizeLessThan(5);
            assertThat(lake.ask(source.name(), ROWS)).isEqualTo(rows);
            // who reads what was added since sees nothing, who pinned it before reads on
            assertThat(
                            lake.catalog.changes(
                                    before.uuid(), seq, lake.ledger.head(), ChangeRange.Limit.NONE))
                    .isInstanceOfSatisfying(
                            ChangeRange.Appended.class, r -> assertThat(r.files()).isEmpty());
            assertThat(before.files()).allMatch(f -> Files.exists(LocalFileIO.path(f.location())));
            assertThat(lake.catalog.pinAt(seq).tables())
                    .anyMatch(t -> t.uuid().equals(before.uuid()) && t.files().size() == 10);
        }
        try (Ingest ingest = start(source)) {
            // the keys are found in compacted files, too
            assertThat(
                            send(
                                            ingest,
                                            source.name(),
                                            "k4",
                                            "{\"id\":4,\"at\":\"2001-01-01\"}\n{\"n\":null}")
                                    .repeated())
                    .isTrue();
        }
    }

    @Test
    void compactingWhileEventsComeLosesNothingAndDoublesNothing() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 2);
        AtomicBoolean done = new AtomicBoolean();
        int sent = 0;
        try (Ingest ingest = start(source);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            AtomicInteger compacted = new AtomicInteger();
            Future<?> compacting =
                    threads.submit(() -> {
                        while (!done.get()) {
                            compacted.addAndGet(compaction(3).compact(source.name()) ? 1 : 0);
                        }
                    });
            // a slow machine makes few files, and needs more events until some are compacted
            while (sent < 150 || (compacted.get() == 0 && sent < 10_000)) {
                send(ingest, source.name(), null, "{\"id\":" + sent++ + "}");
            }
            assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
            done.set(true);
            compacting.get();
            assertThat(compacted).hasPositiveValue();
        }
        assertThat(lake.ask(source.name(), "SELECT count(*), count(DISTINCT event_id) FROM bronze"))
                .containsExactly(sent + "|" + sent);
        int all = sent;
        ChangeRange range =
                lake.catalog.changes(
                        lake.bronze(source.name()).uuid(),
                        0,
                        lake.ledger.head(),
                        ChangeRange.Limit.NONE);
        assertThat(range)
                .isInstanceOfSatisfying(
                        ChangeRange.Appended.class,
                        r ->
                                assertThat(
                                                r.files().stream()
                                                        .mapToLong(DataFile::recordCount)
                                                        .sum())
                                        .isEqualTo(all));
    }
}
