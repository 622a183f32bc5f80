package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.lake.HaltAt;
import org.tonle.lake.Lake;

/** Ends the lake at each named step of ingest, run and commit, and looks at its whole history. */
class FailPointIT {
    @TempDir private Path dir;

    @Test
    void nothingIsLostOrDoubledThoughTheLakeEndsAtEveryStep() throws Exception {
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, "");
        try (RetryingClient client = new RetryingClient(() -> LakeProcess.address(folder), 3);
                FileDropper files = new FileDropper(folder)) {
            int visit = 1;
            for (String point : Lake.failPoints()) {
                // not always the first time that it is reached; a point of the start has no second
                int times = point.equals("ingest.after-recovery") ? 1 : 1 + visit++ % 4;
                try (LakeProcess lake = LakeProcess.startHaltingAt(folder, point + ":" + times)) {
                    int status = lake.awaitEnd(Duration.ofSeconds(180));
                    assertThat(status).as(lake.output()).isEqualTo(HaltAt.EXIT_STATUS);
                    assertThat(lake.output()).contains("halted at " + point);
                }
            }
            try (LakeProcess lake = LakeProcess.start(folder)) {
                lake.awaitAddress();
                client.close();
                files.check(LakeProcess.address(folder).orElseThrow());
                CrashRun.settled(List.of(folder));
                assertThat(lake.terminate()).isZero();
            }
            History.Verdict verdict = CrashRun.judge(folder, client);
            System.out.printf(
                    "fail points %d, commits %d, acknowledged %d, lost %d, doubled %d%n",
                    Lake.failPoints().size(),
                    verdict.commits(),
                    verdict.acknowledged(),
                    verdict.lost(),
                    verdict.doubled());
            assertThat(verdict.acknowledged()).isGreaterThan(100);
            assertThat(verdict.lost()).isZero();
            assertThat(verdict.doubled()).isZero();
        }
    }
}
