package org.tonle.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.LogMove;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/** Several tables in one commit: what becomes visible, what stays on the disk, what conflicts. */
class StagedCommitIT {
    private static final Schema SCHEMA =
            new Schema(Types.NestedField.required(1, "id", Types.LongType.get()));
    private static final TableIdentifier A = TableIdentifier.of("ns", "a");
    private static final TableIdentifier B = TableIdentifier.of("ns", "b");

    @TempDir private static Path dir;
    private static TestLedger ledger;
    private LakeCatalog catalog;
    private Path warehouse;

    @BeforeAll
    static void open() {
        ledger = new TestLedger(dir.resolve("pg"));
    }

    @AfterAll
    static void close() {
        ledger.close();
    }

    @BeforeEach
    void tables() throws IOException {
        warehouse = Files.createTempDirectory(dir, "warehouse");
        catalog = new LakeCatalog(ledger.emptied(), warehouse, FailPoints.NONE);
        catalog.ensureNamespace("ns", "test");
        try (StagedCommit commit = catalog.stage()) {
            commit.create(A, SCHEMA, PartitionSpec.unpartitioned(), Map.of());
            commit.create(B, SCHEMA, PartitionSpec.unpartitioned(), Map.of());
            commit.publish(request(commit));
        }
    }

    private static CommitRequest.Builder request(StagedCommit commit) {
        return CommitRequest.builder(commit.id(), "test", "tester");
    }

