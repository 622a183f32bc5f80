package org.tonle.maintenance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.FailPoints;

/** What a check says of a lake whose files somebody damaged, each kind of file in each way. */
class CheckIT {
    private static final TableIdentifier TABLE = TableIdentifier.of("lab", "t");
    private static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.required(1, "id", Types.LongType.get()),
                    Types.NestedField.required(2, "text", Types.StringType.get()));

    @TempDir private Path dir;
    private EmbeddedPostgres postgres;
    private Ledger ledger;
    private LakeCatalog catalog;
    private DataFile first;
    private String firstMetadata;

    @BeforeEach
    void open() throws IOException {
        postgres = EmbeddedPostgres.start(dir.resolve("pg"));
        ledger =
                Ledger.open(
                        new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password()),
                        FailPoints.NONE);
        catalog = new LakeCatalog(ledger, dir.resolve("tables"), FailPoints.NONE);
        catalog.ensureNamespace("lab", "test");
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table =
                    commit.create(
                            TABLE, SCHEMA, PartitionSpec.unpartitioned(), StagedTable.ROWS_CHANGE);
            first = rows(table, 1000);
            table.append(List.of(first));
            publish(commit);
        }
        firstMetadata = now().metadataLocation();
        BitSet deleted = new BitSet();
        deleted.set(3, 30);
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(TABLE, OnConflict.FAIL);
            table.change(now(), List.of(rows(table, 10)), Map.of(first.location(), deleted));
            publish(commit);
        }
    }

    @AfterEach
    void close() {
        ledger.close();
        postgres.close();
    }

    private void publish(StagedCommit commit) {
        var unused = commit.publish(CommitRequest.builder(commit.id(), "test", "test"));
    }

    private PinnedTable now() {
        return catalog.pin().table(TABLE).orElseThrow();
    }

    /** Texts that don't compress, so that a byte that is changed is one of them. */
    private static DataFile rows(StagedTable table, int rows) throws IOException {
        Path file = table.newDataFile("");
        Random random = new Random(rows);
        FileAppender<Record> writer =
                Parquet.write(new LocalFileIO().newOutputFile(file.toString()))
                        .schema(SCHEMA)
                        .set("write.parquet.compression-codec", "zstd")
                        .createWriterFunc(GenericParquetWriter::create)
                        .build();
        try (writer) {
            for (long id = 0; id < rows; id++) {
                GenericRecord row = GenericRecord.create(SCHEMA);
                row.set(0, id);
                row.set(1, Long.toHexString(random.nextLong()));
                writer.add(row);
            }
        }
        return DataFiles.builder(PartitionSpec.unpartitioned())
                .withPath(table.location(file))
                .withFormat(FileFormat.PARQUET)
                .withFileSizeInBytes(writer.length())
                .withMetrics(writer.metrics())
                .build();
    }

    private List<Check.Problem> problems(boolean contents) {
        List<Check.Problem> problems = new ArrayList<>();
        Check.Report report = Check.of(catalog, contents, problems::add);
        assertThat(report.problems()).isEqualTo(problems.size());
        return problems;
    }

    private Path only(String glob) {
        try (Stream<Path> all = Files.walk(dir.resolve("tables"))) {
            List<Path> found =
                    all.filter(file ->
                                    file.getFileSystem()
                                            .getPathMatcher("glob:**/" + glob)
                                            .matches(file))
                            .toList();
            assertThat(found).hasSize(1);
            return found.getFirst();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void flip(Path file, long at) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[(int) at] ^= 0x55;
        Files.write(file, bytes);
    }

    private void says(List<Check.Problem> problems, String location, String what) {
        assertThat(problems)
                .anySatisfy(problem -> {
                    assertThat(problem.table()).isEqualTo("lab.t");
                    assertThat(problem.location()).isEqualTo(location);
                    assertThat(problem.what()).contains(what);
                });
    }

    @Test
    void ofALakeThatIsWholeItLooksAtEveryFile() throws IOException {
        List<Check.Problem> problems = new ArrayList<>();
        Check.Report report = Check.of(catalog, true, problems::add);
        assertThat(problems).isEmpty();
        try (Stream<Path> all = Files.walk(dir.resolve("tables"))) {
            assertThat(report.files()).isEqualTo(all.filter(Files::isRegularFile).count());
        }
        assertThat(report.tables()).isEqualTo(1);
        assertThat(report.states()).isEqualTo(2);
    }

    @Test
    void aFileOfRowsThatIsGoneOrShortIsNamed() throws IOException {
        Path file = now().path(first);
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 1));
        says(problems(false), first.location(), "has %d bytes".formatted(bytes.length - 1));
        Files.delete(file);
        assertThat(problems(false)).hasSize(1);
        says(problems(false), first.location(), "is gone");
    }

    @Test
    void aByteThatChangedIsSeenWhereRowsAreRead() throws IOException {
        flip(now().path(first), first.fileSizeInBytes() / 2);
        assertThat(problems(false)).isEmpty();
        assertThat(problems(true)).hasSize(1);
        says(problems(true), first.location(), "");
    }

    @Test
    void aByteOfAVectorThatChangedIsSeen() throws IOException {
        Path vector = only("*.puffin");
        flip(vector, 20);
        assertThat(problems(false)).isEmpty();
        says(problems(true), "file://" + vector, "");
    }

    @Test
    void theMetadataOfAnOldStateIsNeeded() throws IOException {
        Files.delete(catalog.files().path(firstMetadata));
        assertThat(problems(false)).hasSize(1);
        says(problems(false), firstMetadata, "");
    }

    @Test
    void aManifestThatIsGoneIsNamedAndTheRestIsLookedAt() throws IOException {
        Path file = now().path(first);
        Files.delete(file);
        try (Stream<Path> all = Files.walk(dir.resolve("tables"))) {
            for (Path list : all.filter(path -> path.toString().contains("snap-")).toList()) {
                Files.write(list, new byte[] {1, 2, 3});
                break;
            }
        }
        assertThat(problems(false)).extracting(Check.Problem::location).hasSize(2);
    }
}
