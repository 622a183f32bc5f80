package org.tonle.debezium;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** A table that two writers change as fast as they can, whether or not the server is there. */
final class Customers implements AutoCloseable {
    static final String TABLE = "CREATE TABLE customers (id bigint PRIMARY KEY, name text)";

    private final CapturedServer.Database shop;
    private final AtomicBoolean writing = new AtomicBoolean(true);
    private final List<Thread> writers = new ArrayList<>();

    private Customers(CapturedServer.Database shop) {
        this.shop = shop;
    }

    /** Fills {@link #TABLE}, and begins. */
    static Customers write(CapturedServer.Database shop) {
        shop.run("INSERT INTO customers SELECT i, 'begin' FROM generate_series(1, 2000) i");
        Customers customers = new Customers(shop);
        for (int w = 0; w < 2; w++) {
            int writer = w;
            // threads of their own: while there is no server they would leave virtual ones no turn
            customers.writers.add(Thread.ofPlatform().start(() -> customers.write(writer)));
        }
        return customers;
    }

    private void write(int writer) {
        Random random = new Random(writer);
        long count = 0;
        while (writing.get()) {
            try (Connection connection = shop.connect();
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                while (writing.get()) {
                    count++;
                    long id = random.nextInt(4000) * 2L + writer;
                    statement.execute(
                            "INSERT INTO customers VALUES (%d, 'w%d-%d') ON CONFLICT (id) DO UPDATE SET name = excluded.name"
                                    .formatted(id, writer, count));
                    if (random.nextInt(5) == 0) {
                        statement.execute(
                                "DELETE FROM customers WHERE id = "
                                        + (random.nextInt(4000) * 2L + writer));
                    }
                    if (random.nextInt(50) == 0) {
                        statement.execute(
                                "UPDATE customers SET name = 'w%d-%d' WHERE id %% 2 = %d AND id < 1000"
                                        .formatted(writer, count, writer));
                    }
                    connection.commit();
                }
            } catch (SQLException e) {
                // the server went away; whether the last one was committed is not known
                LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
            }
        }
    }

    /** Reads on until the table is there as it is now; all changes, each once and in order. */
    List<JsonNode> requireAllIn(Capture capture) {
        Map<String, String> expected = rows();
        capture.until(() -> replayed(capture).equals(expected));
        List<JsonNode> lines = capture.lines();
        assertThat(lines).extracting(l -> l.get("seq").asText()).isSorted().doesNotHaveDuplicates();
        return lines;
    }

    private Map<String, String> rows() {
        Map<String, String> rows = new TreeMap<>();
        shop.ask("SELECT id || '=' || name FROM customers")
                .forEach(row -> {
                    rows.put(
                            row.substring(0, row.indexOf('=')),
                            row.substring(row.indexOf('=') + 1));
                });
        return rows;
    }

    private static Map<String, String> replayed(Capture capture) {
        Map<String, String> rows = new HashMap<>();
        for (JsonNode line : capture.lines()) {
            switch (line.get("op").asText()) {
                case "t" -> rows.clear();
                case "d" -> rows.remove(line.get("row").get("id").asText());
                default ->
                        rows.put(
                                line.get("row").get("id").asText(),
                                line.get("row").get("name").asText());
            }
        }
        return new TreeMap<>(rows);
    }

    /** Writes no more. */
    void stop() throws InterruptedException {
        writing.set(false);
        for (Thread writer : writers) {
            writer.join();
        }
    }

    @Override
    public void close() throws InterruptedException {
        stop();
    }
}
