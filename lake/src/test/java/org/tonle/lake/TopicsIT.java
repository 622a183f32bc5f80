package org.tonle.lake;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.lake.Answers.rows;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.embedded.EmbeddedKafka;

/** Topics of somebody's cluster, in the forms in which companies fill them, up to silver. */
class TopicsIT {
    private static final String FIRST =
            """
            {"type":"record","name":"Order","fields":[{"name":"id","type":"long"},
             {"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]}\
            """;
    private static final String SECOND =
            """
            {"type":"record","name":"Order","fields":[{"name":"id","type":"long"},
             {"name":"note","type":["null","string"],"default":null},
             {"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]}\
            """;
    private static final String MONEY =
            "syntax = \"proto3\"; message Money { string currency = 1; int64 units = 2; }";

    @TempDir private Path dir;
    private final Map<Integer, String> schemas = new ConcurrentHashMap<>();
    private volatile int refusal;
    private HttpServer registry;
    private EmbeddedKafka kafka;
    private Path folder;

    @BeforeEach
    void servers() throws Exception {
        kafka = EmbeddedKafka.start(dir.resolve("kafka"));
        registry = registry(0);
        folder = Files.createDirectories(dir.resolve("lake"));
        write(
                "lake.yaml",
                "name: shop\ningest: {commit-interval: 100ms}\nrefresh-interval: 100ms\n");
        Files.writeString(dir.resolve("password"), "s3cret");
        Files.writeString(dir.resolve("jaas"), kafka.clientProperties().get("sasl.jaas.config"));
    }

    @AfterEach
    void stop() {
        registry.stop(0);
        kafka.close();
    }

    private HttpServer registry(int port) throws IOException {
        HttpServer server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext(
                "/schemas/ids/",
                exchange -> {
                    String path = exchange.getRequestURI().getPath();
                    String found =
                            schemas.get(Integer.parseInt(path.replaceFirst("/schemas/ids/", "")));
                    byte[] body =
                            (found == null ? "{\"error_code\": 40403}" : found).getBytes(UTF_8);
                    try (exchange) {
                        exchange.sendResponseHeaders(
                                refusal != 0 ? refusal : found == null ? 404 : 200, body.length);
                        exchange.getResponseBody().write(body);
                    }
                });
        server.start();
        return server;
    }

