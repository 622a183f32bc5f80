package org.tonle.ingest;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.PinnedTable;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.embedded.EmbeddedKafka;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.FailPoints;
import org.tonle.spi.Source;

/** A ledger, an event log and a warehouse of their own, and DuckDB to read what came to bronze. */
final class TestLake implements AutoCloseable {
    /** A clock that a test sets. */
    static final class SetClock extends Clock {
        private Instant now = Instant.parse("2026-11-22T12:00:00.123456Z");

        synchronized void set(Instant instant) {
            now = instant;
        }

        synchronized void pass(Duration time) {
            now = now.plus(time);
        }

        @Override
        public synchronized Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }
    }

    final EmbeddedPostgres postgres;
    private final Path kafkaFolder;
    EmbeddedKafka kafka;
    final Ledger ledger;
    final LakeCatalog catalog;
    final SetClock clock = new SetClock();
    private final String name = "t" + UUID.randomUUID().toString().substring(0, 8);
    private EventLog log;

    TestLake(Path dir) {
        postgres = EmbeddedPostgres.start(dir.resolve("pg"));
        kafkaFolder = dir.resolve("kafka");
        kafka = EmbeddedKafka.start(kafkaFolder);
        ledger =
                Ledger.open(
                        new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password()),
                        FailPoints.NONE);
        catalog = new LakeCatalog(ledger, dir.resolve("warehouse"), FailPoints.NONE);
        log = EventLog.open(settings());
    }

    private EventLogSettings settings() {
        return new EventLogSettings(name, kafka.clientProperties(), true);
    }

    EventLogSettings logSettings(int inFlightBytes, Duration timeout) {
        return new EventLogSettings(name, kafka.clientProperties(), true, inFlightBytes, timeout);
    }

    EventLog log() {
        return log;
    }

    void restartKafka() {
        kafka = EmbeddedKafka.start(kafkaFolder);
    }

    static String uniqueSource() {
        return "s" + UUID.randomUUID().toString().substring(0, 8);
    }

    static SourceDefinition source(String name, int partitions) {
        SourceDefinition d = SourceDefinition.named(name);
        return new SourceDefinition(
                name,
                d.place(),
                "id",
                Optional.of("at"),
                d.keyField(),
                d.columns(),
                partitions,
                d.retention(),
                new SourceKind.Http(1 << 20));
    }

    static IngestSettings settings(String holder, Duration interval) {
        return new IngestSettings(holder, interval, 64 << 20, 1_000);
    }

    Ingest ingest(FailPoints failPoints, IngestSettings settings, SourceDefinition... sources)
            throws InterruptedException {
        return ingest(failPoints, settings, TestLake::nothingOutside, sources);
    }

    Ingest ingest(
            FailPoints failPoints,
            IngestSettings settings,
            Function<SourceDefinition, Source> outside,
            SourceDefinition... sources)
            throws InterruptedException {
        Ingest ingest =
                new Ingest(
                        log,
                        catalog,
                        clock,
                        failPoints,
                        settings,
                        outside,
                        kafka -> new PlainRecords());
        ingest.start(List.of(sources));
        if (!ingest.awaitStarted(Duration.ofSeconds(90))) {
            ingest.close();
            throw new AssertionError("not started: " + ingest.status());
        }
        return ingest;
    }

    Ingest ingest(SourceDefinition... sources) throws InterruptedException {
        return ingest(FailPoints.NONE, settings("a", Duration.ofMillis(50)), sources);
    }

    static Source nothingOutside(SourceDefinition source) {
        throw new AssertionError(source);
    }

    PinnedTable bronze(String source) {
        return catalog.pin().table(TableIdentifier.of("bronze", source)).orElseThrow();
    }

    /** Rows of a query over {@code bronze}, as text, columns separated by |. */
    List<String> ask(String source, String sql) {
        String files =
                bronze(source).files().stream()
                        .map(f -> "'" + LocalFileIO.path(f.location()) + "'")
                        .collect(Collectors.joining(","));
        if (files.isEmpty()) {
            return List.of();
        }
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = connection.createStatement()) {
            statement.execute("SET TimeZone = 'UTC'");
            statement.execute(
                    "CREATE VIEW bronze AS SELECT * FROM read_parquet(["
                            + files
                            + "], hive_partitioning=false)");
            try (ResultSet rows = statement.executeQuery(sql)) {
                List<String> found = new ArrayList<>();
                int columns = rows.getMetaData().getColumnCount();
                while (rows.next()) {
                    List<String> values = new ArrayList<>();
                    for (int i = 1; i <= columns; i++) {
                        values.add(String.valueOf(rows.getObject(i)));
                    }
                    found.add(String.join("|", values));
                }
                return found;
            }
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    static IngestReceipt send(Ingest ingest, String source, String key, String body) {
        return ingest.accept(
                source,
                body.getBytes(java.nio.charset.StandardCharsets.UTF_8),
                "application/x-ndjson",
                Optional.ofNullable(key),
                Map.of());
    }

    static void await(Ingest ingest, String source, IngestReceipt receipt)
            throws InterruptedException {
        if (!ingest.awaitInBronze(
                source, receipt.partition(), receipt.position(), Duration.ofSeconds(90))) {
            throw new AssertionError("not in bronze: " + receipt + " " + ingest.status());
        }
    }

    @Override
    public void close() {
        log.close();
        ledger.close();
        kafka.close();
        postgres.close();
    }
}
