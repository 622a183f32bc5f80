package org.tonle.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.FileIO;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.CachedFiles;
import org.tonle.contracts.FaultyProxy;
import org.tonle.contracts.ObjectServer;
import org.tonle.definition.FileLocation;
import org.tonle.definition.StorageDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/** On a SeaweedFS, sometimes through a network that fails. */
class TableBucketIT {
    private static ObjectServer server;

    @TempDir private static Path folder;
    @TempDir private Path staging;

    @BeforeAll
    static void start() throws Exception {
        server = ObjectServer.start(folder);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static StorageDefinition.Bucket storage(FileLocation.Bucket bucket) {
        return new StorageDefinition.Bucket(bucket, Optional.empty(), 1 << 20);
    }

    private FileIO files(FileLocation.Bucket bucket) {
        return TableBucket.files(storage(bucket), staging);
    }

    private static void write(FileIO files, String location, byte[] bytes) throws IOException {
        try (OutputStream out = files.newOutputFile(location).createOrOverwrite()) {
            out.write(bytes);
        }
    }

    private static byte[] read(FileIO files, String location) throws IOException {
        try (InputStream in = files.newInputFile(location).newStream()) {
            return in.readAllBytes();
        }
    }

    private static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void whatIsWrittenIsReadAndNothingIsLeftOfItInBetween() throws IOException {
        try (FileIO files = files(server.bucket("rw/"))) {
            for (int length : List.of(1, 100_000, 3_000_000)) {
                String location = "s3://lab/rw/" + length;
                write(files, location, bytes(length));
                assertThat(read(files, location)).isEqualTo(bytes(length));
                assertThat(files.newInputFile(location).getLength()).isEqualTo(length);
            }
            assertThat(files.newInputFile("s3://lab/rw/none").exists()).isFalse();
            assertThatThrownBy(() -> read(files, "s3://lab/rw/none"))
                    .isInstanceOf(NotFoundException.class);
        }
        assertThat(staging).isEmptyDirectory();
    }

    @Test
    void anObjectIsNeverWrittenOver() throws IOException {
        try (FileIO files = files(server.bucket("once/"))) {
            write(files, "s3://lab/once/a", text("first"));
            LakeException e =
                    catchThrowableOfType(
                            LakeException.class,
                            () -> write(files, "s3://lab/once/a", text("second")));
            assertThat(e.code()).isEqualTo(ErrorCode.STORAGE);
            assertThat(e).hasMessageContaining("Somebody else wrote");
            assertThat(read(files, "s3://lab/once/a")).asString().isEqualTo("first");
        }
    }

    @Test
    void aWriteWhoseAnswerGotLostHasHappenedOnce() throws IOException {
        try (FaultyProxy proxy = new FaultyProxy(server.endpoint());
                FileIO files = files(server.through(proxy.address(), "lost/"))) {
            proxy.loseAnswers(1);
            write(files, "s3://lab/lost/a", text("rows"));
            assertThat(proxy.connections()).isGreaterThan(1);
            assertThat(read(files, "s3://lab/lost/a")).asString().isEqualTo("rows");
        }
    }

    @Test
    void aBodyThatIsCutIsNoCopy() throws Exception {
        byte[] rows = bytes(600_000);
        server.put("cut/t/a.parquet", rows);
        try (FaultyProxy proxy = new FaultyProxy(server.endpoint());
                CachedFiles copies =
                        new CachedFiles(
                                files(server.through(proxy.address(), "cut/")),
                                "s3://lab/cut",
                                staging.resolve("copies"),
                                1 << 20)) {
            Path path = copies.path("s3://lab/cut/t/a.parquet");
            proxy.cutAfter(200_000);
            LakeException e =
                    catchThrowableOfType(LakeException.class, () -> copies.hold(List.of(path)));
            assertThat(e.code()).isEqualTo(ErrorCode.STORAGE);
            assertThat(e).hasMessageContaining("s3://lab/cut/t/a.parquet can't be read now");
            assertThat(path).doesNotExist();
            proxy.cutAfter(Long.MAX_VALUE);
            copies.hold(List.of(path)).close();
            assertThat(Files.readAllBytes(path)).isEqualTo(rows);
        }
    }

    @Test
    void anObjectThatIsGoneIsSaidWithWhatToDo() {
        try (CachedFiles copies =
                new CachedFiles(
                        files(server.bucket("gone/")),
                        "s3://lab/gone",
                        staging.resolve("copies"),
                        1 << 20)) {
            Path path = copies.path("s3://lab/gone/t/a.parquet");
            LakeException e =
                    catchThrowableOfType(LakeException.class, () -> copies.hold(List.of(path)));
            assertThat(e.code()).isEqualTo(ErrorCode.STORAGE);
            assertThat(e).hasMessageContaining("s3://lab/gone/t/a.parquet is gone");
            assertThat(e).hasMessageContaining("Restore it");
            assertThat(path).doesNotExist();
        }
    }

    @Test
    void aBodyThatIsCutIsAnErrorWhereverItIsRead() throws Exception {
        server.put("short/a", bytes(600_000));
        try (FaultyProxy proxy = new FaultyProxy(server.endpoint());
                S3Client client =
                        new TableBucket(
                                storage(server.bucket("short/")),
                                BucketClient.open(server.through(proxy.address(), "short/")))) {
            proxy.cutAfter(200_000);
            assertThatThrownBy(
                            () -> {
                                try (InputStream in =
                                        client.getObject(get -> get.bucket("lab").key("short/a"))) {
                                    in.readAllBytes();
                                }
                            })
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void whatKeepsItFromWorkingIsSaidWithWhatToDo() throws Exception {
        FileLocation.Bucket bucket = server.bucket("x/");
        String secret = bucket.credentials().orElseThrow().secretKey().reveal();
        URI endpoint = server.endpoint();
        refuses(
                server.bucket("lab", "x/", endpoint, "wrong"),
                "refuses the lake at s3://lab/x/ (403",
                "access-key");
        assertThatThrownBy(() ->
                        TableBucket.require(
                                storage(server.bucket("nowhere", "x/", endpoint, secret))))
                .isInstanceOf(LakeException.class)
                .hasMessageContaining("There is no bucket nowhere");
        refuses(
                server.bucket("lab", "x/", URI.create("http://127.0.0.1:1"), secret),
                "s3://lab/x/ can't be reached now",
                "endpoint:");
        try (FaultyProxy proxy = new FaultyProxy(endpoint)) {
            proxy.slowDown(true);
            assertThatThrownBy(() ->
                            TableBucket.require(storage(server.through(proxy.address(), "x/"))))
                    .isInstanceOf(LakeException.class)
                    .hasMessageContaining("can't be read or written now: 503");
        }
        TableBucket.require(storage(bucket));
    }

    /** When it is asked and when it is written to. */
    private void refuses(FileLocation.Bucket bucket, String... why) {
        try (FileIO files = files(bucket)) {
            for (ThrowingCallable refused :
                    List.<ThrowingCallable>of(
                            () -> TableBucket.require(storage(bucket)),
                            () -> write(files, "s3://" + bucket.name() + "/x/a", text("rows")))) {
                LakeException e = catchThrowableOfType(LakeException.class, refused);
                assertThat(e.code()).isEqualTo(ErrorCode.STORAGE);
                assertThat(e).hasMessageContainingAll(why);
            }
        }
    }

    @Test
    void theServerIsAskedToEncrypt() throws IOException {
        StorageDefinition.Bucket encrypted =
                new StorageDefinition.Bucket(
                        server.bucket("sse/"),
                        Optional.of(new StorageDefinition.Encryption.Server()),
                        1 << 20);
        try (FileIO files = TableBucket.files(encrypted, staging);
                S3Client client = BucketClient.open(encrypted.bucket())) {
            write(files, "s3://lab/sse/a", text("rows"));
            assertThat(
                            client.headObject(head -> head.bucket("lab").key("sse/a"))
                                    .serverSideEncryptionAsString())
                    .isEqualTo("AES256");
            assertThat(read(files, "s3://lab/sse/a")).asString().isEqualTo("rows");
        }
    }

    @Test
    void anUploadInPartsIsNeverWrittenOverEither() throws IOException {
        byte[] large = bytes(50_000_000);
        try (FileIO files = files(server.bucket("parts/"));
                S3Client client = BucketClient.open(server.bucket("parts/"))) {
            write(files, "s3://lab/parts/a", large);
            assertThat(read(files, "s3://lab/parts/a")).isEqualTo(large);
            var unused =
                    client.putObject(
                            put -> put.bucket("lab").key("parts/b"),
                            RequestBody.fromString("mine"));
            assertThatThrownBy(() -> write(files, "s3://lab/parts/b", large))
                    .isInstanceOf(LakeException.class);
            assertThat(read(files, "s3://lab/parts/b")).asString().isEqualTo("mine");
        }
    }
}
