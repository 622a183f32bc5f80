package org.tonle.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who gets in where. */
class TokenTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final List<String> DOORS =
            List.of(
                    "POST /api/v1/ingest/events",
                    "POST /api/v1/query",
                    "GET /api/v1/datasets",
                    "GET /metrics",
                    "GET /api/v1/keys",
                    "POST /api/v1/keys",
                    "DELETE /api/v1/keys/k1",
                    "POST /api/v1/policy/check",
                    "GET /api/v1/quarantine",
                    "GET /api/v1/quarantine/silver.a",
                    "POST /api/v1/quarantine/silver.a/replay",
                    "POST /api/v1/datasets/silver.a/refresh");

    // one server for all tests, as starting and stopping it is most of what they would do
    private static final AtomicReference<ScriptedLake> CURRENT = new AtomicReference<>();
    private static HttpClient client;
    private static LakeServer server;

    private final ScriptedLake lake = new ScriptedLake();

    @BeforeAll
    static void open() {
        client = HttpClient.newHttpClient();
        server = LakeServer.start(ScriptedLake.whichever(CURRENT::get), ServerOptions.onPort(0));
    }

    @BeforeEach
    void script() {
        CURRENT.set(lake);
    }

    @AfterAll
    static void close() {
        server.close();
        client.shutdownNow();
    }

    private HttpResponse<String> ask(String door, String body, String... headers) throws Exception {
        String[] parts = door.split(" ");
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(server.url() + parts[1]))
                        .method(parts[0], HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static String body(String door) {
        return door.endsWith("keys")
                ? "{\"roles\":[\"data_viewer\"]}"
                : door.endsWith("check")
                        ? "{\"sql\":\"q\",\"as\":\"anna\"}"
                        : door.contains("silver.a") ? "{}" : "{\"sql\":\"q\"}";
    }

    private int status(String door, String role) throws Exception {
        return ask(door, body(door), "authorization", "Bearer " + role).statusCode();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "admin",
                "Basic admin",
                "Bearer",
                "Bearer ",
                "Bearer nobody",
                "Bearerx admin"
            })
    void whoeverShowsNoTokenIsToldToAndNothingElse(String header) throws Exception {
        for (String door : DOORS) {
            HttpResponse<String> response =
                    header.isEmpty()
                            ? ask(door, "not even JSON")
                            : ask(door, "not even JSON", "authorization", header);

            assertThat(response.statusCode()).as(door).isEqualTo(401);
            assertThat(response.headers().firstValue("www-authenticate"))
                    .contains("Bearer realm=\"tonle\"");
            JsonNode problem = JSON.readTree(response.body());
            assertThat(problem.get("code").asText()).isEqualTo("UNAUTHENTICATED");
            assertThat(problem.get("action").asText()).contains("admin-token");
        }
        assertThat(lake.last).isNull();
        assertThat(lake.asked).isNull();
        assertThat(lake.created).isEmpty();
    }

    @Test
    void twoTokensAreNone() throws Exception {
        HttpResponse<String> response =
                ask(
                        "POST /api/v1/query",
                        "{\"sql\":\"q\"}",
                        "authorization",
                        "Bearer admin",
                        "authorization",
                        "Bearer data_viewer");
        assertThat(response.statusCode()).isEqualTo(401);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/health/live", "/health/ready", "/openapi.yaml"})
    void whatSaysNothingOfTheDataIsEverybodys(String path) throws Exception {
        assertThat(ask("GET " + path, "").statusCode()).isEqualTo(200);
    }

    @Test
    void everyDoorOpensToItsRolesOnly() throws Exception {
        Map<String, Set<String>> open =
                Map.of(
                        "POST /api/v1/ingest/events",
                        Set.of("admin", "data_engineer", "ingest"),
                        "POST /api/v1/query",
                        ScriptedLake.ROLES,
                        "GET /api/v1/datasets",
                        ScriptedLake.ROLES,
                        "GET /metrics",
                        Set.of("admin", "data_engineer"),
                        "GET /api/v1/quarantine",
                        Set.of("admin", "data_engineer"),
                        "GET /api/v1/quarantine/silver.a",
                        Set.of("admin", "data_engineer"),
                        "POST /api/v1/quarantine/silver.a/replay",
                        Set.of("admin", "data_engineer"),
                        "POST /api/v1/datasets/silver.a/refresh",
                        Set.of("admin", "data_engineer"));
        for (String door : DOORS) {
            for (String role : ScriptedLake.ROLES) {
                int status = status(door, role);
                if (open.getOrDefault(door, Set.of("admin")).contains(role)) {
                    assertThat(status).as("%s at %s", role, door).isBetween(200, 204);
                } else {
                    assertThat(status).as("%s at %s", role, door).isEqualTo(403);
                }
            }
        }
    }

    @Test
    void theSchemeIsWrittenInAnyCase() throws Exception {
        assertThat(ask("GET /api/v1/keys", "", "Authorization", "bearer  admin ").statusCode())
                .isEqualTo(200);
    }

    @Test
    void aQueryIsAskedInTheNameOfWhoeverHoldsTheToken() throws Exception {
        assertThat(status("POST /api/v1/query", "data_viewer")).isEqualTo(200);
        assertThat(lake.asked.principal().roles()).containsExactly("data_viewer");
    }

    @Test
    void ofATableThatIsSeenInPartNothingIsCounted() throws Exception {
        JsonNode datasets =
                JSON.readTree(
                        ask("GET /api/v1/datasets", "", "authorization", "Bearer data_viewer")
                                .body());
        assertThat(datasets.toString())
                .isEqualTo(
                        "[{\"name\":\"silver.events\",\"kind\":\"streaming table\",\"state\":\"running\",\"seq\":4,\"lag\":1}]");
    }

    @Test
    void keysAreMadeListedAndEnded() throws Exception {
        String[] admin = {"authorization", "Bearer admin"};
        HttpResponse<String> created =
                ask(
                        "POST /api/v1/keys",
                        "{\"roles\":[\"data_viewer\"],\"user\":\"anna\",\"expires\":\"30d\"}",
                        admin);
        assertThat(created.statusCode()).isEqualTo(201);
        assertThat(created.body())
                .isEqualTo(
                        "{\"id\":\"k1\",\"roles\":[\"data_viewer\"],\"user\":\"anna\",\"created\":\"2026-01-01T00:00:00Z\",\"expires\":\"2026-02-01T00:00:00Z\",\"key\":\"tonle_secret\"}");
        assertThat(lake.created)
                .isEqualTo("[data_viewer] Optional[anna] Optional[PT720H] by the admin");
        assertThat(ask("GET /api/v1/keys", "", admin).body())
                .contains("\"id\":\"k1\"")
                .doesNotContain("tonle_secret");
        assertThat(ask("DELETE /api/v1/keys/k1", "", admin).statusCode()).isEqualTo(204);
        assertThat(ask("DELETE /api/v1/keys/k2", "", admin).statusCode()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"role\":\"data_viewer\"}",
                "{\"roles\":\"data_viewer\"}",
                "{\"roles\":[1]}",
                "{\"roles\":[\"data_viewer\"],\"expires\":\"soon\"}",
                "{\"roles\":[\"data_viewer\"],\"expires\":\"0s\"}",
                "{\"roles\":[\"data_viewer\"],\"expires\":\"999999999d\"}",
                "["
            })
    void aKeyThatCantBeMeantIsRefused(String body) throws Exception {
        HttpResponse<String> response =
                ask("POST /api/v1/keys", body, "authorization", "Bearer admin");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
        assertThat(JSON.readTree(response.body()).get("action").asText()).contains("30d");
        assertThat(lake.created).isEmpty();
    }

    @Test
    void aPolicyReportSaysWhatIsShownAndWhy() throws Exception {
        JsonNode report =
                JSON.readTree(
                        ask(
                                        "POST /api/v1/policy/check",
                                        "{\"sql\":\"q\",\"as\":\"anna\",\"roles\":[\"r\"]}",
                                        "authorization",
                                        "Bearer admin")
                                .body());
        assertThat(report.toString())
                .isEqualTo(
                        "{\"principal\":\"anna\",\"roles\":[\"r\"],\"attributes\":{\"region\":\"EU\"},"
                                + "\"tables\":[{\"name\":\"silver.events\",\"columns\":[\"id\"],"
                                + "\"grants\":[{\"role\":\"r\",\"column\":\"id\",\"by\":\"p.yaml:1:1\"}],"
                                + "\"row_filters\":[],\"masks\":[]}],\"rows\":[{\"id\":1}]}");
    }
}
