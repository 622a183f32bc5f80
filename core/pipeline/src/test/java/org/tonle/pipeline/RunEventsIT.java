package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.pipeline.Readings.GOLD;
import static org.tonle.pipeline.Readings.SILVER;
import static org.tonle.pipeline.Readings.reading;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.ledger.CommitRecord;
import org.tonle.ledger.CommitRequest.ExpectationResult;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;

/** What whoever watches the runs of datasets is told. */
class RunEventsIT {
    @TempDir private Path dir;
    private TestLake lake;

    @BeforeEach
    void start() {
        lake = new TestLake(dir, Readings.source());
    }

    @AfterEach
    void stop() {
        lake.close();
    }

    private List<RunEvent> told(String dataset) {
        return lake.events.stream()
                .filter(event -> event.run().dataset().name().toString().equals(dataset))
                .toList();
    }

    private List<String> changes(String dataset) {
        return told(dataset).stream()
                .map(event -> event.change().getClass().getSimpleName())
                .toList();
    }

    private long snapshot(String namespace, String table) {
        return lake.catalog
                .pin()
                .table(TableIdentifier.of(namespace, table))
                .orElseThrow()
                .snapshot()
                .orElseThrow()
                .snapshotId();
    }

    @Test
    void aRunIsToldWithWhatItReadAndWhatItWrote() throws Exception {
        PipelineRunner runner = lake.run(lake.datasets(SILVER, GOLD), "one", FailPoints.NONE);
        lake.arrive(
                "readings", reading("1", "a", 10), reading("2", "a", -5), reading("3", "b", 99));
        lake.settled(runner);

        assertThat(changes("silver.readings")).containsExactly("Started", "Completed");
        RunEvent.Run run = told("silver.readings").getFirst().run();
        assertThat(told("silver.readings").getLast().run()).isSameAs(run);
        assertThat(lake.ledger.commits(0, lake.ledger.head()))
                .extracting(CommitRecord::id)
                .contains(run.id());
        RunEvent.Table bronze = run.inputs().getFirst();
        assertThat(bronze.name()).hasToString("bronze.readings");
        assertThat(bronze.snapshot()).contains(snapshot("bronze", "readings"));
        assertThat(bronze.columns())
                .extracting(Types.NestedField::name)
                .contains("payload", "station", "temperature");
        RunEvent.Completed completed =
                (RunEvent.Completed) told("silver.readings").getLast().change();
        assertThat(completed.outputs())
                .extracting(
                        output -> output.table().name().toString(),
                        RunEvent.Output::rows,
                        output -> output.table().snapshot().orElseThrow())
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(
                                "silver.readings", 2L, snapshot("silver", "readings")),
                        org.assertj.core.groups.Tuple.tuple(
                                "quarantine.silver_readings",
                                1L,
                                snapshot("quarantine", "silver_readings")));
        assertThat(completed.outputs().getFirst().table().columns())
                .extracting(Types.NestedField::name)
                .containsExactly("id", "station", "temperature");
        assertThat(completed.expectations())
                .extracting(ExpectationResult::expectation, ExpectationResult::failed)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("plausible", 1L),
                        org.assertj.core.groups.Tuple.tuple("warm", 1L));
        assertThat(run.lineage().get())
                .anySatisfy(edge -> {
                    assertThat(edge.column()).contains("station");
                    assertThat(edge.inputTable()).isEqualTo("bronze.readings");
                });

        // perhaps after one over a silver table without rows
        assertThat(changes("gold.station")).endsWith("Started", "Completed");
        assertThat(told("gold.station").getLast().run().inputs().getFirst().snapshot())
                .contains(snapshot("silver", "readings"));
    }

    @Test
    void lookingWhetherThereIsSomethingToReadIsNoRun() throws Exception {
        PipelineRunner runner = lake.run(lake.datasets(SILVER, GOLD), "one", FailPoints.NONE);
        lake.arrive("readings", reading("1", "a", 10));
        lake.settled(runner);
        int before = lake.events.size();
        lake.catalog.ensureNamespace("elsewhere", "test");
        lake.settled(runner);
        assertThat(lake.events).hasSize(before);
    }

    @Test
    void aRunThatFailsAgainAndAgainIsToldOnceAndThenThatItCommitted() throws Exception {
        AtomicInteger failures = new AtomicInteger();
        FailPoints thrice =
                name -> {
                    if (name.equals("run.after-engine") && failures.incrementAndGet() <= 3) {
                        throw new IllegalStateException("the disk is full");
                    }
                };
        PipelineRunner runner = lake.run(lake.datasets(SILVER), "one", thrice);
        lake.arrive("readings", reading("1", "a", 1));
        lake.settled(runner);

        assertThat(failures.get()).isEqualTo(4);
        assertThat(changes("silver.readings"))
                .containsExactly("Started", "Failed", "Started", "Completed");
        List<RunEvent> told = told("silver.readings");
        assertThat(told.get(1).change()).isEqualTo(new RunEvent.Failed(ErrorCode.INTERNAL));
        assertThat(told.get(1).run().id()).isEqualTo(told.get(0).run().id());
        assertThat(told.get(2).run().id()).isNotEqualTo(told.get(0).run().id());
        assertThat(told).extracting(RunEvent::at).isSorted();
    }

    @Test
    void aRunThatCantEvenReadIsToldToFail() throws Exception {
        String copy =
                "CREATE STREAMING TABLE silver.copy AS SELECT id, temperature"
                        + " FROM STREAM silver.readings";
        PipelineRunner runner = lake.run(lake.datasets(SILVER, copy), "one", FailPoints.NONE);
        lake.arrive("readings", reading("1", "a", 1));
        lake.settled(runner);
        try (var commit = lake.catalog.stage()) {
            commit.table(
                            TableIdentifier.of("silver", "readings"),
                            org.tonle.catalog.StagedTable.OnConflict.FAIL)
                    .replaceAll(List.of());
            commit.publish(org.tonle.ledger.CommitRequest.builder(commit.id(), "test", "test"));
        }
        long deadline = System.nanoTime() + 90_000_000_000L;
        while (changes("silver.copy").size() < 4) {
            assertThat(System.nanoTime()).as("%s", lake.events).isLessThan(deadline);
            Thread.sleep(10);
        }
        assertThat(changes("silver.copy"))
                .containsExactly("Started", "Completed", "Started", "Failed");
        assertThat(told("silver.copy").getLast().change())
                .isEqualTo(new RunEvent.Failed(ErrorCode.SOURCE_CHANGED));
    }
}
