package org.tonle.debezium;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
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
    private Path directory;
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

    /**
     * A server that gets all of its log and keeps its slots.
     *
     * @param awaited whether no change is told before the standby has it
     */
    CapturedServer standby(Path folder, boolean awaited) throws IOException, SQLException {
        admin(
                "SELECT pg_create_physical_replication_slot('standby', true)",
                "ALTER SYSTEM SET synchronized_standby_slots = '%s'"
                        .formatted(awaited ? "standby" : ""));
        Path data = directory.resolve("data");
        Files.writeString(
                data.resolve("pg_hba.conf"),
                "host replication all 127.0.0.1/32 scram-sha-256\n",
                StandardOpenOption.APPEND);
        admin("SELECT pg_reload_conf()");
        Files.createDirectories(folder);
        Files.copy(
                directory.resolve("password"),
                folder.resolve("password"),
                StandardCopyOption.COPY_ATTRIBUTES);
        Path copy = folder.resolve("data");
        try (Connection connection = new Database("postgres").connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_backup_start('standby', true)");
            copy(data, copy);
            try (ResultSet stopped =
                    statement.executeQuery("SELECT labelfile FROM pg_backup_stop(false)")) {
                stopped.next();
                Files.writeString(copy.resolve("backup_label"), stopped.getString(1));
            }
        }
        Files.createFile(copy.resolve("standby.signal"));
        Files.writeString(
                copy.resolve("postgresql.auto.conf"),
                """
                primary_conninfo = 'host=127.0.0.1 port=%d user=%s password=%s dbname=postgres'
                primary_slot_name = 'standby'
                hot_standby_feedback = on
                sync_replication_slots = on
                synchronized_standby_slots = ''
                """
                        .formatted(port(), user(), password()),
                StandardOpenOption.APPEND);
        return new CapturedServer(folder, EmbeddedPostgres.start(folder));
    }

    /** What a base backup is made of. */
    private static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(
                from,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(
                            Path folder, BasicFileAttributes attributes) throws IOException {
                        Files.copy(
                                folder,
                                to.resolve(from.relativize(folder)),
                                StandardCopyOption.COPY_ATTRIBUTES);
                        return folder.endsWith("pg_replslot")
                                ? FileVisitResult.SKIP_SUBTREE
                                : FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        if (!file.getFileName().toString().startsWith("postmaster.")) {
                            try {
                                Files.copy(file, to.resolve(from.relativize(file)));
                            } catch (NoSuchFileException e) {
                                // it goes while the server works; the log knows it
                            }
                        }
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException e)
                            throws IOException {
                        if (e instanceof NoSuchFileException) {
                            return FileVisitResult.CONTINUE;
                        }
                        throw e;
                    }
                });
    }

    /** The server is gone at once, and its standby gets its address and is the server from now. */
    void failOver(CapturedServer standby) throws IOException {
        int port = port();
        kill();
        postgres.close();
        standby.postgres.close();
        Files.writeString(standby.directory.resolve("port"), Integer.toString(port));
        directory = standby.directory;
        awaitFree(port);
        postgres = EmbeddedPostgres.start(directory);
        assertThat(port()).isEqualTo(port);
        admin("SELECT pg_promote(true)");
    }

    /** What was killed may hold it for a moment. */
    private static void awaitFree(int port) throws IOException {
        long deadline = System.nanoTime() + Capture.LIMIT.toNanos();
        while (true) {
            try (ServerSocket socket = new ServerSocket()) {
                socket.setReuseAddress(true);
                socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                return;
            } catch (BindException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
                Thread.onSpinWait();
            }
        }
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

    /** One that is there already. */
    Database existing(String name) {
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

    void stop() {
        postgres.close();
    }

    @Override
    public void close() {
        stop();
    }
}
