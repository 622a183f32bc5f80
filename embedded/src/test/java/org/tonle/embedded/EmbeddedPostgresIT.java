package org.tonle.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

class EmbeddedPostgresIT {
    @TempDir Path temporary;
    private Path dir;

    @BeforeEach
    void nameTheFolderAsPeopleDo() {
        dir = temporary.resolve("my lake's $HOME");
    }

    @Test
    void aNewServerIsDurableAndClosed() throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir);
                Connection connection = connect(postgres)) {
            assertThat(show(connection, "fsync")).isEqualTo("on");
            assertThat(show(connection, "synchronous_commit")).isEqualTo("on");
            assertThat(show(connection, "full_page_writes")).isEqualTo("on");
            assertThat(show(connection, "data_checksums")).isEqualTo("on");
            assertThat(show(connection, "listen_addresses")).isEqualTo("127.0.0.1");
            assertThat(show(connection, "unix_socket_directories")).isEmpty();
            assertThat(show(connection, "server_encoding")).isEqualTo("UTF8");
            assertThat(mode(dir)).isEqualTo("rwx------");
            assertThat(mode(dir.resolve("password"))).isEqualTo("rw-------");
        }
    }

    @Test
    void dataAndPortAreThereAfterARestart() throws Exception {
        int port;
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir);
                Connection connection = connect(postgres)) {
            execute(connection, "CREATE TABLE kept AS SELECT 42 AS answer");
            port = postgres.port();
        }
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir);
                Connection connection = connect(postgres)) {
            assertThat(ask(connection, "SELECT answer FROM kept")).isEqualTo("42");
            assertThat(postgres.port()).isEqualTo(port);
        }
    }

    @Test
    void aWrongPasswordIsRefused() {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir)) {
            assertThatThrownBy(() ->
                            DriverManager.getConnection(
                                    postgres.jdbcUrl(), postgres.user(), "guess"))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("password authentication failed");
        }
    }

    @Test
    void itRunsInASessionOfItsOwn() throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir)) {
            assertThat(session(postgres.pid())).isEqualTo(postgres.pid());
            assertThat(session(ProcessHandle.current().pid())).isNotEqualTo(postgres.pid());
        }
    }

    @Test
    void nothingIsLeftRunningAfterClose() throws Exception {
        EmbeddedPostgres postgres = EmbeddedPostgres.start(dir);
        Path data = dir.toRealPath().resolve("data");
        assertThat(Postmaster.processes(data)).contains(postgres.pid());
        postgres.close();
        assertThat(Postmaster.processes(data)).isEmpty();
        assertThatThrownBy(() -> connect(postgres)).isInstanceOf(SQLException.class);
        postgres.close();
    }

    @Test
    void aServerWhoseFileWasTamperedWithIsRefused() throws Exception {
        EmbeddedPostgres.start(dir).close();
        Files.writeString(
                dir.resolve("data/postgresql.conf"),
                "\nfull_page_writes = off\n",
                StandardOpenOption.APPEND);
        assertRefused("full_page_writes = off");
    }

    @Test
    void aServerWhoseRoleWasTamperedWithIsRefused() throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir);
                Connection connection = connect(postgres)) {
            execute(connection, "ALTER ROLE tonle SET synchronous_commit = off");
        }
        assertRefused("synchronous_commit = off");
    }

    @Test
    void aServerWhoseDatabaseWasTamperedWithIsRefused() throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir);
                Connection connection = connect(postgres)) {
            execute(connection, "ALTER DATABASE tonle SET synchronous_commit = local");
        }
        assertRefused("synchronous_commit = local");
    }

    private void assertRefused(String setting) throws IOException {
        assertThatThrownBy(() -> EmbeddedPostgres.start(dir))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_DEFINITION))
                .hasMessageContaining(setting);
        assertThat(Postmaster.processes(dir.toRealPath().resolve("data"))).isEmpty();
    }

    @Test
    void aServerThatOutlivedItsLakeIsAdoptedWithoutItsTransactions() throws Exception {
        long pid;
        try (ChildProcess child = ChildProcess.start(Holder.class, dir)) {
            pid = Long.parseLong(child.fact(0));
            assertThatThrownBy(() -> EmbeddedPostgres.start(dir))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.IN_USE))
                    .hasMessageContaining("process " + child.pid());
            child.kill();
        }
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir);
                Connection connection = connect(postgres)) {
            assertThat(postgres.pid()).isEqualTo(pid);
            assertThat(ask(connection, "SELECT count(*) FROM kept")).isEqualTo("1");
            assertThat(
                            ask(
                                    connection,
                                    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
                    .isEqualTo("1");
        }
        assertThat(Postmaster.processes(dir.toRealPath().resolve("data"))).isEmpty();
    }

    /** Commits one row, leaves another one uncommitted, and waits to be killed. */
    static final class Holder {
        public static void main(String[] arguments) throws Exception {
            EmbeddedPostgres postgres = EmbeddedPostgres.start(Path.of(arguments[0]));
            Connection connection = connect(postgres);
            execute(connection, "CREATE TABLE kept AS SELECT 42 AS answer");
            connection.setAutoCommit(false);
            execute(connection, "INSERT INTO kept VALUES (43)");
            ChildProcess.ready(postgres.pid());
        }
    }

    @Test
    void aServerThatWasKilledComesBackWithWhatWasCommitted() throws Exception {
        EmbeddedPostgres first = EmbeddedPostgres.start(dir);
        try (Connection connection = connect(first)) {
            execute(connection, "CREATE TABLE kept AS SELECT 42 AS answer");
        }
        ProcessHandle.of(first.pid()).orElseThrow().destroyForcibly();
        first.close();
        assertThat(dir.resolve("data/postmaster.pid")).exists();
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir);
                Connection connection = connect(postgres)) {
            assertThat(ask(connection, "SELECT answer FROM kept")).isEqualTo("42");
        }
    }

    @Test
    void aStalePidThatBelongsToSomebodyElseNowIsNoHindrance() throws Exception {
        EmbeddedPostgres.start(dir).close();
        Files.writeString(
                dir.resolve("data/postmaster.pid"),
                ProcessHandle.current().pid() + "\n" + dir.resolve("data") + "\n0\n5432\n\n\n");
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir)) {
            assertThat(postgres.pid()).isNotEqualTo(ProcessHandle.current().pid());
        }
        assertThat(ProcessHandle.current().isAlive()).isTrue();
    }

    @Test
    void anInitialisationThatWasKilledIsDoneAgain() throws Exception {
        Files.createDirectories(dir.resolve("data.new/base"));
        Files.writeString(dir.resolve("data.new/PG_VERSION"), "18\n");
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir);
                Connection connection = connect(postgres)) {
            assertThat(ask(connection, "SELECT 1")).isEqualTo("1");
        }
    }

    private static Connection connect(EmbeddedPostgres postgres) throws SQLException {
        return DriverManager.getConnection(
                postgres.jdbcUrl(), postgres.user(), postgres.password());
    }

    private static String show(Connection connection, String setting) throws SQLException {
        return ask(connection, "SHOW " + setting);
    }

    private static String ask(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String mode(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    /**
     * The sixth field of {@code /proc/PID/stat}, counted behind the name, which may hold anything.
     */
    private static long session(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[3]);
    }

    @Test
    void aStartThatIsInterruptedLeavesNoProcessAndTheNextOneWorks(@TempDir Path dir)
            throws Exception {
        EmbeddedPostgres.start(dir).close();
        Path log = dir.resolve("postgres.log");
        Files.delete(log);
        Thread starter = Thread.currentThread();
        Thread interrupter =
                Thread.ofPlatform()
                        .start(() -> {
                            // it is there as soon as the server's process is, long before it
                            // answers
                            while (!Files.exists(log)) {
                                Thread.onSpinWait();
                            }
                            starter.interrupt();
                        });
        assertThatThrownBy(() -> EmbeddedPostgres.start(dir))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.CANCELLED));
        assertThat(Thread.interrupted()).as("the interrupt is kept").isTrue();
        interrupter.join();
        assertThat(Postmaster.processes(dir.toRealPath().resolve("data"))).isEmpty();
        EmbeddedPostgres.start(dir).close();
    }
}
