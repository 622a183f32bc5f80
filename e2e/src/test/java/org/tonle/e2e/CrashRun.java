package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.tonle.catalog.FolderFiles;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.TableFiles;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.FailPoints;

/** What crash tests share: wait for an embedded lake to have nothing left to do, and judge it. */
final class CrashRun {
    private static final Duration SETTLE = Duration.ofSeconds(90);
    private static final ObjectMapper JSON = new ObjectMapper();

    private CrashRun() {}

    /**
     * Waits until every table has taken in everything; of several lakes on one ledger one at least
     * works on each table.
     */
    static void settled(List<Path> folders) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + SETTLE.toNanos();
        try (HttpClient http = HttpClient.newHttpClient()) {
            List<String> last = List.of();
            while (System.nanoTime() < deadline) {
                last = new ArrayList<>();
                Map<String, Boolean> quiet = new TreeMap<>();
                for (Path folder : folders) {
                    LakeProcess.Address address = LakeProcess.address(folder).orElseThrow();
                    HttpResponse<String> response =
                            http.send(
                                    address.request("/api/v1/datasets").build(),
                                    HttpResponse.BodyHandlers.ofString());
                    last.add(response.body());
                    for (JsonNode table : JSON.readTree(response.body())) {
                        boolean done =
                                table.path("lag").asLong() == 0
                                        && table.path("state").asText().equals("running");
                        quiet.merge(table.path("name").asText(), done, Boolean::logicalOr);
                    }
                }
                if (quiet.values().stream().allMatch(done -> done)) {
                    return;
                }
                Thread.sleep(50);
            }
            throw new AssertionError("not settled: " + last);
        }
    }

    /** The rows of a query's answer; none where the lake refuses it for good. */
    static JsonNode ask(HttpClient http, LakeProcess.Address lake, String sql)
            throws IOException, InterruptedException {
        HttpResponse<String> response = answer(http, lake, sql);
        return response.statusCode() == 200
                ? JSON.readTree(response.body())
                : JSON.createArrayNode();
    }

    /** A query's answer, which is asked again as long as the lake says that this can help. */
    static HttpResponse<String> answer(HttpClient http, LakeProcess.Address lake, String sql)
            throws IOException, InterruptedException {
        HttpRequest request =
                lake.request("/api/v1/query")
                        .timeout(SETTLE)
                        .header("content-type", "application/json")
                        .POST(
                                HttpRequest.BodyPublishers.ofString(
                                        JSON.writeValueAsString(Map.of("sql", sql))))
                        .build();
        long deadline = System.nanoTime() + SETTLE.toNanos();
        HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
        while (isLater(response) && System.nanoTime() < deadline) {
            Thread.sleep(50);
            response = http.send(request, HttpResponse.BodyHandlers.ofString());
        }
        return response;
    }

    /** Whether the lake says itself that asking again can help: a lease, a conflict, overload. */
    static boolean isLater(HttpResponse<String> answer) {
        return answer.statusCode() >= 400 && answer.body().contains("\"retryable\":true");
    }

    /** Waits, as long as there come more, until a table has so many rows. */
    static void awaitCount(
            HttpClient http, LakeProcess.Address lake, String table, long rows, Duration limit)
            throws IOException, InterruptedException {
        long last = -1;
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            long now =
                    ask(http, lake, "SELECT COUNT(*) AS n FROM " + table)
                            .path(0)
                            .path("n")
                            .asLong();
            if (now == rows) {
                return;
            }
            if (now != last) {
                deadline = System.nanoTime() + limit.toNanos();
            }
            last = now;
            assertThat(System.nanoTime())
                    .as("%s has %d rows and not %d", table, now, rows)
                    .isLessThan(deadline);
            Thread.sleep(50);
        }
    }

    /** Judges the history of a stopped lake with an embedded ledger. */
    static History.Verdict judge(Path folder, RetryingClient client) throws SQLException {
        return judge(folder, new FolderFiles(warehouse(folder)), client);
    }

    static History.Verdict judge(Path folder, TableFiles files, RetryingClient client)
            throws SQLException {
        assertThat(client.broken()).isEmpty();
        try (EmbeddedPostgres postgres = postgres(folder);
                Ledger ledger = ledger(postgres);
                History history = new History(ledger, files)) {
            return history.check(client);
        }
    }

    /** Does something to the tables of a stopped lake with an embedded ledger. */
    static void onLedger(Path folder, Consumer<LakeCatalog> work) {
        try (EmbeddedPostgres postgres = postgres(folder);
                Ledger ledger = ledger(postgres)) {
            work.accept(new LakeCatalog(ledger, warehouse(folder), FailPoints.NONE));
        }
    }

    private static Path warehouse(Path folder) {
        return folder.resolve(".tonle/warehouse");
    }

    private static EmbeddedPostgres postgres(Path folder) {
        return EmbeddedPostgres.start(folder.resolve(".tonle/postgres"));
    }

    private static Ledger ledger(EmbeddedPostgres postgres) {
        return Ledger.open(
                new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password()),
                FailPoints.NONE);
    }
}
