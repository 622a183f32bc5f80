package org.tonle.lake;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.tonle.embedded.EmbeddedPostgres;

/**
 * A PostgreSQL of one's own on this machine, to try with what following a database is like. It
 * listens on loopback only, ends when it is closed, and is started again if it ends before.
 */
public final class LocalDatabase implements AutoCloseable {
    private final EmbeddedPostgres postgres;

    private LocalDatabase(EmbeddedPostgres postgres) {
        this.postgres = postgres;
    }

    /**
     * Starts the one whose data is in {@code directory}; makes it where there is none.
     *
     * @throws org.tonle.spi.LakeException IN_USE, LEDGER_UNAVAILABLE if it doesn't come up, STORAGE
     */
    public static LocalDatabase start(Path directory) throws SQLException {
        EmbeddedPostgres postgres = EmbeddedPostgres.start(directory);
        try {
            if (!isLogical(postgres)) {
                try (Connection connection = connect(postgres, "postgres");
                        Statement statement = connection.createStatement()) {
                    statement.execute("ALTER SYSTEM SET wal_level = logical");
                    statement.execute("ALTER SYSTEM SET max_wal_senders = 4");
                    statement.execute("ALTER SYSTEM SET max_replication_slots = 4");
                    statement.execute("ALTER SYSTEM SET max_worker_processes = 8");
                }
                postgres.close();
                postgres = EmbeddedPostgres.start(directory);
            }
            return new LocalDatabase(postgres);
        } catch (SQLException | RuntimeException e) {
            postgres.close();
            throw e;
        }
    }

    private static boolean isLogical(EmbeddedPostgres postgres) throws SQLException {
        try (Connection connection = connect(postgres, "postgres");
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SHOW wal_level")) {
            return row.next() && row.getString(1).equals("logical");
        }
    }

    private static Connection connect(EmbeddedPostgres postgres, String database)
            throws SQLException {
        return DriverManager.getConnection(
                "jdbc:postgresql://127.0.0.1:%d/%s".formatted(postgres.port(), database),
                postgres.user(),
                postgres.password());
    }

    /** Of 127.0.0.1. */
    public int port() {
        return postgres.port();
    }

    /** Who may do everything there. */
    public String user() {
        return postgres.user();
    }

    public String password() {
        return postgres.password();
    }

    /** A connection to one of its databases. */
    public Connection connect(String database) throws SQLException {
        return connect(postgres, database);
    }

    @Override
    public void close() {
        postgres.close();
    }
}
