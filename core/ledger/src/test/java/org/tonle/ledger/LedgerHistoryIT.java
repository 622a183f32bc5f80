package org.tonle.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.spi.FailPoints;

/** What is found in a ledger with a long history, and how much of it is read for that. */
class LedgerHistoryIT {
    private static final Instant START = Instant.parse("2024-01-01T00:00:00Z");

    private static EmbeddedPostgres postgres;
    private static LedgerConfig config;
    private static Ledger ledger;

    private Connection connection;
    private Statement statement;

    @BeforeAll
    static void open(@TempDir Path dir) {
        postgres = EmbeddedPostgres.start(dir.resolve("pg"));
        config = new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password());
        ledger = Ledger.open(config, FailPoints.NONE);
    }

    @AfterAll
    static void close() {
        ledger.close();
        postgres.close();
    }

    /** What is written to the tables besides the ledger's own methods goes after each test. */
    @BeforeEach
    void begin() throws SQLException {
        connection = DriverManager.getConnection(config.url(), config.user(), config.password());
        connection.setAutoCommit(false);
        statement = connection.createStatement();
    }

    @AfterEach
    void undo() throws SQLException {
        connection.rollback();
        connection.close();
    }

    /** How many pages a question reads. */
    private int pages(String sql) throws SQLException {
        try (ResultSet plan = statement.executeQuery("EXPLAIN (ANALYZE, BUFFERS) " + sql)) {
            while (plan.next()) {
                if (plan.getString(1).contains("Buffers:")) {
                    return Integer.parseInt(plan.getString(1).replaceAll(".*hit=(\\d+).*", "$1"));
                }
            }
        }
        throw new AssertionError("the plan says nothing of pages");
    }

    private List<String> texts(String sql) throws SQLException {
        List<String> texts = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                texts.add(rows.getString(1));
            }
        }
        return texts;
    }

    @Test
    void whatTablesThereAreIsFoundWithoutReadingTheirHistory() throws SQLException {
        statement.execute(
                """
                INSERT INTO tonle.ref_version
                SELECT b.id, md5(t.name)::uuid, 'table', 'history', t.name, n,
                  CASE n WHEN 50000 THEN 9223372036854775807 ELSE n + 1 END, 'm' || n, n
                FROM tonle.branch b, (VALUES ('one'), ('two')) t(name),
                  generate_series(1, 50000) n WHERE b.name = 'main'
                """);
        statement.execute("ANALYZE tonle.ref_version");
        String at = LedgerRows.ALL_AT.replace(":seq", "40000");
        assertThat(texts("SELECT name || metadata_location FROM (" + at + ") AS t"))
                .containsExactly("onem40000", "twom40000");
        assertThat(pages(at)).isLessThan(500);
    }

    private void commits(String time) throws SQLException {
        statement.execute(
                """
                INSERT INTO tonle.commit (id, branch, seq, kind, principal, at, outcome)
                SELECT gen_random_uuid(), b.id, n, 'test', 'test',
                  timestamptz '2024-01-01 00:00:00Z' + (%s) * interval '1 s', 'committed'
                FROM tonle.branch b, generate_series(1, 50000) n WHERE b.name = 'main'
                """
                        .formatted(time));
        statement.execute("UPDATE tonle.branch SET head_seq = 50000 WHERE name = 'main'");
        statement.execute("ANALYZE tonle.commit");
    }

    private String at(long seconds) {
        return LedgerRows.SEQ_AT.replace(":time", "'" + START.plusSeconds(seconds) + "'");
    }

    @Test
    void theCommitOfATimeIsFoundHoweverLongAgoItWas() throws SQLException {
        commits("n");
        for (long seconds : List.of(1L, 2L, 25_000L, 49_999L, 50_000L)) {
            assertThat(texts(at(seconds))).containsExactly(String.valueOf(seconds));
            assertThat(pages(at(seconds))).as("after %d s", seconds).isLessThan(100);
        }
        assertThat(texts(at(0))).as("before the first").containsExactly("0");
        assertThat(texts(at(60_000))).as("now").containsExactly("50000");
        assertThat(pages(at(0))).isLessThan(100);
        assertThat(pages(at(60_000))).isLessThan(100);
    }

    @Test
    void whereTheClockWasSetBackOrWentWrongTheLastCommitMadeByThenIsFound() throws SQLException {
        // set back by 50.5 s at commit 20,000; an hour ahead from 40,000 to 40,010
        commits(
                "n - CASE WHEN n >= 20000 THEN 50.5 ELSE 0 END"
                        + " + CASE WHEN n BETWEEN 40000 AND 40010 THEN 3600 ELSE 0 END");
        List<Long> moments = new ArrayList<>();
        for (long around : List.of(0L, 19_940L, 20_000L, 30_000L, 39_945L, 43_550L, 49_950L)) {
            for (long second = around; second < around + 30; second++) {
                moments.add(second);
            }
        }
        for (long seconds : moments) {
            String walked =
                    "SELECT coalesce(max(seq), 0) FROM tonle.commit WHERE at <= '%s'"
                            .formatted(START.plusSeconds(seconds));
            assertThat(texts(at(seconds))).as("after %d s", seconds).isEqualTo(texts(walked));
        }
    }

    private static AuditRecord record(Instant started, String statement, String error) {
        return new AuditRecord(
                UUID.randomUUID(),
                started,
                "ada",
                statement,
                Optional.empty(),
                List.of("gold.a", "gold.b"),
                OptionalLong.of(7),
                OptionalLong.of(8),
                Optional.of(Duration.ofNanos(1_500_000)),
                "FINISHED",
                Optional.ofNullable(error));
    }

    private static List<@Nullable Object[]> audited(String statement) {
        return ledger.listings().of(Listing.AUDIT, 0, 100_000).stream()
                .filter(row -> statement.equals(row[3]))
                .toList();
    }

    @Test
    void whatIsAddedToTheAuditIsReadAsItWasAndOnce() {
        AuditRecord known = record(START, "it's \\ \"one\", {NULL}", null);
        AuditRecord odd = record(START, "nul \0 and half \uD800 a pair", "a, \"b\" \\ {}");
        AuditRecord lost =
                new AuditRecord(
                        UUID.randomUUID(),
                        START,
                        "eve",
                        "NULL",
                        Optional.of("ab"),
                        List.of(),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        Optional.empty(),
                        AuditRecord.LOST,
                        Optional.empty());
        ledger.audit().add(List.of(known, odd, lost));
        ledger.audit()
                .add(
                        List.of(
                                lost,
                                new AuditRecord(
                                        known.id(),
                                        START,
                                        "eve",
                                        "another",
                                        Optional.empty(),
                                        List.of(),
                                        OptionalLong.empty(),
                                        OptionalLong.empty(),
                                        Optional.empty(),
                                        "x",
                                        Optional.empty())));
        assertThat(audited(known.statement()))
                .singleElement()
                .satisfies(row ->
                        assertThat(row)
                                .containsExactly(
                                        known.id().toString(),
                                        START,
                                        "ada",
                                        known.statement(),
                                        null,
                                        "gold.a, gold.b",
                                        7L,
                                        8L,
                                        1.5,
                                        "FINISHED",
                                        null));
        assertThat(audited("nul \uFFFD and half ? a pair"))
                .singleElement()
                .satisfies(row -> assertThat(row[10]).isEqualTo("a, \"b\" \\ {}"));
        assertThat(audited("NULL"))
                .singleElement()
                .satisfies(row ->
                        assertThat(row)
                                .endsWith("ab", "", null, null, null, AuditRecord.LOST, null));
    }

    @Test
    void oldRecordsAreRemovedInStepsTheOldestFirst() {
        Instant old = START.minus(Duration.ofDays(1000));
        for (int i = 0; i < 25; i++) {
            ledger.audit().add(List.of(record(old.plusSeconds(i), "old", null)));
        }
        assertThat(ledger.audit().removeBefore(old.plusSeconds(20), 8)).isEqualTo(8);
        assertThat(audited("old"))
                .hasSize(17)
                .extracting(row -> row[1])
                .endsWith(old.plusSeconds(8));
        assertThat(ledger.audit().removeBefore(old.plusSeconds(20), 8)).isEqualTo(8);
        assertThat(ledger.audit().removeBefore(old.plusSeconds(20), 8)).isEqualTo(4);
        assertThat(ledger.audit().removeBefore(old.plusSeconds(20), 8)).isZero();
        assertThat(audited("old"))
                .extracting(row -> row[1])
                .endsWith(old.plusSeconds(20))
                .hasSize(5);
    }

    @Test
    void theNewestOfALongAuditAreReadWithoutTheOthers() throws SQLException {
        statement.execute(
                """
                INSERT INTO tonle.audit
                SELECT gen_random_uuid(), timestamptz '2024-01-01 00:00:00Z' + n * interval '1 s',
                  'ada', 'SELECT ' || n, NULL, '{}', n, n, n, 'FINISHED', NULL
                FROM generate_series(1, 200000) n
                """);
        statement.execute("ANALYZE tonle.audit");
        String newest =
                Listing.AUDIT.sql().replace(":branch", "1").replace(":seq", "0") + " LIMIT 1000";
        assertThat(pages(newest)).isLessThan(1500);
        assertThat(
                        pages(
                                "SELECT query_id FROM tonle.audit WHERE started_at <"
                                        + " '2024-01-02' ORDER BY started_at LIMIT 1000"))
                .isLessThan(1500);
    }
}
