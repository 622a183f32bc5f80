package org.tonle.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.embedded.EmbeddedKafka;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.lake.LakeOptions;

/** What {@code source test} and {@code add} say and write. */
class SourceCommandIT {
    @TempDir Path temp;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private Path lake;

    @BeforeEach
    void makeLake() throws IOException {
        lake = Files.createDirectories(temp.resolve("lake"));
        Files.writeString(
                lake.resolve("lake.yaml"), "name: shop\ningest: {commit-interval: 200ms}\n");
    }

    private int run(String... args) {
        out.reset();
        err.reset();
        return new Main(
                        new Terminal(
                                out,
                                new PrintStream(err, true, StandardCharsets.UTF_8),
                                false,
                                false,
                                true))
                .run(args);
    }

    private String out() {
        return out.toString(UTF_8);
    }

    private String err() {
        return err.toString(UTF_8);
    }

    private String written(String source) throws IOException {
        return Files.readString(lake.resolve("sources").resolve(source + ".yaml"));
    }

    @Test
    void aFolderOfDocumentsIsSeenToBeOne() throws IOException {
        Path letters = Files.createDirectories(lake.resolve("letters"));
        Path letter = Files.writeString(letters.resolve("a.txt"), "Dear Bert");
        assertThat(run("add", letters.toString(), "--lake", lake.toString())).as(err()).isZero();
        assertThat(written("letters")).isEqualTo("kind: files\npath: ./letters\nformat: object\n");
        assertThat(out()).contains("$.text").contains("Dear Bert").doesNotContain("columns:");
        assertThat(run("source", "test", "letters", "--lake", lake.toString())).isZero();
        assertThat(out())
                .contains("letters: 1 event read")
                // looked at where it is
                .contains("\"location\":\"file://" + letter + "\"");
        assertThat(lake.resolve(".tonle")).doesNotExist();
    }

    @Test
    void aBucketThatNobodyMayReadIsNotAdded() {
        assertThat(
                        run(
                                "add",
                                "s3://invoices/2026",
                                "--property",
                                "endpoint=http://127.0.0.1:1",
                                "--property",
                                "access-key=lake",
                                "--property",
                                "secret-key=written-down",
                                "--lake",
                                lake.toString()))
                .isNotZero();
        assertThat(err()).contains("secrets don't belong into files that are shared");
        assertThat(
                        run(
                                "add",
                                "s3://invoices/2026",
                                "--property",
                                "endpoint=http://127.0.0.1:1",
                                "--property",
                                "access-key=lake",
                                "--property",
                                "secret-key=${file:lake.yaml}",
                                "--lake",
                                lake.toString()))
                .isNotZero();
        assertThat(err()).contains("s3://invoices/2026/ can't be read now");
        assertThat(lake.resolve("sources")).doesNotExist();
    }

    @Test
    void aFolderIsTriedAndAddedWithTheColumnsOfItsFiles() throws IOException {
        Path drop = Files.createDirectories(lake.resolve("drop"));
        Files.writeString(
                drop.resolve("a.csv"),
                "id,amount,at,Zip code\n1,9.50,2001-01-05,01234\n2,12.30,2001-01-06,x\n3\n");

        assertThat(run("add", drop.toString(), "--lake", lake.toString())).as(err()).isZero();

        String columns =
                """
                columns:
                  id: int
                  amount: decimal(18,2)
                  at: date
                  "Zip code": string
                """;
        assertThat(out())
                .isEqualTo(
                        """
                        drop: 3 events read, of which 1 can't be used:
                          line 4 has 1 fields and the first one names 4 columns

                        path           type           declared  events  example
                        ─────────────  ─────────────  ────────  ──────  ──────────
                        $.id           int                           2  1
                        $.amount       decimal(18,2)                 2  9.50
                        $.at           date                          2  2001-01-05
                        $['Zip code']  string                        2  01234

                        {"id":"1","amount":"9.50","at":"2001-01-05","Zip code":"01234"}
                        {"id":"2","amount":"12.30","at":"2001-01-06","Zip code":"x"}

                        """
                                + columns);
        assertThat(written("drop")).isEqualTo("kind: files\npath: ./drop\n" + columns);
        assertThat(err()).contains("drop.yaml is written. Next:", "bronze.drop");
        assertThat(run("validate", lake.toString())).as(err()).isZero();

        Files.writeString(lake.resolve("sources/drop.yaml"), "kind: files\npath: ./drop\n");
        assertThat(run("add", drop.toString(), "--lake", lake.toString())).isEqualTo(Exit.FAILED);
        assertThat(err()).contains("is there already; choose another name with --name");
        assertThat(written("drop")).isEqualTo("kind: files\npath: ./drop\n");

        assertThat(run("source", "test", "drop", "--lake", lake.toString(), "--events", "1"))
                .isZero();
        assertThat(out()).startsWith("drop: 1 event read\n").contains("  amount: decimal(18,2)");
        assertThat(lake.resolve(".tonle")).doesNotExist();
    }

