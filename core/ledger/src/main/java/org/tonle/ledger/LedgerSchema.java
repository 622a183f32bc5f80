package org.tonle.ledger;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Creates and checks the ledger's schema, and that its server keeps what it acknowledges. */
final class LedgerSchema {
    /** The format that this binary writes; raised with every migration that changes it. */
    static final int FORMAT = 7;

    private final DataSource source;
    private final LedgerConfig config;

    LedgerSchema(DataSource source, LedgerConfig config) {
        this.source = source;
        this.config = config;
    }

    /** Brings the schema up to {@link #FORMAT} and returns the ledger's id. */
    UUID prepare() {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            requireDurable(statement);
            int found = format(statement);
            if (found > FORMAT) {
                throw new LakeException(
                        ErrorCode.INVALID_DEFINITION,
                        "the ledger has format "
                                + found
                                + ", this Tonle writes format "
                                + FORMAT
                                + "; start a newer Tonle on it");
            }
            if (found < FORMAT) {
                migrate();
            }
            try (ResultSet row =
                    statement.executeQuery(
                            "SELECT value FROM tonle.meta WHERE key = 'ledger-id'")) {
                row.next();
                return UUID.fromString(row.getString(1));
            }
        } catch (SQLException e) {
            throw new LakeException(
                    ErrorCode.LEDGER_UNAVAILABLE,
                    "the ledger can't be opened: " + e.getMessage(),
                    e);
        }
    }

    /** 0 where there is no ledger yet. */
    private static int format(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery("SELECT to_regclass('tonle.meta') IS NULL")) {
            row.next();
            if (row.getBoolean(1)) {
                return 0;
            }
        }
        try (ResultSet row =
                statement.executeQuery("SELECT value::int FROM tonle.meta WHERE key = 'format'")) {
            return row.next() ? row.getInt(1) : 0;
        }
    }

    /** An acknowledged commit must survive a crash of the server's machine. */
    private static void requireDurable(Statement statement) throws SQLException {
        for (String setting : new String[] {"fsync", "synchronous_commit"}) {
            try (ResultSet row = statement.executeQuery("SHOW " + setting)) {
                row.next();
                if (row.getString(1).equals("off")) {
                    throw new LakeException(
                            ErrorCode.INVALID_DEFINITION,
                            "the ledger's PostgreSQL runs with "
                                    + setting
                                    + " = off and could lose what it acknowledged; set it to on");
                }
            }
        }
    }

    /**
     * On connections of its own: Flyway's lock idles for longer than a commit's transaction may.
     */
    private void migrate() {
        Flyway.configure(LedgerSchema.class.getClassLoader())
                .dataSource(config.url(), config.user(), config.password())
                .schemas("tonle")
                .createSchemas(true)
                .table("migration")
                .locations("classpath:org/tonle/ledger/migration")
                .load()
                .migrate();
    }
}
