package org.tonle.debezium;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.tonle.embedded.EmbeddedPostgres;

/** A PostgreSQL that tells its changes; tests have databases of their own on it. */
final class CapturedServer implements AutoCloseable {
    private final Path directory;
    private EmbeddedPostgres postgres;
    private int databases;

    private CapturedServer(Path directory, EmbeddedPostgres postgres) {
        this.directory = directory;
        this.postgres = postgres;
    }

    static CapturedServer start(Path directory) {
        CapturedServer server = new CapturedServer(directory, EmbeddedPostgres.start(directory));
        server.admin(
                "ALTER SYSTEM SET wal_level = logical",
                "ALTER SYSTEM SET max_wal_senders = 10",
                "ALTER SYSTEM SET max_replication_slots = 20",
                "ALTER SYSTEM SET max_worker_processes = 8",
                "ALTER SYSTEM SET max_connections = 100");
        server.restart();
        return server;
    }

    /** As its operator would: who is connected is sent away. */
    void restart() {
        postgres.close();
        postgres = EmbeddedPostgres.start(directory);
    }

    /** As a power cut would, or nearly; it comes back by itself. */
    void kill() {
        ProcessHandle.of(postgres.pid()).ifPresent(ProcessHandle::destroyForcibly);
    }

    int port() {
        return postgres.port();
    }

    String user() {
        return postgres.user();
    }

    String password() {
        return postgres.password();
    }

    Database database() {
        String name = "shop" + ++databases;
        admin("CREATE DATABASE " + name);
        return new Database(name);
    }

    void admin(String... statements) {
        new Database("postgres").run(statements);
    }

    /** One of its databases. */
    final class Database {
        private final String name;

        private Database(String name) {
            this.name = name;
        }

        String name() {
            return name;
        }

        CapturedServer server() {
            return CapturedServer.this;
        }

        Connection connect() throws SQLException {
            return DriverManager.getConnection(
                    "jdbc:postgresql://127.0.0.1:%d/%s".formatted(postgres.port(), name),
                    postgres.user(),
                    postgres.password());
        }

        void run(String... statements) {
            try (Connection connection = connect();
                    Statement statement = connection.createStatement()) {
                for (String sql : statements) {
                    statement.execute(sql);
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        /** All in one transaction. */
        void transaction(String... statements) {
            try (Connection connection = connect();
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                for (String sql : statements) {
                    statement.execute(sql);
                }
                connection.commit();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        /** The first column's texts. */
        List<String> ask(String sql) {
            try (Connection connection = connect();
                    Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery(sql)) {
                List<String> texts = new ArrayList<>();
                while (rows.next()) {
                    texts.add(rows.getString(1));
                }
                return texts;
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public void close() {
        postgres.close();
    }
}