    @Test
    void aRunningLakesSourcesAreListedPausedAndResumed() throws Exception {
        Files.createDirectories(lake.resolve("sources"));
        Files.writeString(lake.resolve("sources/orders.yaml"), "kind: http\n");
        Files.createDirectories(lake.resolve("pipelines"));
        Files.writeString(
                lake.resolve("pipelines/orders.sql"),
                "CREATE STREAMING TABLE silver.orders AS SELECT event_id AS id FROM STREAM"
                        + " bronze.orders;\n");
        String at = lake.toString();
        assertThat(run("ls", "--lake", at)).isEqualTo(Exit.NOT_RUNNING);
        try (ServedLake served = ServedLake.start(lake, 0, LakeOptions.ofProcess());
                LakeClient client = new LakeClient(LakeAddress.adminToken(lake))) {
            byte[] event = "{\"event_id\":\"1\"}".getBytes(UTF_8);
            client.ingest(served.url(), "orders", event, "k1");
            awaitListed(
                    """
                    source  kind  state    waits  for  events  errors
                    ──────  ────  ───────  ─────  ───  ──────  ──────
                    orders  http  running      0  0s        1       0

                    table          kind             state    rows  lag  quarantined
                    ─────────────  ───────────────  ───────  ────  ───  ───────────
                    bronze.orders  source           running     1    0
                    silver.orders  streaming table  running     1    0            0
                    """);
            assertThat(run("source", "pause", "orders", "--lake", at)).as(err()).isZero();
            assertThat(out()).isEqualTo("orders is paused\n");
            assertThatThrownBy(() -> client.ingest(served.url(), "orders", event, "k2"))
                    .isInstanceOfSatisfying(
                            LakeClient.Refused.class,
                            refused -> {
                                assertThat(refused.code()).isEqualTo("SOURCE_PAUSED");
                                assertThat(refused.retryAfter()).hasValue(10);
                            });
            assertThat(run("ls", "--lake", at)).isZero();
            assertThat(out().lines()).allMatch(line -> line.length() <= 100);
            assertThat(out()).containsPattern("\norders is paused since .{19}: paused by admin\n$");
            assertThat(run("ls", "--lake", at, "--format", "json")).isZero();
            JsonNode all = new ObjectMapper().readTree(out());
            assertThat(all.at("/sources/0/paused_by").asText()).isEqualTo("admin");
            assertThat(all.at("/datasets/1/name").asText()).isEqualTo("silver.orders");

            Path viewer = temp.resolve("viewer.key");
            assertThat(run("key", "create", "--role", "data_viewer", "--lake", at)).isZero();
            Files.writeString(viewer, out());
            String[] asViewer = {"--url", served.url(), "--token-file", viewer.toString()};
            assertThat(
                            run(
                                    "source",
                                    "resume",
                                    "orders",
                                    asViewer[0],
                                    asViewer[1],
                                    asViewer[2],
                                    asViewer[3]))
                    .isEqualTo(Exit.FAILED);
            assertThat(err()).contains("FORBIDDEN", "data_engineer or admin");
            assertThat(run("ls", asViewer[0], asViewer[1], asViewer[2], asViewer[3])).isZero();
            assertThat(out()).startsWith("table").doesNotContain("errors");

            assertThat(run("source", "resume", "orders", "--lake", at)).as(err()).isZero();
            assertThat(out()).isEqualTo("orders is running\n");
            client.ingest(served.url(), "orders", "{}".getBytes(UTF_8), "k2");
            assertThat(run("source", "pause", "none", "--lake", at)).isEqualTo(Exit.FAILED);
            assertThat(err()).contains("NOT_FOUND", "There is no source none");
        }
    }

