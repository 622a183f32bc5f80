package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.catalog.TableIdentifier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.ledger.CommitRequest;

/** The checker of histories sees what it is there to see. */
class MutantIT {
    @TempDir private Path dir;

    @Test
    void aClientThatRetriesWithANewKeyIsFoundToHaveDoubledEvents() throws Exception {
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, "");
        try (RetryingClient client =
                new RetryingClient(
                        () -> LakeProcess.address(folder),
                        3,
                        RetryingClient.Manners.NEW_KEY_ON_RETRY)) {
            // durable, and never answered
            try (LakeProcess lake = LakeProcess.startHaltingAt(folder, "ingest.before-answer:20")) {
                lake.awaitEnd(Duration.ofSeconds(180));
            }
            try (LakeProcess lake = LakeProcess.start(folder)) {
                assertThat(lake.awaitAddress()).as(lake.output()).isPresent();
                long goal = client.answers() + 20;
                while (client.answers() < goal) {
                    assertThat(lake.alive()).as(lake.output()).isTrue();
                    Thread.sleep(20);
                }
                client.close();
                CrashRun.settled(List.of(folder));
                lake.terminate();
            }
            assertThat(CrashRun.judge(folder, client).doubled()).isPositive();
        }
    }

    /** A crash between the commit of the rows and that of the position reads the range again. */
    @Test
    void positionsThatMoveInASecondTransactionAreFoundToHaveDoubledEvents() throws Exception {
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, "");
        try (RetryingClient client = new RetryingClient(() -> LakeProcess.address(folder), 2)) {
            try (LakeProcess lake = LakeProcess.start(folder)) {
                assertThat(lake.awaitAddress()).as(lake.output()).isPresent();
                while (client.answers() < 20) {
                    assertThat(lake.alive()).as(lake.output()).isTrue();
                    Thread.sleep(20);
                }
                client.close();
                CrashRun.settled(List.of(folder));
                lake.terminate();
            }
            assertThat(CrashRun.judge(folder, client).doubled()).isZero();
            CrashRun.onLedger(folder, MutantIT::appendAgain);
            assertThat(CrashRun.judge(folder, client).doubled()).isPositive();
        }
    }

    private static void appendAgain(LakeCatalog catalog) {
        TableIdentifier bronze = TableIdentifier.of("bronze", "events");
        DataFile file = catalog.pin().table(bronze).orElseThrow().files().getFirst();
        try (StagedCommit commit = catalog.stage()) {
            commit.table(bronze, StagedTable.OnConflict.FAIL).append(List.of(file));
            commit.publish(
                    CommitRequest.builder(commit.id(), "ingest", "mutant")
                            .summary("rows", file.recordCount()));
        }
    }
}
