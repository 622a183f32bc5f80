package org.tonle.catalog;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.FailPoints;

/** A ledger on a PostgreSQL of its own, that can be emptied between tests. */
final class TestLedger implements AutoCloseable {
    private final EmbeddedPostgres postgres;
    private Ledger ledger;

    TestLedger(Path dir) {
        postgres = EmbeddedPostgres.start(dir);
        ledger = open();
    }

    private Ledger open() {
        return Ledger.open(
                new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password()),
                FailPoints.NONE);
    }

    Ledger ledger() {
        return ledger;
    }

    /** A ledger without a commit; opened anew, since a running one knows that commits don't go. */
    Ledger emptied() {
        ledger.close();
        try (Connection connection =
                        DriverManager.getConnection(
                                postgres.jdbcUrl(), postgres.user(), postgres.password());
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "TRUNCATE tonle.commit, tonle.ref_version, tonle.namespace_version,"
                            + " tonle.change, tonle.log_position, tonle.dataset_position,"
                            + " tonle.definition, tonle.expectation_result, tonle.lease;"
                            + " UPDATE tonle.branch SET head_seq = 0");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        ledger = open();
        return ledger;
    }

    @Override
    public void close() {
        ledger.close();
        postgres.close();
    }
}
