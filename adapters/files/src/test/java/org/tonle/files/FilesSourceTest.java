package org.tonle.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.FileFormat;
import org.tonle.definition.FileLocation;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

class FilesSourceTest {
    @TempDir private Path folder;
    @TempDir private Path storage;

    private SourceKind.Files kind(String pattern, Optional<FileFormat> format) {
        return new SourceKind.Files(
                new FileLocation.Folder(folder), pattern, format, Duration.ofSeconds(2));
    }

    private FilesSource source(String pattern) {
        return new FilesSource(kind(pattern, Optional.empty()), storage, Clock.systemUTC());
    }

    /** Writes a file that hasn't changed for a minute. */
    private void write(String name, byte[] bytes) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.write(file, bytes);
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
    }

    private void write(String name, String text) throws IOException {
        write(name, text.getBytes(UTF_8));
    }

    /** All bodies until none is left. */
    private static List<SourceBody> read(FilesSource source, Map<String, SourceMark> taken)
            throws InterruptedException {
        source.begin(taken);
        List<SourceBody> all = new ArrayList<>();
        while (true) {
            List<SourceBody> bodies = source.poll(Duration.ofMillis(1));
            if (bodies.isEmpty() && source.isAtRest()) {
                source.close();
                return all;
            }
            all.addAll(bodies);
        }
    }

    /** Each body as file, problem if there is one, and text. */
    private List<String> read(String pattern) throws InterruptedException {
        return read(source(pattern), Map.of()).stream().map(FilesSourceTest::shown).toList();
    }

    private static String shown(SourceBody body) {
        return body.headers().get("file")
                + body.problem().map(problem -> " <" + problem + ">").orElse("")
                + " "
                + new String(body.bytes(), UTF_8);
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }

    @Test
    void everyFormatBecomesEventsOneALine() throws Exception {
        write("a.ndjson", "{\"a\":1}\n\n{\"a\":2}");
        write("b.csv", "id,name\n1,\"Ann, B\"\n2,\n");
        write("c.tsv", "id\tname\n1\tAnn\n");
        write("d.json", "[{\"a\": 1.10},\n {\"a\": 2}]");
        write("e.json", "{\"a\": 1}\n{\"a\": 2}");
        write("f.ndjson.gz", gzip("{\"a\":3}\n".getBytes(UTF_8)));
        write("g.csv.zst", Zstd.compress("id\n7\n".getBytes(UTF_8)));
        assertThat(read("**"))
                .containsExactly(
                        "a.ndjson {\"a\":1}\n\n{\"a\":2}\n",
                        "b.csv {\"id\":\"1\",\"name\":\"Ann, B\"}\n{\"id\":\"2\"}\n",
                        "c.tsv {\"id\":\"1\",\"name\":\"Ann\"}\n",
                        "d.json {\"a\":1.10}\n{\"a\":2}\n",
                        "e.json {\"a\":1}\n{\"a\":2}\n",
                        "f.ndjson.gz {\"a\":3}\n",
                        "g.csv.zst {\"id\":\"7\"}\n");
    }

    @Test
    void aFileThatMayNotBeReadIsNamedWhileTheOthersAreReadAndTakenWhenItMay() throws Exception {
        write("a.csv", "id\n1\n");
        write("b.csv", "id\n2\n");
        Set<String> refused = new HashSet<>(Set.of("a.csv", "closed/"));
        try (FilesSource source =
                new FilesSource(
                        kind("**", Optional.empty()),
                        new RefusingOrigin(new FolderOrigin(folder), refused),
                        storage,
                        true,
                        Duration.ofSeconds(60),
                        Clock.systemUTC())) {
            source.begin(Map.of());
            List<String> came = new ArrayList<>();
            pollUntil(source, came, () -> source.warning().isPresent());
            assertThat(source.warning().orElseThrow())
                    .contains(
                            "2 files or folders: a.csv (access denied), closed/ (access denied).");
            assertThat(came).containsExactly("b.csv {\"id\":\"2\"}\n");
            assertThat(storage).isEmptyDirectory();
            refused.clear();
            write("c.csv", "id\n3\n");
            pollUntil(source, came, () -> source.warning().isEmpty() && came.size() == 3);
            assertThat(came)
                    .containsExactlyInAnyOrder(
                            "a.csv {\"id\":\"1\"}\n",
                            "b.csv {\"id\":\"2\"}\n",
                            "c.csv {\"id\":\"3\"}\n");
        }
    }

    private static void pollUntil(FilesSource source, List<String> came, BooleanSupplier enough)
            throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!enough.getAsBoolean()) {
            assertThat(System.nanoTime()).as("%s", came).isLessThan(deadline);
            source.poll(Duration.ofMillis(10)).forEach(body -> came.add(shown(body)));
        }
    }

    @Test
    void recordsOfAvroKeepTheirValuesToTheLastDigit() throws Exception {
        Schema schema =
                new Schema.Parser()
                        .parse(
                                """
                                {"type": "record", "name": "r", "fields": [
                                  {"name": "id", "type": "long"},
                                  {"name": "name", "type": ["null", "string"]},
                                  {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}},
                                  {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
                                  {"name": "day", "type": {"type": "int", "logicalType": "date"}},
                                  {"name": "raw", "type": "bytes"},
                                  {"name": "tags", "type": {"type": "array", "items": "string"}},
                                  {"name": "counts", "type": {"type": "map", "values": "int"}},
                                  {"name": "ratio", "type": "double"}]}
                                """);
        GenericData.Record record = new GenericData.Record(schema);
        record.put("id", Long.MAX_VALUE);
        record.put(
                "amount", ByteBuffer.wrap(new BigInteger("1234567890123456789012").toByteArray()));
        record.put("at", 1_234_567L);
        record.put("day", -1);
        record.put("raw", ByteBuffer.wrap(new byte[] {(byte) 0xff, 0}));
        record.put("tags", List.of("a", "b"));
        record.put("counts", Map.of("x", 1));
        record.put("ratio", Double.NaN);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DataFileWriter<GenericData.Record> writer =
                new DataFileWriter<>(new GenericDatumWriter<>(schema))) {
            writer.setCodec(CodecFactory.zstandardCodec(1));
            writer.create(schema, out);
            writer.append(record);
        }
        write("a.avro", out.toByteArray());
        write("b.avro", java.util.Arrays.copyOf(out.toByteArray(), out.size() - 20));
        write("c.avro", "no schema".getBytes(UTF_8));
        assertThat(read("**"))
                .containsExactly(
                        "a.avro {\"id\":9223372036854775807,\"name\":null,\"amount\":\"12345678901234567890.12\","
                                + "\"at\":\"1970-01-01T00:00:01.234567Z\",\"day\":\"1969-12-31\",\"raw\":\"/wA=\","
                                + "\"tags\":[\"a\",\"b\"],\"counts\":{\"x\":1},\"ratio\":\"NaN\"}\n",
                        "b.avro <the file can't be read on: it ends too early> ",
                        "c.avro <Not an Avro data file.> ");
    }

    @Test
    void rowsOfParquetKeepTheirValuesToTheLastDigit() throws Exception {
        Path file = folder.resolve("a.parquet");
        try (Connection duckdb = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = duckdb.createStatement()) {
            statement.execute("SET TimeZone = 'UTC'");
            statement.execute(
                    "COPY (SELECT 9223372036854775807 AS id, 1.10::DECIMAL(30,2) AS amount,"
                            + " TIMESTAMPTZ '2026-01-02 03:04:05.000006Z' AS at, TIMESTAMP '2026-01-02"
                            + " 03:04:05' AS there, DATE '2026-01-02' AS day, 'ü' AS name, [1, 2] AS"
                            + " list, {'a': {'b': NULL::INT}} AS deep, true AS ok, 0.1::FLOAT AS f,"
                            + " '\\xFF'::BLOB AS raw) TO '"
                            + file
                            + "' (FORMAT parquet, COMPRESSION zstd)");
        }
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
        write("b.parquet", "PAR1 and nothing else PAR1");
        write("c.parquet.gz", gzip(Files.readAllBytes(file)));
        List<String> bodies = read("**");
        assertThat(bodies.getFirst())
                .isEqualTo(
                        "a.parquet {\"id\":9223372036854775807,\"amount\":\"1.10\","
                                + "\"at\":\"2026-01-02T03:04:05.000006Z\",\"there\":\"2026-01-02T03:04:05\","
                                + "\"day\":\"2026-01-02\",\"name\":\"ü\",\"list\":[1,2],\"deep\":{\"a\":{\"b\":null}},"
                                + "\"ok\":true,\"f\":0.1,\"raw\":\"/w==\"}\n");
        assertThat(bodies.get(1)).startsWith("b.parquet <");
        assertThat(bodies.get(2))
                .isEqualTo(
                        "c.parquet.gz <Parquet is read only where it isn't packed in something else> ");
    }

    @Test
    void theFilesOfAnArchiveAreNamedByWhereTheyLie() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            for (String name : List.of("x/a.ndjson", "b.csv", "c.bin")) {
                zip.putNextEntry(new ZipEntry(name));
                zip.write((name.endsWith("csv") ? "id\n1\n" : "{\"a\":1}\n").getBytes(UTF_8));
            }
        }
        write("all.zip", out.toByteArray());
        assertThat(read("**"))
                .containsExactly(
                        "all.zip!/x/a.ndjson {\"a\":1}\n",
                        "all.zip!/b.csv {\"id\":\"1\"}\n",
                        "all.zip!/c.bin <nothing reads files of this kind; name one with format:> ");
    }

    @Test
    void onlyFilesOfThePatternAreReadAndNoneThatIsBeingWritten() throws Exception {
        write("a.csv", "id\n1\n");
        write("x/y/b.csv", "id\n2\n");
        write("c.txt", "no");
        write(".hidden.csv", "id\n3\n");
        write("_temporary/d.csv.tmp", "id\n4\n");
        write("now.csv", "id\n5\n");
        Files.setLastModifiedTime(folder.resolve("now.csv"), FileTime.from(Instant.now()));
        Files.createSymbolicLink(folder.resolve("link.csv"), folder.resolve("c.txt"));
        assertThat(read("**/*.csv"))
                .containsExactly("a.csv {\"id\":\"1\"}\n", "x/y/b.csv {\"id\":\"2\"}\n");
        assertThat(read("*.csv")).containsExactly("a.csv {\"id\":\"1\"}\n");
    }

    @Test
    void aFileIsReadOnceUntilItsBytesChange() throws Exception {
        write("a.csv", "id\n1\n");
        write("empty.csv", "");
        Map<String, SourceMark> taken = new HashMap<>();
        for (SourceBody body : read(source("**"), taken)) {
            taken.put(body.mark().item(), body.mark());
        }
        assertThat(taken).hasSize(2);
        assertThat(read(source("**"), taken)).isEmpty();
        Files.setLastModifiedTime(
                folder.resolve("a.csv"), FileTime.from(Instant.now().minusSeconds(30)));
        assertThat(read(source("**"), taken)).isEmpty();
        write("a.csv", "id\n2\n");
        assertThat(read(source("**"), taken).stream().map(FilesSourceTest::shown))
                .containsExactly("a.csv {\"id\":\"2\"}\n");
    }

    @Test
    void readingGoesOnBehindEveryMarkWithTheSameBodies() throws Exception {
        StringBuilder lines = new StringBuilder("id,text\n");
        for (int i = 0; i < 60_000; i++) {
            lines.append(i).append(',').append("x".repeat(i % 90)).append('\n');
        }
        write("a.csv", lines.toString());
        write("b.ndjson.gz", gzip("{\"n\":1}\n".repeat(300_000).getBytes(UTF_8)));
        List<SourceBody> all = read(source("**"), Map.of());
        assertThat(all).hasSizeGreaterThan(5);
        for (int cut = 0; cut < all.size(); cut++) {
            Map<String, SourceMark> taken = new HashMap<>();
            all.subList(0, cut).forEach(body -> taken.put(body.mark().item(), body.mark()));
            List<SourceBody> rest = read(source("**"), taken);
            assertThat(rest.stream().map(SourceBody::mark))
                    .containsExactlyElementsOf(
                            all.subList(cut, all.size()).stream().map(SourceBody::mark).toList());
            assertThat(rest.stream().map(body -> new String(body.bytes(), UTF_8)))
                    .containsExactlyElementsOf(
                            all.subList(cut, all.size()).stream()
                                    .map(body -> new String(body.bytes(), UTF_8))
                                    .toList());
        }
        List<String> positions =
                all.stream()
                        .filter(body -> body.mark().item().endsWith("a.csv"))
                        .map(body -> body.mark().position())
                        .toList();
        assertThat(positions).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void whatCannotBeReadIsKeptWithItsReasonAndTheRestGoesOn() throws Exception {
        write("a.csv", "id,name\n1,Ann\n2\n3,Bob,x\n4,\"quo\"\"ted\"\n");
        write("b.csv", "id,id\n1,2\n");
        byte[] latin = "id\nÜ\n5\n".getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        write("c.csv", latin);
        write("d.json", "[{\"a\":1}, {\"a\":,}]");
        write(
                "e.ndjson.gz",
                java.util.Arrays.copyOf(gzip("{\"a\":1}\n".repeat(9).getBytes(UTF_8)), 24));
        write("f.csv.gz", "id\n1\n");
        assertThat(read("**"))
                .containsExactly(
                        "a.csv {\"id\":\"1\",\"name\":\"Ann\"}\n",
                        "a.csv <line 3 has 1 fields and the first one names 2 columns> 2",
                        "a.csv <line 4 has 3 fields and the first one names 2 columns> 3,Bob,x",
                        "a.csv {\"id\":\"4\",\"name\":\"quo\\\"ted\"}\n",
                        "b.csv <the first record names column id twice> id,id",
                        "c.csv <line 2 holds bytes that are not UTF-8> \uFFFD",
                        "c.csv {\"id\":\"5\"}\n",
                        "d.json {\"a\":1}\n",
                        "d.json <from byte 16 on the file is no JSON: Unexpected character (',' (code 44)): expected a value> ",
                        "e.ndjson.gz " + "{\"a\":1}\n".repeat(9),
                        "e.ndjson.gz <the file can't be read on: it ends too early> ",
                        "f.csv.gz <Not in GZIP format> ");
    }

    /** Fails at one byte, so many times. */
    private static final class Failing extends FilterInputStream {
        private final AtomicInteger failures;
        private long left;

        Failing(InputStream in, long at, AtomicInteger failures) {
            super(in);
            this.left = at;
            this.failures = failures;
        }

        @Override
        public int read(byte[] into, int from, int length) throws IOException {
            if (left == 0 && failures.getAndDecrement() > 0) {
                throw new IOException("Input/output error");
            }
            int n = in.read(into, from, left > 0 ? (int) Math.min(left, length) : length);
            left -= Math.min(left, Math.max(0, n));
            return n;
        }
    }

    @Test
    void anErrorThatPassesEndsNoFile() throws Exception {
        for (String name : List.of("a.csv", "b.ndjson", "c.json", "d.csv.gz")) {
            byte[] plain =
                    (name.contains("csv")
                                    ? "id\n" + "17\n".repeat(9_000)
                                    : "{\"id\":17}\n".repeat(9_000))
                            .getBytes(UTF_8);
            byte[] bytes = name.endsWith("gz") ? gzip(plain) : plain;
            write(name, bytes);
            AtomicInteger failures = new AtomicInteger(1);
            StringBuilder all = new StringBuilder();
            try (FileBodies file =
                    new FileBodies(
                            name,
                            "item",
                            "",
                            () ->
                                    OpenFile.of(
                                                    name,
                                                    new Failing(
                                                            Files.newInputStream(
                                                                    folder.resolve(name)),
                                                            bytes.length / 2,
                                                            failures),
                                                    bytes.length,
                                                    Optional.empty())
                                            .orElseThrow(),
                            FileFetch.Fetched.inPlace(folder.resolve(name)),
                            0)) {
                for (boolean ended = false; !ended; ) {
                    SourceBody body = file.next();
                    assertThat(body.problem()).as(name).isEmpty();
                    all.append(new String(body.bytes(), UTF_8));
                    ended = body.mark().position().equals(FileBodies.END);
                }
            }
            assertThat(failures.get()).as(name).isNotPositive();
            assertThat(all.toString().lines()).as(name).hasSize(9_000);
        }
    }

    @Test
    void aFileWhoseBytesAreGoneForAWhileIsReadFromItsMarkWhenTheyAreBack() throws Exception {
        StringBuilder rows = new StringBuilder("id,text\n");
        Random random = new Random(1);
        for (int i = 0; i < 200_000; i++) {
            rows.append(i).append(',').append(Long.toHexString(random.nextLong())).append('\n');
        }
        byte[] bytes = gzip(rows.toString().getBytes(UTF_8));
        write("a.csv.gz", bytes);
        Map<String, SourceMark> taken = new HashMap<>();
        List<String> all = new ArrayList<>();
        try (FilesSource source = source("**")) {
            source.begin(Map.of());
            List<SourceBody> some = source.poll(Duration.ofMillis(1));
            while (some.isEmpty()) {
                some = source.poll(Duration.ofMillis(1));
            }
            SourceBody first = some.getFirst();
            taken.put(first.mark().item(), first.mark());
            all.addAll(new String(first.bytes(), UTF_8).lines().toList());
            try (FileChannel file =
                    FileChannel.open(folder.resolve("a.csv.gz"), StandardOpenOption.WRITE)) {
                file.truncate(bytes.length / 2);
            }
            assertThatThrownBy(
                            () -> {
                                while (true) {
                                    for (SourceBody body : source.poll(Duration.ofMillis(1))) {
                                        assertThat(body.problem()).isEmpty();
                                        taken.put(body.mark().item(), body.mark());
                                        all.addAll(
                                                new String(body.bytes(), UTF_8).lines().toList());
                                    }
                                }
                            })
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.STORAGE));
        }
        write("a.csv.gz", bytes);
        for (SourceBody body : read(source("**"), taken)) {
            assertThat(body.problem()).isEmpty();
            all.addAll(new String(body.bytes(), UTF_8).lines().toList());
        }
        assertThat(all).hasSize(200_000);
        assertThat(all.getLast()).startsWith("{\"id\":\"199999\"");
    }

    @Test
    void aFileIsReadWhateverTheBytesOfItsName() throws Exception {
        ByteArrayOutputStream zip = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(zip)) {
            out.putNextEntry(new ZipEntry("in.csv"));
            out.write("id\n2\n".getBytes(UTF_8));
        }
        write("a.csv", "id\n1\n");
        // a URI says bytes that are no text
        for (String name : List.of("caf%E9.csv", "caf%E8.csv", "d%FF/b.csv", "%FF.zip")) {
            Path file = Path.of(URI.create(folder.toUri() + name));
            Files.createDirectories(file.getParent());
            Files.write(file, name.endsWith("zip") ? zip.toByteArray() : "id\n1\n".getBytes(UTF_8));
            Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
        }
        assertThat(read("**/*.{csv,zip}"))
                .containsExactlyInAnyOrder(
                        "a.csv {\"id\":\"1\"}\n",
                        "caf%E9.csv {\"id\":\"1\"}\n",
                        "caf%E8.csv {\"id\":\"1\"}\n",
                        "d%FF/b.csv {\"id\":\"1\"}\n",
                        "%FF.zip!/in.csv {\"id\":\"2\"}\n");
        assertThat(storage).isEmptyDirectory();
    }

    @Test
    void anEventOfGigabytesTakesNoMemory() throws Exception {
        Path file = folder.resolve("long.ndjson.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("{\"a\":1}\n\"".getBytes(UTF_8));
            byte[] block = "x".repeat(1 << 20).getBytes(UTF_8);
            for (int i = 0; i < 200; i++) {
                out.write(block);
            }
            out.write("\"\n{\"a\":2}\n".getBytes(UTF_8));
        }
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
        List<SourceBody> bodies = read(source("**"), Map.of());
        assertThat(bodies).hasSize(3);
        assertThat(bodies.get(1).problem())
                .hasValue(
                        "line 2 has 209715202 bytes and an event 16777216 at most; the first 65536 are kept here");
        assertThat(bodies.get(1).bytes()).hasSize(64 << 10);
        assertThat(shown(bodies.get(2))).isEqualTo("long.ndjson.gz {\"a\":2}\n");
    }

    @Test
    void aBombIsGivenUp() throws Exception {
        Path file = folder.resolve("bomb.ndjson.zst");
        try (OutputStream out =
                new com.github.luben.zstd.ZstdOutputStream(Files.newOutputStream(file))) {
            byte[] block = "\n".repeat(1 << 20).getBytes(UTF_8);
            for (int i = 0; i < 300; i++) {
                out.write(block);
            }
        }
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
        List<SourceBody> bodies = read(source("**"), Map.of());
        assertThat(bodies.getLast().problem().orElseThrow())
                .contains("inflates to more than 1000 times its size");
        assertThat(bodies.getLast().mark().position()).isEqualTo(FileBodies.END);
    }

    @Test
    void aFolderThatIsGoneIsSaid() {
        FilesSource source =
                new FilesSource(
                        new SourceKind.Files(
                                new FileLocation.Folder(folder.resolve("gone")),
                                "**",
                                Optional.empty(),
                                Duration.ofSeconds(2)),
                        storage,
                        Clock.systemUTC());
        assertThatThrownBy(() -> source.begin(Map.of()))
                .isInstanceOf(LakeException.class)
                .hasMessageContaining("There is no folder");
    }
}
