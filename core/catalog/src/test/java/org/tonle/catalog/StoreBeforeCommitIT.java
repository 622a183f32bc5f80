package org.tonle.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.ledger.CommitRequest;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Over a folder that stands for an object store, which sometimes takes nothing. */
class StoreBeforeCommitIT {
    private static final Schema SCHEMA =
            new Schema(Types.NestedField.required(1, "id", Types.LongType.get()));
    private static final TableIdentifier TABLE = TableIdentifier.of("ns", "t");

    @TempDir private static Path dir;
    private static TestLedger ledger;
    private Store io;
    private CachedFiles files;
    private LakeCatalog catalog;
    private long filesAtCommit;

    private static final class Store implements FileIO {
        private final LocalFileIO files = new LocalFileIO();
        private volatile boolean refusesRows;

        @Override
        public InputFile newInputFile(String location) {
            return files.newInputFile(location);
        }

        @Override
        public OutputFile newOutputFile(String location) {
            if (refusesRows && location.endsWith(StagedTable.DATA)) {
                throw new UncheckedIOException(new IOException("503 SlowDown"));
            }
            return files.newOutputFile(location);
        }

        @Override
        public void deleteFile(String location) {
            files.deleteFile(location);
        }
    }

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
        Path store = Files.createTempDirectory(dir, "store");
        io = new Store();
        files =
                new CachedFiles(
                        io,
                        LocalFileIO.location(store),
                        Files.createTempDirectory(dir, "cache"),
                        1 << 20);
        catalog =
                new LakeCatalog(
                        ledger.emptied(),
                        files,
                        point -> {
                            if (point.equals("stage.after-sync")) {
                                filesAtCommit = rows(store).size();
                            }
                        });
        catalog.ensureNamespace("ns", "test");
        try (StagedCommit commit = catalog.stage()) {
            commit.create(TABLE, SCHEMA, PartitionSpec.unpartitioned(), Map.of());
            commit.publish(request(commit.id()));
        }
    }

    private static CommitRequest.Builder request(UUID id) {
        return CommitRequest.builder(id, "test", "tester");
    }

    private static List<Path> rows(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(path -> path.toString().endsWith(StagedTable.DATA)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void append() {
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(TABLE, StagedTable.OnConflict.REAPPLY);
            Path path = table.newDataFile("");
            try {
                Files.write(path, new byte[7]);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            table.append(
                    List.of(
                            DataFiles.builder(PartitionSpec.unpartitioned())
                                    .withPath(table.location(path))
                                    .withFileSizeInBytes(7)
                                    .withRecordCount(7)
                                    .withFormat("parquet")
                                    .build()));
            commit.publish(request(commit.id()));
        }
    }

    private PinnedTable now() {
        return catalog.pin().table(TABLE).orElseThrow();
    }

    @Test
    void whatACommitNamesLiesInTheStoreBeforeIt() {
        append();
        assertThat(filesAtCommit).isEqualTo(1);
        assertThat(now().files())
                .singleElement()
                .satisfies(file ->
                        assertThat(LocalFileIO.path(file.location())).hasBinaryContent(new byte[7]))
                .satisfies(file -> assertThat(now().path(file)).hasBinaryContent(new byte[7]));
    }

    @Test
    void whatIsGoneOfATablesMetadataIsSaidWithWhatToDo() throws IOException {
        append();
        Path store = LocalFileIO.path(files.root());
        List<Path> metadata;
        try (Stream<Path> all = Files.walk(store)) {
            metadata = all.filter(path -> path.getParent().endsWith("metadata")).toList();
        }
        for (String ending : List.of(".json", ".avro")) {
            for (Path path : metadata) {
                if (path.toString().endsWith(ending)) {
                    Files.move(path, path.resolveSibling(path.getFileName() + ".gone"));
                }
            }
            LakeCatalog others = new LakeCatalog(ledger.ledger(), files, point -> {});
            LakeException e =
                    catchThrowableOfType(
                            LakeException.class,
                            () -> others.pin().table(TABLE).orElseThrow().records());
            assertThat(e.code()).as(ending).isEqualTo(ErrorCode.STORAGE);
            assertThat(e).hasMessageContaining(ending).hasMessageContaining("Restore it");
            for (Path path : metadata) {
                Path gone = path.resolveSibling(path.getFileName() + ".gone");
                if (Files.exists(gone)) {
                    Files.move(gone, path);
                }
            }
        }
        assertThat(new LakeCatalog(ledger.ledger(), files, point -> {}).pin().table(TABLE))
                .hasValueSatisfying(table -> assertThat(table.records()).isEqualTo(7));
    }

    @Test
    void whatTheStoreRefusesIsNotCommittedAndNothingIsLeftOfIt() {
        long head = ledger.ledger().head();
        io.refusesRows = true;
        LakeException e = catchThrowableOfType(LakeException.class, this::append);
        assertThat(e.code()).isEqualTo(ErrorCode.STORAGE);
        assertThat(e).hasMessageContaining(files.root()).hasMessageContaining("503 SlowDown");
        assertThat(ledger.ledger().head()).isEqualTo(head);
        assertThat(rows(files.folder())).isEmpty();

        io.refusesRows = false;
        append();
        assertThat(now().records()).isEqualTo(7);
        assertThat(rows(files.folder())).hasSize(1);
    }
}
