package org.tonle.registry;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.RegistryDefinition;
import org.tonle.definition.Secret;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Asks a registry of schemas, as Confluent's answers. Whatever isn't a clear answer is retryable
 * trouble: SOURCE_UNAVAILABLE, with what to do.
 */
final class RegistryClient implements AutoCloseable {
    /** Larger answers are no schema that anybody wrote. */
    static final int MOST_BYTES = 4 << 20;

    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);
    private static final Duration LIMIT = Duration.ofSeconds(10);

    /** In the answer beside 404, so that a wrong address isn't taken for a schema's absence. */
    private static final List<Integer> NOT_FOUND_CODES = List.of(40401, 40402, 40403);

    /**
     * A schema as it was registered.
     *
     * @param type AVRO, PROTOBUF, JSON or another one's name
     * @param references what its text names and doesn't hold
     */
    record Registered(String type, String text, List<Reference> references) {
        Registered {
            references = List.copyOf(references);
        }
    }

    /**
     * Of a schema to another one.
     *
     * @param name by which the text names it
     */
    record Reference(String name, String subject, int version) {}

    private static final ObjectMapper JSON = new ObjectMapper();

    private final RegistryDefinition registry;
    private final HttpClient http;
    private final Duration limit;

    RegistryClient(RegistryDefinition registry) {
        this(registry, LIMIT);
    }

    /**
     * @param limit of a whole answer
     */
    RegistryClient(RegistryDefinition registry, Duration limit) {
        this.registry = registry;
        this.limit = limit;
        this.http =
                HttpClient.newBuilder()
                        .connectTimeout(CONNECT_LIMIT)
                        // elsewhere the password isn't meant to be known
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .build();
    }

    /**
     * Empty if the registry knows no such schema.
     *
     * @throws IOException if it is too large
     */
    Optional<Registered> schema(int id) throws IOException {
        return ask("/schemas/ids/" + id);
    }

    /**
     * Empty if the registry has lost it.
     *
     * @throws IOException if it is too large
     */
    Optional<Registered> schema(Reference reference) throws IOException {
        return ask(
                "/subjects/%s/versions/%d"
                        .formatted(
                                URLEncoder.encode(reference.subject(), StandardCharsets.UTF_8)
                                        .replace("+", "%20"),
                                reference.version()));
    }

    private Optional<Registered> ask(String path) throws IOException {
        String base = registry.url().toString().replaceFirst("/+$", "");
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(base + path))
                        .timeout(limit)
                        .header(
                                "Accept",
                                "application/vnd.schemaregistry.v1+json, application/json");
        registry.user()
                .ifPresent(user -> request.header("Authorization", "Basic " + credentials(user)));
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        CompletableFuture<HttpResponse<Void>> asked =
                http.sendAsync(
                        request.build(),
                        HttpResponse.BodyHandlers.ofByteArrayConsumer(part ->
                                // enough to see that it is too much
                                part.filter(bytes -> body.size() <= MOST_BYTES)
                                        .ifPresent(body::writeBytes)));
        try {
            // the limit of the request is one of the answer's first line only
            int status = asked.get(limit.toMillis(), TimeUnit.MILLISECONDS).statusCode();
            return answer(status, body.toByteArray(), path);
        } catch (ExecutionException e) {
            Throwable why = Objects.requireNonNullElse(e.getCause(), e);
            throw trouble("doesn't answer (%s). It is asked again".formatted(said(why)), why);
        } catch (TimeoutException e) {
            asked.cancel(true);
            throw trouble(
                    "doesn't answer within %d ms. It is asked again".formatted(limit.toMillis()),
                    e);
        } catch (InterruptedException e) {
            asked.cancel(true);
            Thread.currentThread().interrupt();
            throw new LakeException(
                    ErrorCode.CANCELLED, "Asking the schema registry was interrupted", e);
        }
    }

    private static String said(Throwable e) {
        return e.getMessage() == null
                ? e.getClass().getSimpleName()
                : e.getClass().getSimpleName() + ": " + e.getMessage();
    }

    private String credentials(String user) {
        String both = user + ":" + registry.password().map(Secret::reveal).orElse("");
        return Base64.getEncoder().encodeToString(both.getBytes(StandardCharsets.UTF_8));
    }

    private Optional<Registered> answer(int status, byte[] body, String path) throws IOException {
        if (status == 401 || status == 403) {
            throw trouble(
                    ErrorCode.UNAUTHENTICATED,
                    "refused %s (HTTP %d). Check user and password under registry: of the source, and that they may read schemas"
                            .formatted(
                                    registry.user()
                                            .map(user -> "user " + user)
                                            .orElse("who asks without a user"),
                                    status),
                    null);
        }
        if (body.length > MOST_BYTES && status == 200) {
            throw new IOException("it has more than %d bytes".formatted(MOST_BYTES));
        }
        JsonNode json;
        try {
            json = JSON.readTree(body);
        } catch (JacksonException e) {
            throw unclear(status, path);
        }
        if (status == 404 && NOT_FOUND_CODES.contains(json.path("error_code").asInt())) {
            return Optional.empty();
        }
        if (status != 200 || !json.path("schema").isTextual()) {
            throw unclear(status, path);
        }
        List<Reference> references = new ArrayList<>();
        for (JsonNode reference : json.path("references")) {
            references.add(
                    new Reference(
                            reference.path("name").asText(),
                            reference.path("subject").asText(),
                            reference.path("version").asInt()));
        }
        return Optional.of(
                new Registered(
                        json.path("schemaType").asText("AVRO"),
                        json.path("schema").asText(),
                        references));
    }

    private LakeException unclear(int status, String path) {
        return trouble(
                "answered %s with HTTP %d and no schema. Check that the url of registry: is the registry's own"
                        .formatted(path, status),
                null);
    }

    private LakeException trouble(String what, @Nullable Throwable why) {
        return trouble(ErrorCode.SOURCE_UNAVAILABLE, what, why);
    }

    private LakeException trouble(ErrorCode code, String what, @Nullable Throwable why) {
        return new LakeException(
                code, "The schema registry at %s %s.".formatted(registry.url(), what), why);
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
