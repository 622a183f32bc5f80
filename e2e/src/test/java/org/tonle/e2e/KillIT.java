package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** kill -9 at random moments under load; {@code -Dtonle.kills=500} for long. */
class KillIT {
    private static final int KILLS = Integer.getInteger("tonle.kills", 12);

    @TempDir private Path dir;

    @Test
    void nothingIsLostOrDoubledThoughTheLakeIsKilledAtAnyMoment() throws Exception {
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, "");
        Random random = new Random(20260301);
        try (RetryingClient client = new RetryingClient(() -> LakeProcess.address(folder), 3);
                FileDropper files = new FileDropper(folder);
                TopicFiller topic = new TopicFiller(folder);
                Refresher refresher = new Refresher(folder)) {
            for (int kill = 0; kill < KILLS; kill++) {
                try (LakeProcess lake = LakeProcess.start(folder)) {
                    // most die while they work, some while they start
                    if (random.nextInt(5) == 0) {
                        Thread.sleep(500 + random.nextInt(3000));
                    } else {
                        lake.awaitAddress();
                        Thread.sleep(random.nextInt(1500));
                    }
                    if (kill == KILLS / 2) {
                        // one lives long enough for that to have happened
                        lake.awaitAddress();
                        files.awaitReplay();
                        refresher.awaitBoth();
                    } else if (kill % 4 == 3) {
                        lake.awaitAddress();
                        refresher.awaitUnderWay();
                        Thread.sleep(random.nextInt(300));
                    }
                    assertThat(lake.alive()).as(lake.output()).isTrue();
                    lake.kill();
                }
            }
            try (LakeProcess lake = LakeProcess.start(folder)) {
                lake.awaitAddress();
                client.close();
                refresher.check();
                topic.check(LakeProcess.address(folder).orElseThrow());
                files.check(LakeProcess.address(folder).orElseThrow());
                CrashRun.settled(List.of(folder));
                assertThat(lake.terminate()).isZero();
            }
            History.Verdict verdict = CrashRun.judge(folder, client);
            System.out.printf(
                    "kills %d, acknowledged %d, lost %d, doubled %d%n",
                    KILLS, verdict.acknowledged(), verdict.lost(), verdict.doubled());
            assertThat(verdict.acknowledged()).isGreaterThan(KILLS);
            assertThat(verdict.lost()).isZero();
            assertThat(verdict.doubled()).isZero();
        }
    }
}
