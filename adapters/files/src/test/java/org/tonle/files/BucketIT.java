package org.tonle.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.contracts.FaultyProxy;
import org.tonle.contracts.ObjectServer;
import org.tonle.definition.FileLocation;
import org.tonle.definition.Secret;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/** Objects of a bucket of a real server are files of a source. */
class BucketIT {
    @TempDir private static Path folder;
    private static ObjectServer server;

    @TempDir private Path storage;
    private final Map<String, SourceMark> marks = new HashMap<>();

    @BeforeAll
    static void start() throws Exception {
        server = ObjectServer.start(folder);
    }

    @AfterAll
    static void stop() throws Exception {
        if (server != null) {
            server.close();
        }
    }

    private FilesSource source(FileLocation.Bucket bucket, int page) {
        SourceKind.Files kind =
                new SourceKind.Files(bucket, "**", Optional.empty(), Duration.ofSeconds(2));
        // as if some minutes had passed since the objects were put
        Clock later = Clock.offset(Clock.systemUTC(), Duration.ofMinutes(5));
        return new FilesSource(
                kind, new BucketOrigin(bucket, page), storage, true, Duration.ofSeconds(60), later);
    }

    /** What comes now, as file and text, in order. */
    private List<String> read(FileLocation.Bucket bucket) throws InterruptedException {
        try (FilesSource source = source(bucket, 2)) {
            source.begin(Map.copyOf(marks));
            List<SourceBody> all = new ArrayList<>();
            for (List<SourceBody> bodies = source.poll(Duration.ofMillis(1));
                    !bodies.isEmpty() || !source.isAtRest();
                    bodies = source.poll(Duration.ofMillis(1))) {
                all.addAll(bodies);
            }
            all.forEach(body -> marks.put(body.mark().item(), body.mark()));
            return all.stream()
                    .map(body ->
                            body.headers().get("file")
                                    + " "
                                    + new String(body.bytes(), UTF_8).strip())
                    .toList();
        }
    }

    @Test
    void whatIsBelowThePrefixIsTakenOncePageByPage() throws Exception {
        server.put("once/a.csv", "id\n1\n".getBytes(UTF_8));
        server.put("once/b/c.ndjson", "{\"id\":2}\n".getBytes(UTF_8));
        server.put("once/d \"q\" +&%ü.csv", "id\n3\n".getBytes(UTF_8));
        server.put("once/e.csv", new byte[0]);
        server.put("once/_f.csv", "id\n9\n".getBytes(UTF_8));
        server.put("once/g.txt", "hello".getBytes(UTF_8));
        server.put("once2/h.csv", "id\n9\n".getBytes(UTF_8));
        FileLocation.Bucket bucket = server.bucket("once/");
        List<String> first = read(bucket);
        assertThat(first).hasSize(5);
        assertThat(first.subList(0, 4))
                .containsExactly(
                        "a.csv {\"id\":\"1\"}",
                        "b/c.ndjson {\"id\":2}",
                        "d \"q\" +&%ü.csv {\"id\":\"3\"}",
                        "e.csv ");
        assertThat(first.getLast())
                .startsWith("g.txt {\"name\":\"g.txt\",\"media_type\":\"text/plain\",\"size\":5")
                .contains("\"text\":\"hello\"");
        try (var kept = Files.list(storage)) {
            assertThat(kept).hasSize(1).allSatisfy(path -> assertThat(path).hasContent("hello"));
        }
        assertThat(read(bucket)).isEmpty();

        server.put("once/a.csv", "id\n1\n".getBytes(UTF_8));
        server.put("once/e.csv", "id\n4\n".getBytes(UTF_8));
        assertThat(read(bucket)).containsExactly("e.csv {\"id\":\"4\"}");
    }

