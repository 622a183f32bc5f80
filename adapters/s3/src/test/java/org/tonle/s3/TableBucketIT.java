package org.tonle.s3;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.SupportsPrefixOperations;
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
        return text.getBytes(UTF_8);
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
    void whatLiesInATablesFolderIsListedAndNothingBesideIt() throws IOException {
        try (FileIO files = files(server.bucket("list/"))) {
            for (String name : List.of("t-1/data/a", "t-1/metadata/b", "t-12/data/c")) {
                write(files, "s3://lab/list/" + name, bytes(7));
            }
            long now = System.currentTimeMillis();
            List<FileInfo> found = new ArrayList<>();
            ((SupportsPrefixOperations) files).listPrefix("s3://lab/list/t-1/").forEach(found::add);
            assertThat(found)
                    .extracting(FileInfo::location)
                    .containsExactlyInAnyOrder(
                            "s3://lab/list/t-1/data/a", "s3://lab/list/t-1/metadata/b");
            assertThat(found)
                    .allSatisfy(file -> {
                        assertThat(file.size()).isEqualTo(7);
                        // two clocks: a time of grace is longer than they differ
                        assertThat(file.createdAtMillis())
                                .isBetween(now - 3_600_000, now + 3_600_000);
                    });
        }
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
            proxy.cutAfter(0);
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
        byte[] large = bytes(52_000_000);
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

    /** As in a pod of Kubernetes; the names are those of variables of the environment, too. */
    @Test
    void whoHasATokenOfAWebIdentityIsKnownByWhatItIsExchangedFor() throws Exception {
        AtomicReference<String> asked = new AtomicReference<>("");
        HttpServer tokens =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        tokens.createContext(
                "/",
                exchange -> {
                    asked.set(new String(exchange.getRequestBody().readAllBytes(), UTF_8));
                    byte[] answer =
                            text(
                                    """
                                    <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
                                      <AssumeRoleWithWebIdentityResult>
                                        <Credentials>
                                          <AccessKeyId>of-a-pod</AccessKeyId>
                                          <SecretAccessKey>secret-of-a-pod</SecretAccessKey>
                                          <SessionToken>session-of-a-pod</SessionToken>
                                          <Expiration>2100-01-01T00:00:00Z</Expiration>
                                        </Credentials>
                                      </AssumeRoleWithWebIdentityResult>
                                    </AssumeRoleWithWebIdentityResponse>
                                    """);
                    exchange.sendResponseHeaders(200, answer.length);
                    exchange.getResponseBody().write(answer);
                    exchange.close();
                });
        tokens.start();
        Map<String, String> environment =
                Map.of(
                        "aws.roleArn",
                        "arn:aws:iam::123456789012:role/lake",
                        "aws.roleSessionName",
                        "tests",
                        "aws.webIdentityTokenFile",
                        Files.writeString(staging.resolve("token"), "a-token-of-kubernetes")
                                .toString(),
                        "aws.endpointUrlSts",
                        "http://127.0.0.1:" + tokens.getAddress().getPort(),
                        "aws.region",
                        "eu-central-1");
        environment.forEach(System::setProperty);
        try (FaultyProxy proxy = new FaultyProxy(server.endpoint())) {
            List<Map<String, String>> headers = new CopyOnWriteArrayList<>();
            proxy.fault(
                    FaultyProxy.Fault.SLOW_DOWN,
                    request -> {
                        headers.add(request.headers());
                        return false;
                    });
            FileLocation.Bucket bucket =
                    new FileLocation.Bucket(
                            "lab",
                            "pod/",
                            Optional.of(proxy.address()),
                            Optional.empty(),
                            Optional.empty(),
                            true);
            // the server knows nothing of that
            LakeException e =
                    catchThrowableOfType(
                            LakeException.class, () -> TableBucket.require(storage(bucket)));
            assertThat(e).hasMessageContaining("refuses the lake at s3://lab/pod/ (403");
            assertThat(asked.get())
                    .contains("Action=AssumeRoleWithWebIdentity")
                    .contains("WebIdentityToken=a-token-of-kubernetes")
                    .contains("role%2Flake");
            assertThat(headers)
                    .isNotEmpty()
                    .allSatisfy(sent ->
                            assertThat(sent)
                                    .containsEntry("x-amz-security-token", "session-of-a-pod")
                                    .hasEntrySatisfying(
                                            "authorization",
                                            value -> assertThat(value).contains("=of-a-pod/")));
        } finally {
            environment.keySet().forEach(System::clearProperty);
            tokens.stop(0);
        }
    }

    private record Said(int status, String code, String... message) {}

    @Test
    void whatAServerAnswersIsSaidWithWhatToDo() throws Exception {
        List<Said> all =
                List.of(
                        new Said(301, "PermanentRedirect", "another region", "region:"),
                        new Said(400, "AuthorizationHeaderMalformed", "another region"),
                        new Said(400, "ExpiredToken", "holds no more", "Renew"),
                        new Said(400, "InvalidArgument", "doesn't take", "why it is so"),
                        new Said(401, "Unauthorized", "refuses the lake", "access-key"),
                        new Said(409, "ConditionalRequestConflict", "met another one"),
                        new Said(412, "PreconditionFailed", "Somebody else wrote"),
                        new Said(
                                501, "NotImplemented", "can't do what tables need", "why it is so"),
                        new Said(404, "NoSuchBucket", "There is no bucket lab"));
        AtomicReference<Said> now = new AtomicReference<>(all.getFirst());
        HttpServer scripted =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        scripted.createContext(
                "/",
                exchange -> {
                    exchange.getRequestBody().readAllBytes();
                    boolean head = exchange.getRequestMethod().equals("HEAD");
                    byte[] answer =
                            text(
                                    "<Error><Code>%s</Code><Message>why it is so</Message></Error>"
                                            .formatted(now.get().code()));
                    exchange.sendResponseHeaders(
                            head ? 404 : now.get().status(), head ? -1 : answer.length);
                    if (!head) {
                        exchange.getResponseBody().write(answer);
                    }
                    exchange.close();
                });
        scripted.start();
        FileLocation.Bucket bucket =
                server.through(
                        URI.create("http://127.0.0.1:" + scripted.getAddress().getPort()), "s/");
        try (FileIO files = files(bucket)) {
            for (Said said : all) {
                now.set(said);
                LakeException e =
                        catchThrowableOfType(
                                LakeException.class,
                                () -> write(files, "s3://lab/s/a", text("rows")));
                assertThat(e.code()).as(said.toString()).isEqualTo(ErrorCode.STORAGE);
                assertThat(e).as(said.toString()).hasMessageContainingAll(said.message());
                assertThat(e).hasMessageContaining("lab");
            }
        } finally {
            scripted.stop(0);
        }
    }

    @Test
    void theSameBytesMayBePutAgainByWhoPutThem() throws Exception {
        try (FileIO files = files(server.bucket("again/"));
                FileIO others = files(server.bucket("again/"))) {
            write(files, "s3://lab/again/a", text("rows"));
            write(files, "s3://lab/again/a", text("rows"));
            assertThatThrownBy(() -> write(others, "s3://lab/again/a", text("rows")))
                    .isInstanceOf(LakeException.class)
                    .hasMessageContaining("Somebody else wrote");
        }
    }
}
