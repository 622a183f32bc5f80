package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.pipeline.Readings.SILVER;
import static org.tonle.pipeline.Readings.reading;
import static org.tonle.pipeline.TestLake.event;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.spi.FailPoints;

/** Rows of quarantine that are judged again, and datasets that are computed anew. */
class ReplayIT {
    static final String ROWS =
            "SELECT id, station, temperature, _key, _ingest_time FROM silver.readings ORDER BY _key";
    private static final String REFUSED =
            "SELECT \"key\", rule FROM quarantine.silver_readings ORDER BY \"key\"";
    private static final String LOOSE = SILVER.replace("-90 AND 60", "-90 AND 100");

    @TempDir private Path dir;
    private TestLake lake;
    private LeaseKeeper leases;

    @BeforeEach
    void start() {
        lake = new TestLake(dir, Readings.source());
        leases = lake.leases("one");
    }

    @AfterEach
    void stop() {
        lake.close();
    }

    private PipelineRunner run(String... statements) {
        return lake.run(lake.datasets(statements), leases, FailPoints.NONE);
    }

    private PipelineRunner changed(PipelineRunner before, String... statements)
            throws InterruptedException {
        lake.settled(before);
        before.close();
        PipelineRunner after = run(statements);
        lake.settled(after);
        return after;
    }

    private static DatasetTask replay() {
        return new DatasetTask.Replay(
                "silver.readings", Optional.empty(), Optional.empty(), "anna");
    }

    @Test
    void rowsThatPassALoosenedExpectationLeaveQuarantineForTheirTable() throws Exception {
        PipelineRunner runner = run(SILVER);
        lake.arrive(
                "readings", reading("1", "a", 10), reading("2", "a", 80), reading("3", "b", 500));
        runner = changed(runner, LOOSE);
        assertThat(lake.rows(REFUSED)).containsExactly("2|plausible", "3|plausible");

        TaskResult result = runner.perform(replay());

        assertThat(result.written()).isEqualTo(1);
        assertThat(result.quarantined()).isEqualTo(1);
        assertThat(lake.rows("SELECT id FROM silver.readings ORDER BY 1"))
                .isEqualTo(List.of("1", "2"));
        assertThat(lake.rows(REFUSED)).containsExactly("3|plausible");
        long head = lake.ledger.head();
        assertThat(runner.perform(replay()).seq()).isEmpty();
        assertThat(lake.ledger.head()).isEqualTo(head);
        lake.arrive("readings", reading("2", "a", 1), reading("4", "a", 1));
        lake.settled(runner);
        assertThat(lake.rows("SELECT id FROM silver.readings ORDER BY 1"))
                .isEqualTo(List.of("1", "2", "4"));
    }

    @Test
    void whatIsMendedEntersAsIfItHadComeSo() throws Exception {
        PipelineRunner runner = run(SILVER);
        lake.arrive(
                "readings",
                event("1", "{\"station\":\"b\",\"temperature\":\"N/A\"}"),
                event("2", "{\"temperature\":4}"));
        lake.settled(runner);

        TaskResult result =
                runner.perform(
                        new DatasetTask.Replay(
                                "silver.readings",
                                Optional.of("rule = 'temperature'"),
                                Optional.of("REPLACE(payload, '\"N/A\"', '7.5')"),
                                "anna"));

        assertThat(result.read()).isEqualTo(1);
        assertThat(lake.rows("SELECT id, station, temperature FROM silver.readings"))
                .containsExactly("1|b|7.5");
        assertThat(lake.rows(REFUSED)).containsExactly("2|station");
    }
}