    @Test
    void whatChangedSinceItWasListedIsAnotherFile() throws Exception {
        server.put("changes/a.csv", "id\n1\n".getBytes(UTF_8));
        try (BucketOrigin origin = new BucketOrigin(server.bucket("changes/"), 10)) {
            FileOrigin.Found found = origin.list(Optional.empty()).files().getFirst();
            server.put("changes/a.csv", "id\n2\n".getBytes(UTF_8));
            FileFetch fetch = new FileFetch(origin, new ObjectFolder(storage));
            assertThatThrownBy(() -> fetch.of(found)).isInstanceOf(NoSuchFileException.class);
            assertThat(storage).isEmptyDirectory();
        }
        assertThat(read(server.bucket("changes/"))).containsExactly("a.csv {\"id\":\"2\"}");
    }

    @Test
    void aBodyThatBreaksOffIsGoneOnWithBehindWhatCame() throws Exception {
        byte[] bytes = new byte[1 << 20];
        new Random(1).nextBytes(bytes);
        server.put("broken/a.bin", bytes);
        try (FaultyProxy proxy = new FaultyProxy(server.endpoint());
                BucketOrigin origin =
                        new BucketOrigin(server.through(proxy.address(), "broken/"), 10)) {
            FileOrigin.Found found = origin.list(Optional.empty()).files().getFirst();
            proxy.cutAfter(200_000);
            FileFetch fetch = new FileFetch(origin, new ObjectFolder(storage));
            int before = proxy.connections();
            try (FileFetch.Fetched fetched = fetch.of(found)) {
                assertThat(Files.readAllBytes(fetched.path())).isEqualTo(bytes);
                assertThat(fetched.sha256()).isEqualTo(Checksum.of(fetched.path()));
            }
            assertThat(proxy.connections() - before).isBetween(5, 7);
        }
    }

    @Test
    void aServerThatAsksForPatienceGetsItAndNothingIsLost() throws Exception {
        server.put("slow/a.csv", "id\n1\n".getBytes(UTF_8));
        try (FaultyProxy proxy = new FaultyProxy(server.endpoint())) {
            FileLocation.Bucket bucket = server.through(proxy.address(), "slow/");
            proxy.slowDown(true);
            refused(bucket, "s3://lab/slow/ can't be read now: 503 SlowDown");
            proxy.slowDown(false);
            assertThat(read(bucket)).containsExactly("a.csv {\"id\":\"1\"}");
        }
    }

    @Test
    void whatKeepsItFromBeingReadIsSaidAndTriedAgain() throws Exception {
        URI endpoint = server.endpoint();
        refused(
                server.bucket(ObjectServer.BUCKET, "x/", endpoint, "wrong"),
                ErrorCode.FORBIDDEN,
                "The server refuses to let s3://lab/x/ be read (403 SignatureDoesNotMatch). See whether its access-key holds and may list and get.");
        refused(
                server.bucket("nowhere", "", endpoint, "a-secret-of-tests"),
                "There is no bucket nowhere at its server. Make it, or change path: in the source's file.");
        refused(
                server.bucket(ObjectServer.BUCKET, "", URI.create("http://127.0.0.1:1"), "x"),
                "s3://lab/ can't be read now: ");
    }

    /** A server that says there is more, as often, before it says what there is. */
    private static HttpServer listing(int emptyPages, AtomicInteger lists) throws IOException {
        return listing(emptyPages, lists, 403, "InvalidObjectState");
    }