    private void write(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void source(String name, String topic, String more) throws Exception {
        Map<String, String> client = kafka.clientProperties();
        write(
                "sources/" + name + ".yaml",
                """
                kind: kafka
                topic: %s
                bootstrap-servers: '%s'
                properties:
                  security.protocol: %s
                  sasl.mechanism: %s
                  sasl.jaas.config: '${file:%s}'
                registry: {url: 'http://127.0.0.1:%d', user: lake, password: '${file:%s}'}
                """
                                .formatted(
                                        topic,
                                        client.get("bootstrap.servers"),
                                        client.get("security.protocol"),
                                        client.get("sasl.mechanism"),
                                        dir.resolve("jaas"),
                                        registry.getAddress().getPort(),
                                        dir.resolve("password"))
                        + more);
        try (Admin admin = Admin.create(new HashMap<>(client))) {
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1)))
                    .all()
                    .get(90, TimeUnit.SECONDS);
        }
    }

    private static String registered(String type, String text) {
        return "{\"schemaType\": \"%s\", \"schema\": \"%s\"}"
                .formatted(type, text.replace("\"", "\\\"").replace("\n", " "));
    }

    private void produce(String topic, byte[] key, byte[]... values) {
        Map<String, Object> client = new HashMap<>(kafka.clientProperties());
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (byte[] value : values) {
                producer.send(new ProducerRecord<>(topic, 0, key, value));
            }
        }
    }

    private static byte[] framed(int id, byte... value) {
        return ByteBuffer.allocate(5 + value.length).put((byte) 0).putInt(id).put(value).array();
    }

    private static byte[] order(int schemaId, String schema, long id) throws IOException {
        Schema parsed = new Schema.Parser().parse(schema);
        GenericRecord order = new GenericData.Record(parsed);
        order.put("id", id);
        order.put("amount", ByteBuffer.wrap(new byte[] {(byte) id, 0}));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(parsed).write(order, encoder);
        encoder.flush();
        return framed(schemaId, out.toByteArray());
    }

    private static void await(Supplier<String> found, String wanted) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        String now = found.get();
        while (!now.contains(wanted)) {
            assertThat(System.nanoTime()).as("%s, wanted %s", now, wanted).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(50);
            now = found.get();
        }
    }

    private static String reasons(Lake lake) {
        return lake.tables().stream()
                .flatMap(table -> table.reason().stream())
                .collect(Collectors.joining("; "));
    }

    @Test
    void avroIsReadAsItsSchemasChangeAndWhatCanNotBeReadIsKept() throws Exception {
        schemas.put(1, registered("AVRO", FIRST));
        schemas.put(2, registered("AVRO", SECOND));
        schemas.put(7, registered("AVRO", "\"string\""));
        source(
                "orders",
                "shop.orders",
                """
                format: avro
                id: id
                columns:
                  amount: decimal(9,2)
                  note: string
                """);
        write(
                "pipelines/orders.sql",
                "CREATE STREAMING TABLE silver.orders AS SELECT event_id AS id, amount, note FROM"
                        + " STREAM bronze.orders;");
        produce(
                "shop.orders",
                framed(7, (byte) 4, (byte) 'k', (byte) '1'),
                order(1, FIRST, 1),
                "{\"id\": 9}".getBytes(UTF_8),
                order(2, SECOND, 2),
                framed(44, (byte) 2),
                framed(1, (byte) 2),
                order(1, FIRST, 3));
        String silver = "SELECT id, amount, note FROM silver.orders ORDER BY id";
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            await(() -> rows(lake, silver), "id,amount,note\n1,2.56,\n2,5.12,\n3,7.68,\n");
            assertThat(
                            rows(
                                    lake,
                                    "SELECT message, payload FROM quarantine.silver_orders ORDER BY 1"))
                    .isEqualTo(
                            """
                            message,payload
                            the registry has no schema of the id 44,AAAAACwC
                            the value begins with 0x7b instead of 0 and the id of a schema,"{""id"": 9}"
                            the value doesn't fit schema 1: 1 bytes are due at byte 6 and 0 are left,AAAAAAEC
                            """);
            assertThat(
                            rows(
                                    lake,
                                    "SELECT \"position\", \"key\", headers['tonle-schema-id'] AS s FROM"
                                            + " bronze.orders ORDER BY 1"))
                    .isEqualTo("position,key,s\n0,k1,1\n1,k1,\n2,k1,2\n3,k1,44\n4,k1,1\n5,k1,1\n");

            // the registry goes away: what it has told is known, what is new waits
            int port = registry.getAddress().getPort();
            registry.stop(0);
            schemas.put(3, registered("AVRO", FIRST));
            produce("shop.orders", null, order(2, SECOND, 4));
            await(() -> rows(lake, silver), "4,10.24,\n");
            produce("shop.orders", null, order(3, FIRST, 5), order(1, FIRST, 6));
            await(
                    () -> reasons(lake),
                    "The schema registry at http://127.0.0.1:" + port + " doesn't answer");
            refusal = 401;
            registry = registry(port);
            await(() -> reasons(lake), "refused user lake (HTTP 401)");
            refusal = 0;
            await(() -> rows(lake, silver), "5,12.80,\n6,15.36,\n");
            assertThat(rows(lake, "SELECT COUNT(*) AS n FROM bronze.orders")).isEqualTo("n\n9\n");
        }
    }

    @Test
    void protobufAndChangesOfDebeziumBecomeColumns() throws Exception {
        schemas.put(1, registered("PROTOBUF", MONEY));
        source("money", "money", "format: protobuf\ncolumns: {currency: string, units: bigint}\n");
        source(
                "customers",
                "shop.public.customers",
                "format: debezium\ncolumns: {id: bigint, bio: string, city: {type: string, path: $.row.at.city}}\n");
        produce(
                "money",
                null,
                framed(1, (byte) 0, (byte) 10, (byte) 1, (byte) 'E', (byte) 16, (byte) 5));
        String change =
                """
                {"op": "%s", "ts_ms": 5, "source": {"schema": "public", "table": "customers", "lsn": %d,
                 "ts_ms": 1000, "txId": 9}, "before": %s, "after": %s}
                """;
        produce(
                "shop.public.customers",
                "{\"id\": 7}".getBytes(UTF_8),
                change.formatted(
                                "c",
                                1,
                                null,
                                "{\"id\": 7, \"bio\": \"b\", \"at\": {\"city\": \"Hué\"}}")
                        .getBytes(UTF_8),
                change.formatted(
                                "u",
                                2,
                                null,
                                "{\"id\": 7, \"bio\": \"__debezium_unavailable_value\"}")
                        .getBytes(UTF_8),
                change.formatted("d", 3, "{\"id\": 7}", null).getBytes(UTF_8),
                null);
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            await(() -> rows(lake, "SELECT currency, units FROM bronze.money"), "E,5\n");
            await(
                    () ->
                            rows(
                                    lake,
                                    "SELECT id, bio, city, _op, _at, _unchanged FROM bronze.customers"
                                            + " ORDER BY _seq"),
                    """
                    id,bio,city,_op,_at,_unchanged
                    7,b,Hué,c,1970-01-01T00:00:01Z,
                    7,,,u,1970-01-01T00:00:01Z,"[""bio""]"
                    7,,,d,1970-01-01T00:00:01Z,
                    """);
            assertThat(
                            rows(
                                    lake,
                                    "SELECT event_id = _seq AS same, event_time, payload FROM bronze.customers"
                                            + " WHERE _op = 'd'"))
                    .isEqualTo(
                            """
                            same,event_time,payload
                            true,1970-01-01T00:00:01Z,"{""table"":""public.customers"",""op"":""d"",\
                            ""seq"":""0000000000000003-0000000000000003-00000000-0000000000000002"",""tx"":9,\
                            ""at"":""1970-01-01T00:00:01Z"",""row"":{""id"":7}}"
                            """);
        }
    }
}
