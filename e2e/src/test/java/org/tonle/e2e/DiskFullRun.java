package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * What {@link DiskFullIT} runs where the folder of its first argument is a small disk: all of the
 * lake's, or, given another folder for the rest, that of its tables.
 */
final class DiskFullRun {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final ObjectMapper JSON = new ObjectMapper();

    private interface Condition {
        boolean holds() throws IOException, InterruptedException;
    }

    private final Path folder;
    private final Path filler;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private DiskFullRun(Path disk, Path home) {
        folder = home.resolve("lake");
        filler = disk.resolve("filler");
    }

    public static void main(String[] arguments) throws Exception {
        Path disk = Path.of(arguments[0]);
        if (arguments.length == 1) {
            new DiskFullRun(disk, disk).run("", DiskFullRun::round);
        } else {
            new DiskFullRun(disk, Path.of(arguments[1]))
                    .run("storage: " + disk.resolve("tables"), DiskFullRun::storageRound);
        }
        System.exit(0);
    }

    private interface Round {
        void run(DiskFullRun run, LakeProcess.Address address, RetryingClient client, long leave)
                throws Exception;
    }

    private void run(String more, Round round) throws Exception {
        LakeFolder.write(folder, more);
        try (RetryingClient client = new RetryingClient(() -> LakeProcess.address(folder), 3)) {
            try (LakeProcess lake = LakeProcess.start(folder)) {
                LakeProcess.Address address =
                        lake.awaitAddress().orElseThrow(() -> new AssertionError(lake.output()));
                try {
                    // what is left is what the lake keeps for itself; then nothing, at once
                    for (long leave : List.of(100L << 20, 0L, 12L << 10)) {
                        round.run(this, address, client, leave);
                    }
                    client.close();
                    CrashRun.settled(List.of(folder));
                    assertThat(lake.terminate()).isZero();
                } catch (Throwable e) {
                    System.out.println(lake.output());
                    throw e;
                }
            }
            History.Verdict verdict = CrashRun.judge(folder, client);
            long restarts;
            try (Stream<String> lines = Files.lines(folder.resolve(".tonle/logs/tonle.log"))) {
                restarts = lines.filter(line -> line.contains("runs again")).count();
            }
            System.out.printf(
                    "disk full 3 times, servers started again %d times, acknowledged %d, lost %d, doubled %d%n",
                    restarts, verdict.acknowledged(), verdict.lost(), verdict.doubled());
            assertThat(verdict.lost()).isZero();
            assertThat(verdict.doubled()).isZero();
        }
    }

    private void round(LakeProcess.Address address, RetryingClient client, long leave)
            throws Exception {
        acknowledgesMore(client);
        fill(leave);
        await("it refuses", () -> post(address).statusCode() == 503);
        // not after the time that it waits for servers; a busy machine has quick moments, too
        await("it refuses at once", () -> refusesWithin(address, Duration.ofSeconds(2)));
        HttpResponse<String> refused = post(address);
        assertThat(refused.statusCode()).as(refused.body()).isEqualTo(503);
        assertThat(refused.headers().firstValueAsLong("retry-after")).isPresent();
        JsonNode problem = JSON.readTree(refused.body());
        assertThat(problem.path("code").asText()).isEqualTo("DISK_FULL");
        assertThat(problem.path("detail").asText()).contains("MB left");
        assertThat(get(address, "/health/ready").statusCode()).isEqualTo(503);
        assertThat(get(address, "/health/live").statusCode()).isEqualTo(200);
        assertThat(reasonOfSource(address)).contains("MB left");
        // time for everything that writes to fail
        for (int look = 0; look < 20; look++) {
            assertThat(post(address).statusCode()).isEqualTo(503);
            Thread.sleep(250);
        }
        Files.delete(filler);
        acknowledgesMore(client);
        await("it is ready", () -> get(address, "/health/ready").statusCode() == 200);
        System.out.printf("disk full but for %,d kB%n", leave >> 10);
    }

    private boolean refusesWithin(LakeProcess.Address address, Duration limit)
            throws IOException, InterruptedException {
        long asked = System.nanoTime();
        int status = post(address).statusCode();
        return status == 503 && System.nanoTime() - asked < limit.toNanos();
    }

    /** The log has room: what is taken waits there, and the tables say why they stay behind. */
    private void storageRound(LakeProcess.Address address, RetryingClient client, long leave)
            throws Exception {
        acknowledgesMore(client);
        if (leave > 1 << 20) {
            return; // room for tables
        }
        fill(leave);
        await("bronze says why", () -> reasonOfSource(address).contains("No space left"));
        acknowledgesMore(client);
        assertThat(get(address, "/health/live").statusCode()).isEqualTo(200);
        // time for everything that writes to fail
        for (int look = 0; look < 20; look++) {
            assertThat(reasonsOf(address)).doesNotContain("internal error");
            Thread.sleep(250);
        }
        Files.delete(filler);
        await("it is well again: " + reasonsOf(address), () -> reasonsOf(address).isEmpty());
        System.out.printf("disk full of tables but for %,d kB%n", leave >> 10);
    }

    /** Of all that can't go on. */
    private String reasonsOf(LakeProcess.Address address) throws IOException, InterruptedException {
        HttpResponse<String> response = get(address, "/api/v1/datasets");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        StringBuilder reasons = new StringBuilder();
        for (JsonNode table : JSON.readTree(response.body())) {
            if (table.has("reason")) {
                reasons.append(table.path("name").asText())
                        .append(": ")
                        .append(table.path("reason").asText())
                        .append('\n');
            }
        }
        return reasons.toString();
    }

    /** As much as the client's retries need to show that the lake goes on. */
    private static void acknowledgesMore(RetryingClient client) throws Exception {
        long before = client.answers();
        await("it goes on: " + client.refused(), () -> client.answers() > before + 100);
    }

    private String reasonOfSource(LakeProcess.Address address)
            throws IOException, InterruptedException {
        HttpResponse<String> response = get(address, "/api/v1/datasets");
        if (response.statusCode() == 503) {
            // the ledger is away, too; the problem says why
            return response.body();
        }
        JsonNode source = JSON.readTree(response.body()).get(0);
        String reason = source.path("reason").asText();
        // without a reason it runs, if it has much to catch up with
        assertThat(source.path("state").asText())
                .as(response.body())
                .isIn(reason.isEmpty() ? List.of("running", "lagging") : List.of("failing"));
        return reason;
    }

    private void fill(long leave) throws IOException {
        byte[] zeros = new byte[1 << 16];
        long room = filler.getParent().toFile().getUsableSpace() - leave;
        try (OutputStream out = Files.newOutputStream(filler)) {
            for (long written = 0; written < room || leave == 0; written += zeros.length) {
                out.write(zeros);
            }
        } catch (IOException full) {
            assertThat(full).hasMessageContaining("No space");
        }
    }

    private HttpResponse<String> post(LakeProcess.Address address)
            throws IOException, InterruptedException {
        return http.send(
                address.request("/api/v1/ingest/" + LakeFolder.SOURCE)
                        .timeout(Duration.ofSeconds(20))
                        .header("Content-Type", "application/json")
                        // the same each time: what is asked here is no event of its own
                        .header("Idempotency-Key", "w0-0")
                        .POST(HttpRequest.BodyPublishers.ofString("{\"id\":\"w0-0-0\"}"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> get(LakeProcess.Address address, String path)
            throws IOException, InterruptedException {
        return http.send(
                address.request(path).timeout(Duration.ofSeconds(20)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static void await(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not in time: " + what);
            }
            Thread.sleep(20);
        }
    }
}
