package org.tonle.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** The REST API, as a client with one token sees it. Thread-safe. */
final class LakeClient implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What the lake answered instead of doing it. */
    static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final int status;
        private final String code;
        private final long retryAfterSeconds;

        Refused(int status, String code, String message, long retryAfterSeconds) {
            super(message);
            this.status = status;
            this.code = code;
            this.retryAfterSeconds = retryAfterSeconds;
        }

        String code() {
            return code;
        }

        /** Whether the same request can succeed later, and after how many seconds. */
        OptionalLong retryAfter() {
            return status == 429 || status == 503
                    ? OptionalLong.of(retryAfterSeconds)
                    : OptionalLong.empty();
        }
    }

    /** What an ingest was answered. */
    record Receipt(long accepted, String topic, int partition, long position) {}

    /**
     * Rows of a query.
     *
     * @param seq the commit that was read
     */
    record Rows(long seq, List<LinkedHashMap<String, Object>> rows) {
        /** The one number of a query that asks for one; 0 for NULL, as the sum of no rows is. */
        long number() {
            return rows.getFirst().firstEntry().getValue() instanceof Number n ? n.longValue() : 0;
        }
    }

    private final String token;
    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(5))
                    .build();

    /**
     * @param token the lake's admin token, or an API key; blank: none is sent
     */
    LakeClient(String token) {
        this.token = token;
    }

    /** Runs a query and keeps its rows; for small answers. */
    Rows query(String url, String sql) throws IOException {
        HttpResponse<InputStream> response = send(url, sql, "application/json");
        try (InputStream in = response.body()) {
            return new Rows(
                    response.headers().firstValueAsLong("tonle-seq").orElse(0),
                    JSON.readValue(in, new TypeReference<>() {}));
        }
    }

    /** Runs a query and copies its rows as they come, in the form of {@code accept}. */
    void query(String url, String sql, String accept, OutputStream out) throws IOException {
        try (InputStream in = send(url, sql, accept).body()) {
            byte[] buffer = new byte[64 << 10];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                try {
                    out.write(buffer, 0, n);
                } catch (IOException e) {
                    throw new ReaderGone(e);
                }
            }
        }
    }

    /** Who reads our output has read enough, as {@code head} does. */
    static final class ReaderGone extends IOException {
        private static final long serialVersionUID = 1L;

        ReaderGone(IOException cause) {
            super(cause);
        }
    }

    private HttpResponse<InputStream> send(String url, String sql, String accept)
            throws IOException {
        return exchange(
                request(url, "/api/v1/query")
                        .header("content-type", "application/json")
                        .header("accept", accept)
                        .POST(
                                HttpRequest.BodyPublishers.ofString(
                                        JSON.writeValueAsString(Map.of("sql", sql))))
                        .build());
    }

    /** Posts events; returns when they are durable. */
    Receipt ingest(String url, String source, byte[] ndjson, String idempotencyKey)
            throws IOException {
        HttpResponse<InputStream> response =
                exchange(
                        request(url, "/api/v1/ingest/" + source)
                                .header("content-type", "application/x-ndjson")
                                .header("idempotency-key", idempotencyKey)
                                .timeout(Duration.ofSeconds(60))
                                .POST(HttpRequest.BodyPublishers.ofByteArray(ndjson))
                                .build());
        try (InputStream in = response.body()) {
            JsonNode node = JSON.readTree(in);
            return new Receipt(
                    node.get("accepted").asLong(),
                    node.get("topic").asText(),
                    node.get("partition").asInt(),
                    node.get("position").asLong());
        }
    }

    /** {@code GET /api/v1/keys}. */
    JsonNode keys(String url) throws IOException {
        return json(request(url, "/api/v1/keys").build());
    }

    /** {@code POST} of an object; the answer. */
    JsonNode post(String url, String path, Map<String, Object> body) throws IOException {
        return json(
                request(url, path)
                        .header("content-type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body)))
                        .build());
    }

    /** {@code DELETE /api/v1/keys/ID}. */
    void revoke(String url, String id) throws IOException {
        String path = "/api/v1/keys/" + URLEncoder.encode(id, StandardCharsets.UTF_8);
        exchange(request(url, path).DELETE().build()).body().close();
    }

    private JsonNode json(HttpRequest request) throws IOException {
        try (InputStream in = exchange(request).body()) {
            return JSON.readTree(in);
        }
    }

    /** {@code GET /api/v1/lineage}. */
    JsonNode lineage(String url, String column) throws IOException {
        return json(
                request(
                                url,
                                "/api/v1/lineage?column="
                                        + URLEncoder.encode(column, StandardCharsets.UTF_8))
                        .build());
    }

    /** {@code GET} of a path; the answer. */
    JsonNode get(String url, String path) throws IOException {
        return json(request(url, path).build());
    }

    /** {@code GET /api/v1/datasets}. */
    JsonNode datasets(String url) throws IOException {
        return json(request(url, "/api/v1/datasets").build());
    }

    /** {@code GET /api/v1/sources}. */
    JsonNode sources(String url) throws IOException {
        return json(request(url, "/api/v1/sources").build());
    }

    /**
     * Pauses or resumes a source; how it is then.
     *
     * @param operation of {@code POST /api/v1/sources/{source}/…}
     */
    JsonNode operate(String url, String source, String operation) throws IOException {
        String name = URLEncoder.encode(source, StandardCharsets.UTF_8);
        return post(url, "/api/v1/sources/" + name + "/" + operation, Map.of());
    }

    /** {@code POST /api/v1/maintenance/keep} or {@code release}: of how many files it was said. */
    int keep(String url, String prefix, boolean kept) throws IOException {
        String path = "/api/v1/maintenance/" + (kept ? "keep" : "release");
        return post(url, path, Map.of("prefix", prefix)).path("files").asInt();
    }

    /** {@code GET /api/v1/queries}. */
    JsonNode queries(String url) throws IOException {
        return json(request(url, "/api/v1/queries").build());
    }

    /** {@code DELETE /api/v1/queries/{id}}. */
    void cancel(String url, String id) throws IOException {
        String path = "/api/v1/queries/" + URLEncoder.encode(id, StandardCharsets.UTF_8);
        exchange(request(url, path).DELETE().build()).body().close();
    }

    private HttpRequest.Builder request(String url, String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path));
        return token.isBlank() ? request : request.header("authorization", "Bearer " + token);
    }

    private HttpResponse<InputStream> exchange(HttpRequest request) throws IOException {
        try {
            HttpResponse<InputStream> response =
                    http.send(request, HttpResponse.BodyHandlers.ofInputStream());
            if (response.statusCode() >= 300) {
                throw refused(response);
            }
            return response;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while the lake was asked");
        }
    }

    private static Refused refused(HttpResponse<InputStream> response) throws IOException {
        long wait = response.headers().firstValueAsLong("retry-after").orElse(1);
        try (InputStream in = response.body()) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            try {
                JsonNode problem = JSON.readTree(text);
                return new Refused(
                        response.statusCode(),
                        problem.path("code").asText("UNKNOWN"),
                        problem.path("code").asText() + ": " + problem.path("detail").asText(),
                        wait);
            } catch (JsonProcessingException e) {
                return new Refused(
                        response.statusCode(),
                        "UNKNOWN",
                        "status " + response.statusCode() + " from what may not be a lake",
                        wait);
            }
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
