package org.tonle.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.iceberg.ContentFile;
import org.apache.iceberg.catalog.TableIdentifier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.Pin;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.Source;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/** A database's changes: tables of their own, and what is of one transaction at once. */
class TransactionsIT {
    private static final int TRANSACTIONS = 12;
    private static final int BODIES = 3;

    @TempDir private static Path dir;
    private static TestLake lake;

    @BeforeAll
    static void open() {
        lake = new TestLake(dir);
    }

    @AfterAll
    static void close() {
        lake.close();
    }

    private static SourceDefinition source() {
        SourceDefinition plain = TestLake.source(TestLake.uniqueSource(), 1);
        return new SourceDefinition(
                plain.name(),
                plain.place(),
                "seq",
                Optional.of("at"),
                Optional.empty(),
                List.of(),
                1,
                plain.retention(),
                new SourceKind.Postgres(
                        "localhost",
                        5432,
                        "shop",
                        "tonle",
                        Optional.empty(),
                        Map.of(),
                        "slot",
                        "publication",
                        1L << 30,
                        List.of(
                                table(plain.name() + "_a", "public.a"),
                                table(plain.name() + "_b", "sales.b"))));
    }

    private static BronzeDefinition table(String name, String outside) {
        return new BronzeDefinition(name, Optional.of(outside), List.of(), Optional.empty());
    }

    /**
     * Transaction n changes n rows of each table, in three bodies: all of a, half of b, the rest of
     * b and one of a table that isn't declared.
     */
    private static class Shop implements Source {
        private int next;

        @Override
        public void begin(Map<String, SourceMark> taken) {
            SourceMark mark = taken.get("log");
            next = mark == null ? 0 : Integer.parseInt(mark.position()) + 1;
        }

        @Override
        public List<SourceBody> poll(Duration wait) throws InterruptedException {
            if (next == TRANSACTIONS * BODIES) {
                TimeUnit.MILLISECONDS.sleep(20);
                return List.of();
            }
            List<SourceBody> bodies = new ArrayList<>();
            for (int i = 0; i < 2 && next < TRANSACTIONS * BODIES; i++) {
                bodies.add(body(next++));
            }
            return bodies;
        }

        private static SourceBody body(int number) {
            int transaction = number / BODIES + 1;
            StringBuilder lines = new StringBuilder();
            switch (number % BODIES) {
                case 0 -> changes(lines, "public.a", transaction, 0, transaction);
                case 1 -> changes(lines, "sales.b", transaction, 0, transaction / 2);
                default -> {
                    changes(lines, "sales.b", transaction, transaction / 2, transaction);
                    changes(lines, "public.other", transaction, 0, 1);
                }
            }
            return new SourceBody(
                    new SourceMark("log", "%05d".formatted(number), ""),
                    "application/x-ndjson",
                    Map.of(),
                    lines.toString().getBytes(UTF_8),
                    Optional.empty(),
                    number % BODIES < BODIES - 1);
        }

        private static void changes(
                StringBuilder to, String table, int transaction, int from, int end) {
            for (int i = from; i < end; i++) {
                to.append(
                        "{\"table\":\"%s\",\"op\":\"c\",\"seq\":\"%05d-%s-%03d\",\"row\":{\"id\":%d}}%n"
                                .formatted(table, transaction, table, i, i));
            }
        }

        @Override
        public void committed(Map<String, SourceMark> marks) {}

        @Override
        public void close() {
            next = -1;
        }
    }

    private static void await(BooleanSupplier until) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!until.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    private static Ingest ingest(
            FailPoints failPoints, SourceDefinition source, long commitSize, Source reader)
            throws InterruptedException {
        return lake.ingest(
                failPoints,
                new IngestSettings("a", Duration.ofMillis(5), commitSize, 1_000),
                definition -> reader,
                source);
    }

    private static boolean hasAll(SourceDefinition source) {
        SourceMark mark = lake.ledger.sourceMarks(source.name()).get("log");
        return mark != null && mark.position().equals("%05d".formatted(TRANSACTIONS * BODIES - 1));
    }

    private static long rows(Pin pin, String table) {
        return pin.table(TableIdentifier.of("bronze", table)).stream()
                .flatMap(pinned -> pinned.files().stream())
                .mapToLong(ContentFile::recordCount)
                .sum();
    }

    /** Asserts that each commit of the lake shows whole transactions only. */
    private static void assertWhole(SourceDefinition source, long from) {
        Pin now = lake.catalog.pin();
        for (long seq = from; seq <= now.seq(); seq++) {
            Pin then = now.at(seq);
            long a = rows(then, source.name() + "_a");
            assertThat(rows(then, source.name() + "_b")).as("b as of %d", seq).isEqualTo(a);
            double transactions = (Math.sqrt(8 * a + 1) - 1) / 2;
            assertThat(transactions).as("a as of %d", seq).isEqualTo(Math.rint(transactions));
        }
        assertThat(rows(now, source.name() + "_a"))
                .isEqualTo(TRANSACTIONS * (TRANSACTIONS + 1) / 2);
    }