    private void awaitListed(String wanted) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        do {
            assertThat(run("ls", "--lake", lake.toString())).as(err()).isZero();
            TimeUnit.MILLISECONDS.sleep(100);
        } while (!out().equals(wanted) && System.nanoTime() < deadline);
        assertThat(out()).isEqualTo(wanted);
    }

    @Test
    void whatIsWrongIsSaidInOneSentence() throws IOException {
        assertThat(run("source", "test", "orders", "--lake", lake.toString()))
                .isEqualTo(Exit.FAILED);
        assertThat(err()).contains("has no source orders");
        assertThat(run("add", temp.resolve("nowhere").toString(), "--lake", lake.toString()))
                .isEqualTo(Exit.FAILED);
        assertThat(err()).contains("there is no folder", "kafka://HOST:PORT/TOPIC");
        assertThat(run("add", "kafka://me:s3cret@h:1/t", "--lake", lake.toString()))
                .isEqualTo(Exit.USAGE);
        assertThat(err()).contains("sasl.jaas.config").doesNotContain("s3cret");
        assertThat(run("add", "mqtt://me:s3cret@h:1/t", "--lake", lake.toString()))
                .isEqualTo(Exit.USAGE);
        assertThat(err()).doesNotContain("s3cret");
        assertThat(
                        run(
                                "add",
                                "kafka://h:1/t",
                                "--property",
                                "sasl.jaas.config=secret",
                                "--lake",
                                lake.toString()))
                .isEqualTo(Exit.INVALID);
        assertThat(err()).contains("secrets don't belong").doesNotContain("=secret");
        assertThat(run("add", "kafka://127.0.0.1:1/t", "--lake", lake.toString()))
                .isEqualTo(Exit.FAILED);
        assertThat(err()).contains("tonle: No broker answers at 127.0.0.1:1 (");
        Files.createDirectories(lake.resolve("sources"));
        Files.writeString(lake.resolve("sources/events.yaml"), "kind: http\n");
        Files.writeString(lake.resolve("sources/gone.yaml"), "kind: files\npath: ./gone\n");
        assertThat(run("source", "test", "events", "--lake", lake.toString()))
                .isEqualTo(Exit.FAILED);
        assertThat(err()).contains("takes requests");
        assertThat(run("source", "test", "gone", "--lake", lake.toString())).isEqualTo(Exit.FAILED);
        assertThat(err()).contains("There is no folder");
        try (var files = Files.list(lake.resolve("sources"))) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void aTopicIsTriedAndAddedWithoutAPasswordInTheFile() throws Exception {
        try (EmbeddedKafka kafka = EmbeddedKafka.start(temp.resolve("kafka"))) {
            Map<String, Object> client = new HashMap<>(kafka.clientProperties());
            String servers = client.get("bootstrap.servers").toString();
            Files.writeString(temp.resolve("jaas"), client.get("sasl.jaas.config").toString());
            try (Admin admin = Admin.create(client)) {
                admin.createTopics(
                                List.of(
                                        new NewTopic("shop.orders", 2, (short) 1),
                                        new NewTopic("shop.changes", 1, (short) 1)))
                        .all()
                        .get(90, TimeUnit.SECONDS);
            }
            try (KafkaProducer<byte[], byte[]> producer =
                    new KafkaProducer<>(
                            client, new ByteArraySerializer(), new ByteArraySerializer())) {
                for (int i = 0; i < 500; i++) {
                    String order =
                            "{\"id\": %d, \"key\": %d, \"to\": {\"city\": \"x\"}}"
                                    .formatted(i, i * 100_000_000L);
                    producer.send(
                            new ProducerRecord<>(
                                    "shop.orders", i % 2, null, order.getBytes(UTF_8)));
                }
                producer.send(
                        new ProducerRecord<>(
                                "shop.changes",
                                "{\"op\": \"c\", \"source\": {\"connector\": \"mysql\", \"db\": \"d\", \"table\": \"t\"}, \"after\": {\"id\": 1}}"
                                        .getBytes(UTF_8)));
            }
            String[] how = {
                "--lake",
                lake.toString(),
                "--property",
                "security.protocol=" + client.get("security.protocol"),
                "--property",
                "sasl.mechanism=" + client.get("sasl.mechanism"),
                "--property",
                "sasl.jaas.config=${file:" + temp.resolve("jaas") + "}"
            };

            assertThat(run(add("kafka://" + servers + "/shop.orders", how))).as(err()).isZero();
            assertThat(out()).startsWith("shop_orders: 100 events read\n");
            assertThat(written("shop_orders"))
                    .startsWith("kind: kafka\ntopic: shop.orders\nbootstrap-servers: ")
                    .contains("sasl.jaas.config: \"${file:")
                    .doesNotContain("password=")
                    .endsWith(
                            """
                            columns:
                              id: int
                              key_: {type: bigint, path: "$.key"}
                              to_city: {type: string, path: "$.to.city"}
                            """);
            assertThat(run("validate", lake.toString())).as(err()).isZero();

            assertThat(run(add("kafka://" + servers + "/shop.changes", how))).as(err()).isZero();
            assertThat(written("shop_changes")).endsWith("format: debezium\ncolumns:\n  id: int\n");
            assertThat(run("source", "test", "shop_changes", "--lake", lake.toString())).isZero();
            assertThat(out()).contains("$.row.id  int   int", "\"table\":\"d.t\"");

            assertThat(run(add("kafka://" + servers + "/nothing", how))).isEqualTo(Exit.FAILED);
            assertThat(err()).contains("There is no topic nothing at");
            Files.writeString(
                    temp.resolve("jaas"),
                    "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"tonle\" password=\"wrong\";");
            assertThat(run("source", "test", "shop_orders", "--lake", lake.toString()))
                    .isEqualTo(Exit.FAILED);
            assertThat(err()).contains("refuses the source's credentials").doesNotContain("wrong");
        }
    }

    @Test
    void aDatabaseIsAddedWithItsTables() throws Exception {
        try (EmbeddedPostgres shop = logical()) {
            run(
                    shop,
                    "CREATE TABLE customers (id bigint PRIMARY KEY, name text, born date, score real,"
                            + " vip boolean, key int, made timestamp, seen timestamptz,"
                            + " balance numeric(12,2), big numeric, tags text[])",
                    "CREATE SCHEMA stock",
                    "CREATE TABLE stock.items (id int, \"Zip code\" text) PARTITION BY RANGE (id)",
                    "CREATE TABLE stock.first PARTITION OF stock.items FOR VALUES FROM (0) TO (9)",
                    "CREATE VIEW v AS SELECT 1 AS x");
            Files.writeString(temp.resolve("pw"), shop.password());
            String address =
                    "postgres://%s@127.0.0.1:%d/%s"
                            .formatted(
                                    shop.user(),
                                    shop.port(),
                                    shop.jdbcUrl().replaceFirst(".*/([^/?]*).*", "$1"));
            String[] how = {
                "--lake",
                lake.toString(),
                "--name",
                "shop",
                "--password",
                "${file:" + temp.resolve("pw") + "}"
            };

            assertThat(run(add(address, how))).as(err()).isZero();

            assertThat(written("shop"))
                    .startsWith(
                            "kind: postgres\nhost: \"127.0.0.1\"\nport: %d\n"
                                    .formatted(shop.port()))
                    .doesNotContain(shop.password())
                    .endsWith(
                            """
                            tables:
                              customers:
                                id: bigint
                                name: string
                                born: date
                                score: double
                                vip: boolean
                                key_: {type: int, path: "$.row.key"}
                                made: timestamp
                                seen: timestamptz
                                balance: decimal(12,2)
                                big: string
                                tags: string
                              stock.items:
                                id: int
                                "Zip code": string
                            """);
            assertThat(run("validate", lake.toString())).as(err()).isZero();
            assertThat(run("source", "test", "shop", "--lake", lake.toString())).isZero();
            assertThat(out()).startsWith("tables:\n  customers:\n    id: bigint\n");
            Files.writeString(temp.resolve("pw"), "wrong");
            assertThat(run("source", "test", "shop", "--lake", lake.toString()))
                    .isEqualTo(Exit.FAILED);
            assertThat(err()).contains("refuses user").doesNotContain("wrong");
            how[3] = "other";
            assertThat(run(add(address.replace("@", ":s3cret@"), how))).isEqualTo(Exit.USAGE);
            assertThat(err()).contains("PGPASSWORD").doesNotContain("s3cret");
        }
    }

    private EmbeddedPostgres logical() throws Exception {
        try (EmbeddedPostgres first = EmbeddedPostgres.start(temp.resolve("shop"))) {
            run(
                    first,
                    "ALTER SYSTEM SET wal_level = logical",
                    "ALTER SYSTEM SET max_wal_senders = 4",
                    "ALTER SYSTEM SET max_replication_slots = 4");
        }
        return EmbeddedPostgres.start(temp.resolve("shop"));
    }

    private static void run(EmbeddedPostgres database, String... statements) throws Exception {
        try (Connection connection =
                        DriverManager.getConnection(
                                database.jdbcUrl(), database.user(), database.password());
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static String[] add(String what, String[] how) {
        String[] all = new String[how.length + 2];
        all[0] = "add";
        all[1] = what;
        System.arraycopy(how, 0, all, 2, how.length);
        return all;
    }
}
