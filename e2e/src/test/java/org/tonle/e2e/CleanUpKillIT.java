package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.SupportsPrefixOperations;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Reach;
import org.tonle.lake.HaltAt;
import org.tonle.maintenance.CleanUp;

/**
 * States expire within seconds, and files that nothing reaches go, while the lake takes events, is
 * killed, and ends at each step of a clean-up.
 */
class CleanUpKillIT {
    private static final int KILLS = Integer.getInteger("tonle.clean-up.kills", 3);
    private static final Duration LIMIT = Duration.ofSeconds(120);
    private static final String SOON =
            """
            query: {each: {timeout: 3s}}
            maintenance: {history: 2s, slow-readers: 60s, grace: 4s, interval: 300ms}
            """;

    @TempDir private Path dir;

    @Test
    void nothingThatIsNeededGoesAndAllElseDoes() throws Exception {
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, SOON);
        Random random = new Random(7);
        try (RetryingClient client = new RetryingClient(() -> LakeProcess.address(folder), 2)) {
            for (String point : CleanUp.FAIL_POINTS) {
                try (LakeProcess lake = LakeProcess.startHaltingAt(folder, point + ":2")) {
                    int status = lake.awaitEnd(LIMIT);
                    assertThat(status).as(lake.output()).isEqualTo(HaltAt.EXIT_STATUS);
                    assertThat(lake.output()).contains("halted at " + point);
                }
            }
            for (int kill = 0; kill < KILLS; kill++) {
                try (LakeProcess lake = LakeProcess.start(folder)) {
                    lake.awaitAddress();
                    Thread.sleep(2_000 + random.nextInt(4_000));
                    assertThat(lake.alive()).as(lake.output()).isTrue();
                    lake.kill();
                }
            }
            try (LakeProcess lake = LakeProcess.start(folder)) {
                lake.awaitAddress();
                client.close();
                CrashRun.settled(List.of(folder));
                awaitRest(LakeProcess.address(folder).orElseThrow());
                assertThat(lake.terminate()).isZero();
            }
            CrashRun.onLedger(folder, CleanUpKillIT::requireWhatIsReached);
            History.Verdict verdict = CrashRun.judge(folder, client);
            System.out.printf(
                    "clean-up under %d kills: commits %d, acknowledged %d, lost %d, doubled %d%n",
                    KILLS + CleanUp.FAIL_POINTS.size(),
                    verdict.commits(),
                    verdict.acknowledged(),
                    verdict.lost(),
                    verdict.doubled());
            assertThat(verdict.acknowledged()).isGreaterThan(100);
            assertThat(verdict.lost()).isZero();
            assertThat(verdict.doubled()).isZero();
        }
    }

    /** Waits until everything has expired that can, and nothing is left that is to go. */
    private static void awaitRest(LakeProcess.Address lake) throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            long deadline = System.nanoTime() + LIMIT.toNanos();
            long since = System.nanoTime();
            String last = "";
            // longer than it takes to expire, to be marked, and to go
            while (System.nanoTime() - since < Duration.ofSeconds(12).toNanos()) {
                JsonNode now =
                        CrashRun.ask(
                                http,
                                lake,
                                "SELECT (SELECT COUNT(*) FROM system.marked_files) AS marked,"
                                        + " (SELECT COUNT(*) FROM system.maintenance"
                                        + " WHERE action = 'clean-up') AS done");
                if (!now.toString().equals(last) || now.path(0).path("marked").asLong(1) > 0) {
                    since = System.nanoTime();
                    last = now.toString();
                }
                assertThat(System.nanoTime()).as(last).isLessThan(deadline);
                Thread.sleep(200);
            }
        }
    }

    private static void requireWhatIsReached(LakeCatalog catalog) {
        Set<String> reached = new TreeSet<>();
        Reach.of(catalog, reached::add);
        Set<String> there = new TreeSet<>();
        for (FileInfo file :
                ((SupportsPrefixOperations) catalog.io()).listPrefix(catalog.files().root())) {
            there.add(file.location());
        }
        assertThat(there).isEqualTo(reached);
        assertThat(catalog.ledger().retention().floor())
                .as("the oldest state that is kept")
                .isGreaterThan(catalog.ledger().head() / 2);
    }
}
