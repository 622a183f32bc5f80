package org.tonle.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/** Rows deleted of files: what a state has, what an earlier one had, what stays on the disk. */
class RowChangeIT {
    private static final Schema SCHEMA =
            new Schema(Types.NestedField.required(1, "id", Types.LongType.get()));
    private static final TableIdentifier A = TableIdentifier.of("ns", "a");

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
    void table() throws IOException {
        warehouse = Files.createTempDirectory(dir, "warehouse");
        catalog = new LakeCatalog(ledger.emptied(), warehouse, FailPoints.NONE);
        catalog.ensureNamespace("ns", "test");
        create(A, StagedTable.ROWS_CHANGE);
    }

    private void create(TableIdentifier name, Map<String, String> properties) {
        try (StagedCommit commit = catalog.stage()) {
            commit.create(name, SCHEMA, PartitionSpec.unpartitioned(), properties);
            commit.publish(request(commit));
        }
    }

    private static CommitRequest.Builder request(StagedCommit commit) {
        return CommitRequest.builder(commit.id(), "test", "tester");
    }

    /** What stands in it isn't asked here, so that as many bytes as rows will do. */
    private static DataFile write(StagedTable table, int rows) {
        Path path = table.newDataFile("");
        try {
            Files.write(path, new byte[rows]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return DataFiles.builder(PartitionSpec.unpartitioned())
                .withPath(LocalFileIO.location(path))
                .withFileSizeInBytes(rows)
                .withRecordCount(rows)
                .withFormat("parquet")
                .build();
    }

    /** Adds files of so many rows. */
    private List<String> append(int... rows) {
        return change(Map.of(), rows);
    }

    private List<String> change(Map<String, BitSet> deleted, int... added) {
        return change(catalog, now(), deleted, added);
    }

    private static List<String> change(
            LakeCatalog catalog, PinnedTable read, Map<String, BitSet> deleted, int... added) {
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(read.ref(), OnConflict.FAIL);
            List<DataFile> files =
                    IntStream.of(added).mapToObj(rows -> write(table, rows)).toList();
            table.change(read, files, deleted);
            commit.publish(request(commit));
            return files.stream().map(DataFile::location).toList();
        }
    }

    private static BitSet rows(int... positions) {
        BitSet set = new BitSet();
        IntStream.of(positions).forEach(set::set);
        return set;
    }

    private PinnedTable now() {
        return catalog.pin().table(A).orElseThrow();
    }

    private PinnedTable at(long seq) {
        return catalog.pinAt(seq).table(A).orElseThrow();
    }

    private long head() {
        return ledger.ledger().head();
    }

    /** What a state has of each file. */
    private static Map<String, BitSet> left(PinnedTable table) {
        Map<String, DeletedRows> deleted = table.deleted();
        Map<String, BitSet> left = new HashMap<>();
        for (DataFile file : table.files()) {
            BitSet rows = new BitSet();
            rows.set(0, (int) file.recordCount());
            DeletedRows gone = deleted.get(file.location());
            if (gone != null) {
                assertThat(gone.count()).isEqualTo(gone.positions().cardinality());
                rows.andNot(gone.positions());
            }
            left.put(file.location(), rows);
        }
        return left;
    }

    private Set<String> onDisk() throws IOException {
        try (Stream<Path> all = Files.walk(warehouse)) {
            return all.filter(Files::isRegularFile)
                    .map(LocalFileIO::location)
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /** All that any pointer of any sequence number reaches. */
    private Set<String> reachable() {
        Set<String> reached = new TreeSet<>();
        for (long seq = 0; seq <= head(); seq++) {
            for (PinnedTable table : catalog.pinAt(seq).tables()) {
                reached.add(table.metadataLocation());
                table.files().forEach(file -> reached.add(file.location()));
                table.deleted().values().forEach(rows -> reached.add(rows.vector().location()));
                table.snapshots()
                        .forEach(snapshot -> {
                            reached.add(snapshot.manifestListLocation());
                            snapshot.allManifests(catalog.io()).stream()
                                    .map(ManifestFile::path)
                                    .forEach(reached::add);
                        });
            }
        }
        return reached;
    }

    @Test
    void filesThatReplaceAllOthersMayBeWithoutSomeOfTheirRows() {
        String before = append(4).getFirst();
        change(Map.of(before, rows(1)), 3);
        long seq = head();
        PinnedTable read = now();
        List<String> files;
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(read.ref(), OnConflict.FAIL);
            List<DataFile> added = List.of(write(table, 5), write(table, 2));
            files = added.stream().map(DataFile::location).toList();
            table.replaceAll(read, added, Map.of(files.getFirst(), rows(0, 4)));
            commit.publish(request(commit));
        }
        assertThat(left(now()))
                .isEqualTo(Map.of(files.get(0), rows(1, 2, 3), files.get(1), rows(0, 1)));
        assertThat(now().records()).isEqualTo(5);
        assertThat(left(at(seq))).containsEntry(before, rows(0, 2, 3)).hasSize(2);
        change(Map.of(files.getFirst(), rows(2)));
        assertThat(left(now())).containsEntry(files.getFirst(), rows(1, 3));
    }

    @Test
    void addsFilesAndDeletesRowsInOneSnapshotAndTheStateBeforeHasThem() throws IOException {
        List<String> files = append(5, 3);
        long before = head();
        List<String> added = change(Map.of(files.get(0), rows(4, 0)), 2);

        assertThat(left(now()))
                .isEqualTo(
                        Map.of(
                                files.get(0), rows(1, 2, 3),
                                files.get(1), rows(0, 1, 2),
                                added.get(0), rows(0, 1)));
        assertThat(now().records()).isEqualTo(8);
        assertThat(now().snapshots()).hasSize(2);
        assertThat(at(before).records()).isEqualTo(8);
        assertThat(left(at(before)))
                .isEqualTo(Map.of(files.get(0), rows(0, 1, 2, 3, 4), files.get(1), rows(0, 1, 2)));
        assertThat(onDisk()).isEqualTo(reachable());
    }

    @Test
    void deletesOfAFileAreOneVectorHoweverManyCommitsMadeThem() throws IOException {
        List<String> files = append(10, 10);
        change(Map.of(files.get(0), rows(1)));
        change(Map.of(files.get(0), rows(3, 9), files.get(1), rows(0)));
        change(Map.of(files.get(0), rows(8)));
        assertThat(left(now()))
                .isEqualTo(
                        Map.of(
                                files.get(0), rows(0, 2, 4, 5, 6, 7),
                                files.get(1), rows(1, 2, 3, 4, 5, 6, 7, 8, 9)));
        assertThat(now().snapshot().orElseThrow().summary())
                .containsEntry("total-delete-files", "2")
                .containsEntry("total-position-deletes", "5");
        assertThat(onDisk()).isEqualTo(reachable());
    }

    @Test
    void aFileOfWhichNothingIsLeftLeavesTheTableWithItsVector() throws IOException {
        List<String> files = append(3, 3);
        change(Map.of(files.get(0), rows(1)));
        long before = head();
        change(Map.of(files.get(0), rows(0, 2)));
        assertThat(left(now())).isEqualTo(Map.of(files.get(1), rows(0, 1, 2)));
        assertThat(now().deleted()).isEmpty();
        assertThat(left(at(before)).get(files.get(0))).isEqualTo(rows(0, 2));

        change(Map.of(files.get(1), rows(0, 1, 2)));
        assertThat(now().records()).isZero();
        assertThat(now().files()).isEmpty();
        assertThat(onDisk()).isEqualTo(reachable());
    }

    @Test
    void aTableThatIsReplacedHasNoRowDeletedAnyMore() throws IOException {
        List<String> files = append(3, 3);
        change(Map.of(files.get(0), rows(1)));
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(A, OnConflict.FAIL);
            table.replaceAll(List.of(write(table, 5)));
            commit.publish(request(commit));
        }
        assertThat(now().deleted()).isEmpty();
        assertThat(now().records()).isEqualTo(5);

        change(Map.of(now().files().getFirst().location(), rows(0)));
        try (StagedCommit commit = catalog.stage()) {
            commit.replace(A, SCHEMA, PartitionSpec.unpartitioned());
            commit.publish(request(commit));
        }
        assertThat(now().deleted()).isEmpty();
        assertThat(now().records()).isZero();
        String file = append(4).getFirst();
        change(Map.of(file, rows(3)));
        assertThat(left(now())).isEqualTo(Map.of(file, rows(0, 1, 2)));
        assertThat(onDisk()).isEqualTo(reachable());
    }

    @Test
    void whatIsNoRowOfTheTableCantBeDeleted() throws IOException {
        List<String> files = append(3, 3);
        change(Map.of(files.get(0), rows(1)));
        Set<String> before = onDisk();
        assertThatThrownBy(() -> change(Map.of(files.get(0), rows(0, 1)), 4))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("position 1 was deleted before");
        assertThatThrownBy(() -> change(Map.of(files.get(1), rows(3)), 4))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("has 3 rows, so that none at position 3");
        assertThatThrownBy(() -> change(Map.of("file:///nowhere.parquet", rows(0)), 4))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is no file of ns.a");
        assertThat(onDisk()).isEqualTo(before);
    }

    @Test
    void aVectorThatIsDamagedOrGoneIsAnErrorAndDeletesNothingElse() throws IOException {
        String file = append(1000).getFirst();
        change(Map.of(file, rows(1, 7, 900)));
        Path vector = LocalFileIO.path(now().deleted().get(file).vector().location());
        byte[] bytes = Files.readAllBytes(vector);
        byte[] damaged = bytes.clone();
        int within = (int) (now().deleted().get(file).vector().contentSizeInBytes() / 2);
        damaged[4 + within] ^= 1;
        for (byte[] content : new byte[][] {damaged, Arrays.copyOf(bytes, 20), {}}) {
            Files.write(vector, content);
            assertUnreadable(file);
        }
        Files.delete(vector);
        assertUnreadable(file);
    }

    private void assertUnreadable(String file) {
        LakeCatalog restarted = new LakeCatalog(ledger.ledger(), warehouse, FailPoints.NONE);
        DeletedRows deleted = restarted.pin().table(A).orElseThrow().deleted().get(file);
        assertThatThrownBy(deleted::positions)
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.STORAGE));
    }

    @Test
    void rowsOfATableWithoutVectorsCantBeDeleted() {
        TableIdentifier old = TableIdentifier.of("ns", "old");
        create(old, Map.of());
        PinnedTable empty = catalog.pin().table(old).orElseThrow();
        String file = change(catalog, empty, Map.of(), 3).getFirst();
        PinnedTable table = catalog.pin().table(old).orElseThrow();
        assertThatThrownBy(() -> change(catalog, table, Map.of(file, rows(0))))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("format version 3");
    }

    @Test
    void positionsOfAnotherStateAreRefused() throws IOException {
        List<String> files = append(3);
        PinnedTable read = now();
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(read.ref(), OnConflict.FAIL);
            table.change(read, List.of(), Map.of(files.get(0), rows(0)));
            change(Map.of(files.get(0), rows(1)));
            assertThatThrownBy(() -> commit.publish(request(commit)))
                    .isInstanceOf(CommitConflictException.class);
        }
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(A, OnConflict.FAIL);
            assertThatThrownBy(() -> table.change(read, List.of(), Map.of(files.get(0), rows(0))))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.COMMIT_CONFLICT));
        }
        assertThat(left(now())).isEqualTo(Map.of(files.get(0), rows(0, 2)));
        assertThat(onDisk()).isEqualTo(reachable());
    }

    @Test
    void whoeverReadsWhatWasAddedSeesThatRowsWereDeletedAndGoesOnWhereNoneWere() {
        long start = head();
        List<String> files = append(3);
        long appended = head();
        change(Map.of(files.get(0), rows(0)), 1);
        long changed = head();
        assertThat(catalog.changes(now().uuid(), start, appended, ChangeRange.Limit.NONE))
                .isInstanceOf(ChangeRange.Appended.class);
        assertThat(catalog.changes(now().uuid(), start, changed, ChangeRange.Limit.NONE))
                .isEqualTo(new ChangeRange.Rewritten(changed, "overwrite"));
        change(Map.of(files.get(0), rows(1)));
        assertThat(catalog.changes(now().uuid(), changed, head(), ChangeRange.Limit.NONE))
                .isEqualTo(new ChangeRange.Rewritten(head(), "delete"));
        // the file goes
        change(Map.of(files.get(0), rows(2)));
        assertThat(catalog.changes(now().uuid(), head() - 1, head(), ChangeRange.Limit.NONE))
                .isEqualTo(new ChangeRange.Rewritten(head(), "overwrite"));
    }

    @Test
    void aChangeThatStopsOnTheWayHappenedOrDidNot() throws IOException {
        for (String stop : StagedCommit.FAIL_POINTS) {
            String file = append(4).getFirst();
            Set<String> before = onDisk();
            PinnedTable read = now();
            LakeCatalog stopped =
                    new LakeCatalog(
                            ledger.ledger(),
                            warehouse,
                            point -> {
                                if (point.equals(stop)) {
                                    throw new IllegalStateException("stopped at " + point);
                                }
                            });
            assertThatThrownBy(() -> change(stopped, read, Map.of(file, rows(1, 2)), 5))
                    .hasMessageContaining("stopped at " + stop);
            catalog = new LakeCatalog(ledger.ledger(), warehouse, FailPoints.NONE);
            if (stop.equals("stage.after-publish")) {
                assertThat(left(now()).get(file)).isEqualTo(rows(0, 3));
                assertThat(onDisk()).isEqualTo(reachable());
            } else {
                assertThat(left(now()).get(file)).isEqualTo(rows(0, 1, 2, 3));
                assertThat(onDisk()).isEqualTo(before);
            }
        }
    }

    @Test
    void randomChangesLeaveWhatAModelHasAtEverySequenceNumber() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Map<String, BitSet> model = new HashMap<>();
        Map<Long, Map<String, BitSet>> history = new HashMap<>();
        for (int step = 0; step < 25; step++) {
            Map<String, BitSet> deleted = new HashMap<>();
            double part = random.nextDouble() * random.nextDouble();
            model.forEach((file, rows) -> {
                BitSet gone = new BitSet();
                rows.stream().filter(r -> random.nextDouble() < part).forEach(gone::set);
                if (!gone.isEmpty()) {
                    deleted.put(file, gone);
                }
            });
            int[] added =
                    random.ints(random.nextInt(3), 1, random.nextBoolean() ? 5 : 100_000).toArray();
            List<String> files = change(deleted, added);
            deleted.forEach((file, rows) -> model.get(file).andNot(rows));
            for (int i = 0; i < added.length; i++) {
                BitSet rows = new BitSet();
                rows.set(0, added[i]);
                model.put(files.get(i), rows);
            }
            model.values().removeIf(BitSet::isEmpty);
            Map<String, BitSet> copy = new HashMap<>();
            model.forEach((file, rows) -> copy.put(file, (BitSet) rows.clone()));
            history.put(head(), copy);
        }
        LakeCatalog restarted = new LakeCatalog(ledger.ledger(), warehouse, FailPoints.NONE);
        history.forEach((seq, rows) -> {
            PinnedTable table = restarted.pinAt(seq).table(A).orElseThrow();
            assertThat(left(table)).as("seed %d, commit %d", seed, seq).isEqualTo(rows);
            assertThat(table.records())
                    .as("seed %d, commit %d", seed, seq)
                    .isEqualTo(rows.values().stream().mapToLong(BitSet::cardinality).sum());
        });
    }

    private static List<DataFile> copy(StagedTable table, int rows) {
        return List.of(write(table, rows));
    }

    @Test
    void compactionDropsWhatIsDeletedAndReadersOfChangesSkipIt() throws IOException {
        Compaction compaction = new Compaction(catalog, 3, FailPoints.NONE);
        List<String> files = append(6, 6, 6);
        change(Map.of(files.get(0), rows(1), files.get(2), rows(0, 5)));
        long before = head();
        assertThat(
                        compaction.compact(
                                now(),
                                now().files(),
                                Optional.empty(),
                                (staged, commit, small) -> copy(staged, 15)))
                .isTrue();
        assertThat(now().files()).hasSize(1);
        assertThat(now().deleted()).isEmpty();
        assertThat(now().records()).isEqualTo(15);
        assertThat(at(before).records()).isEqualTo(15);
        assertThat(at(before).files()).hasSize(3);
        assertThat(catalog.changes(now().uuid(), before, head(), ChangeRange.Limit.NONE))
                .isEqualTo(new ChangeRange.Appended(head(), List.of()));
        assertThat(now().snapshot().orElseThrow().summary())
                .containsEntry("total-delete-files", "0");
        assertThat(onDisk()).isEqualTo(reachable());
    }

    @Test
    void compactionThatWouldBringBackARowIsRefused() throws IOException {
        Compaction compaction = new Compaction(catalog, 2, FailPoints.NONE);
        List<String> files = append(6, 6);
        change(Map.of(files.get(0), rows(1)));
        // all rows are copied, the deleted one too
        assertThatThrownBy(() ->
                        compaction.compact(
                                now(),
                                now().files(),
                                Optional.empty(),
                                (staged, commit, small) -> copy(staged, 12)))
                .hasMessageContaining("wrote 12 rows of files that hold 11");
        // one is deleted while they are copied, and before
        PinnedTable read = now();
        assertThat(
                        compaction.compact(
                                read,
                                read.files(),
                                Optional.empty(),
                                (staged, commit, small) -> {
                                    change(Map.of(files.get(1), rows(2)));
                                    return copy(staged, 11);
                                }))
                .isFalse();
        assertThat(
                        compaction.compact(
                                read,
                                read.files(),
                                Optional.empty(),
                                (staged, commit, small) -> copy(staged, 11)))
                .isFalse();
        assertThat(left(now()))
                .isEqualTo(
                        Map.of(
                                files.get(0),
                                rows(0, 2, 3, 4, 5),
                                files.get(1),
                                rows(0, 1, 3, 4, 5)));
        assertThat(onDisk()).isEqualTo(reachable());
    }

    @Test
    void aFileOfWhichManyRowsAreDeletedIsRewrittenAndOthersAreLeft() {
        Compaction compaction = new Compaction(catalog, 10, FailPoints.NONE);
        List<String> files = append(9, 9);
        change(Map.of(files.get(0), rows(0, 1, 2), files.get(1), rows(8)));
        Compaction.Rewriter rewriter =
                (staged, commit, small) -> {
                    assertThat(small).hasSize(1);
                    assertThat(small.getFirst().location()).isEqualTo(files.get(0));
                    return copy(staged, 5);
                };
        assertThat(compaction.compact(now(), now().files(), Optional.empty(), rewriter)).isFalse();
        change(Map.of(files.get(0), rows(3)));
        assertThat(compaction.compact(now(), now().files(), Optional.empty(), rewriter)).isTrue();
        assertThat(now().records()).isEqualTo(13);
        assertThat(now().deleted()).containsOnlyKeys(files.get(1));
    }
}
