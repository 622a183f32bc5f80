package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SIGTERM, while a lake works and while it starts. */
class StopIT {
    private static final Duration LONGEST_STOP = Duration.ofSeconds(90);

    @TempDir private Path dir;

    /** Nothing would go to bronze for an hour, nor from silver to gold. */
    @Test
    void aLakeThatIsAskedToEndUnderLoadLeavesNothingToRecover() throws Exception {
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, "");
        Files.writeString(
                folder.resolve("lake.yaml"),
                "name: stop\ningest: {commit-interval: 1h}\nrefresh-interval: 1h\n");
        try (LakeProcess lake = LakeProcess.start(folder)) {
            Optional<LakeProcess.Address> address = lake.awaitAddress();
            assertThat(address).as(lake.output()).isPresent();
            // the address is kept, though the lake takes its own back when it stops
            try (RetryingClient client = new RetryingClient(() -> address, 3)) {
                while (client.answers() < 200) {
                    assertThat(lake.alive()).as(lake.output()).isTrue();
                    Thread.sleep(20);
                }
                lake.signal("TERM");
                assertThat(lake.awaitEnd(LONGEST_STOP)).as(lake.output()).isZero();
                client.close();
                assertThat(lake.output()).doesNotContain("after the next start");
                assertThat(lake.left()).isEmpty();
                assertThat(client.refused())
                        .startsWith("503, Retry-After ")
                        .doesNotContain("never");

                // no start in between: what was acknowledged is in bronze, silver and gold
                History.Verdict verdict = CrashRun.judge(folder, client);
                assertThat(verdict.acknowledged()).isGreaterThan(200);
                assertThat(verdict.lost()).isZero();
                assertThat(verdict.doubled()).isZero();
            }
        }
    }

    @Test
    void aLakeThatIsAskedToEndWhileItStartsEndsWithoutBecomingReadyAndLeavesNoProcess()
            throws Exception {
        List<String> moments =
                List.of(
                        "tonle/logs/tonle.log",
                        "tonle/postgres/data.new",
                        "tonle/postgres/postgres.log",
                        "tonle/kafka/data/meta.properties",
                        "tonle/kafka/data/tonle.crash.events-0");
        Path last = dir;
        for (String moment : moments) {
            int attempt = 0;
            do {
                last = dir.resolve(moments.indexOf(moment) + "-" + attempt++);
                assertThat(attempt).as("ready before it is asked, at " + moment).isLessThan(9);
            } while (wasReadyBeforeItWasAsked(last, moment));
        }
        try (LakeProcess lake = LakeProcess.start(last)) {
            assertThat(lake.awaitAddress())
                    .as("it starts afterwards: " + lake.output())
                    .isPresent();
            assertThat(lake.terminate()).isZero();
            assertThat(lake.left()).isEmpty();
        }
    }

    /** Asks a lake to end at a moment of its start; it may be quicker than who asks. */
    private static boolean wasReadyBeforeItWasAsked(Path folder, String moment) throws Exception {
        LakeFolder.write(folder, "");
        try (LakeProcess lake = LakeProcess.start(folder)) {
            awaitExists(folder, "." + moment, lake);
            long asked = System.nanoTime();
            lake.signal("TERM");
            int status = lake.awaitEnd(LONGEST_STOP);
            System.out.printf(
                    "asked to end at %s, ended after %d ms%n",
                    moment, (System.nanoTime() - asked) / 1_000_000);
            assertThat(status).as(lake.output()).isZero();
            assertThat(lake.left()).as(moment).isEmpty();
            boolean ready = lake.output().contains(" is ready at ");
            if (!ready) {
                assertThat(lake.output()).as(moment).contains("stopped before it was ready");
            }
            return ready;
        }
    }

    /** Or until it is ready: some files are there for a moment only. */
    private static void awaitExists(Path folder, String file, LakeProcess lake)
            throws InterruptedException {
        while (!Files.exists(folder.resolve(file)) && LakeProcess.address(folder).isEmpty()) {
            assertThat(lake.alive()).as(lake.output()).isTrue();
            Thread.sleep(5);
        }
    }
}