    /** The same; one of its two objects is refused. */
    private static HttpServer listing(int emptyPages, AtomicInteger lists, int refusal, String code)
            throws IOException {
        HttpServer scripted =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        scripted.createContext(
                "/",
                exchange -> {
                    String query = String.valueOf(exchange.getRequestURI().getQuery());
                    String path = exchange.getRequestURI().getPath();
                    int status = 200;
                    String answer = "id\n1\n";
                    if (query.contains("list-type")) {
                        lists.incrementAndGet();
                        Matcher token = Pattern.compile("continuation-token=(\\d+)").matcher(query);
                        int page = token.find() ? Integer.parseInt(token.group(1)) : 0;
                        answer =
                                page < emptyPages
                                        ? "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>%d</NextContinuationToken></ListBucketResult>"
                                                .formatted(page + 1)
                                        : "<ListBucketResult><IsTruncated>false</IsTruncated>%s%s</ListBucketResult>"
                                                .formatted(entry("s/a.csv"), entry("s/b.csv"));
                    } else if (path.endsWith("a.csv")) {
                        status = refusal;
                        answer = "<Error><Code>%s</Code></Error>".formatted(code);
                    }
                    byte[] bytes = answer.getBytes(UTF_8);
                    exchange.sendResponseHeaders(status, bytes.length);
                    exchange.getResponseBody().write(bytes);
                    exchange.close();
                });
        scripted.start();
        return scripted;
    }

    private static String entry(String key) {
        return "<Contents><Key>%s</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"1\"</ETag><Size>5</Size><StorageClass>INTELLIGENT_TIERING</StorageClass></Contents>"
                .formatted(key);
    }

    private FileLocation.Bucket of(HttpServer scripted) {
        return server.through(
                URI.create("http://127.0.0.1:" + scripted.getAddress().getPort()), "s/");
    }

    @Test
    void whatWasArchivedIsLeftAndTheOthersAreRead() throws Exception {
        HttpServer scripted = listing(0, new AtomicInteger());
        try {
            assertThat(read(of(scripted))).containsExactly("b.csv {\"id\":\"1\"}");
        } finally {
            scripted.stop(0);
        }
    }

    @Test
    void anObjectThatIsRefusedIsNamedAndTheOthersAreRead() throws Exception {
        HttpServer scripted = listing(0, new AtomicInteger(), 403, "AccessDenied");
        try (FilesSource source = source(of(scripted), 2)) {
            source.begin(Map.of());
            List<SourceBody> came = new ArrayList<>();
            long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
            while (source.warning().isEmpty() && System.nanoTime() - deadline < 0) {
                came.addAll(source.poll(Duration.ofMillis(10)));
            }
            assertThat(source.warning().orElseThrow())
                    .contains("may not read 1 files or folders: a.csv (403 AccessDenied).");
            assertThat(came)
                    .extracting(body -> body.headers().get("file"))
                    .containsExactly("b.csv");
        } finally {
            scripted.stop(0);
        }
    }

