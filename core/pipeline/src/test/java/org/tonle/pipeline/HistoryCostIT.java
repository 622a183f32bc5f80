package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.iceberg.catalog.TableIdentifier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LocalFileIO;
import org.tonle.definition.SourceDefinition;
import org.tonle.pipeline.TestLake.Event;
import org.tonle.spi.FailPoints;

/**
 * What a micro-batch costs doesn't grow with the number of those before it; {@code
 * -Dtonle.batches=2000} for long. The batches 101 to 200 are compared with the last 100.
 */
class HistoryCostIT {
    private static final int BATCHES = Integer.getInteger("tonle.batches", 400);
    private static final int WINDOW = 100;

    /** CPU is the median of so many parts of a window, so that a neighbour's work shows less. */
    private static final int PARTS = 10;

    private static final double GROWTH = 1.2;

    /** Of what a busy machine adds to: its figure is printed, and judged by who reads it. */
    private static final double NOISY_GROWTH = 1.5;

    /** The serial collector leaves dead objects where they are, every fourth time excepted. */
    private static final int FULL_COMPACTION = 4;

    @TempDir private Path dir;

    /**
     * What one batch of a window costs.
     *
     * @param bytesRead asked of the system, cached or not
     * @param allocated heap, in bytes
     * @param metadata bytes of all tables' metadata.json at the end
     * @param live heap in use at the end, in bytes
     * @param cpu microseconds of this process, all of its threads
     * @param ledgerCpu microseconds of PostgreSQL's processes, of a window's mean batch
     */
    private record Cost(
            long bytesRead, long allocated, long metadata, long live, long cpu, long ledgerCpu) {}

    @Test
    void aBatchCostsNoMoreAfterManyBatchesThanAfterFew() throws Exception {
        try (TestLake lake = new TestLake(dir, SourceDefinition.named("events"))) {
            PipelineRunner runner =
                    lake.run(
                            lake.datasets(
                                    "CREATE STREAMING TABLE silver.events AS SELECT event_id AS id,"
                                            + " payload FROM STREAM bronze.events"),
                            "one",
                            FailPoints.NONE);
            Cost early = window(lake, runner, 0);
            Cost late = early;
            for (int from = WINDOW; from < BATCHES; from += WINDOW) {
                late = window(lake, runner, from);
                if (from == WINDOW) {
                    early = late;
                }
                System.out.printf("batch %d %s%n", from + WINDOW, late);
            }
            System.out.printf(
                    "batches %d, after 200 and at the end: read %.2f, allocated %.2f, metadata"
                            + " %.2f, live heap %.2f, CPU %.2f, ledger's CPU %.2f%n",
                    BATCHES,
                    ratio(late.bytesRead(), early.bytesRead()),
                    ratio(late.allocated(), early.allocated()),
                    ratio(late.metadata(), early.metadata()),
                    ratio(late.live(), early.live()),
                    ratio(late.cpu(), early.cpu()),
                    ratio(late.ledgerCpu(), early.ledgerCpu()));
            assertThat(ratio(late.bytesRead(), early.bytesRead())).as("read").isLessThan(GROWTH);
            assertThat(ratio(late.allocated(), early.allocated()))
                    .as("allocated")
                    .isLessThan(GROWTH);
            assertThat(ratio(late.metadata(), early.metadata())).as("metadata").isLessThan(GROWTH);
            assertThat(ratio(late.live(), early.live())).as("live heap").isLessThan(GROWTH);
            assertThat(ratio(late.cpu(), early.cpu())).as("CPU").isLessThan(NOISY_GROWTH);
        }
    }

    private static double ratio(long late, long early) {
        return (double) late / early;
    }

    private static Cost window(TestLake lake, PipelineRunner runner, int from)
            throws IOException, InterruptedException {
        long read = bytesRead();
        long allocated = allocated();
        long ledger = ledgerCpu(lake);
        List<Long> parts = new ArrayList<>();
        int size = WINDOW / PARTS;
        for (int part = 0; part < PARTS; part++) {
            long cpu = cpu();
            for (int batch = from + part * size; batch < from + (part + 1) * size; batch++) {
                run(lake, runner, batch);
            }
            parts.add((cpu() - cpu) / size / 1_000);
        }
        return new Cost(
                (bytesRead() - read) / WINDOW,
                (allocated() - allocated) / WINDOW,
                metadata(lake, "bronze") + metadata(lake, "silver"),
                live(),
                parts.stream().sorted().toList().get(PARTS / 2),
                (ledgerCpu(lake) - ledger) / WINDOW);
    }

    private static void run(TestLake lake, PipelineRunner runner, int batch)
            throws InterruptedException {
        Event[] events = new Event[5];
        for (int i = 0; i < events.length; i++) {
            events[i] = TestLake.event("e" + batch + "-" + i, "{\"n\":" + i + "}");
        }
        lake.arrive("events", events);
        lake.settled(runner);
    }

    private static long bytesRead() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/io")).stream()
                .filter(line -> line.startsWith("rchar: "))
                .mapToLong(line -> Long.parseLong(line.substring(7)))
                .findFirst()
                .orElseThrow();
    }

    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
                .getTotalThreadAllocatedBytes();
    }

    private static long cpu() {
        return ((com.sun.management.OperatingSystemMXBean)
                        ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    /** In microseconds; backends that ended count no more, so it is only printed. */
    private static long ledgerCpu(TestLake lake) {
        return ProcessHandle.of(lake.postgresPid())
                .orElseThrow()
                .descendants()
                .flatMap(process -> process.info().totalCpuDuration().stream())
                .mapToLong(time -> time.toNanos() / 1_000)
                .sum();
    }

    private static long live() {
        for (int i = 0; i < FULL_COMPACTION; i++) {
            System.gc();
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
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
