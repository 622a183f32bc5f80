package org.tonle.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tonle.contracts.PolicyStatements;
import org.tonle.lake.Lake;
import org.tonle.lake.LakeOptions;
import org.tonle.spi.Principal;

/**
 * Policy at every door of a real lake: whichever way a statement comes, somebody under policy is
 * answered as an administrator is over a copy that holds only what policy shows.
 */
class PolicyDoorsIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Tables under policy; {@code copies} has one of each name. */
    private static final List<String> TABLES = List.of("filtered", "masked", "both");

    /** Values of rows, or of columns, that the tables hide. */
    private static final Map<String, List<String>> HIDDEN =
            Map.of(
                    "filtered", List.of("333", "444", "7000", "6000", "secret", "Cy", "Di"),
                    "masked", List.of("111", "222", "333", "444", "9000", "Ada", "Hara"),
                    "both", List.of("111", "222", "333", "444", "7000", "secret", "Cy"));

    @TempDir private static Path folder;
    private static Lake lake;
    private static LakeServer server;
    private static HttpClient client;
    private static String admin;
    private static String anna;
    private static long seq;

    @BeforeAll
    static void open() throws Exception {
        write(
                "lake.yaml",
                "name: test\ningest: {commit-interval: 200ms}\nrefresh-interval: 100ms\n");
        write(
                "sources/people.yaml",
                """
                kind: http
                id: key
                columns: {id: {type: int, required: true}, name: string, region: string, salary: int, ssn: string, boss: int}
                """);
        write(
                "pipelines/people.sql",
                """
                CREATE STREAMING TABLE silver.filtered AS
                SELECT id, name, region, salary, ssn, boss,
                  CASE id WHEN 1 THEN ARRAY['x', 'y'] WHEN 3 THEN ARRAY['secret'] WHEN 5 THEN ARRAY['z'] END AS tags
                FROM STREAM bronze.people;
                CREATE MATERIALIZED VIEW silver.masked AS SELECT * FROM silver.filtered;
                CREATE MATERIALIZED VIEW silver.both AS SELECT * FROM silver.filtered;
                CREATE MATERIALIZED VIEW copies.filtered AS SELECT * FROM silver.filtered WHERE region = 'EU';
                CREATE MATERIALIZED VIEW copies.masked AS
                SELECT id, SUBSTRING(name, 1, 1) AS name, region, CAST(NULL AS INTEGER) AS salary,
                  '***' AS ssn, boss, tags FROM silver.filtered;
                CREATE MATERIALIZED VIEW copies.both AS
                SELECT id, name, region, salary,
                  CASE WHEN region = 'EU' THEN NULL ELSE 'x' || ssn END AS ssn, boss, tags
                FROM silver.filtered WHERE region <> 'US';
                """);
        write(
                "policies/people.yaml",
                """
                roles:
                  analyst: {read: [silver.filtered, silver.masked, silver.both]}
                users:
                  anna: {roles: [analyst], attributes: {region: EU}}
                row-filters:
                  - {table: silver.filtered, where: region = principal_attribute('region')}
                  - {table: silver.both, where: region <> 'US'}
                masks:
                  - {column: silver.masked.ssn, value: "'***'"}
                  - {column: silver.masked.salary, value: "NULL"}
                  - {column: silver.masked.name, value: "SUBSTRING(name, 1, 1)"}
                  - {column: silver.both.ssn, value: "CASE WHEN region = 'EU' THEN NULL ELSE 'x' || ssn END"}
                """);
        lake = Lake.open(folder, LakeOptions.ofProcess());
        admin = Files.readString(folder.resolve(".tonle/admin-token")).strip();
        anna =
                lake.access()
                        .createKey(Set.of(), Optional.of("anna"), Optional.empty(), Principal.LAKE)
                        .token();
        server = LakeServer.start(Backend.of(lake), ServerOptions.onPort(0));
        client = HttpClient.newHttpClient();
        feed();
    }

    private static void feed() throws Exception {
        HttpResponse<String> receipt =
                send(
                        admin,
                        "/api/v1/ingest/people",
                        """
                        [{"key":"1","id":1,"name":"Ada","region":"EU","salary":9000,"ssn":"111"},
                         {"key":"2","id":2,"name":"Bob","region":"EU","salary":5000,"ssn":"222","boss":1},
                         {"key":"3","id":3,"name":"Cy","region":"US","salary":7000,"ssn":"333","boss":1},
                         {"key":"4","id":4,"name":"Di","salary":6000,"ssn":"444","boss":3},
                         {"key":"5","id":5,"name":"O'Hara","region":"EU","salary":0,"ssn":"not a number","boss":3}]
                        """);
        assertThat(receipt.statusCode()).as(receipt.body()).isEqualTo(202);
        Map<String, String> rows =
                new HashMap<>(Map.of("filtered", "3", "masked", "5", "both", "3"));
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!rows.isEmpty()) {
            assertThat(System.nanoTime()).as("%s aren't complete", rows).isLessThan(deadline);
            rows.entrySet()
                    .removeIf(table ->
                            answer(admin, "SELECT COUNT(*) AS n FROM copies." + table.getKey())
                                    .contains("{\"n\":" + table.getValue() + "}"));
            TimeUnit.MILLISECONDS.sleep(50);
        }
        HttpResponse<String> whole =
                ask(anna, Map.of("sql", "SELECT COUNT(*) AS n FROM silver.both"));
        seq = Long.parseLong(whole.headers().firstValue("tonle-seq").orElseThrow());
    }

    private static void write(String file, String text) throws IOException {
        Files.createDirectories(folder.resolve(file).resolveSibling("."));
        Files.writeString(folder.resolve(file), text);
    }

    @AfterAll
    static void close() {
        client.shutdownNow();
        server.close();
        lake.close();
    }

    private static HttpResponse<String> send(
            String token, String path, String body, String... headers) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(server.url() + path))
                        .timeout(Duration.ofSeconds(60))
                        .header("authorization", "Bearer " + token)
                        .header("content-type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body));
        try {
            return client.send(
                    (headers.length == 0 ? request : request.headers(headers)).build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static HttpResponse<String> ask(
            String token, Map<String, Object> question, String... headers) {
        try {
            return send(token, "/api/v1/query", JSON.writeValueAsString(question), headers);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static String answer(String token, String sql) {
        return ask(token, Map.of("sql", sql)).body();
    }

    /** A way to ask: to whom, and of which table what. */
    private interface Door {
        /** The rows, each as text, in no order. */
        List<String> rows(String token, String table, String statement) throws Exception;
    }

    private static HttpResponse<String> ok(HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return response;
    }

    private static List<String> array(JsonNode rows) {
        List<String> texts = new ArrayList<>();
        rows.forEach(row -> texts.add(row.toString()));
        return texts;
    }

    private static String over(String statement, String table) {
        return statement.replace("{t}", table);
    }

    private static List<String> json(String token, String table, String statement)
            throws Exception {
        return array(JSON.readTree(ok(ask(token, Map.of("sql", over(statement, table)))).body()));
    }

    private static Door lines(String type) {
        return (token, table, statement) ->
                ok(ask(token, Map.of("sql", over(statement, table)), "accept", type))
                        .body()
                        .lines()
                        .toList();
    }

    private static final Map<String, Door> DOORS =
            Map.of(
                    "ndjson",
                    lines("application/x-ndjson"),
                    "csv",
                    lines("text/csv"),
                    "state of a header",
                    (token, table, statement) ->
                            array(
                                    JSON.readTree(
                                            ok(ask(
                                                            token,
                                                            Map.of("sql", over(statement, table)),
                                                            "tonle-as-of-seq",
                                                            Long.toString(seq)))
                                                    .body())),
                    "state of the statement",
                    (token, table, statement) ->
                            json(token, table + " FOR SYSTEM_TIME AS OF " + seq, statement),
                    "namespace of the request",
                    (token, table, statement) ->
                            array(
                                    JSON.readTree(
                                            ok(ask(
                                                            token,
                                                            Map.of(
                                                                    "sql",
                                                                    over(
                                                                            statement,
                                                                            table.substring(
                                                                                    table.indexOf(
                                                                                                    '.')
                                                                                            + 1)),
                                                                    "namespace",
                                                                    table.substring(
                                                                            0,
                                                                            table.indexOf('.')))))
                                                    .body())),
                    "kept answer",
                    (token, table, statement) -> {
                        List<String> first = json(token, table, statement);
                        assertThat(json(token, table, statement)).isEqualTo(first);
                        return first;
                    });

    static Stream<Arguments> everything() {
        List<Arguments> all = new ArrayList<>();
        int i = 0;
        for (String table : TABLES) {
            for (String statement : PolicyStatements.ALL) {
                // a table can't be told its state twice, nor behind its alias
                for (String door : DOORS.keySet().stream().sorted().toList()) {
                    if (i++ % 2 == 0) {
                        all.add(Arguments.of(table, door, statement));
                    }
                }
            }
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0}, {1}: {2}")
    @MethodSource("everything")
    void everyDoorShowsNoMoreAndNoLessThanPolicySays(String table, String door, String statement)
            throws Exception {
        // the administrator's answer to the same text is kept from then on
        json(admin, "silver." + table, statement);
        List<String> seen = DOORS.get(door).rows(anna, "silver." + table, statement);
        List<String> expected = DOORS.get(door).rows(admin, "copies." + table, statement);
        assertThat(seen).containsExactlyInAnyOrderElementsOf(expected);
    }
}
