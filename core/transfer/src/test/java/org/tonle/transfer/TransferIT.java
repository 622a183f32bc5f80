package org.tonle.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.StaticTableOperations;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/** Tables that leave a lake, and come back, over a real ledger and real files. */
class TransferIT {
    private static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.required(1, "id", Types.LongType.get()),
                    Types.NestedField.optional(2, "town", Types.StringType.get()));
    private static final PartitionSpec SPEC =
            PartitionSpec.builderFor(SCHEMA).identity("town").build();
    private static final TableIdentifier PEOPLE = TableIdentifier.of("lab", "people");
    private static final TableIdentifier COPY = TableIdentifier.of("lab", "copy");

    @TempDir private Path dir;
    private EmbeddedPostgres postgres;
    private Ledger ledger;
    private LakeCatalog catalog;

    @BeforeEach
    void open() {
        postgres = EmbeddedPostgres.start(dir.resolve("pg"));
        ledger =
                Ledger.open(
                        new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password()),
                        FailPoints.NONE);
        catalog = new LakeCatalog(ledger, dir.resolve("tables"), FailPoints.NONE);
        catalog.ensureNamespace("lab", "test");
    }

    @AfterEach
    void close() {
        ledger.close();
        postgres.close();
    }

    private static Record row(Schema schema, Object... values) {
        GenericRecord record = GenericRecord.create(schema);
        for (int i = 0; i < values.length; i++) {
            record.set(i, values[i]);
        }
        return record;
    }

    private static FileAppender<Record> writer(Schema schema, Path file) throws IOException {
        return Parquet.write(new LocalFileIO().newOutputFile(file.toString()))
                .schema(schema)
                .createWriterFunc(GenericParquetWriter::create)
                .build();
    }

    /** A file of people with these ids, all of one town. */
    private static DataFile people(StagedTable table, String town, long... ids) throws IOException {
        Path file = table.newDataFile("town=" + town);
        FileAppender<Record> writer = writer(table.schema(), file);
        try (writer) {
            for (long id : ids) {
                writer.add(row(table.schema(), id, town));
            }
        }
        return DataFiles.builder(table.table().spec())
                .withPath(table.location(file))
                .withFormat(FileFormat.PARQUET)
                .withPartitionPath("town=" + town)
                .withFileSizeInBytes(writer.length())
                .withMetrics(writer.metrics())
                .build();
    }

    private void publish(StagedCommit commit) {
        var unused = commit.publish(CommitRequest.builder(commit.id(), "test", "test"));
    }

    private long peopleWithout(long deleted) throws IOException {
        DataFile rome;
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.create(PEOPLE, SCHEMA, SPEC, StagedTable.ROWS_CHANGE);
            rome = people(table, "rome", 1, 2, 3);
            table.append(List.of(rome, people(table, "oslo", 4)));
            publish(commit);
        }
        long before = ledger.head();
        BitSet rows = new BitSet();
        rows.set((int) deleted - 1);
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(PEOPLE, OnConflict.FAIL);
            table.change(now(PEOPLE), List.of(), Map.of(rome.location(), rows));
            publish(commit);
        }
        return before;
    }

    private PinnedTable now(TableIdentifier table) {
        return catalog.pin().table(table).orElseThrow();
    }

    private static List<String> rows(String metadata) throws IOException {
        LocalFileIO io = new LocalFileIO();
        try (CloseableIterable<Record> rows =
                IcebergGenerics.read(
                                new BaseTable(new StaticTableOperations(metadata, io), "table"))
                        .build()) {
            List<String> all = new ArrayList<>();
            for (Record row : rows) {
                all.add(
                        IntStream.range(0, row.size())
                                .mapToObj(i -> String.valueOf(row.get(i)))
                                .toList()
                                .toString());
            }
            all.sort(Comparator.naturalOrder());
            return all;
        }
    }

    private List<Export.Exported> export(Pin pin, Path to) {
        return new Export(catalog).write(pin, pin.tables(), to, "file://" + to, each -> {});
    }

    @Test
    void anExportHoldsWhatIsLeftOfEachTableAndNeedsNoLake() throws Exception {
        peopleWithout(2);
        Path out = dir.resolve("out");
        List<Export.Exported> all = export(catalog.pin(), out);
        close();
        LocalFileIO.removeTree(dir.resolve("tables"));
        assertThat(all).hasSize(1);
        assertThat(all.getFirst().rows()).isEqualTo(3);
        Path table = out.resolve("lab/people");
        assertThat(table.resolve("metadata/version-hint.text")).hasContent("1");
        assertThat(all.getFirst().metadata())
                .isEqualTo("file://" + table.resolve("metadata/v1.metadata.json"));
        assertThat(rows(all.getFirst().metadata()))
                .containsExactly("[1, rome]", "[3, rome]", "[4, oslo]");
        assertThat(Files.readString(table.resolve("metadata/v1.metadata.json")))
                .contains("\"format-version\":2")
                .doesNotContain(dir.resolve("tables").toString());
        assertThat(out.resolve("README.md")).content().contains("lab.people | 3 | 2 |");
        try (Stream<Path> left = Files.list(dir)) {
            assertThat(left.map(Path::getFileName).map(Path::toString))
                    .as("nothing lies beside it")
                    .containsExactlyInAnyOrder("out", "pg");
        }
        open();
    }

    @Test
    void anExportOfThePastIsThatState() throws Exception {
        long before = peopleWithout(2);
        List<Export.Exported> all = export(catalog.pin().at(before), dir.resolve("out"));
        assertThat(rows(all.getFirst().metadata()))
                .containsExactly("[1, rome]", "[2, rome]", "[3, rome]", "[4, oslo]");
    }

    @Test
    void aTablesNameLeadsNowhereElse() {
        List<String> names = List.of("..", "../../up", "a b", "ü");
        try (StagedCommit commit = catalog.stage()) {
            for (String name : names) {
                commit.create(
                        TableIdentifier.of("lab", name),
                        SCHEMA,
                        PartitionSpec.unpartitioned(),
                        Map.of());
            }
            publish(commit);
        }
        Path out = dir.resolve("out");
        assertThat(export(catalog.pin(), out))
                .extracting(Export.Exported::metadata)
                .containsExactlyInAnyOrder(
                        Stream.of("%2E.", "%2E.%2F..%2Fup", "a b", "ü")
                                .map(name ->
                                        "file://%s/lab/%s/metadata/v1.metadata.json"
                                                .formatted(out, name))
                                .toArray(String[]::new));
    }

    @Test
    void aFolderWithSomethingInItIsLeftAlone() throws Exception {
        peopleWithout(2);
        Path out = Files.createDirectory(dir.resolve("out"));
        Files.writeString(out.resolve("mine"), "x");
        assertThatThrownBy(() -> export(catalog.pin(), out))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.ALREADY_EXISTS));
        assertThat(out).isDirectoryContaining("glob:**/mine");
    }

    @Test
    void anExportOfAFileThatWasCutOffLeavesNothing() throws Exception {
        peopleWithout(2);
        DataFile oslo =
                now(PEOPLE).files().stream()
                        .filter(file -> file.recordCount() == 1)
                        .findFirst()
                        .orElseThrow();
        Path path = now(PEOPLE).path(oslo);
        Files.write(path, List.of("PAR1"));
        Path out = dir.resolve("out");
        assertThatThrownBy(() -> export(catalog.pin(), out))
                .isInstanceOf(LakeException.class)
                .hasMessageContaining(path.getFileName().toString())
                .hasMessageContaining("cut off");
        try (Stream<Path> left = Files.list(dir)) {
            assertThat(left.map(Path::getFileName).map(Path::toString))
                    .containsExactlyInAnyOrder("tables", "pg");
        }
    }

    @Test
    void aTableThatLeftComesBackWithItsPartitionsAndIds() throws Exception {
        peopleWithout(2);
        Path out = dir.resolve("out");
        export(catalog.pin(), out);
        Import.Imported come = new Import(catalog).take(COPY, out.resolve("lab/people"), "test");
        LocalFileIO.removeTree(out);
        assertThat(come.rows()).isEqualTo(3);
        assertThat(come.seq()).isEqualTo(ledger.head());
        PinnedTable copy = now(COPY);
        assertThat(copy.schema().sameSchema(SCHEMA)).isTrue();
        assertThat(rows(copy.metadataLocation()))
                .containsExactly("[1, rome]", "[3, rome]", "[4, oslo]");
        assertThat(copy.files())
                .as("of partitions, in the lake's own folder")
                .allSatisfy(file -> {
                    assertThat(file.partition().size()).isEqualTo(1);
                    assertThat(file.location()).contains(dir.resolve("tables").toString());
                });
        assertThatThrownBy(() -> new Import(catalog).take(COPY, out, "test"))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.ALREADY_EXISTS));
    }

    /** Files as others write them, without the ids by which Iceberg tells columns. */
    private static void foreign(Path file, String type, Object... values) throws IOException {
        Files.createDirectories(file.getParent());
        org.apache.parquet.schema.MessageType schema =
                org.apache.parquet.schema.MessageTypeParser.parseMessageType(type);
        try (var writer =
                org.apache.parquet.hadoop.example.ExampleParquetWriter.builder(
                                new org.apache.parquet.io.LocalOutputFile(file))
                        .withConf(new org.apache.parquet.conf.PlainParquetConfiguration())
                        .withType(schema)
                        .build()) {
            var group =
                    new org.apache.parquet.example.data.simple.SimpleGroupFactory(schema)
                            .newGroup();
            for (int i = 0; i < values.length; i++) {
                if (values[i] instanceof Long number) {
                    group.add(i, number);
                } else {
                    group.add(i, String.valueOf(values[i]));
                }
            }
            writer.write(group);
        }
    }

    @Test
    void parquetFilesBecomeATableByTheNamesOfTheirColumns() throws Exception {
        Path files = dir.resolve("files");
        foreign(
                files.resolve("a.parquet"),
                "message m { required int64 id; optional binary town (STRING); }",
                1L,
                "rome");
        foreign(
                files.resolve("more/b.parquet"),
                "message m { optional binary nick (STRING); required int64 id; }",
                "bo",
                2L);
        Files.writeString(files.resolve("_SUCCESS"), "");
        Import.Imported come = new Import(catalog).take(COPY, files, "test");
        LocalFileIO.removeTree(files);
        assertThat(come.files()).isEqualTo(2);
        assertThat(rows(now(COPY).metadataLocation()))
                .containsExactly("[1, rome, null]", "[2, null, bo]");
        assertThat(now(COPY).properties()).doesNotContainKey("schema.name-mapping.default");
    }

    @Test
    void whatDoesNotGoTogetherIsRefusedByName() throws Exception {
        Path files = dir.resolve("files");
        foreign(files.resolve("a.parquet"), "message m { required int64 id; }", 1L);
        foreign(files.resolve("b.parquet"), "message m { required binary id (STRING); }", "one");
        refused(files, "column id", "b.parquet", "string", "long");
        Path parted = dir.resolve("parted");
        foreign(parted.resolve("day=1/a.parquet"), "message m { required int64 id; }", 1L);
        refused(parted, "day=1", "write the column into the files");
        Path none = Files.createDirectory(dir.resolve("none"));
        refused(none, "holds no file whose name ends with .parquet");
        Files.writeString(none.resolve("text.parquet"), "no Parquet at all, but long enough");
        refused(none, "text.parquet", "can't be read as Parquet");
        assertThatThrownBy(() -> new Import(catalog).take(COPY, dir.resolve("absent"), "test"))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_FOUND));
        assertThat(catalog.pin().table(COPY)).isEmpty();
    }

    /** Read by the ids of the others, its columns would be taken for others. */
    @Test
    void aFileWithoutIdsAmongFilesWithThemIsRefused() throws Exception {
        Path files = dir.resolve("files");
        foreign(files.resolve("a.parquet"), "message m { required int64 id = 7; }", 1L);
        foreign(files.resolve("b.parquet"), "message m { required int64 id; }", 2L);
        refused(files, "number their columns (field ids), and not all in the same way");
        Files.delete(files.resolve("b.parquet"));
        assertThat(new Import(catalog).take(COPY, files, "test").rows()).isEqualTo(1);
        assertThat(rows(now(COPY).metadataLocation())).containsExactly("[1]");
    }

    private void refused(Path source, String... said) {
        assertThatThrownBy(() -> new Import(catalog).take(COPY, source, "test"))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_VALUE))
                .hasMessageContainingAll(said);
    }
}
