package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.lake.Answers.await;
import static org.tonle.lake.Answers.rows;
import static org.tonle.lake.Answers.until;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.ingest.SourceStatus;
import org.tonle.spi.Principal;

/** A database's tables become the lake's, and follow it. */
class DatabaseIT {
    private static final String ORDERS =
            "SELECT o.id, c.name, o.amount FROM silver.orders AS o JOIN silver.customers AS c ON"
                    + " o.customer = c.id ORDER BY o.id";

    @TempDir private Path folder;
    private LocalDatabase shop;

    @BeforeEach
    void openShop() throws SQLException {
        shop = LocalDatabase.start(folder.resolve("shop"));
        run(
                "CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL)",
                "CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint, amount numeric(12,2))",
                "INSERT INTO customers VALUES (1, 'Ada'), (2, 'Bo')",
                "INSERT INTO orders VALUES (10, 1, 9.50), (11, 2, 20)");
    }

    @AfterEach
    void closeShop() {
        shop.close();
    }

    private void run(String... statements) throws SQLException {
        try (Connection connection = shop.connect("postgres");
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private void write(String name, String text) throws IOException {
        Path file = folder.resolve("lake").resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void writeLake() throws IOException {
        writeLake(shop.user(), folder.resolve("shop").resolve("password"));
    }

    private void writeLake(String user, Path password) throws IOException {
        write(
                "lake.yaml",
                "name: shop\ningest: {commit-interval: 100ms}\nrefresh-interval: 100ms\n");
        write(
                "sources/shop.yaml",
                """
                kind: postgres
                host: 127.0.0.1
                port: %d
                database: postgres
                user: %s
                password: ${file:%s}
                tables:
                  customers: {id: bigint, name: string}
                  orders: {id: bigint, customer: bigint, amount: "decimal(12,2)"}
                """
                        .formatted(shop.port(), user, password));
        write(
                "pipelines/shop.sql",
                """
                AUTO CDC INTO silver.customers FROM STREAM bronze.shop_customers KEYS (id);
                AUTO CDC INTO silver.orders FROM STREAM bronze.shop_orders KEYS (id);
                AUTO CDC INTO silver.prices FROM STREAM bronze.shop_orders KEYS (id)
                  COLUMNS (id, amount) STORED AS SCD TYPE 2;
                """);
    }

    private boolean slotIsRead() throws SQLException {
        try (Connection connection = shop.connect("postgres");
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT active FROM pg_replication_slots")) {
            return row.next() && row.getBoolean(1);
        }
    }

    private static SourceReport report(Lake lake) {
        return lake.sources().getFirst();
    }

    @Test
    void aPausedDatabaseIsLetGoOfAndSaysHowMuchOfItsLogIsHeldBack() throws Exception {
        writeLake();
        long held;
        try (Lake lake = Lake.open(folder.resolve("lake"), LakeOptions.ofProcess())) {
            await(lake, ORDERS, "id,name,amount\n10,Ada,9.50\n11,Bo,20.00\n");
            // what was there at the beginning comes before the log is read
            until(() -> "the slot isn't read", this::slotIsRead);
            assertThat(lake.pause("shop", Principal.LAKE).pausedBy()).contains("lake");
            until(() -> "the slot is read", () -> !slotIsRead());
            until(() -> "it isn't said", () -> report(lake).heldBytes().isPresent());
            held = report(lake).heldBytes().getAsLong();
            run(
                    "UPDATE orders SET amount = 15 WHERE id = 10",
                    "INSERT INTO orders SELECT n, 1, n FROM generate_series(100, 20000) AS n");
        }
        try (Lake lake = Lake.open(folder.resolve("lake"), LakeOptions.ofProcess())) {
            assertThat(report(lake).state()).isEqualTo(SourceStatus.State.PAUSED);
            until(
                    () -> "not much is held back: " + report(lake),
                    () -> report(lake).heldBytes().orElse(0) > held + (1 << 20));
            assertThat(slotIsRead()).isFalse();
            assertThat(rows(lake, ORDERS)).isEqualTo("id,name,amount\n10,Ada,9.50\n11,Bo,20.00\n");
            assertThat(lake.tables().getFirst().state()).isEqualTo(TableStatus.State.PAUSED);
            assertThat(rows(lake, "SELECT state, paused_by, held_bytes > 0 FROM system.sources"))
                    .endsWith("\npaused,lake,true\n");

            assertThat(lake.resume("shop", Principal.LAKE).pausedBy()).isEmpty();
            await(
                    lake,
                    "SELECT COUNT(*) AS n, SUM(amount) AS s FROM silver.orders",
                    "n,s\n19903,%d.00\n".formatted((100 + 20_000) * 19_901L / 2 + 35));
            assertThat(report(lake).repeats()).isZero();
        }
    }

    @Test
    void whatChangesInTheDatabaseChangesInSilverAlsoAfterARestart() throws Exception {
        writeLake();
        try (Lake lake = Lake.open(folder.resolve("lake"), LakeOptions.ofProcess())) {
            await(lake, ORDERS, "id,name,amount\n10,Ada,9.50\n11,Bo,20.00\n");
            run(
                    "BEGIN; UPDATE orders SET amount = 12 WHERE id = 10; DELETE FROM orders WHERE"
                            + " id = 11; UPDATE customers SET name = 'Ada L.' WHERE id = 1; INSERT"
                            + " INTO orders VALUES (12, 2, 1); COMMIT");
            await(lake, ORDERS, "id,name,amount\n10,Ada L.,12.00\n12,Bo,1.00\n");
            run("UPDATE orders SET id = 13 WHERE id = 12");
            await(lake, ORDERS, "id,name,amount\n10,Ada L.,12.00\n13,Bo,1.00\n");
        }
        run("UPDATE orders SET amount = 15 WHERE id = 10", "INSERT INTO orders VALUES (14, 1, 7)");
        try (Lake lake = Lake.open(folder.resolve("lake"), LakeOptions.ofProcess())) {
            await(lake, ORDERS, "id,name,amount\n10,Ada L.,15.00\n13,Bo,1.00\n14,Ada L.,7.00\n");
            await(
                    lake,
                    "SELECT id, amount, \"__end_at\" IS NULL AS holds FROM silver.prices ORDER BY"
                            + " id, \"__start_at\"",
                    """
                    id,amount,holds
                    10,9.50,false
                    10,12.00,false
                    10,15.00,true
                    11,20.00,false
                    12,1.00,false
                    13,1.00,true
                    14,7.00,true
                    """);
            run("TRUNCATE orders");
            await(lake, ORDERS, "id,name,amount\n");
            assertThat(rows(lake, "SELECT COUNT(*) AS n FROM quarantine.silver_orders"))
                    .isEqualTo("n\n0\n");
        }
    }

    /** Whoever reads the log is sent away, too: a password is asked for when one comes. */
    private void sendAway(String user) throws SQLException {
        run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '%s'"
                        .formatted(user));
    }

    @Test
    void aPasswordOrARightThatIsTakenWhileTheDatabaseIsFollowedLosesNothing() throws Exception {
        Path password = folder.resolve("reader-password");
        Files.writeString(password, "pencil-box");
        run(
                "CREATE ROLE reader LOGIN REPLICATION PASSWORD 'pencil-box'",
                "GRANT SELECT ON customers, orders TO reader",
                "CREATE PUBLICATION tonle_shop FOR TABLE customers, orders");
        writeLake("reader", password);
        write("sources/clicks.yaml", "kind: http\n");
        try (Lake lake = Lake.open(folder.resolve("lake"), LakeOptions.ofProcess())) {
            await(lake, ORDERS, "id,name,amount\n10,Ada,9.50\n11,Bo,20.00\n");
            int order = 12;
            for (List<String> taken :
                    List.of(
                            List.of(
                                    "ALTER ROLE reader VALID UNTIL '2001-01-01'",
                                    "ALTER ROLE reader VALID UNTIL 'infinity'"),
                            List.of(
                                    "ALTER ROLE reader PASSWORD 'another'",
                                    "ALTER ROLE reader PASSWORD 'pencil-box'"),
                            List.of(
                                    "ALTER ROLE reader NOREPLICATION",
                                    "ALTER ROLE reader REPLICATION"),
                            List.of(
                                    "REVOKE SELECT ON orders FROM reader",
                                    "GRANT SELECT ON orders TO reader"))) {
                run(taken.getFirst());
                sendAway("reader");
                run("INSERT INTO orders VALUES (%d, 1, 1)".formatted(order));
                until(
                        () -> shop(lake).toString(),
                        () ->
                                shop(lake).state() == SourceStatus.State.FAILING
                                        && shop(lake).reason().orElse("").contains("reader"));
                assertThat(shop(lake).toString()).doesNotContain("pencil-box");
                assertThat(lake.sources())
                        .filteredOn(report -> report.name().equals("clicks"))
                        .allMatch(report -> report.state() == SourceStatus.State.RUNNING)
                        .hasSize(1);
                run(taken.getLast());
                String all = "SELECT COUNT(*) AS n, MAX(id) AS m FROM silver.orders";
                await(lake, all, "n,m\n%d,%d\n".formatted(order - 9, order));
                until(
                        () -> shop(lake).toString(),
                        () -> shop(lake).state() == SourceStatus.State.RUNNING);
                order++;
            }
            assertThat(rows(lake, "SELECT COUNT(*) AS n FROM bronze.shop_orders"))
                    .isEqualTo("n\n6\n");
        }
    }

    private static SourceReport shop(Lake lake) {
        return lake.sources().stream()
                .filter(report -> report.name().equals("shop"))
                .findFirst()
                .orElseThrow();
    }
}