    @Test
    void aTransactionIsInTheTablesOfBronzeAtOnceWhereverItFails() throws Exception {
        for (String point : Ingest.FAIL_POINTS) {
            SourceDefinition source = source();
            long from = lake.catalog.pin().seq();
            AtomicInteger left = new AtomicInteger(4);
            FailPoints fourthTime =
                    name -> {
                        if (name.equals(point) && left.decrementAndGet() == 0) {
                            throw new LakeException(ErrorCode.LOG_UNAVAILABLE, "at " + point);
                        }
                    };
            try (Ingest ingest = ingest(fourthTime, source, 1, new Shop())) {
                await(() -> hasAll(source));
                assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
            }
            assertWhole(source, from + 1);
            for (String table : List.of("_a", "_b")) {
                assertThat(
                                lake.ask(
                                        source.name() + table,
                                        "SELECT count(DISTINCT event_id), count(DISTINCT"
                                                + " payload->>'seq'), min(payload->>'table') FROM"
                                                + " bronze"))
                        .as(point)
                        .containsExactly("78|78|" + (table.equals("_a") ? "public.a" : "sales.b"));
            }
        }
    }

    @Test
    void whatWasBeforeALongTransactionDoesNotWaitForIt() throws Exception {
        SourceDefinition source = source();
        Source stuck =
                new Shop() {
                    private int given;

                    @Override
                    public List<SourceBody> poll(Duration wait) throws InterruptedException {
                        if (given >= BODIES + 1) {
                            TimeUnit.MILLISECONDS.sleep(20);
                            return List.of();
                        }
                        List<SourceBody> bodies = super.poll(wait);
                        given += bodies.size();
                        return bodies;
                    }
                };
        long from = lake.catalog.pin().seq();
        try (Ingest ingest = ingest(FailPoints.NONE, source, 1 << 20, stuck)) {
            await(() -> lake.ledger.sourceMarks(source.name()).containsKey("log"));
            assertThat(lake.ledger.sourceMarks(source.name()).get("log").position())
                    .isEqualTo("%05d".formatted(BODIES - 1));
            assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
        }
        assertThat(rows(lake.catalog.pin(), source.name() + "_b")).isEqualTo(1);
        // the rest of the log is half a transaction, which the next start goes on with
        try (Ingest ingest = ingest(FailPoints.NONE, source, 1 << 20, new Shop())) {
            await(() -> hasAll(source));
            assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
        }
        assertWhole(source, from + 1);
    }

    @Test
    void aTransactionMayBeLongerThanWhatMayWaitInTheLog() throws Exception {
        SourceDefinition source = source();
        int bodies = 700;
        AtomicInteger left = new AtomicInteger(400);
        FailPoints once =
                point -> {
                    if (point.equals("source.after-append") && left.decrementAndGet() == 0) {
                        throw new LakeException(ErrorCode.LOG_UNAVAILABLE, "at " + point);
                    }
                };
        Source endless =
                new Shop() {
                    private int at;

                    @Override
                    public void begin(Map<String, SourceMark> taken) {
                        SourceMark mark = taken.get("log");
                        at = mark == null ? 0 : Integer.parseInt(mark.position()) + 1;
                    }

                    @Override
                    public List<SourceBody> poll(Duration wait) throws InterruptedException {
                        if (at == bodies) {
                            TimeUnit.MILLISECONDS.sleep(20);
                            return List.of();
                        }
                        String line =
                                "{\"table\":\"public.a\",\"op\":\"c\",\"seq\":\"%05d\"}"
                                        .formatted(at);
                        return List.of(
                                new SourceBody(
                                        new SourceMark("log", "%05d".formatted(at), ""),
                                        "application/x-ndjson",
                                        Map.of(),
                                        line.getBytes(UTF_8),
                                        Optional.empty(),
                                        ++at < bodies));
                    }
                };
        long from = lake.catalog.pin().seq();
        try (Ingest ingest = ingest(once, source, 1, endless)) {
            await(() -> rows(lake.catalog.pin(), source.name() + "_a") == bodies);
            assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
        }
        Pin now = lake.catalog.pin();
        for (long seq = from + 1; seq <= now.seq(); seq++) {
            assertThat(rows(now.at(seq), source.name() + "_a")).isIn(0L, (long) bodies);
        }
    }
}