    private static DataFile write(StagedTable table, int rows) {
        Path path = table.newDataFile("");
        try {
            Files.write(path, new byte[rows]);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return DataFiles.builder(PartitionSpec.unpartitioned())
                .withPath(LocalFileIO.location(path))
                .withFileSizeInBytes(rows)
                .withRecordCount(rows)
                .withFormat("parquet")
                .build();
    }

    private static DataFile append(StagedTable table, int rows) {
        DataFile file = write(table, rows);
        table.transaction()
                .newAppend()
                .appendFile(file)
                .scanManifestsWith(Direct.EXECUTOR)
                .writeManifestsWith(Direct.EXECUTOR, 1)
                .commit();
        return file;
    }

    private long append(TableIdentifier table, int rows) {
        try (StagedCommit commit = catalog.stage()) {
            append(commit.table(table, OnConflict.REAPPLY), rows);
            return commit.publish(request(commit));
        }
    }

    private long records(TableIdentifier table, long seq) {
        return catalog.pinAt(seq).table(table).orElseThrow().records();
    }

    @Test
    void twoTablesAndAPositionChangeTogether() {
        long seq;
        try (StagedCommit commit = catalog.stage()) {
            append(commit.table(A, OnConflict.FAIL), 3);
            append(commit.table(B, OnConflict.FAIL), 5);
            seq =
                    commit.publish(
                            request(commit)
                                    .move(
                                            new LogMove(
                                                    "c", "k", "t", 0, 0, OptionalLong.empty(), 8)));
        }
        assertThat(records(A, seq)).isEqualTo(3);
        assertThat(records(B, seq)).isEqualTo(5);
        assertThat(records(A, seq - 1)).isZero();
        assertThat(records(B, seq - 1)).isZero();
        assertThat(ledger.ledger().logPositions("c").get(0).next()).isEqualTo(8);
    }

    @Test
    void aRefusedCommitLeavesNoFile() throws IOException {
        Set<String> before = files();
        try (StagedCommit commit = catalog.stage()) {
            append(commit.table(A, OnConflict.FAIL), 3);
            append(commit.table(B, OnConflict.FAIL), 3);
            CommitRequest.Builder request =
                    request(commit)
                            .require(new CommitRequest.TableRequirement("ns", "b", "not this"));
            assertThatThrownBy(() -> commit.publish(request))
                    .isInstanceOf(CommitConflictException.class);
        }
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void aCommitThatIsNeverPublishedLeavesNoFile() throws IOException {
        Set<String> before = files();
        try (StagedCommit commit = catalog.stage()) {
            append(commit.table(A, OnConflict.FAIL), 3);
        }
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void nothingIsDeletedWhileItIsUnknownWhetherTheCommitHappened(@TempDir Path own)
            throws IOException {
        EmbeddedPostgres postgres = EmbeddedPostgres.start(own.resolve("pg"));
        boolean[] armed = {false};
        FailPoints killer =
                point -> {
                    if (armed[0] && point.equals("commit.in-transaction")) {
                        // for good: one that is only killed is started again
                        postgres.close();
                    }
                };
        LedgerConfig config =
                new LedgerConfig(
                        postgres.jdbcUrl(),
                        postgres.user(),
                        postgres.password(),
                        4,
                        java.time.Duration.ofMillis(500));
        warehouse = own.resolve("warehouse");
        try (Ledger killed = Ledger.open(config, killer)) {
            LakeCatalog lake = new LakeCatalog(killed, warehouse, FailPoints.NONE);
            lake.ensureNamespace("ns", "test");
            armed[0] = true;
            Set<String> written;
            try (StagedCommit commit = lake.stage()) {
                StagedTable table =
                        commit.create(A, SCHEMA, PartitionSpec.unpartitioned(), Map.of());
                append(table, 3);
                written = files();
                assertThatThrownBy(() -> commit.publish(request(commit)))
                        .isInstanceOfSatisfying(
                                LakeException.class,
                                e -> assertThat(e.code()).isEqualTo(ErrorCode.COMMIT_UNKNOWN));
            }
            assertThat(files()).containsAll(written).hasSizeGreaterThan(written.size());
        } finally {
            postgres.close();
        }
    }

    @Test
    void aCommitThatHappenedIsNoFailureThoughTidyingUpFails() throws IOException {
        FailPoints manifestGoes =
                point -> {
                    if (point.equals("stage.after-publish")) {
                        // tidying reads the manifest list of a commit that was prepared twice
                        try (Stream<Path> all = Files.walk(warehouse)) {
                            all.filter(path -> path.toString().contains("snap-"))
                                    .forEach(path -> path.toFile().delete());
                        } catch (IOException e) {
                            throw new java.io.UncheckedIOException(e);
                        }
                    }
                };
        LakeCatalog failing = new LakeCatalog(ledger.ledger(), warehouse, manifestGoes);
        try (StagedCommit commit = failing.stage()) {
            append(commit.table(A, OnConflict.REAPPLY), 3);
            append(A, 10);
            assertThat(commit.publish(request(commit))).isEqualTo(ledger.ledger().head());
        }
    }

    @Test
    void aBlindAppendIsReappliedToANewerTableAndOnlyWhatIsReachedStays() throws IOException {
        try (StagedCommit commit = catalog.stage()) {
            append(commit.table(A, OnConflict.REAPPLY), 3);
            append(A, 10);
            append(A, 20);
            commit.publish(request(commit));
        }
        assertThat(records(A, ledger.ledger().head())).isEqualTo(33);
        assertThat(files()).isEqualTo(reachable());
    }

    @Test
    void aChangeThatDependsOnItsTableIsRefusedWhenTheTableMoved() throws IOException {
        try (StagedCommit commit = catalog.stage()) {
            append(commit.table(A, OnConflict.FAIL), 3);
            append(A, 10);
            assertThatThrownBy(() -> commit.publish(request(commit)))
                    .isInstanceOf(CommitConflictException.class);
        }
        assertThat(records(A, ledger.ledger().head())).isEqualTo(10);
        assertThat(files()).isEqualTo(reachable());
    }

    @Test
    void aRewriteOfFilesThatAreGoneIsRefused() {
        DataFile first;
        try (StagedCommit commit = catalog.stage()) {
            first = append(commit.table(A, OnConflict.FAIL), 3);
            commit.publish(request(commit));
        }
        try (StagedCommit compaction = catalog.stage()) {
            StagedTable table = compaction.table(A, OnConflict.REAPPLY);
            table.transaction().newRewrite().deleteFile(first).addFile(write(table, 3)).commit();
            try (StagedCommit overwrite = catalog.stage()) {
                StagedTable other = overwrite.table(A, OnConflict.FAIL);
                other.transaction()
                        .newOverwrite()
                        .overwriteByRowFilter(Expressions.alwaysTrue())
                        .addFile(write(other, 7))
                        .commit();
                overwrite.publish(request(overwrite));
            }
            assertThatThrownBy(() -> compaction.publish(request(compaction)))
                    .hasMessageContaining("ns.a");
        }
        assertThat(records(A, ledger.ledger().head())).isEqualTo(7);
    }

    @Test
    void concurrentAppendsToOneTableAllArrive() throws Exception {
        List<Future<Long>> writers = new ArrayList<>();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 40; i++) {
                writers.add(pool.submit(() -> append(A, 1)));
            }
        }
        Set<Long> seqs = new TreeSet<>();
        for (Future<Long> writer : writers) {
            seqs.add(writer.get());
        }
        assertThat(seqs).hasSize(40);
        assertThat(records(A, ledger.ledger().head())).isEqualTo(40);
    }

    @Test
    void changesAreTheFilesAddedInARangeThoughTheyWereCompactedSince() {
        long start = ledger.ledger().head();
        append(A, 1);
        long two = append(A, 2);
        append(B, 100);
        long three = append(A, 3);
        UUID uuid = catalog.pin().table(A).orElseThrow().uuid();
        try (StagedCommit compaction = catalog.stage()) {
            StagedTable table = compaction.table(A, OnConflict.REAPPLY);
            var rewrite = table.transaction().newRewrite();
            catalog.pin().table(A).orElseThrow().files().forEach(rewrite::deleteFile);
            rewrite.addFile(write(table, 6)).commit();
            compaction.publish(
                    CommitRequest.builder(compaction.id(), LakeCatalog.COMPACTION, "tonle"));
        }
        long head = ledger.ledger().head();

        assertThat(rows(catalog.changes(uuid, start, head, ChangeRange.Limit.NONE)))
                .containsExactly(1L, 2L, 3L);
        assertThat(rows(catalog.changes(uuid, two, head, ChangeRange.Limit.NONE)))
                .containsExactly(3L);
        for (ChangeRange.Limit limit :
                List.of(
                        new ChangeRange.Limit(3, Long.MAX_VALUE),
                        new ChangeRange.Limit(Long.MAX_VALUE, 3))) {
            ChangeRange limited = catalog.changes(uuid, start, head, limit);
            assertThat(rows(limited)).containsExactly(1L, 2L);
            assertThat(((ChangeRange.Appended) limited).upTo()).isEqualTo(two);
        }
        assertThat(rows(catalog.changes(uuid, three, head, ChangeRange.Limit.NONE))).isEmpty();
        assertThat(catalog.pin().table(A).orElseThrow().files()).hasSize(1);
    }

    private static List<Long> rows(ChangeRange range) {
        return ((ChangeRange.Appended) range).files().stream().map(DataFile::recordCount).toList();
    }

    @Test
    void anOverwriteIsNoAppend() {
        long start = append(A, 1);
        long overwritten;
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(A, OnConflict.FAIL);
            table.transaction()
                    .newOverwrite()
                    .overwriteByRowFilter(Expressions.alwaysTrue())
                    .addFile(write(table, 7))
                    .commit();
            overwritten = commit.publish(request(commit));
        }
        UUID uuid = catalog.pin().table(A).orElseThrow().uuid();
        assertThat(catalog.changes(uuid, start, overwritten, ChangeRange.Limit.NONE))
                .isEqualTo(new ChangeRange.Rewritten(overwritten, "overwrite"));
    }

