package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.tonle.query.RowFormat;
import org.tonle.query.RunningQuery;
import org.tonle.spi.Principal;

/** What a lake answers to itself. */
final class Answers {
    private static final Duration LIMIT = Duration.ofSeconds(90);

    private Answers() {}

    /** As CSV, with the columns' names. */
    static String rows(Lake lake, String sql) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (RunningQuery query = lake.query(sql, Principal.LAKE)) {
            query.writeTo(out, RowFormat.CSV);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /** Waits until that is the answer. */
    static void await(Lake lake, String sql, String wanted) throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        String found = rows(lake, sql);
        while (!found.equals(wanted)) {
            assertThat(System.nanoTime())
                    .as("%s%nis%n%s%nwith %s", sql, found, lake.tables())
                    .isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(50);
            found = rows(lake, sql);
        }
    }

    /**
     * Waits until it is so.
     *
     * @param otherwise what there is instead
     */
    static void until(Supplier<String> otherwise, Callable<Boolean> check) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!check.call()) {
            assertThat(System.nanoTime()).as(otherwise).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }
}
