package org.tonle.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

class LakeServerTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    // one server for all tests, as starting and stopping it is most of what they would do
    private static final AtomicReference<ScriptedLake> CURRENT = new AtomicReference<>();
    private static HttpClient client;
    private static LakeServer server;

    private final ScriptedLake lake = new ScriptedLake();

    @BeforeAll
    static void open() {
        client = HttpClient.newHttpClient();
        server =
                LakeServer.start(
                        ScriptedLake.whichever(CURRENT::get),
                        new ServerOptions(0, 2, 4, 30L << 20, Duration.ofSeconds(6)));
    }

    @AfterAll
    static void close() {
        server.close();
        client.shutdownNow();
    }

    @BeforeEach
    void script() {
        CURRENT.set(lake);
    }

    @AfterEach
    void letGo() {
        lake.letGo.countDown();
    }

    private HttpRequest.Builder to(String path) {
        return to(server, path);
    }

    private static HttpRequest.Builder to(LakeServer server, String path) {
        return without(server, path).header("authorization", "Bearer admin");
    }

    private static HttpRequest.Builder without(LakeServer server, String path) {
        return HttpRequest.newBuilder(URI.create(server.url() + path))
                .timeout(Duration.ofSeconds(30));
    }

    private HttpResponse<String> post(String path, String body, String... headers)
            throws Exception {
        HttpRequest.Builder request = to(path).POST(HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> get(String path) throws Exception {
        return client.send(to(path).build(), HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> query(String sql, String... headers) throws Exception {
        return post("/api/v1/query", JSON.writeValueAsString(Map.of("sql", sql)), headers);
    }

    private static JsonNode problem(HttpResponse<String> response, int status, String code)
            throws Exception {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("content-type"))
                .contains("application/problem+json");
        JsonNode problem = JSON.readTree(response.body());
        assertThat(problem.get("status").asInt()).isEqualTo(status);
        assertThat(problem.get("code").asText()).isEqualTo(code);
        assertThat(problem.get("type").asText()).startsWith("urn:tonle:problem:");
        assertThat(problem.get("detail").asText()).isNotBlank();
        assertThat(problem.get("action").asText()).isNotBlank();
        return problem;
    }

    @Test
    void eventsAreAcceptedWithTheirPlace() throws Exception {
        HttpResponse<String> response =
                post(
                        "/api/v1/ingest/events",
                        "{\"a\":1}\n{\"a\":2}",
                        "content-type",
                        "application/x-ndjson; charset=UTF-8",
                        "idempotency-key",
                        "k1",
                        "traceparent",
                        "00-1-2-00");

        assertThat(response.statusCode()).isEqualTo(202);
        assertThat(response.body())
                .isEqualTo(
                        "{\"accepted\":2,\"topic\":\"tonle.t.events\",\"partition\":3,\"position\":42}");
        assertThat(lake.last)
                .isEqualTo(
                        new ScriptedLake.Ingested(
                                "events",
                                "{\"a\":1}\n{\"a\":2}",
                                "application/x-ndjson",
                                "k1",
                                Map.of("traceparent", "00-1-2-00")));
    }

    @Test
    void aGzipBodyIsInflatedUpToTheSourcesLimit() throws Exception {
        assertThat(gzip("tiny", "x".repeat(1000)).statusCode()).isEqualTo(202);
        assertThat(lake.last.body()).hasSize(1000);
        problem(gzip("tiny", "x".repeat(1025)), 413, "TOO_LARGE");
        // 300 MB of zeros in 300 kB: the limit stops it, not the memory
        problem(gzip("events", "0".repeat(300 << 20)), 413, "TOO_LARGE");
        problem(
                post("/api/v1/ingest/events", "plain", "content-encoding", "gzip"),
                400,
                "INVALID_REQUEST");
    }

    private HttpResponse<String> gzip(String source, String body) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) {
            out.write(body.getBytes(StandardCharsets.UTF_8));
        }
        return client.send(
                to("/api/v1/ingest/" + source)
                        .header("content-encoding", "gzip")
                        .POST(HttpRequest.BodyPublishers.ofByteArray(bytes.toByteArray()))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @ParameterizedTest
    @CsvSource({
        "nope, content-type, application/json, {}, 404, NOT_FOUND, nope",
        "drops, content-type, application/json, {}, 404, NOT_FOUND, drops",
        "events, content-type, text/plain, {}, 415, INVALID_REQUEST, text/plain",
        "events, content-type, application/json;charset=latin1, {}, 415, INVALID_REQUEST, application/json;charset=latin1",
        "events, content-type, garbage, {}, 415, INVALID_REQUEST, garbage",
        "events, content-encoding, br, {}, 415, INVALID_REQUEST, br",
        "events, idempotency-key, a b, {}, 400, INVALID_REQUEST, a b",
    })
    void whatTheDoorRefusesNamesTheValue(
            String source,
            String header,
            String value,
            String body,
            int status,
            String code,
            String shown)
            throws Exception {
        JsonNode problem =
                problem(post("/api/v1/ingest/" + source, body, header, value), status, code);
        assertThat(problem.get("value").asText()).isEqualTo(shown);
        assertThat(lake.last).isNull();
    }

    @Test
    void twoIdempotencyKeysAreRefused() throws Exception {
        problem(
                post("/api/v1/ingest/events", "{}", "idempotency-key", "a", "idempotency-key", "b"),
                400,
                "INVALID_REQUEST");
    }

    @Test
    void aBodyOverTheLimitIsRefusedWhetherItSaysItsLengthOrNot() throws Exception {
        problem(post("/api/v1/ingest/tiny", "x".repeat(1025)), 413, "TOO_LARGE");
        HttpResponse<String> chunked =
                client.send(
                        to("/api/v1/ingest/tiny")
                                .POST(
                                        HttpRequest.BodyPublishers.ofInputStream(() ->
                                                new java.io.ByteArrayInputStream(new byte[2000])))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        problem(chunked, 413, "TOO_LARGE");
    }

    @Test
    void everyErrorCodeIsAProblemWithItsStatus() throws Exception {
        for (ErrorCode code : ErrorCode.values()) {
            isAProblemWithItsStatus(code);
        }
    }

    private void isAProblemWithItsStatus(ErrorCode code) throws Exception {
        lake.failure = new LakeException(code, "what happened");
        ErrorStatus expected = ErrorStatus.of(code);

        for (HttpResponse<String> response :
                List.of(post("/api/v1/ingest/events", "{}"), query("SELECT 1"))) {
            JsonNode problem = problem(response, expected.status().code(), code.name());
            assertThat(problem.get("detail").asText()).isEqualTo("what happened");
            assertThat(problem.get("retryable").asBoolean()).isEqualTo(code.retryable());
            boolean later = response.statusCode() == 429 || response.statusCode() == 503;
            assertThat(response.headers().firstValue("retry-after").isPresent()).isEqualTo(later);
        }
    }

    @Test
    void rowsComeInTheFormThatIsAccepted() throws Exception {
        HttpResponse<String> json = query("q");
        assertThat(json.body()).isEqualTo("JSON of q");
        assertThat(json.headers().firstValue("content-type"))
                .contains("application/json; charset=utf-8");
        assertThat(json.headers().firstValue("tonle-seq")).contains("7");
        assertThat(query("q", "accept", "text/html, text/csv;q=0.5").body()).isEqualTo("CSV of q");
        assertThat(query("q", "accept", "application/x-ndjson").body()).isEqualTo("NDJSON of q");
        problem(query("q", "accept", "text/html"), 406, "INVALID_REQUEST");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    {            | isn't JSON
                    []           | no JSON object
                    {}           | sql is missing
                    {"sql": 1}   | sql is no text
                    {"sql": "SELECT '\\ud800'"} | half of a surrogate pair
                    {"sql": "SELECT 1", "page": 2} | isn't known
                    """)
    void aQueryThatIsNoneSaysWhatToSend(String body, String detail) throws Exception {
        JsonNode problem = problem(post("/api/v1/query", body), 400, "INVALID_REQUEST");
        assertThat(problem.get("detail").asText()).contains(detail);
    }

    @Test
    void aStatementOverAMegabyteIsRefused() throws Exception {
        problem(query("x".repeat(1 << 20)), 413, "TOO_LARGE");
    }

    @Test
    void manyRowsAreStreamed() throws Exception {
        HttpResponse<InputStream> response =
                client.send(
                        to("/api/v1/query")
                                .POST(
                                        HttpRequest.BodyPublishers.ofString(
                                                "{\"sql\":\"rows 20000000\"}"))
                                .build(),
                        HttpResponse.BodyHandlers.ofInputStream());
        long bytes = 0;
        try (InputStream in = response.body()) {
            byte[] buffer = new byte[1 << 20];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                bytes += n;
            }
        }
        assertThat(bytes).isEqualTo(8L * 20_000_000);
    }

    @Test
    void aQueryThatFailsEarlyHasAStatusAndOneThatFailsLateBreaksOff() throws Exception {
        problem(query("fail after 10"), 422, "INVALID_VALUE");
        assertThatThrownBy(() -> query("fail after 1000000")).isInstanceOf(IOException.class);
    }

    @Test
    void aClientThatLeavesCancelsItsQueryWhileItStartsAndWhileItStreams() throws Exception {
        HttpResponse<InputStream> response =
                client.send(
                        to("/api/v1/query")
                                .POST(
                                        HttpRequest.BodyPublishers.ofString(
                                                "{\"sql\":\"rows 999999999999\"}"))
                                .build(),
                        HttpResponse.BodyHandlers.ofInputStream());
        response.body().readNBytes(1000);
        response.body().close();
        assertThat(lake.cancelled.await(90, TimeUnit.SECONDS)).isTrue();

        ScriptedLake other = new ScriptedLake();
        try (LakeServer second = LakeServer.start(other, ServerOptions.onPort(0));
                Socket socket = connect(second)) {
            send(socket, "/api/v1/query", "{\"sql\":\"wait\"}");
            assertThat(other.inside.await(90, TimeUnit.SECONDS)).isTrue();
            socket.close();
            assertThat(other.cancelled.await(90, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void tooManyAtOnceAreToldToComeBackAndNobodyTakesThePlacesOfOthers() throws Exception {
        List<CompletableFuture<HttpResponse<String>>> waiting = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            waiting.add(waitFor("admin"));
        }
        awaitInside(2);
        JsonNode own = problem(query("q"), 429, "OVERLOADED");
        assertThat(own.get("detail").asText())
                .isEqualTo("2 queries of yours at once; the other places are kept for others");
        for (String other : List.of("data_viewer", "data_engineer")) {
            waiting.add(waitFor(other));
            awaitInside(waiting.size());
        }
        JsonNode all = problem(queryAs("ingest"), 429, "OVERLOADED");
        assertThat(all.get("detail").asText()).isEqualTo("more than 4 queries at once");
        lake.letGo.countDown();
        for (CompletableFuture<HttpResponse<String>> one : waiting) {
            assertThat(one.get().statusCode()).isEqualTo(200);
        }
        assertThat(query("q").statusCode()).isEqualTo(200);
    }

    private HttpResponse<String> queryAs(String token) throws Exception {
        return client.send(
                without(server, "/api/v1/query")
                        .header("authorization", "Bearer " + token)
                        .POST(HttpRequest.BodyPublishers.ofString("{\"sql\":\"q\"}"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private CompletableFuture<HttpResponse<String>> waitFor(String token) {
        return client.sendAsync(
                without(server, "/api/v1/query")
                        .header("authorization", "Bearer " + token)
                        .POST(HttpRequest.BodyPublishers.ofString("{\"sql\":\"wait\"}"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private void awaitInside(int count) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!get("/metrics").body().contains("inside{kind=\"query\"} " + count + ".0")) {
            assertThat(System.nanoTime()).as("%d inside", count).isLessThan(deadline);
        }
    }

    @Test
    void bodiesTogetherAreBoundedInMemory() throws Exception {
        // 30 MB are allowed: one body of 16 MB is in, a second finds no room
        String body = "wait" + "x".repeat(16 << 20);
        CompletableFuture<HttpResponse<String>> first =
                client.sendAsync(
                        to("/api/v1/ingest/events")
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(lake.inside.await(90, TimeUnit.SECONDS)).isTrue();

        problem(post("/api/v1/ingest/events", body), 429, "OVERLOADED");

        lake.letGo.countDown();
        assertThat(first.get().statusCode()).isEqualTo(202);
        assertThat(post("/api/v1/ingest/events", body).statusCode()).isEqualTo(202);
    }

    @Test
    void aBodyThatDoesNotSayItsLengthTakesAsMuchMemoryAsItHolds() throws Exception {
        // 30 MB are allowed, and each body may have 20
        CompletableFuture<HttpResponse<String>> first =
                client.sendAsync(
                        withoutLength("wait" + "x".repeat(16 << 20)),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(lake.inside.await(90, TimeUnit.SECONDS)).isTrue();

        assertThat(
                        client.send(withoutLength("{}"), HttpResponse.BodyHandlers.ofString())
                                .statusCode())
                .isEqualTo(202);
        problem(
                client.send(
                        withoutLength("x".repeat(16 << 20)), HttpResponse.BodyHandlers.ofString()),
                429,
                "OVERLOADED");

        lake.letGo.countDown();
        assertThat(first.get().statusCode()).isEqualTo(202);
        assertThat(
                        client.send(
                                        withoutLength("x".repeat(16 << 20)),
                                        HttpResponse.BodyHandlers.ofString())
                                .statusCode())
                .isEqualTo(202);
    }

    private HttpRequest withoutLength(String body) {
        return to("/api/v1/ingest/events")
                .POST(
                        HttpRequest.BodyPublishers.ofInputStream(() ->
                                new java.io.ByteArrayInputStream(
                                        body.getBytes(StandardCharsets.UTF_8))))
                .build();
    }

    @Test
    void closingLetsRequestsInsideEndAndRefusesNewOnes() throws Exception {
        LakeServer second = LakeServer.start(lake, ServerOptions.onPort(0));
        CompletableFuture<HttpResponse<String>> inside =
                client.sendAsync(
                        to(second, "/api/v1/ingest/events")
                                .POST(HttpRequest.BodyPublishers.ofString("wait"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(lake.inside.await(90, TimeUnit.SECONDS)).isTrue();
        HttpRequest ready = to(second, "/health/ready").build();
        HttpRequest ingest =
                to(second, "/api/v1/ingest/events")
                        .POST(HttpRequest.BodyPublishers.ofString("{}"))
                        .build();
        // an open connection, as a client with keep-alive has one
        client.send(ready, HttpResponse.BodyHandlers.ofString());
        CompletableFuture<Void> closing = CompletableFuture.runAsync(second::close);

        HttpResponse<String> answer = client.send(ready, HttpResponse.BodyHandlers.ofString());
        while (answer.statusCode() == 200) {
            answer = client.send(ready, HttpResponse.BodyHandlers.ofString());
        }
        problem(answer, 503, "NOT_READY");
        problem(client.send(ingest, HttpResponse.BodyHandlers.ofString()), 503, "NOT_READY");
        lake.letGo.countDown();

        assertThat(inside.get().statusCode()).isEqualTo(202);
        closing.get(90, TimeUnit.SECONDS);
        assertThatThrownBy(() -> client.send(ready, HttpResponse.BodyHandlers.ofString()))
                .isInstanceOf(IOException.class);
    }

    @Test
    void aPortThatIsTakenIsNamed() {
        int port = URI.create(server.url()).getPort();

        assertThatThrownBy(() -> LakeServer.start(lake, ServerOptions.onPort(port)))
                .isInstanceOf(LakeException.class)
                .hasMessageContaining("port " + port + " can't be opened")
                .extracting(e -> ((LakeException) e).code())
                .isEqualTo(ErrorCode.IN_USE);
    }

    @Test
    void datasetsHealthAndMetricsTellHowTheLakeIs() throws Exception {
        JsonNode datasets = JSON.readTree(get("/api/v1/datasets").body());
        assertThat(datasets).hasSize(2);
        assertThat(datasets.get(0).toString())
                .isEqualTo(
                        "{\"name\":\"bronze.events\",\"kind\":\"source\",\"state\":\"running\","
                                + "\"rows\":10,\"files\":2,\"seq\":5,\"lag\":7,"
                                + "\"retention_left_seconds\":3600,\"alarm\":true,"
                                + "\"quarantined\":0,\"expectations\":[]}");
        assertThat(datasets.get(1).get("reason").asText()).isEqualTo("no such column");
        assertThat(datasets.get(1).get("quarantined").asInt()).isEqualTo(3);
        assertThat(datasets.get(1).get("expectations").toString())
                .isEqualTo(
                        "[{\"name\":\"positive\",\"action\":\"drop\",\"passed\":9,\"failed\":3}]");
        assertThat(get("/health/live").statusCode()).isEqualTo(200);
        assertThat(get("/health/ready").body()).isEqualTo("{\"status\":\"ready\"}");
        lake.notReady = java.util.Optional.of("the ledger can't be reached");
        assertThat(problem(get("/health/ready"), 503, "NOT_READY").get("detail").asText())
                .isEqualTo("the ledger can't be reached");

        // the server counts for all tests
        double before = ingested(get("/metrics").body());
        post("/api/v1/ingest/events", "{}\n{}");
        get("/no/such/path/" + "x".repeat(50));
        String metrics = get("/metrics").body();
        assertThat(ingested(metrics) - before).isEqualTo(2.0);
        assertThat(metrics)
                .contains("tonle_dataset_rows{dataset=\"bronze.events\"} 10.0")
                .contains(
                        "tonle_expectation_rows_total{dataset=\"silver.events\",expectation=\"positive\",outcome=\"failed\"} 3.0")
                .contains("tonle_dataset_failing{dataset=\"silver.events\"} 1.0")
                .contains("tonle_dataset_lag{dataset=\"bronze.events\"} 7.0")
                .contains("tonle_source_retention_left_seconds{dataset=\"bronze.events\"} 3600.0")
                .contains("tonle_source_lag_alarm{dataset=\"bronze.events\"} 1.0")
                .doesNotContain("tonle_source_lag_alarm{dataset=\"silver.events\"}")
                .contains("tonle_source_state{source=\"shop\",state=\"retrying\"} 1.0")
                .contains("tonle_source_state{source=\"shop\",state=\"running\"} 0.0")
                .contains("tonle_source_lag{source=\"shop\"} 7.0")
                .contains("tonle_source_lag_seconds{source=\"shop\"} 40.0")
                .contains("tonle_source_held_bytes{source=\"shop\"} 5.0E9")
                .contains("tonle_source_committed_timestamp_seconds{source=\"shop\"} 1.767225601E9")
                .contains("tonle_source_events_total{source=\"shop\"} 10.0")
                .contains("tonle_source_bytes_total{source=\"shop\"} 200.0")
                .contains("tonle_source_unreadable_total{source=\"shop\"} 3.0")
                .contains("tonle_source_errors_total{source=\"shop\"} 4.0")
                .contains("tonle_source_repeats_total{source=\"shop\"} 1.0")
                .doesNotContain("tonle_source_held_bytes{source=\"events\"}")
                .contains("tonle_lineage_events_total{outcome=\"sent\"} 5.0")
                .contains("tonle_lineage_events_total{outcome=\"dropped\"} 2.0")
                .contains("tonle_cache_files_total{outcome=\"hit\"} 30.0")
                .contains("tonle_cache_files_total{outcome=\"miss\"} 10.0")
                .contains("tonle_cache_fetched_bytes_total 4096.0")
                .contains("tonle_cache_bytes{which=\"used\"} 2048.0")
                .contains("tonle_lineage_waiting 1.0")
                .contains("tonle_query_answers_total{from=\"kept\"} 2.0")
                .contains("tonle_ready 0.0")
                .contains("service=\"/api/v1/ingest/{source}\"")
                .contains("jvm_memory_used_bytes")
                .doesNotContain("/no/such/path");
    }

    @Test
    void whoOperatesTheLakeWatchesPausesAndResumesSources() throws Exception {
        JsonNode sources = JSON.readTree(get("/api/v1/sources").body());
        assertThat(sources.get(1).toString())
                .isEqualTo(
                        "{\"name\":\"shop\",\"kind\":\"postgres\",\"state\":\"retrying\","
                                + "\"reason\":\"no server answers\",\"since\":\"2026-01-01T00:00:00Z\","
                                + "\"lag\":7,\"lag_seconds\":40,\"events\":10,\"bytes\":200,"
                                + "\"unreadable\":3,\"repeats\":1,\"errors\":4,"
                                + "\"committed_at\":\"2026-01-01T00:00:01Z\",\"held_bytes\":5000000000,"
                                + "\"retention_left_seconds\":3600,\"alarm\":true}");
        JsonNode paused = JSON.readTree(post("/api/v1/sources/events/pause", "").body());
        assertThat(paused.get("state").asText()).isEqualTo("paused");
        assertThat(paused.get("paused_by").asText()).isEqualTo("the admin");
        assertThat(JSON.readTree(post("/api/v1/sources/events/resume", "").body()).get("state"))
                .hasToString("\"running\"");
        problem(post("/api/v1/sources/none/pause", ""), 404, "NOT_FOUND");

        lake.failure = new LakeException(ErrorCode.SOURCE_PAUSED, "anna paused it");
        HttpResponse<String> refused = post("/api/v1/ingest/events", "{}");
        assertThat(problem(refused, 503, "SOURCE_PAUSED").get("detail").asText())
                .isEqualTo("anna paused it");
        assertThat(refused.headers().firstValue("retry-after")).hasValue("10");
    }

    private static double ingested(String metrics) {
        String name = "tonle_ingest_events_total{source=\"events\"} ";
        return metrics.lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length())))
                .sum();
    }

    @Test
    void filesThatAreToGoAreKeptAndReleased() throws Exception {
        String body = "{\"prefix\":\"file:///lake/\"}";
        assertThat(
                        JSON.readTree(post("/api/v1/maintenance/keep", body).body())
                                .path("files")
                                .asInt())
                .isEqualTo(2);
        assertThat(
                        JSON.readTree(post("/api/v1/maintenance/release", body).body())
                                .path("files")
                                .asInt())
                .isEqualTo(1);
        problem(post("/api/v1/maintenance/keep", "{}"), 400, "INVALID_REQUEST");
    }

    @Test
    void metricsAreThereWhileTheLedgerIsNot() throws Exception {
        assertThat(get("/metrics").body()).contains("tonle_ready 1.0");
        lake.failure = new LakeException(ErrorCode.LEDGER_UNAVAILABLE, "it is away");
        problem(get("/api/v1/datasets"), 503, "LEDGER_UNAVAILABLE");
        assertThat(get("/metrics").statusCode()).isEqualTo(200);
        assertThat(get("/metrics").body())
                .contains("tonle_ready 0.0")
                .contains("jvm_memory_used_bytes")
                // a source is known without the tables
                .contains("tonle_source_state")
                .doesNotContain("tonle_dataset_rows");
    }

    @Test
    void aFullDiskIsRefusedWithWhatToDo() throws Exception {
        lake.failure = new LakeException(ErrorCode.DISK_FULL, "3 MB are left");
        HttpResponse<String> refused = post("/api/v1/ingest/events", "{}");
        assertThat(problem(refused, 503, "DISK_FULL").get("action").asText())
                .contains("free space");
        assertThat(refused.headers().firstValue("retry-after")).hasValue("5");
    }

    @Test
    void unknownPathsAndMethodsAreProblemsToo() throws Exception {
        problem(get("/nope"), 404, "NOT_FOUND");
        problem(get("/api/v1/query"), 405, "INVALID_REQUEST");
    }

    private static Socket connect(LakeServer server) throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), URI.create(server.url()).getPort());
    }

    private static void send(Socket socket, String path, String body) throws IOException {
        String request =
                "POST "
                        + path
                        + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "Authorization: Bearer admin\r\nContent-Length: "
                        + body.length()
                        + "\r\n\r\n"
                        + body;
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
    }

    @Test
    void onlyWhoAddressesTheLoopbackInterfaceIsAnswered() throws Exception {
        Map<String, Integer> cases =
                Map.ofEntries(
                        Map.entry("", 400),
                        Map.entry("Host:\r\n", 400),
                        Map.entry("Host: evil.example\r\n", 400),
                        Map.entry("Host: missing-host.invalid\r\n", 400),
                        Map.entry("Host: evil.example:7070\r\n", 400),
                        Map.entry("Host: 127.0.0.1.evil.example\r\n", 400),
                        Map.entry("Host: localhost\r\n", 200),
                        Map.entry("Host: LOCALHOST:1\r\n", 200),
                        Map.entry("Host: 127.0.0.1:7070\r\n", 200),
                        Map.entry("Host: [::1]:7070\r\n", 200),
                        Map.entry("Host: localhost\r\nOrigin: http://evil.example\r\n", 403),
                        Map.entry("Host: localhost\r\nOrigin: null\r\n", 403),
                        Map.entry("Host: localhost\r\nOrigin: http://localhost:3000\r\n", 200));
        for (Map.Entry<String, Integer> one : cases.entrySet()) {
            assertThat(status("GET /health/live HTTP/1.1\r\n" + one.getKey() + "\r\n"))
                    .as(one.getKey())
                    .isEqualTo("HTTP/1.1 " + one.getValue());
        }
    }

    @Test
    void oversizedHeadersAreRefused() throws Exception {
        String header = "X: " + "x".repeat(20_000) + "\r\n";
        assertThat(status("GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n"))
                .isEqualTo("HTTP/1.1 431");
    }

    private String status(String request) throws IOException {
        try (Socket socket = connect(server)) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
        }
    }

    @Test
    void whatWasRefusedIsShownAndReplayed() throws Exception {
        assertThat(get("/api/v1/quarantine").body()).isEqualTo("[]");
        assertThat(get("/api/v1/quarantine/silver.a?limit=3&where=rule%20%3D%20'x'").body())
                .isEqualTo("[{\"dataset\":\"silver.a\",\"where\":\"rule = 'x'\",\"limit\":3}]");
        problem(get("/api/v1/quarantine/silver.a?limit=no"), 400, "INVALID_REQUEST");
        problem(get("/api/v1/quarantine/silver.a?limit=0"), 400, "INVALID_REQUEST");

        HttpResponse<String> replayed =
                post("/api/v1/quarantine/silver.a/replay", "{\"where\":\"true\"}");
        assertThat(replayed.body())
                .isEqualTo(
                        "{\"dataset\":\"silver.a\",\"seq\":42,\"read\":3,\"written\":1,\"quarantined\":2,\"filtered\":0,\"duplicates\":0}");
        problem(
                post("/api/v1/quarantine/silver.a/replay", "{\"which\":\"true\"}"),
                400,
                "INVALID_REQUEST");

        JsonNode refreshed = JSON.readTree(post("/api/v1/datasets/silver.a/refresh", "{}").body());
        assertThat(refreshed.at("/refreshed/0/dataset").asText()).isEqualTo("silver.a");
        assertThat(refreshed.at("/stale/0").asText()).isEqualTo("silver.copy");
        assertThat(
                        JSON.readTree(
                                        post(
                                                        "/api/v1/datasets/silver.a/refresh",
                                                        "{\"downstream\":true}")
                                                .body())
                                .path("stale")
                                .isEmpty())
                .isTrue();
        problem(
                post("/api/v1/datasets/silver.a/refresh", "{\"downstream\":\"yes\"}"),
                400,
                "INVALID_REQUEST");
        for (String no : List.of("\"{}\"", "[]", "[{}]", "5", "null")) {
            problem(post("/api/v1/datasets/silver.a/refresh", no), 400, "INVALID_REQUEST");
        }
        for (String time :
                List.of("2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T02:00+02:00")) {
            assertThat(
                            JSON.readTree(
                                            post(
                                                            "/api/v1/datasets/silver.a/refresh",
                                                            "{\"from\":\"" + time + "\"}")
                                                    .body())
                                    .at("/following/0/reason")
                                    .asText())
                    .isEqualTo("asked from 2026-01-31T00:00:00Z");
        }
        for (String wrong :
                List.of("yesterday", "2026-02-30", "2026-01-31T00:00", "1969-12-31", "")) {
            problem(
                    post("/api/v1/datasets/silver.a/refresh", "{\"from\":\"" + wrong + "\"}"),
                    400,
                    "INVALID_REQUEST");
        }
    }
}
