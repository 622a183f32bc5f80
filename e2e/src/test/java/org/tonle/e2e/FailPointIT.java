package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.lake.HaltAt;
import org.tonle.lake.Lake;

/**
 * Ends the lake at each named step of ingest, run and commit, and looks at its whole history; with
 * {@code -Dtonle.storage=bucket} of one whose tables lie in a bucket.
 */
class FailPointIT {
    /** Steps of a refresh: all of it computed, and its files written but not seen by anybody. */
    private static final List<String> REFRESH = List.of("run.after-engine", "stage.after-sync");

    @TempDir private Path dir;

    @Test
    void nothingIsLostOrDoubledThoughTheLakeEndsAtEveryStep() throws Exception {
        if (System.getProperty("tonle.storage", "folder").equals("bucket")) {
            try (LakeBucket bucket = new LakeBucket(dir)) {
                endAtEveryStep(bucket.section(), bucket::judge);
            }
        } else {
            endAtEveryStep("", CrashRun::judge);
        }
    }

    private interface Judge {
        History.Verdict of(Path folder, RetryingClient client) throws Exception;
    }

    private void endAtEveryStep(String settings, Judge judge) throws Exception {
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, settings);
        try (RetryingClient client = new RetryingClient(() -> LakeProcess.address(folder), 3);
                FileDropper files = new FileDropper(folder);
                TopicFiller topic = new TopicFiller(folder)) {
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
                topic.check(LakeProcess.address(folder).orElseThrow());
                files.check(LakeProcess.address(folder).orElseThrow());
                CrashRun.settled(List.of(folder));
                assertThat(lake.terminate()).isZero();
            }
            for (String point : REFRESH) {
                try (LakeProcess lake = LakeProcess.startHaltingAt(folder, point)) {
                    Refresher.refreshUntilItEnds(lake);
                    int status = lake.awaitEnd(Duration.ofSeconds(180));
                    assertThat(status).as(lake.output()).isEqualTo(HaltAt.EXIT_STATUS);
                    assertThat(lake.output()).contains("halted at " + point);
                }
            }
            History.Verdict verdict = judge.of(folder, client);
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
