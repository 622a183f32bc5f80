package org.tonle.embedded;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * One PostgreSQL server in a folder of its own, for a lake that names no other. It is durable (what
 * a power cut needs is checked at each start, and a server without it is refused), listens on
 * loopback only, asks for a generated password, and runs in its own session, so that a signal to
 * the lake's process group doesn't reach it.
 *
 * <p>It outlives a lake that was killed. The next {@link #start} adopts it after the dead lake's
 * connections are gone, or stops it and starts another one. A server that ends while the lake lives
 * (its disk was full when it needed a new file of its log) is started again when there is room.
 */
public final class EmbeddedPostgres implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(EmbeddedPostgres.class);

    private static final String USER = "tonle";
    private static final String DATABASE = "tonle";
    private static final List<String> DURABLE =
            List.of("fsync", "synchronous_commit", "full_page_writes");
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);
    private static final Duration ABANDON_LIMIT = Duration.ofSeconds(5);
    private static final long LARGE_LOG_BYTES = 10L << 20;

    private final PrivateDirectory directory;
    private final PostgresPrograms programs;
    private final Path data;
    private final String password;
    private volatile Postmaster postmaster;
    private Optional<Process> launched = Optional.empty();
    private @Nullable Keeper keeper;
    private boolean closed;

    private EmbeddedPostgres(PrivateDirectory directory, PostgresPrograms programs, Path data) {
        this.directory = directory;
        this.programs = programs;
        this.data = data;
        this.password = directory.secret("password");
        this.postmaster = new Postmaster(0, 0);
    }

    /**
     * Starts, or adopts, the server whose data is in {@code dir}; creates it where there is none.
     *
     * @throws LakeException IN_USE when another process holds {@code dir}, INVALID_DEFINITION when
     *     its settings would lose acknowledged commits in a power cut, LEDGER_UNAVAILABLE when it
     *     doesn't come up (with what its log says), STORAGE when the folder can't be written,
     *     CANCELLED when the thread is interrupted; no process is left then
     */
    public static EmbeddedPostgres start(Path dir) {
        PrivateDirectory directory = PrivateDirectory.open(dir, "PostgreSQL");
        try {
            PostgresPrograms programs =
                    new PostgresPrograms(PostgresBinaries.locate(PostgresBinaries.userCache()));
            EmbeddedPostgres postgres =
                    new EmbeddedPostgres(directory, programs, directory.path().resolve("data"));
            try {
                postgres.startOrAdopt();
            } catch (LakeException e) {
                if (e.code() == ErrorCode.CANCELLED) {
                    postgres.abandon();
                }
                throw e;
            }
            postgres.keep();
            return postgres;
        } catch (IOException e) {
            directory.close();
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "The embedded PostgreSQL in %s could not be started: %s.".formatted(dir, e),
                    e);
        } catch (RuntimeException e) {
            directory.close();
            throw e;
        }
    }

    /** How a database is reached. */
    public record Address(String jdbcUrl, String user, String password) {
        @Override
        public String toString() {
            return jdbcUrl;
        }
    }

    /**
     * How the server whose data is in {@code dir} is reached, if another process runs it.
     *
     * @throws LakeException STORAGE if the folder can't be read
     */
    public static Optional<Address> running(Path dir) {
        try {
            Path data = dir.toRealPath().resolve("data");
            Optional<Postmaster> postmaster = Postmaster.of(data);
            if (postmaster.isEmpty() || postmaster.get().port() == 0) {
                return Optional.empty();
            }
            return Optional.of(
                    new Address(
                            url(postmaster.get().port(), DATABASE),
                            USER,
                            PrivateFile.secret(dir.resolve("password"))));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new LakeException(ErrorCode.STORAGE, "can't read %s: %s".formatted(dir, e), e);
        }
    }

    /** Where the lake's database is; the user and the password are asked for apart. */
    public String jdbcUrl() {
        return url(postmaster.port(), DATABASE);
    }

    public String user() {
        return USER;
    }

    public String password() {
        return password;
    }

    public int port() {
        return postmaster.port();
    }

    /** Of the postmaster. */
    public long pid() {
        return postmaster.pid();
    }

    /** Why the server is away, and what is waited for; empty while it runs. */
    public Optional<String> fault() {
        return keeper == null ? Optional.empty() : keeper.fault();
    }

    /** A server that a full disk, or somebody, has ended is started again on the same port. */
    private void keep() {
        keeper =
                Keeper.start(
                        "PostgreSQL",
                        directory.path(),
                        new Keeper.Kept() {
                            @Override
                            public Optional<String> down() {
                                return postmaster.worksIn(data)
                                        ? Optional.empty()
                                        : Optional.of(
                                                "PostgreSQL has ended; its log is "
                                                        + directory.path().resolve("postgres.log"));
                            }

                            @Override
                            public void restart() throws IOException {
                                stopServer();
                                launch(port());
                            }
                        });
    }

    private void startOrAdopt() throws IOException {
        if (!Files.exists(data)) {
            initialise();
        }
        Optional<Postmaster> running = Postmaster.of(data);
        if (running.isPresent() && adopt(running.get())) {
            log.info("Adopted PostgreSQL, pid {}, port {}", pid(), port());
        } else {
            stopServer();
            launch(directory.port("port", Set.of()));
            log.info("Started PostgreSQL, pid {}, port {}", pid(), port());
        }
        try (Connection connection = connect(port(), "postgres")) {
            requireDurable(connection);
            createDatabase(connection);
        } catch (SQLException | LakeException e) {
            stopServer();
            throw e instanceof LakeException refused ? refused : unavailable("was started", e);
        }
        // a role's or a database's own setting is seen only from inside
        try (Connection connection = connect(port(), DATABASE)) {
            requireDurable(connection);
        } catch (SQLException | LakeException e) {
            stopServer();
            throw e instanceof LakeException refused ? refused : unavailable("was started", e);
        }
    }

    /** Made beside its place and renamed, so that a killed initdb leaves nothing half. */
    private void initialise() throws IOException {
        Path fresh = directory.path().resolve("data.new");
        PostgresBinaries.deleteTree(fresh);
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "-D",
                                fresh.toString(),
                                "-U",
                                USER,
                                "--pwfile",
                                directory.path().resolve("password").toString(),
                                "--auth",
                                "scram-sha-256",
                                "--encoding",
                                "UTF8",
                                "--locale",
                                "C"));
        for (String setting : PostgresPrograms.INITIAL_SETTINGS) {
            arguments.add("-c");
            arguments.add(setting);
        }
        programs.run("initdb", arguments);
        Files.move(fresh, data, StandardCopyOption.ATOMIC_MOVE);
        PrivateFile.forceDirectory(directory.path());
    }

    /**
     * Takes over a postmaster that outlived its lake. The dead lake's transactions end here: one
     * that is still committing would otherwise land after recovery has read the ledger.
     */
    private boolean adopt(Postmaster running) throws IOException {
        if (running.port() == 0 || !programs.wrote(data)) {
            return false;
        }
        try (Connection connection = connect(running.port(), "postgres");
                Statement statement = connection.createStatement()) {
            long deadline = System.nanoTime() + STOP_LIMIT.toNanos();
            while (others(statement) > 0) {
                if (System.nanoTime() > deadline) {
                    return false;
                }
                Waiting.moment();
            }
            postmaster = running;
            return true;
        } catch (SQLException e) {
            log.warn("PostgreSQL, pid {}, can't be adopted: {}", running.pid(), e.getMessage());
            return false;
        }
    }

    private static long others(Statement statement) throws SQLException {
        try (ResultSet rows =
                statement.executeQuery(
                        """
                        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                        """)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    private void launch(int port) throws IOException {
        // nobody lives in there (stopServer waited): what a killed postmaster left would only
        // mislead, because its pid may belong to somebody else by now
        Files.deleteIfExists(data.resolve("postmaster.pid"));
        Files.writeString(data.resolve("pg_hba.conf"), "host all all 127.0.0.1/32 scram-sha-256\n");
        Path serverLog = directory.path().resolve("postgres.log");
        if (Files.exists(serverLog) && Files.size(serverLog) > LARGE_LOG_BYTES) {
            Files.move(
                    serverLog,
                    directory.path().resolve("postgres.log.1"),
                    StandardCopyOption.REPLACE_EXISTING);
        }
        Process process = programs.serve(data, port, serverLog);
        launched = Optional.of(process);
        postmaster = new Postmaster(process.pid(), port);
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (true) {
            try {
                connect(port, "postgres").close();
                return;
            } catch (SQLException e) {
                boolean refused = "28P01".equals(e.getSQLState());
                if (refused || !process.isAlive() || System.nanoTime() > deadline) {
                    stopServer();
                    throw new LakeException(
                            ErrorCode.LEDGER_UNAVAILABLE,
                            "The embedded PostgreSQL in %s did not come up (%s). Its log ends with:%n%s"
                                    .formatted(data, e.getMessage(), tail(serverLog)),
                            e);
                }
                Waiting.moment();
            }
        }
    }

    private static String tail(Path file) throws IOException {
        if (!Files.exists(file)) {
            return "(empty)";
        }
        List<String> lines =
                new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 10), lines.size()));
    }

    private void requireDurable(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String setting : DURABLE) {
                try (ResultSet row = statement.executeQuery("SHOW " + setting)) {
                    row.next();
                    if (!"on".equals(row.getString(1))) {
                        throw new LakeException(
                                ErrorCode.INVALID_DEFINITION,
                                "The embedded PostgreSQL in %s has %s = %s: a power cut could lose commits that were acknowledged. Remove that setting (postgresql.conf, postgresql.auto.conf, ALTER ROLE or ALTER DATABASE) and start again."
                                        .formatted(data, setting, row.getString(1)));
                    }
                }
            }
        }
    }

    private static void createDatabase(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            try (ResultSet rows =
                    statement.executeQuery(
                            "SELECT 1 FROM pg_database WHERE datname = '" + DATABASE + "'")) {
                if (rows.next()) {
                    return;
                }
            }
            statement.execute("CREATE DATABASE " + DATABASE);
        }
    }

    private Connection connect(int port, String database) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", USER);
        properties.setProperty("password", password);
        properties.setProperty("connectTimeout", "10");
        properties.setProperty("socketTimeout", "60");
        return DriverManager.getConnection(url(port, database), properties);
    }

    private static String url(int port, String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
    }

    private LakeException unavailable(String when, Exception e) {
        return new LakeException(
                ErrorCode.LEDGER_UNAVAILABLE,
                "The embedded PostgreSQL in %s %s and then failed: %s"
                        .formatted(data, when, e.getMessage()),
                e);
    }

    /** Leaves no process of a start that was interrupted; the interrupt waits until then. */
    private void abandon() throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            // it may not have got as far as saying in the folder that it lives
            if (launched.isPresent()) {
                launched.get().destroy();
                if (!launched.get().waitFor(ABANDON_LIMIT)) {
                    launched.get().destroyForcibly();
                }
            }
            stopServer();
        } catch (InterruptedException e) {
            interrupted = true;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Ends every process of the data directory: politely, then as a crash, which it recovers from.
     */
    private void stopServer() throws IOException {
        for (String mode : List.of("fast", "immediate")) {
            if (Postmaster.of(data).isPresent()) {
                programs.stop(data, mode);
            }
            // backends of a postmaster that was killed end by themselves when they notice
            long deadline = System.nanoTime() + STOP_LIMIT.toNanos();
            while (!Postmaster.processes(data).isEmpty() && System.nanoTime() < deadline) {
                Waiting.moment();
            }
            if (Postmaster.processes(data).isEmpty()) {
                return;
            }
        }
        throw new LakeException(
                ErrorCode.IN_USE,
                "PostgreSQL's processes %s still work in %s and don't end. End them by hand (kill), then start again."
                        .formatted(Postmaster.processes(data), data));
    }

    /** Stops the server, waits until none of its processes is left, and gives the folder back. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (keeper != null) {
            keeper.close();
        }
        try {
            stopServer();
        } catch (IOException e) {
            throw unavailable("could not be stopped", e);
        } finally {
            directory.close();
        }
    }
}