    @Test
    void metadataStaysBoundedWhileHistoryIsStillReadable() {
        long first = append(A, 1);
        for (int i = 0; i < StagedTable.LISTED_SNAPSHOTS + 20; i++) {
            append(A, 1);
        }
        long head = ledger.ledger().head();
        PinnedTable now = catalog.pin().table(A).orElseThrow();
        TableMetadata metadata = catalog.metadata().read(now.metadataLocation());
        assertThat(metadata.snapshots()).hasSize(StagedTable.LISTED_SNAPSHOTS);
        assertThat(records(A, first)).isEqualTo(1);
        LakeCatalog restarted = new LakeCatalog(ledger.ledger(), warehouse, FailPoints.NONE);
        assertThat(rows(restarted.changes(now.uuid(), first - 1, head, ChangeRange.Limit.NONE)))
                .hasSize(StagedTable.LISTED_SNAPSHOTS + 21);
    }

    private Set<String> files() throws IOException {
        try (Stream<Path> all = Files.walk(warehouse)) {
            return all.filter(Files::isRegularFile)
                    .map(LocalFileIO::location)
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /** All that any pointer of any sequence number reaches. */
    private Set<String> reachable() {
        Set<String> reached = new TreeSet<>();
        for (long seq = 0; seq <= ledger.ledger().head(); seq++) {
            for (PinnedTable table : catalog.pinAt(seq).tables()) {
                reached.add(table.metadataLocation());
                table.files().forEach(file -> reached.add(file.location()));
                for (Snapshot snapshot :
                        catalog.metadata().read(table.metadataLocation()).snapshots()) {
                    reached.add(snapshot.manifestListLocation());
                    snapshot.allManifests(catalog.io()).stream()
                            .map(ManifestFile::path)
                            .forEach(reached::add);
                }
            }
        }
        return reached;
    }
}
