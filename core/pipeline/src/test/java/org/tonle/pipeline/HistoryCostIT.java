package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.iceberg.catalog.TableIdentifier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LocalFileIO;
import org.tonle.definition.SourceDefinition;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.pipeline.TestLake.Event;
import org.tonle.spi.FailPoints;

/**
 * What a micro-batch reads and writes doesn't grow with the number of those before it; {@code
 * -Dtonle.batches=2000} for long.
 */
class HistoryCostIT {
    private static final int BATCHES = Integer.getInteger("tonle.batches", 500);
    private static final int WINDOW = 100;
    private static final double GROWTH = 1.2;

    @TempDir private Path dir;

    /** Sums over one window of batches. */
    private record Cost(long bytesRead, long metadataBytes) {}

    @Test
    void aBatchReadsAndWritesNoMoreAfterManyBatchesThanAfterFew() throws Exception {
        try (TestLake lake = new TestLake(dir, SourceDefinition.named("events"));
                LeaseKeeper leases = lake.leases("one");
                PipelineRunner runner =
                        lake.runner(
                                lake.datasets(
                                        "CREATE STREAMING TABLE silver.events AS SELECT event_id AS"
                                                + " id, payload FROM STREAM bronze.events"),
                                leases,
                                FailPoints.NONE)) {
            runner.apply();
            runner.start();
            Cost early = new Cost(0, 0);
            Cost late = early;
            for (int from = 0; from < BATCHES; from += WINDOW) {
                late = window(lake, runner, from);
                if (from == WINDOW) {
                    early = late;
                }
            }
            System.out.printf(
                    "batches %d, bytes read per batch %d and then %d, metadata %d and then %d%n",
                    BATCHES,
                    early.bytesRead() / WINDOW,
                    late.bytesRead() / WINDOW,
                    early.metadataBytes(),
                    late.metadataBytes());
            assertThat((double) late.bytesRead()).isLessThan(GROWTH * early.bytesRead());
            assertThat((double) late.metadataBytes()).isLessThan(GROWTH * early.metadataBytes());
        }
    }

    private static Cost window(TestLake lake, PipelineRunner runner, int from)
            throws IOException, InterruptedException {
        long before = bytesRead();
        for (int batch = from; batch < from + WINDOW; batch++) {
            Event[] events = new Event[5];
            for (int i = 0; i < events.length; i++) {
                events[i] = TestLake.event("e" + batch + "-" + i, "{\"n\":" + i + "}");
            }
            long seq = lake.arrive("events", events);
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (runner.status().getFirst().seq() < seq) {
                assertThat(System.nanoTime()).as("%s", runner.status()).isLessThan(deadline);
                Thread.sleep(2);
            }
        }
        return new Cost(bytesRead() - before, metadata(lake, "bronze") + metadata(lake, "silver"));
    }

    /** What this process has asked the system to read, cached or not. */
    private static long bytesRead() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/io")).stream()
                .filter(line -> line.startsWith("rchar: "))
                .mapToLong(line -> Long.parseLong(line.substring(7)))
                .findFirst()
                .orElseThrow();
    }

    private static long metadata(TestLake lake, String namespace) throws IOException {
        return Files.size(
                LocalFileIO.path(
                        lake.catalog
                                .pin()
                                .table(TableIdentifier.of(namespace, "events"))
                                .orElseThrow()
                                .metadataLocation()));
    }
}