    @Test
    void credentialsThatAreOverAreRefusedThoughTheServerSaysABadRequest() throws Exception {
        HttpServer scripted = listing(0, new AtomicInteger(), 400, "ExpiredToken");
        try {
            assertThatThrownBy(() -> read(of(scripted)))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.FORBIDDEN))
                    .hasMessageContaining("s/a.csv be read (400 ExpiredToken)");
        } finally {
            scripted.stop(0);
        }
    }

    @Test
    void pagesWithoutKeysEndNoListing() throws Exception {
        HttpServer scripted = listing(2, new AtomicInteger());
        try {
            assertThat(read(of(scripted))).containsExactly("b.csv {\"id\":\"1\"}");
        } finally {
            scripted.stop(0);
        }
    }

    @Test
    void aLongListingIsGoneOnWithByTheNextPoll() throws Exception {
        AtomicInteger lists = new AtomicInteger();
        HttpServer scripted = listing(300, lists);
        try (FilesSource source = source(of(scripted), 2)) {
            source.begin(Map.of());
            assertThat(source.poll(Duration.ofMillis(1))).isEmpty();
            assertThat(lists).hasValueLessThan(300);
            List<SourceBody> bodies = List.of();
            long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
            while (bodies.isEmpty() && System.nanoTime() - deadline < 0) {
                bodies = source.poll(Duration.ofMillis(1));
            }
            assertThat(bodies).hasSize(1);
            // each page once, and one to see whether it is there
            assertThat(lists).hasValue(302);
        } finally {
            scripted.stop(0);
        }
    }

    @Test
    void aKeyThatIsTakenAwayWhileObjectsAreReadIsSaidAndNothingIsLostWhenItIsBack()
            throws Exception {
        try (ObjectServer keys =
                ObjectServer.withKeys(Files.createDirectories(folder.resolve("keys")))) {
            keys.grant("guest", "of-the-guest");
            FileLocation.Bucket bucket =
                    new FileLocation.Bucket(
                            ObjectServer.BUCKET,
                            "guests/",
                            Optional.of(keys.endpoint()),
                            Optional.empty(),
                            Optional.of(
                                    new FileLocation.Credentials(
                                            new Secret("guest"), new Secret("of-the-guest"))),
                            true);
            keys.put("guests/a.csv", "id\n1\n".getBytes(UTF_8));
            assertThat(awaitRead(bucket)).containsExactly("a.csv {\"id\":\"1\"}");
            try (FilesSource source = source(bucket, 2)) {
                source.begin(Map.copyOf(marks));
                keys.revoke("guest");
                keys.put("guests/b.csv", "id\n2\n".getBytes(UTF_8));
                assertThatThrownBy(
                                () -> {
                                    long deadline =
                                            System.nanoTime() + Duration.ofSeconds(90).toNanos();
                                    while (System.nanoTime() < deadline) {
                                        for (SourceBody body : source.poll(Duration.ofMillis(10))) {
                                            // the server's own cache of keys may let it in for a
                                            // moment
                                            marks.put(body.mark().item(), body.mark());
                                        }
                                    }
                                })
                        .isInstanceOfSatisfying(
                                LakeException.class,
                                e -> assertThat(e.code()).isEqualTo(ErrorCode.FORBIDDEN))
                        .hasMessageContaining("403")
                        .hasMessageNotContaining("of-the-guest");
            }
            keys.put("guests/c.csv", "id\n3\n".getBytes(UTF_8));
            keys.grant("guest", "of-the-guest");
            List<String> later = awaitRead(bucket);
            assertThat(later).endsWith("c.csv {\"id\":\"3\"}");
            assertThat(marks).hasSize(3);
        }
    }

    /** What comes when the server has heard of the key. */
    private List<String> awaitRead(FileLocation.Bucket bucket) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (true) {
            try {
                return read(bucket);
            } catch (LakeException e) {
                assertThat(e.code()).isEqualTo(ErrorCode.FORBIDDEN);
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.sleep(50);
            }
        }
    }

    private void refused(FileLocation.Bucket bucket, String message) {
        refused(bucket, ErrorCode.STORAGE, message);
    }

    private void refused(FileLocation.Bucket bucket, ErrorCode code, String message) {
        try (FilesSource source = source(bucket, 10)) {
            assertThatThrownBy(() -> source.begin(Map.of()))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> {
                                assertThat(e.code()).isEqualTo(code);
                                assertThat(e.getMessage()).startsWith(message);
                            });
        }
    }

    @Test
    void aFileOfWhichOnlySomeWasTakenGoesOnThereAfterACrash() throws Exception {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 300_000; i++) {
            lines.append("{\"id\":").append(i).append("}\n");
        }
        server.put("large/a.ndjson", lines.toString().getBytes(UTF_8));
        List<SourceBody> first;
        try (FilesSource source = source(server.bucket("large/"), 10)) {
            source.begin(Map.of());
            first = source.poll(Duration.ofMillis(1));
            while (first.isEmpty()) {
                first = source.poll(Duration.ofMillis(1));
            }
        }
        assertThat(first).hasSize(1);
        marks.put(first.getFirst().mark().item(), first.getFirst().mark());
        StringBuilder all = new StringBuilder(new String(first.getFirst().bytes(), UTF_8));
        for (String more : read(server.bucket("large/"))) {
            all.append(more.substring("a.ndjson ".length())).append('\n');
        }
        assertThat(all.toString()).isEqualTo(lines.toString());
        assertThat(storage).isEmptyDirectory();
    }
}
