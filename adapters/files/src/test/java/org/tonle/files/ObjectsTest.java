package org.tonle.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.imageio.ImageIO;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.PDPageContentStream;
import org.apache.pdfbox.pdmodel.encryption.AccessPermission;
import org.apache.pdfbox.pdmodel.encryption.StandardProtectionPolicy;
import org.apache.pdfbox.pdmodel.font.PDType1Font;
import org.apache.pdfbox.pdmodel.font.Standard14Fonts;
import org.apache.poi.xwpf.usermodel.XWPFDocument;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.FileFormat;
import org.tonle.definition.FileLocation;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

class ObjectsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path folder;
    @TempDir private Path lake;

    private Path storage() {
        return lake.resolve("objects/drops");
    }

    private FilesSource source(Optional<FileFormat> format, Duration documentLimit) {
        SourceKind.Files kind =
                new SourceKind.Files(
                        new FileLocation.Folder(folder), "**", format, Duration.ofSeconds(2));
        return new FilesSource(
                kind, new FolderOrigin(folder), storage(), true, documentLimit, Clock.systemUTC());
    }

    private static List<SourceBody> read(FilesSource source, Map<String, SourceMark> taken)
            throws InterruptedException {
        try (source) {
            source.begin(taken);
            List<SourceBody> all = new ArrayList<>();
            for (List<SourceBody> bodies = source.poll(Duration.ofMillis(1));
                    !bodies.isEmpty() || !source.isAtRest();
                    bodies = source.poll(Duration.ofMillis(1))) {
                all.addAll(bodies);
            }
            return all;
        }
    }

    /** The event of each file, by its name. */
    private Map<String, JsonNode> objects() throws Exception {
        return objects(Duration.ofSeconds(60));
    }

    private Map<String, JsonNode> objects(Duration documentLimit) throws Exception {
        Map<String, JsonNode> objects = new HashMap<>();
        for (SourceBody body :
                read(source(Optional.of(FileFormat.OBJECT), documentLimit), Map.of())) {
            assertThat(body.problem()).isEmpty();
            JsonNode event = JSON.readTree(body.bytes());
            assertThat(body.headers()).containsEntry("file", event.path("name").asText());
            assertThat(objects.put(event.path("name").asText(), event)).isNull();
        }
        return objects;
    }

    private void write(String name, byte[] bytes) throws IOException {
        Path file = folder.resolve(name);
        Files.write(file, bytes);
        age(file);
    }

    private static void age(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
    }

    private static byte[] pdf(String text, String ownerPassword, String userPassword)
            throws IOException {
        try (PDDocument document = new PDDocument()) {
            PDPage page = new PDPage();
            document.addPage(page);
            document.getDocumentInformation().setTitle("Harvest");
            try (PDPageContentStream content = new PDPageContentStream(document, page)) {
                content.beginText();
                content.setFont(new PDType1Font(Standard14Fonts.FontName.HELVETICA), 12);
                content.newLineAtOffset(50, 700);
                content.showText(text);
                content.endText();
            }
            if (!ownerPassword.isEmpty()) {
                document.protect(
                        new StandardProtectionPolicy(
                                ownerPassword, userPassword, new AccessPermission()));
            }
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            document.save(out);
            return out.toByteArray();
        }
    }

    private static byte[] docx(String text) throws IOException {
        try (XWPFDocument document = new XWPFDocument()) {
            document.createParagraph().createRun().setText(text);
            document.getProperties().getCoreProperties().setCreator("Anna");
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            document.write(out);
            return out.toByteArray();
        }
    }

    @Test
    void eachFileIsOneEventWithItsTypeItsTextAndItsBytesInTheStorage() throws Exception {
        write("letter.docx", docx("Dear Bert"));
        write("report.pdf", pdf("Rice grew well", "", ""));
        write("locked.pdf", pdf("For your eyes", "owner", "user"));
        write("noprint.pdf", pdf("Read me only", "owner", ""));
        write(
                "page.html",
                "<html><head><title>Tonle</title><script>alert('x')</script></head><body><p>A river</p></body></html>"
                        .getBytes(UTF_8));
        ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(30, 20, BufferedImage.TYPE_INT_RGB), "jpg", jpeg);
        write("photo.jpg", jpeg.toByteArray());
        write(
                "mail.eml",
                "From: a@example.org\nTo: b@example.org\nSubject: Fish\nContent-Type: text/plain\n\nCome soon.\n"
                        .getBytes(UTF_8));
        write("empty", new byte[0]);
        write("plain", "Grüße aus dem Süden".getBytes(UTF_8));
        write("noise.bin", new byte[] {0, 1, 2, 3, (byte) 0xff, 0, 9});
        write("data.csv", "a,b\n1,2\n".getBytes(UTF_8));
        String strange = "new\nline \"quoted\" ünï.txt";
        write(strange, "odd".getBytes(UTF_8));
        ByteArrayOutputStream zip = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(zip)) {
            out.putNextEntry(new ZipEntry("inside/one.txt"));
            out.write("1".getBytes(UTF_8));
        }
        write("all.zip", zip.toByteArray());

        Map<String, JsonNode> objects = objects();

        assertThat(objects).hasSize(13);
        for (Map.Entry<String, JsonNode> object : objects.entrySet()) {
            Path original = folder.resolve(object.getKey());
            JsonNode event = object.getValue();
            String sha256 = Checksum.of(original);
            assertThat(event.path("sha256").asText()).isEqualTo(sha256);
            assertThat(event.path("size").asLong()).isEqualTo(Files.size(original));
            Path kept = storage().resolve(sha256);
            assertThat(event.path("location").asText()).isEqualTo("file://" + kept);
            assertThat(kept).hasSameBinaryContentAs(original);
            assertThat(Instant.parse(event.path("modified").asText()))
                    .isEqualTo(Files.getLastModifiedTime(original).toInstant());
        }
        said(objects, "letter.docx")
                .isEqualTo(
                        "application/vnd.openxmlformats-officedocument.wordprocessingml.document|Dear Bert|");
        assertThat(objects.get("letter.docx").path("metadata").path("dc:creator").asText())
                .isEqualTo("Anna");
        said(objects, "report.pdf").isEqualTo("application/pdf|Rice grew well|");
        assertThat(objects.get("report.pdf").path("metadata").path("dc:title").asText())
                .isEqualTo("Harvest");
        said(objects, "noprint.pdf").isEqualTo("application/pdf|Read me only|");
        said(objects, "locked.pdf").isEqualTo("application/pdf||it can't be read: it is encrypted");
        said(objects, "page.html").isEqualTo("text/html|A river|");
        said(objects, "photo.jpg").isEqualTo("image/jpeg||");
        assertThat(objects.get("photo.jpg").path("metadata").path("tiff:ImageWidth").asText())
                .isEqualTo("30");
        said(objects, "mail.eml").isEqualTo("message/rfc822|Come soon.|");
        assertThat(objects.get("mail.eml").path("metadata").path("dc:subject").asText())
                .isEqualTo("Fish");
        said(objects, "empty").isEqualTo("application/octet-stream||");
        said(objects, "plain").isEqualTo("text/plain|Grüße aus dem Süden|");
        said(objects, "noise.bin").isEqualTo("application/octet-stream||");
        said(objects, "data.csv").isEqualTo("text/csv|a,b\n1,2|");
        said(objects, strange).isEqualTo("text/plain|odd|");
        said(objects, "all.zip").isEqualTo("application/zip|inside/one.txt|");
    }

    private static AbstractStringAssert<?> said(Map<String, JsonNode> objects, String name) {
        JsonNode event = objects.get(name);
        return assertThat(
                        event.path("media_type").asText()
                                + "|"
                                + event.path("text").asText("")
                                + "|"
                                + event.path("error").asText(""))
                .as(name);
    }

    @Test
    void aFolderOfBothHasRecordsAndObjects() throws Exception {
        write("a.csv", "id\n1\n".getBytes(UTF_8));
        write("b.txt", "hello".getBytes(UTF_8));
        List<SourceBody> bodies = read(source(Optional.empty(), Duration.ofSeconds(60)), Map.of());
        assertThat(bodies)
                .extracting(body -> new String(body.bytes(), UTF_8).replaceAll(",\"sha.*", ""))
                .containsExactly(
                        "{\"id\":\"1\"}\n",
                        "{\"name\":\"b.txt\",\"media_type\":\"text/plain\",\"size\":5\n");
        assertThat(storage()).isDirectoryContaining(path -> true);
    }

    @Test
    void whatWasReadBeforeAnErrorIsTakenAndTheErrorComesBehindIt() throws Exception {
        write("a.csv", "id\n1\n".getBytes(UTF_8));
        write("b.txt", "hello".getBytes(UTF_8));
        FileOrigin.Found second =
                new FolderOrigin(folder)
                        .list(Optional.empty()).files().stream()
                                .filter(found -> found.name().equals("b.txt"))
                                .findFirst()
                                .orElseThrow();
        Map<String, SourceMark> marks = new HashMap<>();
        try (FilesSource source = source(Optional.empty(), Duration.ofSeconds(60));
                ObjectFolder.Part held =
                        new ObjectFolder(storage()).part(FileFetch.part(second), second.size())) {
            assertThat(held.size()).isZero();
            source.begin(Map.of());
            List<SourceBody> bodies = source.poll(Duration.ofSeconds(10));
            assertThat(bodies).hasSize(1);
            bodies.forEach(body -> marks.put(body.mark().item(), body.mark()));
            assertThatThrownBy(() -> source.poll(Duration.ofSeconds(10)))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.IN_USE));
        }
        assertThat(read(source(Optional.empty(), Duration.ofSeconds(60)), marks))
                .singleElement()
                .satisfies(body -> assertThat(body.headers()).containsEntry("file", "b.txt"));
    }

    @Test
    void theSameBytesAreKeptOnceAndAFileThatWasTakenIsNotTakenAgain() throws Exception {
        write("a.txt", "hello".getBytes(UTF_8));
        write("b.txt", "hello".getBytes(UTF_8));
        List<SourceBody> first = read(source(Optional.empty(), Duration.ofSeconds(60)), Map.of());
        assertThat(first).hasSize(2);
        assertThat(kept()).hasSize(1);

        Files.setLastModifiedTime(
                folder.resolve("a.txt"), FileTime.from(Instant.now().minusSeconds(30)));
        write("b.txt", "other".getBytes(UTF_8));
        Map<String, SourceMark> marks = new HashMap<>();
        first.forEach(body -> marks.put(body.mark().item(), body.mark()));
        List<SourceBody> second = read(source(Optional.empty(), Duration.ofSeconds(60)), marks);
        assertThat(second).hasSize(1);
        assertThat(second.getFirst().headers()).containsEntry("file", "b.txt");
        assertThat(kept()).hasSize(2);
    }

    private List<Path> kept() throws IOException {
        try (Stream<Path> files = Files.list(storage())) {
            return files.toList();
        }
    }

    @Test
    void whatAKilledProcessLeftIsRemovedAndWhatAnotherOneWritesIsNot() throws Exception {
        Files.createDirectories(storage());
        Files.write(storage().resolve("left.part"), new byte[100]);
        try (ObjectFolder.Part written = new ObjectFolder(storage()).part("written", 10)) {
            written.write(new byte[5], 5);
            assertThat(kept()).containsExactly(written.path());
            write("a.txt", "hello".getBytes(UTF_8));
            assertThat(objects()).hasSize(1);
            assertThat(kept()).contains(written.path()).hasSize(2);
        }
    }

    @Test
    void aFileThatChangesWhileItIsFetchedIsLeftForLater() throws Exception {
        write("a.txt", "hello".getBytes(UTF_8));
        FileOrigin folderOrigin = new FolderOrigin(folder);
        FileOrigin.Found found = folderOrigin.list(Optional.empty()).files().getFirst();
        FileFetch fetch = new FileFetch(folderOrigin, new ObjectFolder(storage()));
        Files.writeString(folder.resolve("a.txt"), "HELLO");
        assertThatThrownBy(() -> fetch.of(found)).isInstanceOf(NoSuchFileException.class);
        assertThat(kept()).isEmpty();
    }

    @Test
    void fetchingGoesOnWhereAConnectionBrokeOrAKilledProcessEnded() throws Exception {
        write("a.bin", "0123456789".getBytes(UTF_8));
        FileOrigin folderOrigin = new FolderOrigin(folder);
        FileOrigin.Found found = folderOrigin.list(Optional.empty()).files().getFirst();
        List<Long> offsets = new ArrayList<>();
        FileOrigin flaky = new BreakingOrigin(folderOrigin, offsets, 4);
        ObjectFolder objects = new ObjectFolder(storage());
        // as a process leaves it that ends in the midst: what it wrote, and nobody's lock
        try (ObjectFolder.Part left = objects.part(FileFetch.part(found), found.size())) {
            left.write("012".getBytes(UTF_8), 3);
        }
        try (FileFetch.Fetched fetched = new FileFetch(flaky, objects).of(found)) {
            assertThat(fetched.path()).hasContent("0123456789");
            assertThat(fetched.sha256()).isEqualTo(Checksum.of(folder.resolve("a.bin")));
        }
        assertThat(offsets).containsExactly(3L, 7L);
        assertThat(kept()).isEmpty();
    }

    @Test
    void textIsCutAndSaysSo() throws Exception {
        write("long.txt", "word ".repeat(300_000).getBytes(UTF_8));
        JsonNode event = objects().get("long.txt");
        assertThat(event.path("text").asText().length()).isBetween(999_990, 1_000_000);
        assertThat(event.path("text_truncated").asBoolean()).isTrue();
        assertThat(event.has("error")).isFalse();
    }

    @Test
    void whatGetsTheBetterOfItsReaderIsKeptWithoutTextAndTheNextOneIsRead() throws Exception {
        write("deep.xml", ("<a>".repeat(2_000_000)).getBytes(UTF_8));
        write("deep.html", ("<div>".repeat(1_000_000)).getBytes(UTF_8));
        write("xxe.xml", Hostile.entities(folder));
        write("laughs.docx", Hostile.laughs());
        write("bomb.docx", Hostile.bomb());
        write("torn.pdf", Arrays.copyOf(pdf("Rice grew well", "", ""), 300));
        Path sparse = folder.resolve("sparse.pdf");
        try (RandomAccessFile file = new RandomAccessFile(sparse.toFile(), "rw")) {
            file.write("%PDF-1.7\n".getBytes(UTF_8));
            file.setLength(256L << 20);
        }
        age(sparse);
        write("zz.txt", "still here".getBytes(UTF_8));
        Map<String, JsonNode> objects = objects(Duration.ofSeconds(8));
        assertThat(objects).hasSize(8);
        assertThat(objects.get("xxe.xml").toString()).doesNotContain("sesame");
        for (String name : List.of("bomb.docx", "laughs.docx", "torn.pdf", "sparse.pdf")) {
            assertThat(objects.get(name).path("error").asText()).as(name).isNotEmpty();
            assertThat(objects.get(name).has("text")).as(name).isFalse();
        }
        said(objects, "zz.txt").isEqualTo("text/plain|still here|");
    }

    @Test
    void aDocumentThatTakesTooLongIsGivenUp() throws Exception {
        write("slow.html", ("<table>".repeat(1_000_000)).getBytes(UTF_8));
        List<SourceBody> bodies = read(source(Optional.empty(), Duration.ofMillis(1)), Map.of());
        assertThat(new String(bodies.getFirst().bytes(), UTF_8))
                // on a busy machine the time may be over before it is seen what it is
                .containsAnyOf(
                        "\"media_type\":\"text/html\"",
                        "\"media_type\":\"" + Document.UNKNOWN + "\"")
                .contains("it takes longer than 0 seconds");
    }

    @Test
    void whatReadsDocumentsEndsWithTheLakeAlsoWhenThatIsKilled() throws Exception {
        Path text = Files.writeString(folder.resolve("a.txt"), "hello");
        Process parent =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Djava.io.tmpdir=" + lake,
                                "-cp",
                                System.getProperty("java.class.path"),
                                DocumentParent.class.getName(),
                                text.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (BufferedReader said = parent.inputReader()) {
            String[] line = said.readLine().split(" ");
            assertThat(line[1]).isEqualTo("hello");
            ProcessHandle child = ProcessHandle.of(Long.parseLong(line[0])).orElseThrow();
            parent.destroyForcibly().waitFor();
            child.onExit().get(90, TimeUnit.SECONDS);
            assertThat(lake).isEmptyDirectory();
        } finally {
            parent.destroyForcibly();
        }
    }
}
