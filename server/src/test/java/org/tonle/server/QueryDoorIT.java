package org.tonle.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.lake.Lake;
import org.tonle.lake.LakeOptions;
import org.tonle.query.AnswerCounts;

/** Queries to a real lake over HTTP: kept answers, states, limits, and what is too much for it. */
class QueryDoorIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String TEN = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";

    @TempDir static Path folder;
    private static Lake lake;
    private static LakeServer server;
    private static HttpClient client;
    private static String token;

    @BeforeAll
    static void open() throws IOException {
        Files.writeString(
                folder.resolve("lake.yaml"),
                """
                name: test
                ingest: {commit-interval: 200ms}
                refresh-interval: 100ms
                engine: {memory: 256MB}
                query:
                  queue-time: 2s
                  each: {timeout: 3s, max-rows: 20000}
                """);
        Files.createDirectories(folder.resolve("sources"));
        Files.createDirectories(folder.resolve("pipelines"));
        Files.writeString(
                folder.resolve("sources/orders.yaml"),
                "kind: http\ncolumns: {amount: {type: int, required: true}}\n");
        Files.writeString(
                folder.resolve("pipelines/orders.sql"),
                """
                CREATE STREAMING TABLE silver.orders AS
                SELECT event_id AS id, amount FROM STREAM bronze.orders;
                """);
        lake = Lake.open(folder, LakeOptions.ofProcess());
        token = Files.readString(folder.resolve(".tonle/admin-token")).strip();
        server = LakeServer.start(Backend.of(lake), ServerOptions.onPort(0));
        client = HttpClient.newHttpClient();
    }

    @AfterAll
    static void close() {
        client.shutdownNow();
        server.close();
        lake.close();
    }

    @AfterEach
    void theServerIsUnharmed() throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!get("/api/v1/queries").body().equals("[]")) {
            assertThat(System.nanoTime()).as("something still runs").isLessThan(deadline);
        }
        assertThat(query("SELECT 1 AS x").body()).isEqualTo("[{\"x\":1}]\n");
        assertThat(get("/health/ready").statusCode()).isEqualTo(200);
    }

    private static HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create(server.url() + path))
                .timeout(Duration.ofSeconds(60))
                .header("authorization", "Bearer " + token);
    }

    private static HttpResponse<String> get(String path) throws Exception {
        return client.send(to(path).build(), HttpResponse.BodyHandlers.ofString());
    }

    private static HttpRequest request(String sql, String... headers) throws IOException {
        HttpRequest.Builder request =
                to("/api/v1/query")
                        .POST(
                                HttpRequest.BodyPublishers.ofString(
                                        JSON.writeValueAsString(Map.of("sql", sql))));
        return (headers.length == 0 ? request : request.headers(headers)).build();
    }

    private static HttpResponse<String> query(String sql, String... headers) throws Exception {
        return client.send(request(sql, headers), HttpResponse.BodyHandlers.ofString());
    }

    private static JsonNode problem(HttpResponse<String> response, int status, String code)
            throws Exception {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        JsonNode problem = JSON.readTree(response.body());
        assertThat(problem.path("code").asText()).as(response.body()).isEqualTo(code);
        return problem;
    }

    private static String header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name).orElseThrow();
    }

    /** A cross join of 10 to the power of {@code digits} rows with a column {@code x}. */
    private static String rows(int digits) {
        StringBuilder sum = new StringBuilder("0");
        StringBuilder from = new StringBuilder();
        for (int i = 0; i < digits; i++) {
            sum.append(" * 10 + t").append(i).append(".d");
            from.append(i == 0 ? "" : ", ").append(TEN).append(" AS t").append(i).append("(d)");
        }
        return "(SELECT "
                + "CAST("
                + sum.toString().replaceFirst("^0 \\* 10 \\+ ", "")
                + " AS BIGINT) AS x FROM "
                + from
                + ") AS r";
    }

    private static final String ENDLESS =
            "SELECT SUM(SQRT(r.x) * SIN(r.x)) AS s FROM " + rows(11).replace("BIGINT", "DOUBLE");

    @Test
    void anAnswerSaysWhatItShowsAndIsNotSentTwice() throws Exception {
        String sql = "SELECT COUNT(*) AS n FROM silver.orders";
        AnswerCounts counts = lake.queries().answers();
        HttpResponse<String> first = query(sql);
        assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
        assertThat(query(sql).body()).isEqualTo(first.body());
        String tag = header(first, "etag");
        assertThat(tag).matches("\"[0-9a-f]{64}\"");
        HttpResponse<String> again = query(sql, "if-none-match", "W/\"a\", " + tag);
        assertThat(again.statusCode()).isEqualTo(304);
        assertThat(lake.queries().answers())
                .isEqualTo(
                        new AnswerCounts(
                                counts.run() + 1, counts.kept() + 1, counts.unchanged() + 1));
        assertThat(again.body()).isEmpty();
        assertThat(header(again, "etag")).isEqualTo(tag);
        assertThat(header(again, "tonle-query-id")).isNotEqualTo(header(first, "tonle-query-id"));
        assertThat(header(query(sql, "accept", "text/csv"), "etag")).isNotEqualTo(tag);

        long before = Long.parseLong(header(first, "tonle-seq"));
        lake.ingest(
                "orders",
                "{\"amount\": 3}".getBytes(StandardCharsets.UTF_8),
                "application/json",
                Optional.empty(),
                Map.of());
        HttpResponse<String> later = first;
        for (long seq = before + 1; later.body().equals(first.body()); seq++) {
            later = query(sql, "tonle-min-seq", Long.toString(seq), "if-none-match", tag);
            if (later.statusCode() == 504) {
                // it takes longer than one may wait
                later = first;
                seq--;
                continue;
            }
            assertThat(Long.parseLong(header(later, "tonle-seq"))).isGreaterThanOrEqualTo(seq);
            if (later.statusCode() == 304) {
                later = first;
            }
        }
        assertThat(header(later, "etag")).isNotEqualTo(tag);
        HttpResponse<String> then = query(sql, "tonle-as-of-seq", Long.toString(before));
        assertThat(then.body()).isEqualTo(first.body());
        assertThat(header(then, "tonle-seq")).isEqualTo(Long.toString(before));
        assertThat(query("SELECT CURRENT_TIMESTAMP AS t").headers().firstValue("etag")).isEmpty();
    }

    @Test
    void aStateThatThereIsNotIsWaitedForOrRefused() throws Exception {
        problem(query("SELECT 1 AS x", "tonle-min-seq", "999999999"), 504, "TIMEOUT");
        problem(query("SELECT 1 AS x", "tonle-as-of-seq", "999999999"), 404, "NOT_FOUND");
        problem(query("SELECT 1 AS x", "tonle-as-of-seq", "-1"), 400, "INVALID_REQUEST");
        problem(
                query("SELECT 1 AS x", "tonle-as-of-seq", "1", "tonle-min-seq", "1"),
                400,
                "INVALID_REQUEST");
    }

    @Test
    void aThousandLevelsAreAClearError() throws Exception {
        String deep = "SELECT " + "(".repeat(1000) + "1" + ")".repeat(1000) + " AS x";
        assertThat(problem(query(deep), 422, "UNSUPPORTED_SQL").path("detail").asText())
                .contains("nested deeper than");
        String subqueries =
                "SELECT * FROM ".concat("(SELECT * FROM ".repeat(1000))
                        + "(VALUES (1)) AS t(x)"
                        + ") AS t".repeat(1000);
        problem(query(subqueries), 422, "UNSUPPORTED_SQL");
    }

    @Test
    void aStatementOfFiveMegabytesIsAClearError() throws Exception {
        assertThat(
                        problem(
                                        query("SELECT '" + "x".repeat(5 << 20) + "' AS x"),
                                        413,
                                        "TOO_LARGE")
                                .path("detail")
                                .asText())
                .contains("may have 1048576");
        String wide = "SELECT 1" + " + 1".repeat(200_000) + " AS x";
        assertThat(query(wide).statusCode()).isBetween(400, 499);
    }

    @Test
    void aCrossJoinOfABillionRowsEndsByItsLimits() throws Exception {
        JsonNode rows = problem(query("SELECT r.x FROM " + rows(9)), 503, "OUT_OF_RESOURCES");
        assertThat(rows.path("detail").asText()).contains("20000 rows");
        assertThat(problem(query(ENDLESS), 504, "TIMEOUT").path("detail").asText())
                .contains("longer than PT3S");
    }

    @Test
    void aQueryIsListedAndCancelled() throws Exception {
        CompletableFuture<HttpResponse<String>> running =
                client.sendAsync(request(ENDLESS), HttpResponse.BodyHandlers.ofString());
        JsonNode listed = JSON.createArrayNode();
        while (listed.isEmpty()) {
            listed = JSON.readTree(get("/api/v1/queries").body());
            assertThat(running).isNotDone();
        }
        assertThat(listed.get(0).path("sql").asText()).isEqualTo(ENDLESS);
        String path = "/api/v1/queries/" + listed.get(0).path("id").asText();
        assertThat(
                        client.send(to(path).DELETE().build(), HttpResponse.BodyHandlers.ofString())
                                .statusCode())
                .isEqualTo(204);
        problem(running.get(), 503, "CANCELLED");
        problem(
                client.send(to(path).DELETE().build(), HttpResponse.BodyHandlers.ofString()),
                404,
                "NOT_FOUND");
    }

    private static String nested(int times, String in, String before, String after) {
        return before.repeat(times) + in + after.repeat(times);
    }

    @Test
    void whatGrowsBeyondAllBoundsIsRefused() throws Exception {
        String doubled =
                "WITH a0 AS (SELECT * FROM silver.orders)"
                        + IntStream.range(1, 30)
                                .mapToObj(i ->
                                        ", a%d AS (SELECT * FROM a%d AS p, a%d AS q)"
                                                .formatted(i, i - 1, i - 1))
                                .collect(Collectors.joining())
                        + " SELECT * FROM a29 LIMIT 1";
        for (String sql :
                List.of(
                        "SELECT " + nested(20, "1", "(CASE WHEN ", " BETWEEN 1 AND 9 THEN 1 END)"),
                        "SELECT " + nested(40, "1", "CASE ", " WHEN 1 THEN 1 WHEN 2 THEN 2 END"),
                        doubled,
                        "SELECT COUNT(*) AS n FROM silver.orders GROUP BY CUBE("
                                + "amount, ".repeat(40)
                                + "id)",
                        "SELECT REPEAT('x', 2000000000) AS x",
                        "SELECT LPAD(id, 2000000000, 'x') AS x FROM silver.orders",
                        "SELECT id FROM "
                                + nested(
                                        40,
                                        "silver.orders",
                                        "(SELECT id || id AS id FROM ",
                                        " AS q)"))) {
            assertThat(problem(query(sql), 422, "UNSUPPORTED_SQL").path("detail").asText())
                    .startsWith("line 1, column ");
        }
        problem(query("SELECT INTERVAL 1e99999999 DAY AS x"), 422, "INVALID_SQL");
        problem(query("SELECT REPEAT('x', 20000 + 1) AS x"), 422, "INVALID_VALUE");
        // a pattern's escape is the engine's business
        HttpResponse<String> escape =
                query(
                        "SELECT x FROM (VALUES ('Ada', 'long')) AS t(x, e) WHERE x LIKE 'A%'"
                                + " ESCAPE e");
        assertThat(escape.statusCode()).as(escape.body()).isEqualTo(422);
        assertThat(
                        query("SELECT " + nested(26, "'{}'", "JSON_VALUE(", ", '$.a')") + " AS x")
                                .body())
                .isEqualTo("[{\"x\":null}]\n");
        HttpResponse<String> parameter =
                client.send(
                        to("/api/v1/query")
                                .POST(
                                        HttpRequest.BodyPublishers.ofString(
                                                "{\"sql\":\"SELECT ? AS"
                                                        + " x\",\"parameters\":[1e2000000000]}"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(parameter.statusCode()).as(parameter.body()).isIn(400, 422);
    }
}
