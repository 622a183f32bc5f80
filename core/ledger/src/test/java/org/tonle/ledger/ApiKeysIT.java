package org.tonle.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.CommitRequest.NamespaceChange;
import org.tonle.spi.ApiKey;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

class ApiKeysIT {
    private static EmbeddedPostgres postgres;
    private static Ledger ledger;

    @BeforeAll
    static void open(@TempDir Path dir) {
        postgres = EmbeddedPostgres.start(dir.resolve("pg"));
        ledger = Ledger.open(config(postgres.jdbcUrl()), FailPoints.NONE);
    }

    @AfterAll
    static void close() {
        ledger.close();
        postgres.close();
    }

    private static LedgerConfig config(String url) {
        return new LedgerConfig(url, postgres.user(), postgres.password());
    }

    private static ApiKey create(String id, Optional<Duration> time) {
        return ledger.apiKeys()
                .create(
                        id,
                        "hash of " + id,
                        Set.of("b", "a'; --"),
                        Optional.of("O'Hara"),
                        time,
                        "admin");
    }

    @Test
    void aKeyIsLiveUntilItIsRevokedOrExpires() {
        ApiKey key = create("one", Optional.of(Duration.ofDays(30)));
        assertThat(key.roles()).containsExactlyInAnyOrder("b", "a'; --");
        assertThat(key.user()).contains("O'Hara");
        assertThat(Duration.between(key.created(), key.expires().orElseThrow()).toHours())
                .isBetween(30 * 24L - 1, 30 * 24L);
        assertThat(ledger.apiKeys().live()).containsEntry("hash of one", key);

        create("over", Optional.of(Duration.ZERO));
        assertThat(ledger.apiKeys().live()).doesNotContainKey("hash of over");

        assertThat(ledger.apiKeys().revoke("one")).isTrue();
        assertThat(ledger.apiKeys().revoke("one")).isFalse();
        assertThat(ledger.apiKeys().revoke("never")).isFalse();
        assertThat(ledger.apiKeys().live()).doesNotContainKey("hash of one");
        assertThatThrownBy(() -> create("one", Optional.empty()))
                .as("an id means the same for ever")
                .isInstanceOf(LakeException.class);
    }

    @Test
    void aLedgerOfTheFirstFormatIsBroughtUpToDateWithWhatItHolds() throws Exception {
        try (Connection admin =
                DriverManager.getConnection(
                        postgres.jdbcUrl(), postgres.user(), postgres.password())) {
            admin.createStatement().execute("CREATE DATABASE older");
        }
        LedgerConfig older = config(postgres.jdbcUrl().replaceAll("/[^/?]*(\\?|$)", "/older$1"));
        Flyway.configure(LedgerSchema.class.getClassLoader())
                .dataSource(older.url(), older.user(), older.password())
                .schemas("tonle")
                .createSchemas(true)
                .table("migration")
                .locations("classpath:org/tonle/ledger/migration")
                .target("1")
                .load()
                .migrate();
        String id;
        try (Connection connection =
                        DriverManager.getConnection(older.url(), older.user(), older.password());
                var row =
                        connection
                                .createStatement()
                                .executeQuery(
                                        "SELECT value FROM tonle.meta WHERE key = 'ledger-id'")) {
            row.next();
            id = row.getString(1);
        }

        try (Ledger upgraded = Ledger.open(older, FailPoints.NONE)) {
            assertThat(upgraded.id()).isEqualTo(UUID.fromString(id));
            assertThat(upgraded.apiKeys().live()).isEmpty();
            assertThat(
                            upgraded.commit(
                                    CommitRequest.builder(UUID.randomUUID(), "test", "tester")
                                            .change(new NamespaceChange("ns", null, Map.of()))
                                            .build()))
                    .isEqualTo(1);
        }
    }
}
