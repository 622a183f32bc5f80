package org.tonle.debezium;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.Secret;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

class PostgresFaultsIT {
    @TempDir static Path temp;
    private static CapturedServer server;
    private CapturedServer.Database shop;
    private SourceKind.Postgres kind;
    private static final int WIDE = 1_000_000;

    @BeforeAll
    static void start() {
        server = CapturedServer.start(temp.resolve("postgres"));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void database() {
        shop = server.database();
        shop.run(Customers.TABLE);
        kind = Capture.kind(shop, "public.customers");
    }

    /** Polls until it fails. */
    private static LakeException failure(Capture capture) {
        try {
            capture.until(() -> false);
            throw new AssertionError();
        } catch (LakeException e) {
            return e;
        }
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.contains("debezium"))
                .toList();
    }

    @Test
    void nothingOfItRunsOnWhenItIsClosed() throws InterruptedException {
        try (Capture capture = new Capture(kind).begin()) {
            capture.until(0);
            assertThat(threads()).isNotEmpty();
        }
        long deadline = System.nanoTime() + Capture.LIMIT.toNanos();
        while (!threads().isEmpty() && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        assertThat(threads()).isEmpty();
    }

    @Test
    void aReaderThatIsSentAwayGoesOnFromWhereItWas() {
        try (Capture capture = new Capture(kind).begin()) {
            shop.run("INSERT INTO customers VALUES (1, 'a')");
            capture.until(1);
            capture.until(() -> shop.ask(active()).size() > 0);
            shop.run(
                    "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"
                            + kind.slot()
                            + "'");
            shop.run("INSERT INTO customers VALUES (2, 'b')");
            LakeException sentAway = failure(capture);
            assertThat(sentAway.code()).isEqualTo(ErrorCode.SOURCE_UNAVAILABLE);
            capture.againUntil(2);
            assertThat(ids(capture)).containsExactly(1L, 2L);
        }
    }

    private static List<Long> ids(Capture capture) {
        return capture.lines().stream().map(l -> l.get("row").get("id").asLong()).toList();
    }

    @Test
    void aServerThatStopsIsNotHeldUpAndReadOnAfterwards() {
        try (Capture capture = new Capture(kind).begin()) {
            capture.until(0);
            shop.run("INSERT INTO customers VALUES (1, 'a')");
            capture.until(1);
            Thread restart = Thread.ofVirtual().start(server::restart);
            assertThat(failure(capture).code()).isEqualTo(ErrorCode.SOURCE_UNAVAILABLE);
            capture.close();
            join(restart);
            shop.run("INSERT INTO customers VALUES (2, 'b')");
            capture.againUntil(2);
            assertThat(ids(capture)).containsExactly(1L, 2L);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aWrongPasswordIsSaid() {
        SourceKind.Postgres wrong =
                new SourceKind.Postgres(
                        kind.host(),
                        kind.port(),
                        kind.database(),
                        kind.user(),
                        Optional.of(new Secret("wrong")),
                        Map.of(),
                        kind.slot(),
                        kind.publication(),
                        kind.walAlarmBytes(),
                        kind.tables());
        try (Capture capture = new Capture(wrong)) {
            assertThatThrownBy(capture::begin)
                    .isInstanceOf(LakeException.class)
                    .hasMessageContaining("refuses user tonle")
                    .extracting(e -> ((LakeException) e).code())
                    .isEqualTo(ErrorCode.UNAUTHENTICATED);
        }
    }

    @Test
    void aPublicationThatIsDroppedIsSaid() {
        try (Capture capture = new Capture(kind).begin()) {
            capture.until(0);
            capture.until(() -> shop.ask(active()).size() > 0);
            shop.run("DROP PUBLICATION " + kind.publication());
            shop.run("INSERT INTO customers VALUES (1, 'a')");
            LakeException e = failure(capture);
            assertThat(e.code()).as(e.toString()).isEqualTo(ErrorCode.LOG_GAP);
            assertThat(e).hasMessageContaining("Publication").hasMessageContaining("new slot:");
            shop.run("CREATE PUBLICATION %s FOR TABLE customers".formatted(kind.publication()));
            assertThatThrownBy(capture::againInTime)
                    .as("what came between isn't told when it is made again")
                    .hasMessageContaining("made again")
                    .hasMessageContaining("public.customers");
        }
    }

    @Test
    void aSlotThatIsGoneOrMovedOnIsSaid() {
        try (Capture capture = new Capture(kind).begin()) {
            shop.run("INSERT INTO customers VALUES (1, 'a')");
            capture.until(1);
            capture.close();
            waitUntilFree();
            shop.run("INSERT INTO customers VALUES (2, 'b')");
            shop.run(
                    "SELECT pg_replication_slot_advance('%s', pg_current_wal_lsn())"
                            .formatted(kind.slot()));
            assertThatThrownBy(capture::againInTime)
                    .hasMessageContaining("somebody moved it")
                    .extracting(e -> ((LakeException) e).code())
                    .isEqualTo(ErrorCode.LOG_GAP);
            shop.run("SELECT pg_drop_replication_slot('%s')".formatted(kind.slot()));
            assertThatThrownBy(capture::againInTime)
                    .hasMessageContaining("has no slot")
                    .hasMessageContaining("slot: " + kind.slot() + "_2")
                    .extracting(e -> ((LakeException) e).code())
                    .isEqualTo(ErrorCode.LOG_GAP);
        }
    }

    private String active() {
        return "SELECT 1 FROM pg_replication_slots WHERE active AND slot_name = '%s'"
                .formatted(kind.slot());
    }

    private void waitUntilFree() {
        while (shop.ask(active()).size() > 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aSlotOfSomebodyElseIsLeftAlone() {
        shop.run(
                "SELECT pg_create_logical_replication_slot('%s', 'pgoutput')"
                        .formatted(kind.slot()));
        try (Capture capture = new Capture(kind)) {
            assertThatThrownBy(capture::begin)
                    .hasMessageContaining("may be another lake's")
                    .extracting(e -> ((LakeException) e).code())
                    .isEqualTo(ErrorCode.ALREADY_EXISTS);
        }
        assertThat(
                        shop.ask(
                                "SELECT slot_name FROM pg_replication_slots WHERE slot_name = '"
                                        + kind.slot()
                                        + "'"))
                .hasSize(1);
    }

    private List<String> slots() {
        return shop.ask(
                "SELECT slot_name FROM pg_replication_slots WHERE database = '%s' ORDER BY 1"
                        .formatted(shop.name()));
    }

    @Test
    void aSlotThatIsReplacedIsDroppedWhenBronzeHasAllRowsByTheNewOneAndNotBefore() {
        shop.run("INSERT INTO customers VALUES (1, 'a')");
        String old = kind.slot();
        SourceKind.Postgres anew = Capture.of(shop, old + "_2", "public.customers");
        try (Capture before = new Capture(kind).begin();
                Capture after = new Capture(anew)) {
            before.until(1);
            before.close();
            waitUntilFree();
            after.bodies.addAll(before.bodies);
            after.begin();
            assertThat(after.source().warning().orElseThrow())
                    .contains("slot %s, which slot %s_2 replaces".formatted(old, old));
            after.poll();
            SourceMark beginning = after.bodies.getLast().mark();
            after.againInTime();
            after.until(2);
            after.source().committed(Map.of(beginning.item(), beginning));
            assertThat(slots()).containsExactly(old, old + "_2");
            assertThat(after.source().warning()).isPresent();
            after.againInTime();
            shop.run("INSERT INTO customers VALUES (2, 'b')");
            after.until(4);
            assertThat(slots()).as("bronze doesn't have it yet").contains(old);
            after.commit();
            assertThat(slots()).containsExactly(old + "_2");
            assertThat(after.source().warning()).isEmpty();
            after.againInTime();
            shop.run("INSERT INTO customers VALUES (3, 'c')");
            after.until(5);
            assertThat(after.state().replaced()).isEmpty();
        }
    }

    @Test
    void aReplacedSlotThatSomebodyElseMadeAnewIsLeftAlone() {
        String old = kind.slot();
        SourceKind.Postgres anew = Capture.of(shop, old + "_2", "public.customers");
        try (Capture before = new Capture(kind).begin();
                Capture after = new Capture(anew)) {
            before.until(0);
            before.close();
            waitUntilFree();
            after.bodies.addAll(before.bodies);
            shop.run(
                    "INSERT INTO customers VALUES (1, 'a')",
                    "SELECT pg_drop_replication_slot('%s')".formatted(old),
                    "SELECT pg_create_logical_replication_slot('%s', 'pgoutput')".formatted(old));
            after.begin();
            after.poll();
            after.until(1);
            after.commit();
            assertThat(slots()).containsExactly(old, old + "_2");
            assertThat(after.source().warning().orElseThrow()).contains("if it stays");
        }
    }

    @Test
    void tablesThatAreNotThereAndRightsThatAreMissingAreSaid() {
        shop.run("CREATE ROLE reader_%s LOGIN PASSWORD 'pw'".formatted(shop.name()));
        SourceKind.Postgres poor =
                new SourceKind.Postgres(
                        kind.host(),
                        kind.port(),
                        kind.database(),
                        "reader_" + shop.name(),
                        Optional.of(new Secret("pw")),
                        Map.of(),
                        kind.slot(),
                        kind.publication(),
                        kind.walAlarmBytes(),
                        kind.tables());
        try (Capture capture = new Capture(Capture.kind(shop, "public.customers", "sales.x"))) {
            assertThatThrownBy(capture::begin).hasMessageContaining("there is no table sales.x");
        }
        try (Capture capture = new Capture(poor)) {
            assertThatThrownBy(capture::begin)
                    .hasMessageContaining(
                            "GRANT SELECT ON \"public\".\"customers\" TO " + poor.user())
                    .as("rights may be given back")
                    .extracting(e -> ((LakeException) e).code())
                    .isEqualTo(ErrorCode.FORBIDDEN);
            shop.run("GRANT SELECT ON customers TO " + poor.user());
            assertThatThrownBy(capture::begin)
                    .hasMessageContaining("CREATE PUBLICATION")
                    .extracting(e -> ((LakeException) e).code())
                    .isEqualTo(ErrorCode.FORBIDDEN);
            shop.run("CREATE PUBLICATION %s FOR TABLE customers".formatted(kind.publication()));
            assertThatThrownBy(capture::begin)
                    .hasMessageContaining("ALTER ROLE " + poor.user() + " REPLICATION");
            shop.run("ALTER ROLE %s REPLICATION".formatted(poor.user()));
            capture.begin().until(0);
        }
    }

    @Test
    void aTableIsAlteredInTheMiddleOfATransaction() {
        try (Capture capture = new Capture(kind).begin()) {
            capture.until(0);
            shop.transaction(
                    "INSERT INTO customers VALUES (1, 'a')",
                    "ALTER TABLE customers ADD COLUMN points integer DEFAULT 5",
                    "INSERT INTO customers VALUES (2, 'b')",
                    "ALTER TABLE customers ALTER points TYPE numeric(10,2)",
                    "INSERT INTO customers VALUES (3, 'c')",
                    "ALTER TABLE customers DROP COLUMN name",
                    "INSERT INTO customers VALUES (4)",
                    "ALTER TABLE customers RENAME points TO score",
                    "UPDATE customers SET score = NULL WHERE id = 4");
            capture.until(5);
            assertThat(capture.lines())
                    .extracting(l -> l.get("row").toString())
                    .containsExactly(
                            "{\"id\":1,\"name\":\"a\"}",
                            "{\"id\":2,\"name\":\"b\",\"points\":5}",
                            "{\"id\":3,\"name\":\"c\",\"points\":\"5.00\"}",
                            "{\"id\":4,\"points\":\"5.00\"}",
                            "{\"id\":4,\"score\":null}");
        }
    }

    @Test
    void aRowThatIsTooLargeIsKeptByItsKey() {
        try (Capture capture = new Capture(kind).begin()) {
            capture.until(0);
            shop.transaction(
                    "INSERT INTO customers VALUES (1, 'a')",
                    "INSERT INTO customers SELECT 2, repeat('x', 17000000)",
                    "INSERT INTO customers SELECT 3, repeat('x', 100000000)",
                    "INSERT INTO customers VALUES (4, 'c')");
            capture.until(4);
            assertThat(ids(capture)).containsExactly(1L, 2L, 3L, 4L);
            SourceBody refused =
                    capture.bodies.stream()
                            .filter(b -> b.problem().isPresent())
                            .findFirst()
                            .orElseThrow();
            assertThat(refused.headers()).containsEntry("table", "public.customers");
            assertThat(refused.problem().orElseThrow()).contains("17,0");
            assertThat(refused.continues()).isTrue();
            assertThat(capture.bodies.getLast().continues()).isFalse();
        }
    }

    @Test
    void aRowAsItWasIsLeftOutWhereBothAreTooMuch() {
        shop.run("ALTER TABLE customers REPLICA IDENTITY FULL");
        try (Capture capture = new Capture(kind).begin()) {
            capture.until(0);
            shop.run(
                    "INSERT INTO customers SELECT 1, repeat('x', 9000000)",
                    "UPDATE customers SET name = repeat('y', 9000000)",
                    "INSERT INTO customers SELECT 2, repeat('x', 17000000)",
                    "DELETE FROM customers");
            capture.until(5);
            List<JsonNode> lines = capture.lines();
            assertThat(lines)
                    .extracting(l -> l.get("op").asText())
                    .containsExactly("c", "u", "c", "d", "d");
            assertThat(lines.get(1).get("row").get("name").asText()).startsWith("yy");
            assertThat(lines.get(1).has("before")).isFalse();
            assertThat(ids(capture)).containsExactly(1L, 1L, 2L, 1L, 2L);
            assertThat(capture.bodies.stream().filter(b -> b.problem().isPresent())).hasSize(1);
        }
    }

    @Test
    void aPublicationThatTellsOfAPartIsRefused() {
        for (String part : List.of("(id)", "WHERE (id > 5)")) {
            shop.run(
                    "DROP PUBLICATION IF EXISTS " + kind.publication(),
                    "CREATE PUBLICATION %s FOR TABLE customers %s"
                            .formatted(kind.publication(), part));
            try (Capture capture = new Capture(kind)) {
                assertThatThrownBy(capture::begin)
                        .hasMessageContaining("some rows or columns only: public.customers");
            }
        }
    }

    /** More of them than the heap has room for, at the beginning and changed at once. */
    @Test
    void wideRowsDoNotFillTheHeap() {
        int rows = (int) (Runtime.getRuntime().maxMemory() / WIDE) * 5 / 4;
        shop.run(
                "INSERT INTO customers SELECT i, repeat('x', %d) FROM generate_series(1, %d) i"
                        .formatted(WIDE, rows));
        SourceKind.Postgres kind = Capture.kind(shop, "public.customers");
        try (PostgresSource source = new PostgresSource(kind, Clock.systemUTC())) {
            source.begin(Map.of());
            assertThat(counted(source, rows)).isEqualTo(rows);
            shop.run("UPDATE customers SET name = name || 'y'");
            assertThat(counted(source, rows)).isEqualTo(rows);
        }
    }

    private static int counted(PostgresSource source, int enough) {
        long deadline = System.nanoTime() + Capture.LIMIT.toNanos();
        int lines = 0;
        while (lines < enough && System.nanoTime() < deadline) {
            try {
                lines += Capture.lines(source.poll(Duration.ofMillis(300))).size();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        return lines;
    }

    /** What isn't captured moves the slot on, too. */
    @Test
    void aBusyServerIsNotHeldUpByAnIdleDatabase() {
        try (Capture capture = new Capture(kind).begin()) {
            capture.until(0);
            long before = capture.state().lsn();
            shop.run(
                    "CREATE TABLE other (t text)",
                    "INSERT INTO other SELECT repeat('x', 1000) FROM generate_series(1, 30000)");
            capture.until(() -> capture.state().lsn() - before > 16 << 20);
            assertThat(capture.lines()).isEmpty();
            capture.commit();
            String moved = Continuity.lsn(capture.state().lsn());
            capture.until(() ->
                    shop.ask(
                                    "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '"
                                            + kind.slot()
                                            + "'")
                            .contains(moved));
        }
    }

    @Test
    void logThatTheServerHasDroppedIsSaid() {
        try (Capture capture = new Capture(kind).begin()) {
            capture.until(0);
            server.admin(
                    "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'", "SELECT pg_reload_conf()");
            shop.run(
                    "CREATE TABLE other (t text)",
                    "INSERT INTO other SELECT repeat('x', 1000) FROM generate_series(1, 60000)",
                    "SELECT pg_switch_wal()",
                    "CHECKPOINT");
            capture.close();
            waitUntilFree();
            server.admin("SELECT pg_switch_wal()", "CHECKPOINT");
            assertThatThrownBy(capture::againInTime)
                    .hasMessageContaining("max_slot_wal_keep_size")
                    .extracting(e -> ((LakeException) e).code())
                    .isEqualTo(ErrorCode.LOG_GAP);
        } finally {
            server.admin("ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_reload_conf()");
        }
    }

    @Test
    void logThatIsHeldBackIsWarnedOf() {
        SourceKind.Postgres alarmed =
                new SourceKind.Postgres(
                        kind.host(),
                        kind.port(),
                        kind.database(),
                        kind.user(),
                        kind.password(),
                        Map.of(),
                        kind.slot(),
                        kind.publication(),
                        20 << 20,
                        kind.tables());
        try (Capture capture = new Capture(alarmed).begin()) {
            capture.until(0);
            assertThat(capture.source().warning()).isEmpty();
            shop.run(
                    "INSERT INTO customers SELECT i, repeat('x', 1000) FROM generate_series(1, 30000) i");
            assertThat(capture.source().warning().orElseThrow())
                    .contains("slot " + kind.slot() + " holds back 0.0");
        }
    }

    /**
     * Writers write, readers are cut off at any place and go on from what bronze or the log has,
     * and the server is restarted: what came makes the same rows as the database has, each change
     * once.
     */
    @Test
    void underLoadWithKillsEveryChangeComesOnce() throws Exception {
        Random random = new Random(7);
        try (Customers customers = Customers.write(shop);
                Capture capture = new Capture(kind)) {
            capture.begin();
            for (int round = 0; round < 12; round++) {
                long until =
                        System.nanoTime() + Duration.ofMillis(300 + random.nextInt(900)).toNanos();
                try {
                    while (System.nanoTime() < until) {
                        capture.poll();
                        if (random.nextInt(3) == 0) {
                            capture.commit();
                        }
                    }
                    if (round == 5) {
                        server.kill();
                        while (true) {
                            capture.poll();
                        }
                    }
                } catch (LakeException e) {
                    assertThat(e.code().retryable()).as(e.toString()).isTrue();
                }
                capture.againInTime();
            }
            customers.stop();
            List<JsonNode> lines = customers.requireAllIn(capture);
            // each writer counts its transactions
            for (int w = 0; w < 2; w++) {
                String mine = "w" + w + "-";
                List<Long> counted =
                        lines.stream()
                                .filter(l -> List.of("c", "u").contains(l.get("op").asText()))
                                .map(l -> l.get("row").path("name").asText())
                                .filter(name -> name.startsWith(mine))
                                .map(name -> Long.parseLong(name.substring(3)))
                                .distinct()
                                .toList();
                assertThat(counted).isSorted();
                for (int i = 1; i < counted.size(); i++) {
                    assertThat(counted.get(i) - counted.get(i - 1)).isLessThanOrEqualTo(2);
                }
            }
        }
    }
}
