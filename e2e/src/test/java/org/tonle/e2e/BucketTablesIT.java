package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.CachedFiles;
import org.tonle.contracts.FaultyProxy;
import org.tonle.contracts.ObjectServer;
import org.tonle.definition.FileLocation;
import org.tonle.definition.StorageDefinition;
import org.tonle.lake.HaltAt;
import org.tonle.s3.TableBucket;

/** A lake whose tables lie in a bucket of a SeaweedFS. */
class BucketTablesIT {
    private static final String PREFIX = "crash/tables/";
    private static final long CACHE = 64L << 20;

    @TempDir private Path dir;
    private Path folder;
    private ObjectServer server;
    private FaultyProxy proxy;

    @BeforeEach
    void start() throws Exception {
        server = ObjectServer.start(Files.createDirectories(dir.resolve("objects")));
        proxy = new FaultyProxy(server.endpoint());
        folder = dir.resolve("lake");
        FileLocation.Bucket bucket = server.bucket(PREFIX);
        FileLocation.Credentials credentials = bucket.credentials().orElseThrow();
        Path secret = Files.writeString(dir.resolve("secret"), credentials.secretKey().reveal());
        LakeFolder.write(
                folder,
                """
                storage:
                  path: %s
                  endpoint: %s
                  access-key: %s
                  secret-key: ${file:%s}
                  path-style: true
                  cache: 64MB
                """
                        .formatted(
                                bucket, proxy.address(), credentials.accessKey().reveal(), secret));
    }

    @AfterEach
    void stop() throws Exception {
        proxy.close();
        server.close();
    }

    /** Waits until so many more requests were answered. */
    private static void progress(RetryingClient client) throws InterruptedException {
        long goal = client.answers() + 20;
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (client.answers() < goal) {
            assertThat(System.nanoTime())
                    .as("the lake answers no more: %s, %s", client.broken(), client.refused())
                    .isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    private LakeProcess.Address running(LakeProcess lake) throws InterruptedException {
        Optional<LakeProcess.Address> address = lake.awaitAddress();
        assertThat(address).as(lake.output()).isPresent();
        return address.orElseThrow();
    }

    @Test
    void nothingIsLostOrDoubledThoughTheLakeIsKilledItsCopiesAreGoneAndItsBucketIsAway()
            throws Exception {
        try (RetryingClient client = new RetryingClient(() -> LakeProcess.address(folder), 3)) {
            try (LakeProcess lake = LakeProcess.startHaltingAt(folder, "stage.after-sync:4")) {
                int status = lake.awaitEnd(Duration.ofSeconds(90));
                assertThat(status).as(lake.output()).isEqualTo(HaltAt.EXIT_STATUS);
            }
            try (LakeProcess lake = LakeProcess.start(folder)) {
                LakeProcess.Address address = running(lake);
                progress(client);
                awaitRows(address, "silver.events");
                lake.kill();
            }
            remove(folder.resolve(".tonle/cache"));
            try (LakeProcess lake = LakeProcess.start(folder)) {
                LakeProcess.Address address = running(lake);
                progress(client);

                proxy.slowDown(true);
                await(address, "/api/v1/datasets", text -> text.contains("s3://lab/" + PREFIX));
                progress(client);
                proxy.slowDown(false);

                client.close();
                CrashRun.settled(List.of(folder));
                assertThat(folder.resolve(".tonle/warehouse")).doesNotExist();
                assertThat(asked(address, "/metrics"))
                        .satisfies(text ->
                                assertThat(metric(text, "tonle_cache_files_total{outcome=\"hit\"}"))
                                        .isPositive())
                        .satisfies(text ->
                                assertThat(
                                                metric(
                                                        text,
                                                        "tonle_cache_files_total{outcome=\"miss\"}"))
                                        .isPositive());
                assertThat(lake.terminate()).isZero();
            }
            // of what is in the bucket alone
            StorageDefinition.Bucket storage =
                    new StorageDefinition.Bucket(server.bucket(PREFIX), Optional.empty(), CACHE);
            try (CachedFiles files =
                    new CachedFiles(
                            TableBucket.files(storage, dir),
                            storage.place(),
                            dir.resolve("copies"),
                            CACHE)) {
                History.Verdict verdict = CrashRun.judge(folder, files, client);
                System.out.printf(
                        "in a bucket: commits %d, acknowledged %d, lost %d, doubled %d%n",
                        verdict.commits(),
                        verdict.acknowledged(),
                        verdict.lost(),
                        verdict.doubled());
                assertThat(verdict.acknowledged()).isGreaterThan(100);
                assertThat(verdict.lost()).isZero();
                assertThat(verdict.doubled()).isZero();
            }
        }
    }

    private static String asked(LakeProcess.Address address, String path) throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(address.request(path).build(), HttpResponse.BodyHandlers.ofString())
                    .body();
        }
    }

    private static void awaitRows(LakeProcess.Address address, String table) throws Exception {
        String rows = "tonle_dataset_rows{dataset=\"" + table + "\"}";
        await(address, "/metrics", text -> metric(text, rows) > 0);
    }

    /** Waits until an answer passes. */
    private static void await(LakeProcess.Address address, String path, Predicate<String> expected)
            throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        String answer = asked(address, path);
        while (!expected.test(answer)) {
            assertThat(System.nanoTime()).as("%s says %s", path, answer).isLessThan(deadline);
            Thread.sleep(50);
            answer = asked(address, path);
        }
    }

    private static double metric(String text, String name) {
        Matcher line =
                Pattern.compile("^" + Pattern.quote(name) + " (.*)$", Pattern.MULTILINE)
                        .matcher(text);
        assertThat(line.find()).as(name + " of " + text).isTrue();
        return Double.parseDouble(line.group(1));
    }

    private static void remove(Path directory) throws Exception {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
