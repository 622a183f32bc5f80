package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The lake of examples/orders follows a live shop, while lake and database are killed at random
 * moments; {@code -Dtonle.shop.kills=500} for long.
 */
class ShopIT {
    private static final int KILLS = Integer.getInteger("tonle.shop.kills", 4);
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final int STATES = 40;

    /** By table, its columns in both worlds. */
    private static final Map<String, String> TABLES =
            new TreeMap<>(
                    Map.of(
                            "customers", "id, name, city",
                            "products", "id, name, price",
                            "orders", "id, customer, status",
                            "order_items", "order_id, line, product, quantity, price"));

    /** An order is written with its items and goes with them. */
    private static final String TORN =
            "SELECT (SELECT COUNT(*) FROM silver.orders%1$s AS o WHERE NOT EXISTS (SELECT 1 FROM"
                    + " silver.order_items%1$s AS i WHERE i.order_id = o.id)) + (SELECT COUNT(*) FROM"
                    + " silver.order_items%1$s AS i WHERE NOT EXISTS (SELECT 1 FROM silver.orders%1$s"
                    + " AS o WHERE o.id = i.order_id)) AS torn";

    /** What the tables held at the beginning, of which nothing is ever deleted, comes by and by. */
    private static final String FILLED =
            "SELECT (SELECT COUNT(*) FROM silver.customers%1$s) = 200 AND (SELECT COUNT(*) FROM"
                    + " silver.products%1$s) = 40 AND (SELECT COUNT(*) FROM silver.orders%1$s WHERE"
                    + " id <= 1000) = 1000 AND (SELECT COUNT(*) FROM silver.order_items%1$s WHERE"
                    + " order_id <= 1000) = 2000 AS filled";

    /** By table of gold, what it is to hold: asked of the database, and of the table itself. */
    private static final Map<String, List<String>> GOLD =
            Map.of(
                    "gold.city",
                    List.of(
                            "SELECT c.city, COUNT(DISTINCT o.id), SUM(i.quantity * i.price) FROM"
                                    + " orders o JOIN customers c ON c.id = o.customer JOIN"
                                    + " order_items i ON i.order_id = o.id WHERE o.status <>"
                                    + " 'cancelled' GROUP BY c.city",
                            "SELECT city, orders, revenue FROM gold.city"),
                    "gold.status",
                    List.of(
                            "SELECT status, COUNT(*) FROM orders GROUP BY status",
                            "SELECT status, orders FROM gold.status"));

    @TempDir private Path dir;
    private final HttpClient http = HttpClient.newHttpClient();

    private List<String> ask(LakeProcess.Address lake, String sql)
            throws IOException, InterruptedException {
        HttpResponse<String> response = CrashRun.answer(http, lake, sql);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        List<String> rows = new ArrayList<>();
        for (JsonNode row : new ObjectMapper().readTree(response.body())) {
            List<String> values = new ArrayList<>();
            row.forEach(value -> values.add(value.asText()));
            rows.add(String.join("|", values));
        }
        return rows;
    }

