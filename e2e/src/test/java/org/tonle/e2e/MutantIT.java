package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The checker of histories sees what it is there to see. */
class MutantIT {
    @TempDir private Path dir;

    @Test
    void aClientThatRetriesWithANewKeyIsFoundToHaveDoubledEvents() throws Exception {
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, "");
        try (RetryingClient client =
                new RetryingClient(
                        () -> LakeProcess.url(folder),
                        3,
                        RetryingClient.Manners.NEW_KEY_ON_RETRY)) {
            // durable, and never answered
            try (LakeProcess lake = LakeProcess.startHaltingAt(folder, "ingest.before-answer:20")) {
                lake.awaitEnd(Duration.ofSeconds(90));
            }
            try (LakeProcess lake = LakeProcess.start(folder)) {
                assertThat(lake.awaitUrl()).as(lake.output()).isPresent();
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
}
