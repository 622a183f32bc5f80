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
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
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
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
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

    private static HttpResponse<String> get(String token, String path) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create(server.url() + path))
                        .timeout(Duration.ofSeconds(60))
                        .header("authorization", "Bearer " + token)
                        .build(),
                HttpResponse.BodyHandlers.ofString());
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
                // a quarter of all, by turns
                for (String door : DOORS.keySet().stream().sorted().toList()) {
                    if (i++ % 4 == 0) {
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

    /** What a parameter holds is a value, wherever it stands. */
    private static final Map<String, List<Object>> ASKED =
            Map.of(
                    "SELECT id FROM {t} WHERE ssn = ?", List.of("333"),
                    "SELECT id FROM {t} WHERE ssn LIKE ? OR region = ?", List.of("%", "US"),
                    "SELECT id FROM {t} WHERE name LIKE 'B%' ESCAPE ?", List.of("!"),
                    "SELECT id FROM {t} WHERE salary > ? ORDER BY id OFFSET ? ROWS", List.of(1, 1),
                    "SELECT COUNT(*) AS n FROM {t} WHERE region = ?", List.of("US' OR '1' = '1"),
                    "SELECT id, ? AS x FROM {t} WHERE boss IN (SELECT id FROM {t} WHERE ssn > ?)",
                            List.of("silver.people", "1"));

    @Test
    void aParameterIsJudgedLikeAnyOtherValue() throws Exception {
        for (String table : TABLES) {
            for (Map.Entry<String, List<Object>> asked : ASKED.entrySet()) {
                List<List<String>> answers = new ArrayList<>();
                for (Map.Entry<String, String> over :
                        Map.of(anna, "silver." + table, admin, "copies." + table).entrySet()) {
                    Map<String, Object> question =
                            Map.of(
                                    "sql", over(asked.getKey(), over.getValue()),
                                    "parameters", asked.getValue());
                    answers.add(array(JSON.readTree(ok(ask(over.getKey(), question)).body())));
                }
                assertThat(answers.getFirst())
                        .as("%s: %s", table, asked)
                        .containsExactlyInAnyOrderElementsOf(answers.getLast());
            }
        }
    }

    private static List<String> thirdFor(String table) {
        List<String> all = PolicyStatements.ALL;
        return IntStream.range(0, all.size())
                .filter(i -> i % TABLES.size() == TABLES.indexOf(table))
                .mapToObj(all::get)
                .toList();
    }

    /** The text of an answer names no value that is hidden, unless the statement did. */
    private static void assertNothingHidden(String table, String statement, String answer) {
        for (String value : HIDDEN.getOrDefault(table, List.of())) {
            if (!statement.contains(value)) {
                assertThat(answer).as("%s: %s", table, statement).doesNotContain(value);
            }
        }
    }

    @Test
    void explainingTellsNoMoreThanAnswering() throws Exception {
        for (String table : TABLES) {
            for (String statement : thirdFor(table)) {
                HttpResponse<String> plan =
                        ok(
                                ask(
                                        anna,
                                        Map.of(
                                                "sql",
                                                "EXPLAIN " + over(statement, "silver." + table))));
                // a snapshot's number is drawn by chance, and may have any digits
                assertNothingHidden(table, statement, plan.body().replaceAll("snapshot \\d+", ""));
                assertThat(plan.body())
                        .doesNotContain(".parquet")
                        .doesNotContain("principal_attribute");
            }
            HttpResponse<String> refused =
                    ask(anna, Map.of("sql", "EXPLAIN SELECT * FROM copies." + table));
            assertThat(refused.statusCode()).isEqualTo(422);
        }
    }

    @Test
    void whatPolicyCheckShowsIsWhatIsAnswered() throws Exception {
        for (String table : TABLES) {
            for (String statement : thirdFor(table)) {
                String sql = over(statement, "silver." + table);
                JsonNode report =
                        JSON.readTree(
                                ok(send(
                                                admin,
                                                "/api/v1/policy/check",
                                                JSON.writeValueAsString(
                                                        Map.of("sql", sql, "as", "anna"))))
                                        .body());
                // the first of them
                List<String> shown = array(report.path("rows"));
                List<String> answered = json(anna, "silver." + table, statement);
                assertThat(answered).as("%s", sql).containsAll(shown);
                assertThat(shown).as("%s", sql).hasSize(Math.min(20, answered.size()));
            }
        }
    }

    @Test
    void nobodyElsesKeptAnswerIsConfirmed() throws Exception {
        for (String table : TABLES) {
            Map<String, Object> question = Map.of("sql", "SELECT * FROM silver." + table);
            String etag = ok(ask(admin, question)).headers().firstValue("etag").orElseThrow();
            assertThat(ask(admin, question, "if-none-match", etag).statusCode()).isEqualTo(304);

            HttpResponse<String> answer = ok(ask(anna, question, "if-none-match", etag));
            assertThat(answer.headers().firstValue("etag").orElseThrow()).isNotEqualTo(etag);
            assertNothingHidden(table, "", answer.body());
        }
    }

    @Test
    void whereAColumnComesFromIsShownToWhoeverSeesTheLineage() throws Exception {
        HttpResponse<String> whole = ok(get(admin, "/api/v1/lineage?column=silver.both.ssn"));
        JsonNode lineage = JSON.readTree(whole.body());
        assertThat(lineage.path("column").asText()).isEqualTo("silver.both.ssn");
        assertThat(lineage.path("upstream").path(0).path("column").asText())
                .isEqualTo("silver.filtered.ssn");
        assertThat(lineage.path("upstream").path(0).path("further").path(0).path("column").asText())
                .isEqualTo("bronze.people.ssn");
        HttpResponse<String> refused = get(anna, "/api/v1/lineage?column=silver.both.ssn");
        assertThat(refused.statusCode()).as(refused.body()).isEqualTo(422);
        assertThat(refused.body()).contains("there is no table system.lineage");
    }

    /**
     * Statements by chance, over HTTP; {@code -Dtonle.fuzz=N} makes as many. Where a value makes
     * one fail, it may fail or not by what an engine computes first, but names no value.
     */
    @Test
    void showsNoMoreAndNoLessWhateverIsAsked() throws Exception {
        int statements = Integer.getInteger("tonle.fuzz", 100);
        long seed = Long.getLong("tonle.seed", 1042);
        int compared = 0;
        for (int i = 0; i < statements; i++) {
            String statement = PolicyStatements.byChance(seed + i);
            String table = TABLES.get(i % TABLES.size());
            String about = "seed " + (seed + i) + ", " + table + ": " + statement;
            HttpResponse<String> seen =
                    ask(anna, Map.of("sql", over(statement, "silver." + table)));
            HttpResponse<String> copy =
                    ask(admin, Map.of("sql", over(statement, "copies." + table)));
            if (seen.statusCode() == 200 && copy.statusCode() == 200) {
                compared++;
                assertThat(array(JSON.readTree(seen.body())))
                        .as(about)
                        .containsExactlyInAnyOrderElementsOf(array(JSON.readTree(copy.body())));
            } else {
                for (HttpResponse<String> answer : List.of(seen, copy)) {
                    assertThat(answer.statusCode()).as(about + answer.body()).isIn(200, 422);
                }
                assertNothingHidden(table, statement, seen.body());
            }
        }
        System.out.println(
                "fuzz over HTTP: "
                        + statements
                        + " statements, "
                        + compared
                        + " compared, leaks 0");
        assertThat(compared).isGreaterThan(statements / 2);
    }
}
