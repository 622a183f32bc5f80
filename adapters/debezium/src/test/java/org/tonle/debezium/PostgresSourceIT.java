package org.tonle.debezium;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.SourceKind;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

class PostgresSourceIT {
    @TempDir static Path temp;
    private static CapturedServer server;
    private CapturedServer.Database shop;

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
    }

    private static List<String> texts(List<JsonNode> lines) {
        return lines.stream()
                .map(line -> line.get("op").asText() + " " + line.path("row"))
                .toList();
    }

    @Test
    void theRowsComeFirstAndThenEveryChangeInItsOrder() {
        shop.run(
                "CREATE TABLE customers (id bigint PRIMARY KEY, name text)",
                "INSERT INTO customers VALUES (1, 'Ann'), (2, 'Bob')");
        try (Capture capture = new Capture(Capture.kind(shop, "public.customers")).begin()) {
            capture.until(2);
            shop.run(
                    "INSERT INTO customers VALUES (3, 'Cid')",
                    "UPDATE customers SET name = 'Bert' WHERE id = 2",
                    "DELETE FROM customers WHERE id = 1",
                    "UPDATE customers SET id = 4 WHERE id = 3",
                    "TRUNCATE customers");
            capture.until(8);

            assertThat(texts(capture.lines()))
                    .containsExactly(
                            "r {\"id\":1,\"name\":\"Ann\"}",
                            "r {\"id\":2,\"name\":\"Bob\"}",
                            "c {\"id\":3,\"name\":\"Cid\"}",
                            "u {\"id\":2,\"name\":\"Bert\"}",
                            "d {\"id\":1}",
                            "d {\"id\":3}",
                            "c {\"id\":4,\"name\":\"Cid\"}",
                            "t ");
            assertThat(capture.lines())
                    .extracting(line -> line.get("seq").asText())
                    .isSorted()
                    .doesNotHaveDuplicates();
        }
    }

    /** Each change once, in one order, wherever reading was cut off. */
    @Test
    void readingAgainFromEveryMarkGivesTheSameChanges() {
        shop.run(
                "CREATE TABLE customers (id bigint PRIMARY KEY, name text)",
                "CREATE TABLE other (id bigint PRIMARY KEY)",
                "INSERT INTO customers SELECT i, 'n' || i FROM generate_series(1, 100) i");
        SourceKind.Postgres kind = Capture.kind(shop, "public.customers");
        try (Capture capture = new Capture(kind).begin()) {
            capture.until(100);
            // two bodies and a half, all rows of a COPY in a few places of the log
            shop.transaction(
                    "INSERT INTO customers VALUES (1000, 'first')",
                    "CREATE TEMP TABLE many AS SELECT i, repeat('x', 1000) AS t FROM generate_series(2001, 4500) i",
                    "COPY many TO '" + temp.resolve("many.csv") + "'",
                    "COPY customers FROM '" + temp.resolve("many.csv") + "'",
                    "UPDATE customers SET name = 'second' WHERE id = 1000");
            for (int i = 0; i < 20; i++) {
                shop.run(
                        "INSERT INTO other VALUES (" + i + ")",
                        "UPDATE customers SET name = name || 'u' WHERE id % 20 = " + i,
                        "INSERT INTO customers VALUES (" + (5000 + i) + ", 'late')");
                capture.poll();
            }
            capture.until(() ->
                    Capture.text(
                                    capture.bodies.subList(
                                            capture.bodies.size() - 1, capture.bodies.size()))
                            .contains("\"id\":5019"));
            List<String> all = seqAndRow(capture.lines());
            assertThat(all).hasSizeGreaterThan(5000).isSorted().doesNotHaveDuplicates();
            assertThat(capture.bodies).filteredOn(SourceBody::continues).isNotEmpty();
            List<SourceBody> bodies = List.copyOf(capture.bodies);
            for (int taken = 1; taken < bodies.size(); taken++) {
                SourceMark mark = bodies.get(taken - 1).mark();
                if (LogState.of(mark.state()).phase() != LogState.Phase.STREAM) {
                    continue;
                }
                capture.bodies.clear();
                capture.bodies.addAll(bodies.subList(0, taken));
                capture.again().until(() -> capture.lines().size() >= all.size());
                assertThat(seqAndRow(capture.lines())).isEqualTo(all);
            }
        }
    }

    private static List<String> seqAndRow(List<JsonNode> lines) {
        return lines.stream()
                .map(line -> line.get("seq").asText() + line.get("op").asText() + line.path("row"))
                .toList();
    }

    @Test
    void aTransactionOfManyBodiesContinuesUntilItsLast() {
        shop.run("CREATE TABLE customers (id bigint PRIMARY KEY, name text)");
        try (Capture capture = new Capture(Capture.kind(shop, "public.customers")).begin()) {
            capture.until(0);
            shop.run(
                    "INSERT INTO customers SELECT i, repeat('x', 1000) FROM generate_series(1, 3000) i",
                    "INSERT INTO customers SELECT i, repeat('x', 1000) FROM generate_series(3001, 6000) i");
            capture.until(6000);

            String last = "";
            boolean endedBetween = false;
            for (SourceBody body : capture.bodies) {
                List<JsonNode> lines = Capture.lines(List.of(body));
                if (!lines.isEmpty()) {
                    last = lines.getLast().get("row").get("id").asText();
                    endedBetween |= !body.continues() && last.equals("3000");
                }
                assertThat(body.bytes().length).isLessThan(3 << 20);
            }
            assertThat(capture.bodies).filteredOn(SourceBody::continues).hasSizeGreaterThan(4);
            assertThat(endedBetween).as("the first one ends for itself").isTrue();
            assertThat(capture.bodies.getLast().continues()).isFalse();
        }
    }

    @Test
    void whatWasRolledBackIsNeverSeen() {
        shop.run("CREATE TABLE customers (id bigint PRIMARY KEY, name text)");
        try (Capture capture = new Capture(Capture.kind(shop, "public.customers")).begin()) {
            capture.until(0);
            shop.run(
                    "BEGIN; INSERT INTO customers VALUES (1, 'a'); ROLLBACK",
                    "BEGIN; INSERT INTO customers VALUES (2, 'b'); SAVEPOINT s; INSERT INTO customers VALUES (3, 'c'); ROLLBACK TO s; COMMIT");
            capture.until(1);

            assertThat(texts(capture.lines())).containsExactly("c {\"id\":2,\"name\":\"b\"}");
        }
    }

    @Test
    void theServerKeepsWhatBronzeDoesNotHave() {
        shop.run("CREATE TABLE customers (id bigint PRIMARY KEY)");
        SourceKind.Postgres kind = Capture.kind(shop, "public.customers");
        try (Capture capture = new Capture(kind).begin()) {
            capture.until(0);
            String before = confirmed(kind);
            shop.run("INSERT INTO customers VALUES (1)");
            capture.until(1);
            for (int i = 0; i < 5; i++) {
                capture.poll();
            }
            assertThat(confirmed(kind)).isEqualTo(before);

            capture.commit();
            String expected = Continuity.lsn(capture.state().lsn());
            capture.until(() -> !confirmed(kind).equals(before));
            assertThat(confirmed(kind)).isEqualTo(expected);
        }
    }

    private String confirmed(SourceKind.Postgres kind) {
        return shop.ask(
                        "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '"
                                + kind.slot()
                                + "'")
                .getFirst();
    }

    @Test
    void aSnapshotThatWasCutOffIsReplacedAtOnce() {
        shop.run(
                "CREATE TABLE customers (id bigint PRIMARY KEY, name text)",
                // more than one poll gives, however fast it is
                "INSERT INTO customers SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i");
        try (Capture capture = new Capture(Capture.kind(shop, "public.customers")).begin()) {
            capture.until(() -> capture.lines().size() > 500);
            assertThat(capture.state().phase()).isEqualTo(LogState.Phase.SNAPSHOT);
            int before = capture.bodies.size();
            capture.again();
            capture.until(() -> capture.state().phase() == LogState.Phase.STREAM);

            List<SourceBody> after = capture.bodies.subList(before, capture.bodies.size());
            List<JsonNode> lines = Capture.lines(after);
            assertThat(lines.getFirst().get("op").asText()).isEqualTo("t");
            assertThat(lines.getFirst().get("table").asText()).isEqualTo("public.customers");
            assertThat(lines).hasSize(20001);
            assertThat(after.subList(0, after.size() - 1)).allMatch(SourceBody::continues);
            assertThat(after.getLast().continues()).isFalse();
        }
    }

    @Test
    void anotherSlotReadsAllAnew() {
        shop.run(
                "CREATE TABLE customers (id bigint PRIMARY KEY)",
                "INSERT INTO customers VALUES (1)");
        try (Capture capture = new Capture(Capture.kind(shop, "public.customers")).begin()) {
            capture.until(1);
            try (Capture anew =
                    new Capture(Capture.of(shop, "other_" + shop.name(), "public.customers"))) {
                anew.bodies.addAll(capture.bodies);
                anew.begin().until(3);
                assertThat(texts(anew.lines()))
                        .containsExactly("r {\"id\":1}", "t ", "r {\"id\":1}");
            }
        }
    }

    /** Its changes between aren't known, whether its removal fell into a transaction or not. */
    @Test
    void aTableThatWasTakenOutOfTheFileIsNoMoreReadOn() {
        shop.run(
                "CREATE TABLE a (id bigint PRIMARY KEY)",
                "CREATE TABLE b (id bigint PRIMARY KEY, t text)");
        SourceKind.Postgres both = Capture.kind(shop, "public.a", "public.b");
        SourceKind.Postgres one = Capture.kind(shop, "public.b");
        try (Capture capture = new Capture(both).begin()) {
            capture.until(0);
            capture.until(
                    () -> shop.ask("SELECT 1 FROM pg_replication_slots WHERE active").size() > 0);
            shop.run(
                    "BEGIN; INSERT INTO a SELECT i FROM generate_series(1, 10) i; INSERT INTO b SELECT i, repeat('x', 1000) FROM generate_series(1, 3000) i; COMMIT",
                    "INSERT INTO a VALUES (11)",
                    "INSERT INTO b VALUES (3001, '')");
            capture.until(3012);
            List<SourceBody> taken = List.copyOf(capture.bodies);
            int begun = 0;
            while (!taken.get(begun).continues()) {
                begun++;
            }
            capture.close();
            try (Capture without = new Capture(one)) {
                without.bodies.addAll(taken.subList(0, begun + 1));
                without.begin().until(3011);
                assertThat(without.lines())
                        .filteredOn(l -> l.get("table").asText().equals("public.b"))
                        .extracting(l -> l.get("row").get("id").asInt())
                        .isEqualTo(IntStream.rangeClosed(1, 3001).boxed().toList());
                assertThat(without.lines()).hasSize(3011);
                without.close();
                try (Capture again = new Capture(both)) {
                    again.bodies.addAll(without.bodies);
                    assertThatThrownBy(again::begin).hasMessageContaining("public.a");
                }
            }
        }
    }
}
