package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A lake that is killed while it answers: every statement is in the audit of the next one. */
class AuditKillIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int KILLS = 3;
    private static final int CLIENTS = 4;
    private static final String TEN = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";

    /** A statement without end is to end by the kill, and by nothing else. */
    private static final Duration LIMIT = Duration.ofMinutes(10);

    @TempDir private Path dir;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final AtomicReference<String> refused = new AtomicReference<>("");

    @Test
    void aKillTakesNoStatementOutOfTheAudit() throws Exception {
        Path folder = dir.resolve("lake");
        LakeFolder.write(folder, "");
        AtomicInteger sent = new AtomicInteger();
        AtomicInteger answered = new AtomicInteger();
        for (int kill = 0; kill < KILLS; kill++) {
            try (LakeProcess lake = LakeProcess.start(folder)) {
                LakeProcess.Address address =
                        lake.awaitAddress().orElseThrow(() -> new AssertionError(lake.output()));
                String endless = endless(kill);
                List<Thread> clients = new ArrayList<>();
                clients.add(Thread.startVirtualThread(() -> ask(address, endless)));
                for (int i = 0; i < CLIENTS; i++) {
                    clients.add(
                            Thread.startVirtualThread(() -> {
                                do {
                                    sent.incrementAndGet();
                                } while (ask(address, "SELECT 'kept' AS x")
                                        && answered.incrementAndGet() > 0);
                            }));
                }
                awaitListed(address, endless);
                int before = answered.get();
                while (answered.get() < before + 300) {
                    assertThat(lake.alive()).as(lake.output()).isTrue();
                    assertThat(refused).hasValue("");
                    Thread.sleep(5);
                }
                lake.kill();
                for (Thread client : clients) {
                    client.join();
                }
            }
        }
        try (LakeProcess lake = LakeProcess.start(folder)) {
            LakeProcess.Address address =
                    lake.awaitAddress().orElseThrow(() -> new AssertionError(lake.output()));
            for (int kill = 0; kill < KILLS; kill++) {
                assertThat(
                                rows(
                                        address,
                                        "SELECT principal, outcome, row_count FROM system.audit WHERE"
                                                + " statement = '"
                                                + endless(kill).replace("'", "''")
                                                + "'"))
                        .hasToString(
                                "[{\"principal\":\"admin\",\"outcome\":\"LOST\",\"row_count\":null}]");
            }
            JsonNode kept =
                    rows(
                            address,
                            "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE outcome = 'LOST') AS lost,"
                                    + " COUNT(*) FILTER (WHERE outcome = 'FINISHED' AND row_count = 1)"
                                    + " AS finished FROM system.audit WHERE statement ="
                                    + " 'SELECT ''kept'' AS x'");
            long found = kept.path(0).path("n").asLong();
            System.out.printf(
                    "kills %d, sent %d, answered %d, in the audit %d, of which lost %d%n",
                    KILLS, sent.get(), answered.get(), found, kept.path(0).path("lost").asLong());
            assertThat(found).isBetween((long) answered.get(), (long) sent.get());
            assertThat(kept.path(0).path("lost").asLong() + kept.path(0).path("finished").asLong())
                    .isEqualTo(found);
            assertThat(lake.terminate()).isZero();
            assertThat(folder.resolve(".tonle/audit")).isEmptyDirectory();
        }
    }

    /** A statement that runs until it is killed. */
    private static String endless(int number) {
        StringBuilder from = new StringBuilder();
        for (char table = 'a'; table <= 'l'; table++) {
            from.append(from.isEmpty() ? "" : ", ").append(TEN).append(" AS ").append(table);
            from.append("(x)");
        }
        return "SELECT SUM(a.x * b.x) AS kill" + number + " FROM " + from;
    }

    private HttpResponse<String> post(LakeProcess.Address address, String sql)
            throws IOException, InterruptedException {
        return http.send(
                address.request("/api/v1/query")
                        .timeout(LIMIT)
                        .POST(
                                HttpRequest.BodyPublishers.ofString(
                                        JSON.writeValueAsString(Map.of("sql", sql))))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    /** Whether there was an answer. */
    private boolean ask(LakeProcess.Address address, String sql) {
        try {
            HttpResponse<String> answer = post(address, sql);
            if (answer.statusCode() != 200) {
                refused.set(answer.body());
            }
            return answer.statusCode() == 200;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private JsonNode rows(LakeProcess.Address address, String sql) throws Exception {
        HttpResponse<String> answer = post(address, sql);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return JSON.readTree(answer.body());
    }

    private void awaitListed(LakeProcess.Address address, String sql) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        String found = "";
        while (!found.contains(sql) && System.nanoTime() < deadline) {
            found = rows(address, "SELECT statement FROM system.queries").toString();
        }
        assertThat(found).contains(sql);
    }
}
