package org.tonle.maintenance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.Metrics;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.FailPoints;

/** What a round does to tables of bronze that keep their rows for ten days, and to others. */
class BronzeRowsIT {
    private static final TableIdentifier TEN =
            TableIdentifier.of(BronzeTable.NAMESPACE, "ten_days");
    private static final TableIdentifier EVER = TableIdentifier.of(BronzeTable.NAMESPACE, "ever");

    /** Ten days before the clock's time. */
    private static final Instant DUE = Instant.parse("2025-12-22T05:00:00Z");

    /** A day that ends ten days and some hours before the clock's. */
    private static final Instant OVER = Instant.parse("2025-12-21T23:59:59.999999Z");

    @TempDir private Path dir;
    private final TestClock clock = new TestClock();

    private DataFile file(
            StagedTable table, MemoryFiles files, Instant first, @Nullable Instant last) {
        String location = table.location(table.newDataFile(""));
        files.put(location, new byte[] {1});
        return DataFiles.builder(BronzeTable.SPEC)
                .withPath(location)
                .withPartitionPath("ingest_time_day=" + LocalDate.ofInstant(first, ZoneOffset.UTC))
                .withFileSizeInBytes(1)
                .withFormat("parquet")
                .withMetrics(
                        new Metrics(
                                2L,
                                null,
                                null,
                                null,
                                null,
                                last == null ? null : bound(first),
                                last == null ? null : bound(last)))
                .build();
    }

    private static Map<Integer, ByteBuffer> bound(Instant time) {
        return Map.of(
                BronzeTable.SCHEMA.findField("ingest_time").fieldId(),
                Conversions.toByteBuffer(
                        Types.TimestampType.withZone(),
                        ChronoUnit.MICROS.between(Instant.EPOCH, time)));
    }

    private static Set<String> held(LakeCatalog catalog, TableIdentifier table) {
        return catalog.pin().table(table).orElseThrow().files().stream()
                .map(DataFile::location)
                .collect(Collectors.toSet());
    }

    @Test
    void aFileLeavesWhenItsNewestRowIsOver() {
        MemoryFiles files = new MemoryFiles(dir.resolve("mem"), clock);
        clock.pass(Duration.ofHours(5));
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(dir.resolve("pg"));
                Ledger ledger =
                        Ledger.open(
                                new LedgerConfig(
                                        postgres.jdbcUrl(), postgres.user(), postgres.password()),
                                FailPoints.NONE);
                LeaseKeeper leases = new LeaseKeeper(ledger, "test", Duration.ofSeconds(30))) {
            LakeCatalog catalog = new LakeCatalog(ledger, files, FailPoints.NONE);
            catalog.ensureNamespace(BronzeTable.NAMESPACE, "test");
            DataFile over;
            DataFile partly;
            DataFile unknown;
            try (StagedCommit commit = catalog.stage()) {
                StagedTable ten =
                        commit.create(TEN, BronzeTable.SCHEMA, BronzeTable.SPEC, Map.of());
                StagedTable ever =
                        commit.create(EVER, BronzeTable.SCHEMA, BronzeTable.SPEC, Map.of());
                over = file(ten, files, OVER.minus(Duration.ofHours(20)), OVER);
                partly = file(ten, files, OVER.plusMillis(1), DUE);
                unknown = file(ten, files, OVER.minus(Duration.ofDays(99)), null);
                ten.append(List.of(over, partly, unknown));
                ever.append(List.of(file(ever, files, OVER.minus(Duration.ofDays(99)), OVER)));
                commit.publish(CommitRequest.builder(commit.id(), "define", "test"));
            }
            long before = ledger.head();
            try (Maintenance maintenance =
                    new Maintenance(
                            catalog,
                            leases,
                            new MaintenanceSettings(
                                    Duration.ofDays(7),
                                    Duration.ofDays(30),
                                    Duration.ofDays(1),
                                    Duration.ofHours(1),
                                    Map.of(
                                            TEN,
                                            Duration.ofDays(10),
                                            TableIdentifier.of("bronze", "not_there_yet"),
                                            Duration.ofDays(10))),
                            clock,
                            FailPoints.NONE)) {
                maintenance.start();
                maintenance.round();
                assertThat(held(catalog, TEN))
                        .containsExactlyInAnyOrder(partly.location(), unknown.location());
                assertThat(held(catalog, EVER)).hasSize(1);
                assertThat(catalog.pinAsOf(before).table(TEN).orElseThrow().files()).hasSize(3);
                assertThat(files.locations()).contains(over.location());
                long after = ledger.head();
                maintenance.round();
                assertThat(ledger.head()).as("nothing to do, nothing said").isEqualTo(after);
                clock.pass(Duration.ofHours(2));
                maintenance.round();
                assertThat(held(catalog, TEN)).containsExactly(unknown.location());
            }
        }
    }
}
