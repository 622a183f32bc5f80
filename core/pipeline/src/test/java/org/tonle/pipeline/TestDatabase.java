package org.tonle.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.FailPoints;

/**
 * A database with an empty ledger. All are of one server, which the first one starts and the end of
 * this process stops, and copies of the first, whose tables Flyway has made.
 */
final class TestDatabase implements AutoCloseable {
    private static final String TEMPLATE = "empty";
    private static final AtomicInteger NUMBER = new AtomicInteger();

    /** Started by the first who asks for it. */
    private static final class Server {
        private static final EmbeddedPostgres POSTGRES = start();

        private static EmbeddedPostgres start() {
            try {
                Path dir = Files.createTempDirectory("pg");
                EmbeddedPostgres postgres = EmbeddedPostgres.start(dir);
                Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(postgres, dir)));
                execute(postgres, "CREATE DATABASE " + TEMPLATE);
                Ledger.open(config(postgres, TEMPLATE), FailPoints.NONE).close();
                return postgres;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static void stop(EmbeddedPostgres postgres, Path dir) {
            postgres.close();
            try (Stream<Path> files = Files.walk(dir)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private final String name;

    private TestDatabase(String name) {
        this.name = name;
    }

    static TestDatabase create() {
        String name = "lake" + NUMBER.incrementAndGet();
        execute(Server.POSTGRES, "CREATE DATABASE " + name + " TEMPLATE " + TEMPLATE);
        return new TestDatabase(name);
    }

    static long serverPid() {
        return Server.POSTGRES.pid();
    }

    Ledger ledger() {
        return Ledger.open(config(Server.POSTGRES, name), FailPoints.NONE);
    }

    private static LedgerConfig config(EmbeddedPostgres postgres, String database) {
        String url = postgres.jdbcUrl();
        return new LedgerConfig(
                url.substring(0, url.lastIndexOf('/') + 1) + database,
                postgres.user(),
                postgres.password());
    }

    private static void execute(EmbeddedPostgres postgres, String sql) {
        try (Connection connection =
                        DriverManager.getConnection(
                                postgres.jdbcUrl(), postgres.user(), postgres.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    @Override
    public void close() {
        execute(Server.POSTGRES, "DROP DATABASE " + name + " WITH (FORCE)");
    }
}
