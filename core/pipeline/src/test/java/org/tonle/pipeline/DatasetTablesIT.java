package org.tonle.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tonle.pipeline.Readings.GOLD;
import static org.tonle.pipeline.Readings.SILVER;
import static org.tonle.pipeline.Readings.reading;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.sql.Dataset;

/** Definitions meet the tables that are there. */
class DatasetTablesIT {
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

    private PipelineRunner run(String... statements) {
        return lake.run(lake.datasets(statements), "one", FailPoints.NONE);
    }

    private void settled(PipelineRunner runner) throws InterruptedException {
        lake.settled(runner);
    }

    @Test
    void processesThatStartAtOnceAllFindTheirTables() throws Exception {
        List<Dataset> datasets = lake.datasets(SILVER, GOLD);
        List<java.util.concurrent.Future<?>> starts = new ArrayList<>();
        try (var pool = java.util.concurrent.Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 4; i++) {
                LeaseKeeper leases = lake.leases("process " + i);
                PipelineRunner runner = lake.runner(datasets, leases, FailPoints.NONE);
                starts.add(pool.submit(runner::apply));
            }
        }
        for (var start : starts) {
            start.get();
        }
        assertThat(lake.ledger.definitions()).hasSize(2);
    }

    @Test
    void aChangedSelectMeetsNewRowsOnlyAndMayAddColumns() throws Exception {
        PipelineRunner first = run(SILVER, GOLD);
        lake.arrive("readings", reading("1", "a", 1));
        settled(first);
        first.stop();
        PipelineRunner second =
                run(
                        SILVER.replace(
                                "temperature FROM", "temperature, temperature * 2 AS twice FROM"),
                        GOLD.replace("MAX(", "MIN("));
        lake.arrive("readings", reading("2", "a", 2));
        settled(second);
        assertThat(lake.rows("SELECT id, twice FROM silver.readings ORDER BY id"))
                .containsExactly("1|null", "2|4.0");
        assertThat(lake.rows("SELECT * FROM gold.station")).containsExactly("a|2|1.0");
        assertThat(lake.ledger.definitions().get("dataset silver.readings").version()).isEqualTo(2);
    }

    @Test
    void aViewMayChangeItsColumns() throws Exception {
        PipelineRunner first = run(SILVER, GOLD);
        lake.arrive("readings", reading("1", "a", 1));
        settled(first);
        first.stop();
        PipelineRunner second =
                run(
                        SILVER,
                        "CREATE MATERIALIZED VIEW gold.station AS SELECT COUNT(*) AS n,"
                                + " station AS place FROM silver.readings GROUP BY station");
        settled(second);
        assertThat(lake.rows("SELECT * FROM gold.station")).containsExactly("1|a");
    }

    @Test
    void aChangeThatOldRowsCantFollowIsRefusedAndChangesNothing() throws Exception {
        PipelineRunner first = run(SILVER);
        first.stop();
        long head = lake.ledger.head();
        for (String changed :
                List.of(
                        SILVER.replace(", temperature FROM", " FROM")
                                .replace(
                                        "CONSTRAINT plausible EXPECT (temperature BETWEEN -90 AND 60)"
                                                + " ON VIOLATION DROP ROW,",
                                        "")
                                .replace(
                                        "CONSTRAINT warm EXPECT (temperature > 0)",
                                        "CONSTRAINT named EXPECT (station > '')"),
                        SILVER.replace(
                                "temperature FROM",
                                "CAST(temperature AS INTEGER) AS temperature FROM"),
                        "CREATE MATERIALIZED VIEW silver.readings AS SELECT COUNT(*) AS n"
                                + " FROM bronze.readings")) {
            LeaseKeeper leases = lake.leases("two");
            PipelineRunner runner = lake.runner(lake.datasets(changed), leases, FailPoints.NONE);
            assertThatThrownBy(runner::apply)
                    .isInstanceOf(LakeException.class)
                    .hasMessageContaining("silver.readings can't change like this");
        }
        assertThat(lake.ledger.head()).isEqualTo(head);
    }
}
