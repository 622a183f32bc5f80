package org.tonle.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.linecorp.armeria.server.ServiceConfig;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** The one openapi.yaml says what the server does: every route, every status, every code. */
class OpenApiTest {
    @SuppressWarnings("unchecked") // a YAML document is maps of strings here
    private static Map<String, Object> map(Object node, String... keys) {
        Object at = node;
        for (String key : keys) {
            at = ((Map<String, Object>) at).get(key);
        }
        return (Map<String, Object>) at;
    }

    private static Map<String, Object> document() {
        return map(new Load(LoadSettings.builder().build()).loadFromString(LakeServer.openapi()));
    }

    private static Set<String> documentedRoutes() {
        Set<String> routes = new TreeSet<>();
        map(document(), "paths")
                .forEach((path, methods) ->
                        map(methods).keySet().stream()
                                .filter(key -> !List.of("summary", "description").contains(key))
                                .forEach(m -> routes.add(m.toUpperCase() + " " + path)));
        return routes;
    }

    @Test
    void everyRouteIsDocumentedAndEveryDocumentedRouteExists() {
        try (LakeServer server = LakeServer.start(new ScriptedLake(), ServerOptions.onPort(0))) {
            Set<String> routes = new TreeSet<>();
            for (ServiceConfig config : server.server().serviceConfigs()) {
                config.route()
                        .methods()
                        .forEach(m ->
                                routes.add(
                                        m
                                                + " "
                                                + config.route()
                                                        .patternString()
                                                        .replaceAll(":(\\w+)", "{$1}")));
            }
            assertThat(routes).isEqualTo(documentedRoutes());
        }
    }

    @Test
    void everyErrorCodeIsListed() {
        Object codes =
                map(document(), "components", "schemas", "Problem", "properties", "code")
                        .get("enum");
        assertThat(codes)
                .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.LIST)
                .isEqualTo(java.util.Arrays.stream(ErrorCode.values()).map(Enum::name).toList());
    }

    @Test
    void everyStatusThatARouteAnswersIsDocumented() throws Exception {
        ScriptedLake lake = new ScriptedLake();
        Set<String> undocumented = new LinkedHashSet<>();
        try (LakeServer server = LakeServer.start(lake, ServerOptions.onPort(0));
                // the JDK's upgrade to HTTP/2 was once seen to wait for its first answer in vain
                HttpClient client =
                        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            assertThat(
                            client.send(
                                            request(server, "GET", "/openapi.yaml", ""),
                                            HttpResponse.BodyHandlers.ofString())
                                    .body())
                    .isEqualTo(LakeServer.openapi());
            for (String route : documentedRoutes()) {
                String method = route.split(" ")[0];
                String path = route.split(" ")[1];
                for (int status : statuses(client, server, lake, method, path)) {
                    Map<String, Object> documented =
                            map(document(), "paths", path, method.toLowerCase(), "responses");
                    if (!documented.containsKey(String.valueOf(status))) {
                        undocumented.add(route + " answers " + status);
                    }
                }
            }
        }
        assertThat(undocumented).isEmpty();
    }

    // what each door refuses, and every error that the lake behind it can have there
    private static List<Integer> statuses(
            HttpClient client, LakeServer server, ScriptedLake lake, String method, String path)
            throws IOException, InterruptedException {
        List<Integer> statuses = new ArrayList<>();
        String real =
                path.replace("{source}", "events")
                        .replace("{id}", "k1")
                        .replace("{dataset}", "silver.a");
        statuses.add(status(client, request(server, method, real, body(path))));
        statuses.add(
                status(
                        client,
                        HttpRequest.newBuilder(request(server, method, real, "{}"), (n, v) -> true)
                                .header("Origin", "http://evil.example")
                                .build()));
        for (String token : List.of("nobody", "ingest", "data_viewer")) {
            statuses.add(
                    status(
                            client,
                            HttpRequest.newBuilder(
                                            request(server, method, real, "{}"),
                                            (n, v) -> !n.equals("authorization"))
                                    .header("authorization", "Bearer " + token)
                                    .build()));
        }
        if (method.equals("POST")) {
            statuses.add(status(client, request(server, method, real, "x".repeat(21 << 20))));
            statuses.add(
                    status(client, request(server, method, path.replace("{source}", "no"), "")));
            for (String header : List.of("accept", "content-type", "content-encoding")) {
                statuses.add(
                        status(
                                client,
                                HttpRequest.newBuilder(
                                                request(server, method, real, body(path)),
                                                (n, v) -> true)
                                        .header(header, "image/png")
                                        .build()));
            }
            for (ErrorCode code : ErrorCode.values()) {
                if (canHappenAt(path, code)) {
                    lake.failure = new LakeException(code, "scripted");
                    statuses.add(status(client, request(server, method, real, body(path))));
                }
            }
            lake.failure = null;
        }
        return statuses;
    }

    // writing through SQL and catalogs comes later, and with it conflicts
    private static boolean canHappenAt(String path, ErrorCode code) {
        return switch (code) {
            case INVALID_DEFINITION,
                    ALREADY_EXISTS,
                    COMMIT_CONFLICT,
                    INCOMPATIBLE_CHANGE,
                    EXPECTATION_FAILED,
                    SOURCE_CHANGED,
                    UNAUTHENTICATED,
                    FORBIDDEN,
                    IN_USE ->
                    false;
            case SCHEMA_DRIFT -> path.contains("ingest");
            case TIMEOUT -> !path.contains("ingest");
            default -> true;
        };
    }

    private static HttpRequest request(LakeServer server, String method, String path, String body) {
        return HttpRequest.newBuilder(
                        URI.create(server.url() + path.replace("{", "%7B").replace("}", "%7D")))
                .method(
                        method,
                        !method.equals("POST")
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body))
                .header("authorization", "Bearer admin")
                .build();
    }

    private static String body(String path) {
        return path.endsWith("/keys")
                ? "{\"roles\":[\"data_viewer\"]}"
                : path.endsWith("/check")
                        ? "{\"sql\":\"q\",\"as\":\"anna\"}"
                        : path.contains("{dataset}") ? "{}" : "{\"sql\":\"q\"}";
    }

    // a body that is too large is answered and then cut off (RST_STREAM): the JDK's client, still
    // sending, may see the cut before the answer
    private static int status(HttpClient client, HttpRequest request)
            throws IOException, InterruptedException {
        for (int attempt = 1; ; attempt++) {
            try {
                return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
            } catch (IOException e) {
                if (attempt == 20 || !String.valueOf(e.getMessage()).contains("RST_STREAM")) {
                    throw e;
                }
            }
        }
    }
}
