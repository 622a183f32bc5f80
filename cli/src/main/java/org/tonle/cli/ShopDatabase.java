package org.tonle.cli;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Random;
import org.tonle.lake.LocalDatabase;

/** The database of a small shop that people buy in. Its connections are for one thread each. */
final class ShopDatabase implements AutoCloseable {
    static final String NAME = "shop";

    private static final List<String> CITIES =
            List.of("Phnom Penh", "Siem Reap", "Battambang", "Kampot", "Kratie");
    private static final List<String> SCHEMA =
            List.of(
                    "CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                            + " name text NOT NULL, city text NOT NULL)",
                    "CREATE TABLE products (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                            + " name text NOT NULL, price numeric(10,2) NOT NULL)",
                    "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                            + " customer bigint NOT NULL REFERENCES customers, at timestamptz NOT"
                            + " NULL DEFAULT now(), status text NOT NULL DEFAULT 'placed')",
                    "CREATE TABLE order_items (order_id bigint NOT NULL REFERENCES orders ON DELETE"
                            + " CASCADE, line int NOT NULL, product bigint NOT NULL REFERENCES"
                            + " products, quantity int NOT NULL, price numeric(10,2) NOT NULL,"
                            + " PRIMARY KEY (order_id, line))",
                    "INSERT INTO customers (name, city) SELECT 'Customer ' || i, (ARRAY["
                            + CITIES.stream()
                                    .map(city -> "'" + city + "'")
                                    .collect(java.util.stream.Collectors.joining(","))
                            + "])[1 + i % 5] FROM generate_series(1, 200) AS t(i)",
                    "INSERT INTO products (name, price) SELECT 'Product ' || i, 1 + i * 0.75 FROM"
                            + " generate_series(1, 40) AS t(i)",
                    "INSERT INTO orders (customer, at, status) SELECT 1 + i % 200, now() - i * "
                            + "interval '1 minute', 'shipped' FROM generate_series(1, 1000) AS t(i)",
                    "INSERT INTO order_items SELECT o.id, l, 1 + (o.id * l) % 40, 1 + l, 1 + ((o.id"
                            + " * l) % 40) * 0.75 FROM orders AS o, generate_series(1, 2) AS t(l)");

    private final LocalDatabase database;

    private ShopDatabase(LocalDatabase database) {
        this.database = database;
    }

    /** Starts the one whose data is in {@code directory}; makes it where there is none. */
    static ShopDatabase start(Path directory) throws SQLException {
        LocalDatabase database = LocalDatabase.start(directory);
        try {
            fill(database);
            return new ShopDatabase(database);
        } catch (SQLException | RuntimeException e) {
            database.close();
            throw e;
        }
    }

    private static void fill(LocalDatabase database) throws SQLException {
        try (Connection connection = database.connect("postgres");
                Statement statement = connection.createStatement()) {
            try (ResultSet found =
                    statement.executeQuery(
                            "SELECT 1 FROM pg_database WHERE datname = '" + NAME + "'")) {
                if (!found.next()) {
                    statement.execute("CREATE DATABASE " + NAME);
                }
            }
        }
        try (Connection connection = database.connect(NAME);
                Statement statement = connection.createStatement()) {
            try (ResultSet found = statement.executeQuery("SELECT to_regclass('order_items')")) {
                if (found.next() && found.getString(1) != null) {
                    return;
                }
            }
            connection.setAutoCommit(false);
            for (String sql : SCHEMA) {
                statement.execute(sql);
            }
            connection.commit();
        }
    }

    int port() {
        return database.port();
    }

    String user() {
        return database.user();
    }

    Connection connect() throws SQLException {
        return database.connect(NAME);
    }

    /**
     * What happens in a shop at one time, as one transaction: mostly somebody orders, or an order
     * goes on; now and then one is cancelled, its rows go for good, a customer moves, or a price
     * changes.
     */
    static void trade(Connection connection, Random random) throws SQLException {
        connection.setAutoCommit(false);
        int kind = random.nextInt(20);
        if (kind < 10) {
            order(connection, random);
        } else {
            String city = CITIES.get(random.nextInt(CITIES.size()));
            try (Statement statement = connection.createStatement()) {
                statement.execute(
                        switch (kind) {
                            case 10, 11, 12, 13, 14 -> next(random, "placed", "paid");
                            case 15, 16 -> next(random, "paid", "shipped");
                            case 17 -> next(random, "placed", "cancelled");
                            case 18 ->
                                    "DELETE FROM orders WHERE id = (SELECT min(id) FROM orders WHERE"
                                            + " status = 'cancelled')";
                            default ->
                                    random.nextBoolean()
                                            ? "UPDATE customers SET city = '%s' WHERE id = %d"
                                                    .formatted(city, 1 + random.nextInt(200))
                                            : "UPDATE products SET price = price + 0.25 WHERE id = "
                                                    + (1 + random.nextInt(40));
                        });
            }
        }
        connection.commit();
    }

    private static String next(Random random, String from, String to) {
        return "UPDATE orders SET status = '%s' WHERE id IN (SELECT id FROM orders WHERE status = '%s' ORDER BY id LIMIT %d)"
                .formatted(to, from, 1 + random.nextInt(3));
    }

    private static void order(Connection connection, Random random) throws SQLException {
        long order;
        try (PreparedStatement insert =
                connection.prepareStatement(
                        "INSERT INTO orders (customer) VALUES (?) RETURNING id")) {
            insert.setLong(1, 1 + random.nextInt(200));
            try (ResultSet row = insert.executeQuery()) {
                row.next();
                order = row.getLong(1);
            }
        }
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO order_items VALUES (?, ?, ?, ?, ?)")) {
            int lines = 1 + random.nextInt(4);
            for (int line = 1; line <= lines; line++) {
                insert.setLong(1, order);
                insert.setInt(2, line);
                insert.setLong(3, 1 + random.nextInt(40));
                insert.setInt(4, 1 + random.nextInt(3));
                insert.setBigDecimal(
                        5,
                        BigDecimal.valueOf(1 + random.nextInt(3000) / 100.0)
                                .setScale(2, RoundingMode.HALF_UP));
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    @Override
    public void close() {
        database.close();
    }
}
