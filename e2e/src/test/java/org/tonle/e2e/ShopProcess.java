package org.tonle.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code tonle shop} in a process of its own: a database that people buy in. */
final class ShopProcess implements AutoCloseable {
    private static final Pattern READY =
            Pattern.compile("ready at postgres://(\\w+)@127\\.0\\.0\\.1:(\\d+)/(\\w+)");
    private static final Duration LIMIT = Duration.ofSeconds(90);

    private final Path lake;
    private final Process process;
    private final Matcher address;

    private ShopProcess(Path lake, Process process, Matcher address) {
        this.lake = lake;
        this.process = process;
        this.address = address;
    }

    /** Starts it with so many transactions a second, and waits until it says that it is ready. */
    static ShopProcess start(Path lake, int rate) throws IOException, InterruptedException {
        Path output = Files.createTempFile(lake.getParent(), "shop", ".log");
        Process process =
                new ProcessBuilder(
                                Product.tonle(
                                        "shop",
                                        "--lake",
                                        lake.toString(),
                                        "--rate",
                                        String.valueOf(rate)))
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            Matcher ready = READY.matcher(Files.readString(output));
            if (ready.find()) {
                return new ShopProcess(lake, process, ready);
            }
            if (!process.isAlive() || System.nanoTime() > deadline) {
                process.destroyForcibly();
                throw new AssertionError("no shop: " + Files.readString(output));
            }
            Thread.sleep(20);
        }
    }

    /** Waits for a database that was killed and isn't back yet. */
    private Connection connect() throws SQLException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            try {
                return DriverManager.getConnection(
                        "jdbc:postgresql://127.0.0.1:%s/%s"
                                .formatted(address.group(2), address.group(3)),
                        address.group(1),
                        Files.readString(lake.resolve("shop-database/password")).strip());
            } catch (SQLException e) {
                if (!process.isAlive() || System.nanoTime() > deadline) {
                    throw e;
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Rows as texts, columns joined by a bar. */
    List<String> ask(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> found = new ArrayList<>();
            while (rows.next()) {
                List<String> values = new ArrayList<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    values.add(rows.getString(i));
                }
                found.add(String.join("|", values));
            }
            return found;
        }
    }

    /** Changes something, each by a transaction of its own. */
    void run(String... statements) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    /** The database ends as in a power cut; it is started again by itself. */
    void killDatabase() throws IOException {
        String pid =
                Files.readAllLines(lake.resolve("shop-database/data/postmaster.pid")).getFirst();
        ProcessHandle.of(Long.parseLong(pid.strip())).ifPresent(ProcessHandle::destroyForcibly);
    }

    /** Sends everybody who is connected away. */
    void disconnectAll() throws SQLException {
        var unused =
                ask(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <>"
                                + " pg_backend_pid() AND usename IS NOT NULL");
    }

    /** Closes the shop, its database too. */
    @Override
    public void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
            process.waitFor();
        }
    }
}
