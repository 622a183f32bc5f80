package org.tonle.maintenance;

import java.nio.file.Path;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.FailPoints;

/**
 * Random lives of a lake: commits, branches, drops, crashes, expiries, clean-ups. {@code
 * -Dtonle.lives=N} makes it as many, {@code -Dtonle.life=SEED} begins with one.
 */
class CleanUpIT {
    @TempDir private static Path dir;

    @Test
    void whatIsReachedStaysAndAllElseGoes() {
        int lives = Integer.getInteger("tonle.lives", 200);
        long first = Long.getLong("tonle.life", 0);
        TestClock clock = new TestClock();
        MemoryFiles files = new MemoryFiles(dir.resolve("mem"), clock);
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir.resolve("pg"));
                Ledger ledger =
                        Ledger.open(
                                new LedgerConfig(
                                        postgres.jdbcUrl(), postgres.user(), postgres.password()),
                                FailPoints.NONE);
                Handle sql = Jdbi.open(postgres.jdbcUrl(), postgres.user(), postgres.password())) {
            long begun = System.nanoTime();
            for (long seed = first; seed < first + lives; seed++) {
                try {
                    LakeLife life = new LakeLife(seed, ledger, sql, files, clock, "n" + seed);
                    life.live(50);
                    life.end();
                } catch (RuntimeException | AssertionError e) {
                    throw new AssertionError("life " + seed + ": " + e.getMessage(), e);
                }
            }
            System.out.printf(
                    "lives %d, commits %d, s %d%n",
                    lives, ledger.head(), (System.nanoTime() - begun) / 1_000_000_000);
        }
    }
}
