package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import org.tonle.lake.HaltAt;

/** A lake whose tables lie in a bucket of a real server. */
class BucketTablesIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path dir;
    private Path folder;
    private LakeBucket bucket;

    @BeforeEach
    void start() throws Exception {
        bucket = new LakeBucket(dir);
        folder = dir.resolve("lake");
        LakeFolder.write(folder, bucket.section());
    }

    @AfterEach
    void stop() throws Exception {
        bucket.close();
    }

    /** Waits until so many more requests were answered. */
    private static void progress(RetryingClient client) throws InterruptedException {
        long goal = client.answers() + 20;
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
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
                int status = lake.awaitEnd(Duration.ofSeconds(180));
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

                bucket.proxy().slowDown(true);
                awaitReason(address, "s3://lab/" + LakeBucket.PREFIX);
                assertThat(asked(address, "/metrics")).contains("tonle_source_state");
                progress(client);
                bucket.proxy().slowDown(false);

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
            requireNothingLostOrDoubled(client, 100);
        }
    }

    @Test
    void aLakeThatWasThereStartsThoughItsBucketIsAwayAndCatchesUpWhenItIsBack() throws Exception {
        bucket.proxy().slowDown(true);
        try (LakeProcess first = LakeProcess.start(folder)) {
            assertThat(first.awaitEnd(Duration.ofSeconds(180))).as(first.output()).isNotZero();
            assertThat(first.output()).contains("s3://lab/" + LakeBucket.PREFIX).contains("503");
        }
        bucket.proxy().slowDown(false);
        try (RetryingClient client = new RetryingClient(() -> LakeProcess.address(folder), 3)) {
            try (LakeProcess lake = LakeProcess.start(folder)) {
                LakeProcess.Address address = running(lake);
                progress(client);
                awaitRows(address, "silver.events");
                lake.kill();
            }
            bucket.proxy().slowDown(true);
            try (LakeProcess lake = LakeProcess.start(folder)) {
                LakeProcess.Address address = running(lake);
                progress(client);
                awaitReason(address, "s3://lab/" + LakeBucket.PREFIX);
                progress(client);
                bucket.proxy().slowDown(false);
                client.close();
                CrashRun.settled(List.of(folder));
                assertThat(lake.terminate()).isZero();
            }
            requireNothingLostOrDoubled(client, 40);
        }
    }

    private void requireNothingLostOrDoubled(RetryingClient client, int least) throws Exception {
        History.Verdict verdict = bucket.judge(folder, client);
        System.out.printf(
                "in a bucket: commits %d, acknowledged %d, lost %d, doubled %d%n",
                verdict.commits(), verdict.acknowledged(), verdict.lost(), verdict.doubled());
        assertThat(verdict.acknowledged()).isGreaterThan(least);
        assertThat(verdict.lost()).isZero();
        assertThat(verdict.doubled()).isZero();
    }

    /** Waits until the tables are listed and one says why it stays behind. */
    private static void awaitReason(LakeProcess.Address address, String why) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        HttpResponse<String> listed = answer(address, "/api/v1/datasets");
        while (listed.statusCode() != 200 || !saysWhy(JSON.readTree(listed.body()), why)) {
            assertThat(System.nanoTime()).as(listed.body()).isLessThan(deadline);
            Thread.sleep(50);
            listed = answer(address, "/api/v1/datasets");
        }
    }

    private static boolean saysWhy(JsonNode tables, String why) {
        for (JsonNode table : tables) {
            if (table.path("reason").asText().contains(why)) {
                return true;
            }
        }
        return false;
    }

    private static String asked(LakeProcess.Address address, String path) throws Exception {
        return answer(address, path).body();
    }

    private static HttpResponse<String> answer(LakeProcess.Address address, String path)
            throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(address.request(path).build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    private static void awaitRows(LakeProcess.Address address, String table) throws Exception {
        String rows = "tonle_dataset_rows{dataset=\"" + table + "\"}";
        await(address, "/metrics", text -> text.contains(rows) && metric(text, rows) > 0);
    }

    /** Waits until an answer passes. */
    private static void await(LakeProcess.Address address, String path, Predicate<String> expected)
            throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
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