    @Test
    void silverIsTheDatabaseRowForRowThoughBothAreKilled() throws Exception {
        Path folder = Files.createDirectory(dir.resolve("lake"));
        Random random = new Random(20261123);
        try (ShopProcess shop = ShopProcess.start(folder, 150)) {
            for (int kill = 0; kill < KILLS; kill++) {
                try (LakeProcess lake = LakeProcess.start(folder)) {
                    if (random.nextInt(5) > 0) {
                        lake.awaitAddress();
                    }
                    Thread.sleep(random.nextInt(2500));
                    switch (kill % 3) {
                        case 0 -> {}
                        case 1 -> shop.killDatabase();
                        default -> shop.disconnectAll();
                    }
                    Thread.sleep(random.nextInt(2500));
                    assertThat(lake.alive()).as(lake.output()).isTrue();
                    lake.kill();
                }
            }
        }
        try (ShopProcess shop = ShopProcess.start(folder, 0);
                LakeProcess lake = LakeProcess.start(folder)) {
            LakeProcess.Address address = lake.awaitAddress().orElseThrow();
            long rows = 0;
            for (Map.Entry<String, String> table : TABLES.entrySet()) {
                rows += assertSame(shop, address, table.getKey(), table.getValue());
            }
            assertThat(
                            ask(
                                    address,
                                    "SELECT id, price FROM silver.prices WHERE \"__end_at\" IS NULL ORDER BY id"))
                    .isEqualTo(shop.ask("SELECT id, price FROM products ORDER BY id"));
            assertThat(
                            ask(
                                    address,
                                    "SELECT p.id FROM (SELECT id, \"__end_at\" AS e,"
                                            + " LEAD(\"__start_at\") OVER (PARTITION BY id ORDER BY"
                                            + " \"__start_at\") AS n FROM silver.prices) AS p WHERE"
                                            + " p.e IS DISTINCT FROM p.n"))
                    .as("versions with a gap")
                    .isEmpty();
            checkGold(shop, address);
            List<String> seqs =
                    ask(address, "SELECT seq FROM system.commits WHERE kind = 'run' ORDER BY seq");
            int step = 1 + seqs.size() / STATES;
            int states = 0;
            for (int i = seqs.size() - 1; i >= 0; i -= step) {
                String then = " FOR SYSTEM_TIME AS OF " + seqs.get(i);
                if (ask(address, FILLED.formatted(then)).equals(List.of("true"))) {
                    assertThat(ask(address, TORN.formatted(then)))
                            .as("as of %s", seqs.get(i))
                            .containsExactly("0");
                    states++;
                }
            }
            assertThat(states).isPositive();
            assertThat(lake.terminate()).isZero();
            System.out.printf(
                    "shop: kills %d, rows compared %d, orders %s, states without a torn transaction"
                            + " %d, lost 0, doubled 0%n",
                    KILLS, rows, shop.ask("SELECT max(id) FROM orders").getFirst(), states);
        }
    }

    /**
     * Gold counts what the database does, follows when something is changed there, and still holds
     * as of then what it held before.
     */
    private void checkGold(ShopProcess shop, LakeProcess.Address lake) throws Exception {
        Map<String, List<String>> before = new TreeMap<>();
        for (String table : GOLD.keySet()) {
            before.put(table, awaitGold(shop, lake, table));
        }
        String then = ask(lake, "SELECT MAX(seq) FROM system.commits").getFirst();
        shop.run(
                "UPDATE customers SET city = 'Atlantis' WHERE id <= 20",
                "UPDATE orders SET status = 'cancelled' WHERE id % 3 = 0");
        for (String table : GOLD.keySet()) {
            assertThat(awaitGold(shop, lake, table)).isNotEqualTo(before.get(table));
            assertThat(
                            sorted(
                                    ask(
                                            lake,
                                            GOLD.get(table).getLast()
                                                    + " FOR SYSTEM_TIME AS OF "
                                                    + then)))
                    .as("%s as it was", table)
                    .isEqualTo(before.get(table));
        }
    }

    /** Waits until a table of gold holds what the database counts; that. */
    private List<String> awaitGold(ShopProcess shop, LakeProcess.Address lake, String table)
            throws Exception {
        List<String> wanted = sorted(shop.ask(GOLD.get(table).getFirst()));
        assertThat(wanted).isNotEmpty();
        awaitRows(lake, table, GOLD.get(table).getLast(), wanted);
        return wanted;
    }

    private static List<String> sorted(List<String> rows) {
        return rows.stream().sorted().toList();
    }

    /** Waits until a query has these rows, in any order. */
    private void awaitRows(LakeProcess.Address lake, String what, String sql, List<String> wanted)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        List<String> found = sorted(ask(lake, sql));
        while (!found.equals(wanted) && System.nanoTime() < deadline) {
            Thread.sleep(100);
            found = sorted(ask(lake, sql));
        }
        assertThat(found).as(what).isEqualTo(wanted);
    }

    /** Waits until a table of silver is the database's; the number of its rows. */
    private long assertSame(
            ShopProcess shop, LakeProcess.Address lake, String table, String columns)
            throws Exception {
        List<String> wanted = sorted(shop.ask("SELECT %s FROM %s".formatted(columns, table)));
        awaitRows(lake, table, "SELECT %s FROM silver.%s".formatted(columns, table), wanted);
        return wanted.size();
    }
}
