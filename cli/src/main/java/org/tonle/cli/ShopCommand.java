package org.tonle.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tonle shop}. */
@Command(
        name = "shop",
        description = {
            "Runs the database of a small shop, for the lake of examples/orders to follow.",
            "People order, pay and cancel all the time. What is typed is run there as SQL:"
                    + " UPDATE products SET price = 99 WHERE id = 1"
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class ShopCommand implements Callable<Integer> {
    private static final List<String> FILES =
            List.of("lake.yaml", "sources/shop.yaml", "pipelines/orders.sql");
    private static final String EXAMPLE_PORT = "port: 54321";

    private final Terminal terminal;

    @Option(
            names = "--lake",
            paramLabel = "DIR",
            required = true,
            description =
                    "Where the lake's files are put, unless they are there; the database lies beside"
                            + " them, in DIR/shop-database.")
    private Path folder = Path.of("");

    @Option(
            names = "--rate",
            paramLabel = "N",
            description = "Transactions a second, up to 1000; ${DEFAULT-VALUE} if left out.")
    private int rate = 2;

    ShopCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (rate < 0 || rate > 1000) {
            throw new Failure(Exit.USAGE, "--rate takes 0 to 1000, not " + rate);
        }
        Signals signals = Signals.install();
        Path lake = folder.toAbsolutePath().normalize();
        Files.createDirectories(lake);
        try (ShopDatabase shop = ShopDatabase.start(lake.resolve("shop-database"))) {
            prepare(lake, shop);
            terminal.err()
                    .println(
                            """
                            the shop's database is ready at postgres://%s@127.0.0.1:%d/%s
                            run the lake beside it: ./tonle up --lake %s
                            type SQL to run it in the shop; Ctrl-C closes the shop\
                            """
                                    .formatted(
                                            shop.user(), shop.port(), ShopDatabase.NAME, folder));
            Thread.ofPlatform().daemon().name("typed").start(() -> runTyped(shop));
            Thread trade = Thread.ofPlatform().daemon().name("trade").start(() -> trade(shop));
            signals.await();
            trade.interrupt();
            trade.join();
        } catch (SQLException e) {
            throw new Failure(Exit.FAILED, "the shop's database doesn't work: " + e.getMessage());
        }
        return Exit.OK;
    }

    /** The lake's files, with the database's port; what is there stays as it is. */
    private static void prepare(Path lake, ShopDatabase shop) throws IOException {
        Path example = Path.of(System.getProperty("tonle.home", "."), "examples", "orders");
        for (String file : FILES) {
            Path target = lake.resolve(file);
            if (!Files.exists(target)) {
                Files.createDirectories(target.getParent());
                Files.writeString(
                        target,
                        Files.readString(example.resolve(file))
                                .replace(EXAMPLE_PORT, "port: " + shop.port()));
            }
        }
    }

    private void trade(ShopDatabase shop) {
        Random random = new Random();
        while (rate > 0 && !Thread.currentThread().isInterrupted()) {
            try (Connection connection = shop.connect()) {
                long next = System.nanoTime();
                while (true) {
                    ShopDatabase.trade(connection, random);
                    next += TimeUnit.SECONDS.toNanos(1) / rate;
                    TimeUnit.NANOSECONDS.sleep(next - System.nanoTime());
                }
            } catch (SQLException e) {
                terminal.err().println("a sale failed: " + e.getMessage());
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void runTyped(ShopDatabase shop) {
        try (BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (!line.isBlank()) {
                    terminal.err().println(run(shop, line));
                }
            }
        } catch (IOException e) {
            terminal.err().println("can't read what is typed: " + e.getMessage());
        }
    }

    private static String run(ShopDatabase shop, String sql) {
        try (Connection connection = shop.connect();
                Statement statement = connection.createStatement()) {
            if (!statement.execute(sql)) {
                return Math.max(0, statement.getUpdateCount()) + " rows";
            }
            try (ResultSet rows = statement.getResultSet()) {
                List<String> lines = new ArrayList<>();
                int columns = rows.getMetaData().getColumnCount();
                while (rows.next()) {
                    List<String> values = new ArrayList<>();
                    for (int i = 1; i <= columns; i++) {
                        values.add(String.valueOf(rows.getString(i)));
                    }
                    lines.add(String.join(" | ", values));
                }
                return String.join("\n", lines);
            }
        } catch (SQLException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
