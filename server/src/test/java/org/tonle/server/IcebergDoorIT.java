package org.tonle.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.ForbiddenException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.rest.RESTCatalog;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.ledger.CommitRecord;

/** What the kit doesn't ask: who may do what, and what happens at once, twice or in pages. */
class IcebergDoorIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Schema SCHEMA =
            new Schema(Types.NestedField.required(1, "id", Types.LongType.get()));

    @TempDir private static Path folder;
    private static IcebergLake lake;
    private static HttpClient http;
    private static String admin;
    private static String anna;
    private static String wendy;
    private static String spark;

    @BeforeAll
    static void open() throws Exception {
        lake =
                new IcebergLake(
                        folder,
                        Map.of(
                                "sources/people.yaml",
                                """
                                kind: http
                                id: key
                                columns: {name: string, region: string, ssn: string}
                                """,
                                "pipelines/people.sql",
                                """
                                CREATE STREAMING TABLE silver.open AS SELECT event_id AS id, name FROM STREAM bronze.people;
                                CREATE STREAMING TABLE silver.filtered AS SELECT event_id AS id, region FROM STREAM bronze.people;
                                CREATE STREAMING TABLE silver.masked AS SELECT event_id AS id, ssn FROM STREAM bronze.people;
                                CREATE STREAMING TABLE silver.hidden AS SELECT event_id AS id FROM STREAM bronze.people;
                                """,
                                "policies/people.yaml",
                                """
                                roles:
                                  analyst: {read: [silver.open, silver.filtered, silver.masked]}
                                  writer: {write: [lab, shared.mine]}
                                users:
                                  anna: {roles: [analyst]}
                                  wendy: {roles: [writer]}
                                  spark: {roles: [analyst], trusted: true}
                                row-filters:
                                  - {table: silver.filtered, where: "region = 'EU'"}
                                masks:
                                  - {column: silver.masked.ssn, value: "'***'"}
                                """));
        http = HttpClient.newHttpClient();
        admin = lake.adminToken();
        anna = lake.tokenOf("anna");
        wendy = lake.tokenOf("wendy");
        spark = lake.tokenOf("spark");
        assertThat(send(admin, "POST", "/v1/namespaces", "{\"namespace\":[\"lab\"]}").statusCode())
                .isEqualTo(200);
        assertThat(
                        send(admin, "POST", "/v1/namespaces", "{\"namespace\":[\"shared\"]}")
                                .statusCode())
                .isEqualTo(200);
        for (String table : List.of("open", "filtered", "masked", "hidden")) {
            awaitTable(table);
        }
    }

    private static void awaitTable(String table) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (get(admin, "/v1/namespaces/silver/tables/" + table).statusCode() != 200) {
            assertThat(System.nanoTime()).as(table).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    @AfterAll
    static void close() {
        http.shutdownNow();
        lake.close();
    }

    private static HttpResponse<String> send(
            String token, String method, String path, String body, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(lake.url() + "/iceberg" + path))
                        .timeout(Duration.ofSeconds(60))
                        .header("authorization", "Bearer " + token)
                        .header("content-type", "application/json")
                        .method(method, HttpRequest.BodyPublishers.ofString(body));
        return http.send(
                (headers.length == 0 ? request : request.headers(headers)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static HttpResponse<String> get(String token, String path, String... headers)
            throws IOException, InterruptedException {
        return send(token, "GET", path, "", headers);
    }

    private static JsonNode json(HttpResponse<String> response) throws IOException {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    private static List<String> names(JsonNode list) {
        List<String> names = new ArrayList<>();
        list.path("identifiers").forEach(node -> names.add(node.path("name").asText()));
        list.path("namespaces").forEach(node -> names.add(node.path(0).asText()));
        return names;
    }

    private static void assertRefused(HttpResponse<String> response, int status, String why)
            throws IOException {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        JsonNode error = JSON.readTree(response.body()).path("error");
        assertThat(error.path("code").asInt()).isEqualTo(status);
        assertThat(error.path("message").asText()).contains(why);
        assertThat(error.path("type").asText()).isNotEmpty();
    }

    private static String created(String table) {
        return """
        {"name":"%s","schema":{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"id","required":true,"type":"long"}]},"properties":{"gc.enabled":"true"}}\
        """
                .formatted(table);
    }

    private static String setProperty(String key, String value) {
        return "{\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"%s\":\"%s\"}}]}"
                .formatted(key, value);
    }

    @Test
    void onlyWhatSomebodyMaySelectIsSeen() throws Exception {
        assertThat(names(json(get(anna, "/v1/namespaces")))).containsExactly("silver");
        assertThat(names(json(get(anna, "/v1/namespaces/silver/tables"))))
                .containsExactly("filtered", "masked", "open");
        assertThat(names(json(get(wendy, "/v1/namespaces")))).containsExactly("lab", "shared");
        assertThat(names(json(get(admin, "/v1/namespaces"))))
                .contains("bronze", "silver", "lab", "shared");
        for (String path :
                List.of(
                        "/v1/namespaces/silver/tables/hidden",
                        "/v1/namespaces/silver/tables/none",
                        "/v1/namespaces/bronze/tables/people",
                        "/v1/namespaces/bronze/tables",
                        "/v1/namespaces/bronze")) {
            assertThat(get(anna, path).statusCode()).as(path).isEqualTo(404);
            assertThat(send(anna, "HEAD", path, "").statusCode()).as(path).isIn(404);
        }
        assertThat(get("nobody", "/v1/config").statusCode()).isEqualTo(401);
    }

    @Test
    void aTableOfWhichSomeIsHiddenIsNotGivenOutRaw() throws Exception {
        assertThat(get(anna, "/v1/namespaces/silver/tables/open").statusCode()).isEqualTo(200);
        for (String table : List.of("filtered", "masked")) {
            String path = "/v1/namespaces/silver/tables/" + table;
            assertRefused(get(anna, path), 403, "Ask by SQL");
            assertRefused(get(anna, path + "/credentials"), 403, "Ask by SQL");
            assertThat(get(anna, path).body()).doesNotContain(".metadata.json");
            assertRefused(
                    send(anna, "POST", path, "{\"requirements\":[],\"updates\":[]}"),
                    403,
                    "Ask by SQL");
            assertThat(send(anna, "HEAD", path, "").statusCode()).isEqualTo(204);
            // what the client says of itself counts for nothing
            assertThat(
                            get(anna, path, "x-iceberg-access-delegation", "vended-credentials")
                                    .statusCode())
                    .isEqualTo(403);
            assertThat(get(spark, path).statusCode()).isEqualTo(200);
            assertThat(get(admin, path).statusCode()).isEqualTo(200);
        }
        assertThat(get(spark, "/v1/namespaces/silver/tables/hidden").statusCode()).isEqualTo(404);
    }

    @Test
    void nobodyFromOutsideWritesWhatADatasetOrTheLakeOwns() throws Exception {
        String open = "/v1/namespaces/silver/tables/open";
        for (String token : List.of(admin, anna)) {
            assertRefused(send(token, "POST", open, setProperty("a", "b")), 403, "datasets");
            assertRefused(send(token, "DELETE", open, ""), 403, "datasets");
            assertRefused(
                    send(token, "POST", "/v1/namespaces/silver/tables", created("mine")),
                    403,
                    "datasets");
        }
        for (String namespace :
                List.of("bronze", "SILVER", "gold", "quarantine", "system", "deleted")) {
            assertRefused(
                    send(admin, "POST", "/v1/namespaces/" + namespace + "/tables", created("mine")),
                    403,
                    "can't be written");
        }
        assertRefused(
                send(admin, "POST", "/v1/namespaces", "{\"namespace\":[\"silver\",\"below\"]}"),
                403,
                "datasets");
        assertRefused(
                send(
                        admin,
                        "POST",
                        "/v1/tables/rename",
                        "{\"source\":{\"namespace\":[\"silver\"],\"name\":\"open\"},\"destination\":{\"namespace\":[\"lab\"],\"name\":\"open\"}}"),
                403,
                "datasets");
        assertRefused(
                send(
                        admin,
                        "POST",
                        "/v1/transactions/commit",
                        "{\"table-changes\":[{\"identifier\":{\"namespace\":[\"silver\"],\"name\":\"open\"},\"requirements\":[],\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"a\":\"b\"}}]}]}"),
                403,
                "datasets");
    }

    @Test
    void onlyWhoHasAGrantWrites() throws Exception {
        String tables = "/v1/namespaces/lab/tables";
        assertRefused(send(anna, "POST", tables, created("t")), 403, "may not write");
        assertThat(send(wendy, "POST", tables, created("granted")).statusCode()).isEqualTo(200);
        assertThat(
                        send(wendy, "POST", "/v1/namespaces/shared/tables", created("mine"))
                                .statusCode())
                .isEqualTo(200);
        assertRefused(
                send(wendy, "POST", "/v1/namespaces/shared/tables", created("other")),
                403,
                "may not write");
        assertRefused(
                send(wendy, "POST", "/v1/namespaces", "{\"namespace\":[\"elsewhere\"]}"),
                403,
                "may not write");
        List<CommitRecord> commits =
                lake.lake().catalog().ledger().commits(0, Long.MAX_VALUE).stream()
                        .filter(commit -> commit.principal().equals("wendy"))
                        .toList();
        assertThat(commits).isNotEmpty();
        assertThat(commits).allSatisfy(commit -> assertThat(commit.kind()).isEqualTo("rest"));
    }

    @Test
    void aTableNamesFilesOfItsOwnFolderOnly() throws Exception {
        try (RESTCatalog catalog = lake.client(wendy);
                RESTCatalog all = lake.client(admin)) {
            Table table = catalog.createTable(TableIdentifier.of("lab", "confined"), SCHEMA);
            String other = all.loadTable(TableIdentifier.of("silver", "masked")).location();
            assertThatThrownBy(() ->
                            table.newAppend()
                                    .appendFile(file(other + "/data/secret.parquet"))
                                    .commit())
                    .isInstanceOf(ForbiddenException.class);
            assertThatThrownBy(() ->
                            table.newAppend()
                                    .appendFile(file(table.location() + "/../x/secret.parquet"))
                                    .commit())
                    .isInstanceOf(ForbiddenException.class);
            assertThatThrownBy(() -> table.updateLocation().setLocation(other).commit())
                    .isInstanceOf(ForbiddenException.class);
            assertThatThrownBy(() ->
                            table.updateProperties().set("write.metadata.path", other).commit())
                    .isInstanceOf(ForbiddenException.class);
            assertThatThrownBy(() ->
                            catalog.buildTable(TableIdentifier.of("lab", "there"), SCHEMA)
                                    .withLocation(other)
                                    .create())
                    .isInstanceOf(ForbiddenException.class);
            assertThatThrownBy(() ->
                            catalog.registerTable(
                                    TableIdentifier.of("lab", "registered"),
                                    other + "/metadata/x.metadata.json"))
                    .isInstanceOf(ForbiddenException.class);
            table.newAppend().appendFile(file(table.location() + "/data/own.parquet")).commit();
            assertThat(table.currentSnapshot().summary()).containsEntry("added-data-files", "1");
        }
    }

    /** The only thing that tells two snapshots apart here is what they name. */
    @Test
    void aSnapshotThatComesBackWithOtherFilesIsLookedAtAgain() throws Exception {
        try (RESTCatalog catalog = lake.client(wendy);
                RESTCatalog all = lake.client(admin)) {
            TableIdentifier name = TableIdentifier.of("lab", "swapped");
            Table table = catalog.createTable(name, SCHEMA);
            table.newAppend().appendFile(file(table.location() + "/data/own.parquet")).commit();
            TableIdentifier elsewhere = TableIdentifier.of("lab", "elsewhere");
            Table other = all.createTable(elsewhere, SCHEMA);
            other.newAppend().appendFile(file("/somewhere/secret.parquet")).commit();
            long id = table.currentSnapshot().snapshotId();
            JsonNode snapshot =
                    json(get(wendy, "/v1/namespaces/lab/tables/swapped"))
                            .at("/metadata/snapshots/0");
            ((com.fasterxml.jackson.databind.node.ObjectNode) snapshot)
                    .put("manifest-list", other.currentSnapshot().manifestListLocation())
                    .put("sequence-number", 2);
            assertRefused(
                    send(
                            wendy,
                            "POST",
                            "/v1/namespaces/lab/tables/swapped",
                            """
                            {"requirements":[],"updates":[
                             {"action":"remove-snapshots","snapshot-ids":[%d]},
                             {"action":"add-snapshot","snapshot":%s},
                             {"action":"set-snapshot-ref","ref-name":"main","type":"branch","snapshot-id":%d}]}
                            """
                                    .formatted(id, snapshot, id)),
                    403,
                    "own folder");
        }
    }

    @Test
    void namesMayHaveLevelsBlanksAndSlashes() throws Exception {
        try (RESTCatalog catalog = lake.client(admin)) {
            Namespace deep = Namespace.of("deep", "a/b c", "x%y.z");
            catalog.createNamespace(Namespace.of("deep"));
            catalog.createNamespace(Namespace.of("deep", "a/b c"));
            // the client asks the map for null
            catalog.createNamespace(deep, new HashMap<>(Map.of("k", "v")));
            TableIdentifier name = TableIdentifier.of(deep, "t + ü/1");
            catalog.createTable(name, SCHEMA);
            assertThat(catalog.listNamespaces(Namespace.of("deep", "a/b c"))).containsExactly(deep);
            assertThat(catalog.loadNamespaceMetadata(deep)).containsEntry("k", "v");
            assertThat(catalog.listTables(deep)).containsExactly(name);
            assertThat(catalog.loadTable(name).schema().sameSchema(SCHEMA)).isTrue();
            assertThat(catalog.tableExists(name)).isTrue();
        }
    }

    private static DataFile file(String location) {
        return DataFiles.builder(PartitionSpec.unpartitioned())
                .withPath(location)
                .withFileSizeInBytes(10)
                .withRecordCount(1)
                .build();
    }

    @Test
    void noClientIsToRemoveFiles() throws Exception {
        HttpResponse<String> made =
                send(admin, "POST", "/v1/namespaces/lab/tables", created("kept"));
        assertThat(json(made).at("/metadata/properties/gc.enabled").asText()).isEqualTo("false");
        assertThat(
                        json(send(
                                        admin,
                                        "POST",
                                        "/v1/namespaces/lab/tables/kept",
                                        setProperty("gc.enabled", "true")))
                                .at("/metadata/properties/gc.enabled")
                                .asText())
                .isEqualTo("false");
        // the lake's own clean-up would heed it
        assertThat(
                        lake.lake()
                                .catalog()
                                .iceberg("test")
                                .loadTable(TableIdentifier.of("lab", "kept"))
                                .properties())
                .doesNotContainKey("gc.enabled");
        Path metadata =
                lake.lake().catalog().files().path(json(made).path("metadata-location").asText());
        assertThat(
                        send(
                                        admin,
                                        "DELETE",
                                        "/v1/namespaces/lab/tables/kept?purgeRequested=true",
                                        "")
                                .statusCode())
                .isEqualTo(204);
        assertThat(get(admin, "/v1/namespaces/lab/tables/kept").statusCode()).isEqualTo(404);
        assertThat(metadata).exists();
    }

    @Test
    void whoHasTheTableAsItIsIsToldSo() throws Exception {
        String path = "/v1/namespaces/lab/tables/tagged";
        send(admin, "POST", "/v1/namespaces/lab/tables", created("tagged"));
        String tag = get(admin, path).headers().firstValue("etag").orElseThrow();
        HttpResponse<String> same = get(admin, path, "if-none-match", tag);
        assertThat(same.statusCode()).isEqualTo(304);
        assertThat(same.body()).isEmpty();
        assertThat(get(admin, path + "?snapshots=refs", "if-none-match", tag).statusCode())
                .isEqualTo(200);
        // knowing what it is lets nobody in
        assertThat(get(anna, path, "if-none-match", tag).statusCode()).isEqualTo(404);
        HttpResponse<String> changed = send(admin, "POST", path, setProperty("a", "b"));
        assertThat(changed.headers().firstValue("etag")).isPresent().get().isNotEqualTo(tag);
        assertThat(get(admin, path, "if-none-match", tag).statusCode()).isEqualTo(200);
    }

    @Test
    void listsComeInPagesThatShiftBySomeThatGo() throws Exception {
        send(admin, "POST", "/v1/namespaces", "{\"namespace\":[\"pages\"]}");
        String tables = "/v1/namespaces/pages/tables";
        for (int i = 0; i < 5; i++) {
            assertThat(send(admin, "POST", tables, created("t" + i)).statusCode()).isEqualTo(200);
        }
        JsonNode first = json(get(admin, tables + "?pageToken=&pageSize=2"));
        assertThat(names(first)).containsExactly("t0", "t1");
        send(admin, "DELETE", tables + "/t0", "");
        JsonNode second = json(get(admin, next(tables, first)));
        assertThat(names(second)).containsExactly("t2", "t3");
        JsonNode last = json(get(admin, next(tables, second)));
        assertThat(names(last)).containsExactly("t4");
        assertThat(last.path("next-page-token").isTextual()).isFalse();
        assertThat(get(admin, tables + "?pageSize=0").statusCode()).isEqualTo(400);
    }

    private static String next(String path, JsonNode page) {
        return path
                + "?pageSize=2&pageToken="
                + URLEncoder.encode(page.path("next-page-token").asText(), StandardCharsets.UTF_8);
    }

    @Test
    void aRequestThatComesAgainIsAnsweredWhatItWasAndDoesNothing() throws Exception {
        String tables = "/v1/namespaces/lab/tables";
        String key = "019a0000-0000-7000-8000-000000000001";
        HttpResponse<String> first =
                send(admin, "POST", tables, created("once"), "idempotency-key", key);
        long head = lake.lake().catalog().ledger().head();
        HttpResponse<String> again =
                send(admin, "POST", tables, created("once"), "idempotency-key", key);
        assertThat(json(again)).isEqualTo(json(first));
        assertThat(lake.lake().catalog().ledger().head()).isEqualTo(head);
        assertThat(send(admin, "POST", tables, created("once")).statusCode()).isEqualTo(409);
        assertRefused(
                send(admin, "POST", tables, created("twice"), "idempotency-key", key),
                422,
                "Idempotency-Key");
        // somebody else's key is another one
        assertThat(
                        send(wendy, "POST", tables, created("once"), "idempotency-key", key)
                                .statusCode())
                .isEqualTo(409);

        String change = "019a0000-0000-7000-8000-000000000002";
        JsonNode changed =
                json(
                        send(
                                admin,
                                "POST",
                                tables + "/once",
                                setProperty("n", "1"),
                                "idempotency-key",
                                change));
        send(admin, "POST", tables + "/once", setProperty("n", "2"));
        assertThat(
                        json(
                                send(
                                        admin,
                                        "POST",
                                        tables + "/once",
                                        setProperty("n", "1"),
                                        "idempotency-key",
                                        change)))
                .isEqualTo(changed);
        assertThat(json(get(admin, tables + "/once")).at("/metadata/properties/n").asText())
                .isEqualTo("2");
        String drop = "019a0000-0000-7000-8000-000000000003";
        for (int i = 0; i < 2; i++) {
            assertThat(
                            send(admin, "DELETE", tables + "/once", "", "idempotency-key", drop)
                                    .statusCode())
                    .isEqualTo(204);
        }
    }

    @Test
    void ofManyRequestsWithOneKeyOneHappensAndAllAreAnsweredTheSame() throws Exception {
        for (int round = 0; round < 10; round++) {
            String body = created("race" + round);
            String key = "race-" + round;
            long before = lake.lake().catalog().ledger().head();
            List<Callable<HttpResponse<String>>> requests = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                requests.add(() ->
                        send(
                                admin,
                                "POST",
                                "/v1/namespaces/lab/tables",
                                body,
                                "idempotency-key",
                                key));
            }
            List<HttpResponse<String>> answers = together(requests);
            for (HttpResponse<String> answer : answers) {
                assertThat(json(answer)).isEqualTo(json(answers.getFirst()));
            }
            assertThat(
                            lake.lake().catalog().ledger().commits(before, Long.MAX_VALUE).stream()
                                    .filter(commit -> commit.kind().equals("rest"))
                                    .filter(commit -> commit.fact("attempt").isPresent()))
                    .hasSize(1);
        }
    }

    private static <T> List<T> together(List<Callable<T>> tasks) throws Exception {
        CyclicBarrier start = new CyclicBarrier(tasks.size());
        List<T> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<T>> running = new ArrayList<>();
            for (Callable<T> task : tasks) {
                running.add(
                        threads.submit(() -> {
                            start.await();
                            return task.call();
                        }));
            }
            for (Future<T> one : running) {
                answers.add(one.get());
            }
        }
        return answers;
    }

    /** Each changes one table and asserts that the other is as it was: not both can be right. */
    @Test
    void ofTwoCrossingTransactionsOneCommitsAtMost() throws Exception {
        String tables = "/v1/namespaces/lab/tables";
        for (String table : List.of("skew_a", "skew_b")) {
            json(send(admin, "POST", tables, created(table)));
        }
        int committed = 0;
        int both = 0;
        for (int round = 0; round < 100; round++) {
            int schemaA =
                    json(get(admin, tables + "/skew_a")).at("/metadata/last-column-id").asInt();
            int schemaB =
                    json(get(admin, tables + "/skew_b")).at("/metadata/last-column-id").asInt();
            String a = crossing("skew_a", schemaA, "skew_b", schemaB);
            String b = crossing("skew_b", schemaB, "skew_a", schemaA);
            List<HttpResponse<String>> answers =
                    together(
                            List.of(
                                    () -> send(admin, "POST", "/v1/transactions/commit", a),
                                    () -> send(admin, "POST", "/v1/transactions/commit", b)));
            long happened = answers.stream().filter(r -> r.statusCode() == 204).count();
            assertThat(answers)
                    .as("round %s", round)
                    .allSatisfy(r -> assertThat(r.statusCode()).as(r.body()).isIn(204, 409));
            committed += (int) happened;
            both += happened > 1 ? 1 : 0;
            int after =
                    json(get(admin, tables + "/skew_a")).at("/metadata/last-column-id").asInt()
                            + json(get(admin, tables + "/skew_b"))
                                    .at("/metadata/last-column-id")
                                    .asInt();
            assertThat(after - schemaA - schemaB).isEqualTo((int) happened);
        }
        System.out.println("write skew: 100 rounds, " + committed + " commits, both " + both);
        assertThat(both).isZero();
        assertThat(committed).isPositive();
    }

    /** Adds a column to one table if neither has got one meanwhile. */
    private static String crossing(String changed, int columns, String asserted, int others) {
        StringBuilder fields =
                new StringBuilder("{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"}");
        for (int id = 2; id <= columns + 1; id++) {
            fields.append(
                    ",{\"id\":%d,\"name\":\"c%d\",\"required\":false,\"type\":\"long\"}"
                            .formatted(id, id));
        }
        return """
        {"table-changes":[
         {"identifier":{"namespace":["lab"],"name":"%s"},
          "requirements":[{"type":"assert-last-assigned-field-id","last-assigned-field-id":%d}],
          "updates":[{"action":"add-schema","schema":{"type":"struct","schema-id":0,"fields":[%s]}},
                     {"action":"set-current-schema","schema-id":-1}]},
         {"identifier":{"namespace":["lab"],"name":"%s"},
          "requirements":[{"type":"assert-last-assigned-field-id","last-assigned-field-id":%d}],
          "updates":[]}]}
        """
                .formatted(changed, columns, fields, asserted, others);
    }

    @Test
    void aTransactionHappensWholeOrNotAtAll() throws Exception {
        try (RESTCatalog catalog = lake.client(wendy)) {
            catalog.createTable(TableIdentifier.of("lab", "whole_a"), SCHEMA);
            catalog.createTable(TableIdentifier.of("lab", "whole_b"), SCHEMA);
            HttpResponse<String> refused =
                    send(
                            wendy,
                            "POST",
                            "/v1/transactions/commit",
                            """
                            {"table-changes":[
                             {"identifier":{"namespace":["lab"],"name":"whole_a"},"requirements":[],
                              "updates":[{"action":"set-properties","updates":{"k":"v"}}]},
                             {"identifier":{"namespace":["lab"],"name":"whole_b"},
                              "requirements":[{"type":"assert-last-assigned-field-id","last-assigned-field-id":99}],
                              "updates":[{"action":"set-properties","updates":{"k":"v"}}]}]}
                            """);
            assertRefused(refused, 409, "");
            assertThat(catalog.loadTable(TableIdentifier.of("lab", "whole_a")).properties())
                    .doesNotContainKey("k");
            assertThat(catalog.listTables(Namespace.of("lab")))
                    .contains(TableIdentifier.of("lab", "whole_a"));
            assertThatThrownBy(() -> catalog.loadTable(TableIdentifier.of("silver", "open")))
                    .isInstanceOf(NoSuchTableException.class);
        }
    }
}
