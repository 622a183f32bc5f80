package org.tonle.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.generic.GenericData;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tonle.spi.RecordDecoder.Decoded;
import org.tonle.spi.TopicRecord;

/**
 * Change events in the forms in which connectors write them, made with Kafka Connect's converter.
 */
class DebeziumRecordsTest {
    private static final Schema VARIABLE =
            SchemaBuilder.struct()
                    .name("io.debezium.data.VariableScaleDecimal")
                    .field("scale", Schema.INT32_SCHEMA)
                    .field("value", Schema.BYTES_SCHEMA)
                    .optional()
                    .build();
    private static final Schema ROW =
            SchemaBuilder.struct()
                    .name("shop.public.orders.Value")
                    .field("id", Schema.INT64_SCHEMA)
                    .field("amount", Decimal.builder(2).optional().build())
                    .field("exact", VARIABLE)
                    .field("day", named(SchemaBuilder.int32(), "io.debezium.time.Date"))
                    .field("made", named(SchemaBuilder.int64(), "io.debezium.time.MicroTimestamp"))
                    .field("clock", named(SchemaBuilder.int64(), "io.debezium.time.MicroTime"))
                    .field("paid", named(SchemaBuilder.string(), "io.debezium.time.ZonedTimestamp"))
                    .field("connect_day", Date.builder().optional().build())
                    .field("bio", Schema.OPTIONAL_STRING_SCHEMA)
                    .field("picture", Schema.OPTIONAL_BYTES_SCHEMA)
                    .field(
                            "tags",
                            SchemaBuilder.array(Schema.OPTIONAL_STRING_SCHEMA).optional().build())
                    .optional()
                    .build();
    private static final Schema SOURCE =
            SchemaBuilder.struct()
                    .name("io.debezium.connector.postgresql.Source")
                    .field("db", Schema.STRING_SCHEMA)
                    .field("schema", Schema.STRING_SCHEMA)
                    .field("table", Schema.STRING_SCHEMA)
                    .field("sequence", Schema.OPTIONAL_STRING_SCHEMA)
                    .field("txId", Schema.OPTIONAL_INT64_SCHEMA)
                    .field("lsn", Schema.OPTIONAL_INT64_SCHEMA)
                    .field("ts_ms", Schema.INT64_SCHEMA)
                    .field("ts_us", Schema.OPTIONAL_INT64_SCHEMA)
                    .build();
    private static final Schema ENVELOPE =
            SchemaBuilder.struct()
                    .name("shop.public.orders.Envelope")
                    .field("before", ROW)
                    .field("after", ROW)
                    .field("source", SOURCE)
                    .field("op", Schema.STRING_SCHEMA)
                    .field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA)
                    .build();

    private static final String WRITTEN =
            """
            {"id":7,"amount":"12.30","exact":"1.234","day":"1970-01-02","made":"1970-01-01T00:00:00.000001",\
            "clock":"01:00","paid":"2001-01-05T10:11:12Z","connect_day":"1970-01-03","bio":"b",\
            "picture":"AP8=","tags":["x",null]}\
            """;

    private RegistryServer server;
    private DebeziumRecords records;

    @BeforeEach
    void open() throws IOException {
        server = new RegistryServer();
        records = new DebeziumRecords(Optional.of(server.schemas()));
    }

    @AfterEach
    void close() {
        records.close();
        server.close();
    }

    private static Schema named(SchemaBuilder builder, String name) {
        return builder.name(name).version(1).optional().build();
    }

    private static Struct row() {
        return new Struct(ROW)
                .put("id", 7L)
                .put("amount", new BigDecimal("12.30"))
                .put(
                        "exact",
                        new Struct(VARIABLE)
                                .put("scale", 3)
                                .put(
                                        "value",
                                        new BigDecimal("1.234").unscaledValue().toByteArray()))
                .put("day", 1)
                .put("made", 1L)
                .put("clock", 3_600_000_000L)
                .put("paid", "2001-01-05T10:11:12Z")
                .put("connect_day", new java.util.Date(2 * 86_400_000L))
                .put("bio", "b")
                .put("picture", new byte[] {0, -1})
                .put("tags", java.util.Arrays.asList("x", null));
    }

    private static Struct change(String op, Struct before, Struct after) {
        return new Struct(ENVELOPE)
                .put("before", before)
                .put("after", after)
                .put(
                        "source",
                        new Struct(SOURCE)
                                .put("db", "shop")
                                .put("schema", "public")
                                .put("table", "orders")
                                .put("sequence", "[\"4096\",\"8192\"]")
                                .put("txId", 571L)
                                .put("lsn", 8_192L)
                                .put("ts_ms", 1_000L)
                                .put("ts_us", 1_000_001L))
                .put("op", op)
                .put("ts_ms", 2_000L);
    }

    private static byte[] json(Struct change, boolean withSchema) {
        try (JsonConverter converter = new JsonConverter()) {
            converter.configure(Map.of("schemas.enable", withSchema), false);
            return converter.fromConnectData("t", change.schema(), change);
        }
    }

    private Decoded decode(byte[] key, byte[] value) {
        return records.decode(new TopicRecord(1, 16, 3_000, key, value));
    }

    private String event(byte[] value) {
        Decoded decoded = decode(null, value);
        assertThat(decoded).isInstanceOf(Decoded.Event.class);
        return new String(((Decoded.Event) decoded).json(), UTF_8);
    }

    private static String head(String op) {
        return """
        {"table":"public.orders","op":"%s",\
        "seq":"0000000000001000-0000000000002000-00000001-0000000000000010","tx":571,\
        "at":"1970-01-01T00:00:01.000001Z\"\
        """
                .formatted(op);
    }

    @Test
    void aChangeWithItsSchemaIsWrittenByWhatTheSchemaMeans() {
        assertThat(event(json(change("c", null, row()), true)))
                .isEqualTo(head("c") + ",\"row\":" + WRITTEN + "}");
        assertThat(event(json(change("u", row(), row()), true)))
                .isEqualTo(head("u") + ",\"row\":" + WRITTEN + ",\"before\":" + WRITTEN + "}");
        assertThat(event(json(change("d", row(), null), true)))
                .isEqualTo(head("d") + ",\"row\":" + WRITTEN + "}");
        assertThat(event(json(change("t", null, null), true))).isEqualTo(head("t") + "}");
    }

    @Test
    void aChangeWithoutASchemaIsWrittenAsItStands() {
        assertThat(event(json(change("r", null, row()), false)))
                .isEqualTo(
                        head("r")
                                + """
                                ,"row":{"id":7,"amount":"BM4=","exact":{"scale":3,"value":"BNI="},"day":1,"made":1,\
                                "clock":3600000000,"paid":"2001-01-05T10:11:12Z","connect_day":2,"bio":"b",\
                                "picture":"AP8=","tags":["x",null]}}\
                                """);
    }

    @Test
    void ofWhatWasBeforeOnlyWhatTheDatabaseSaidIsWritten() {
        Struct key = new Struct(ROW).put("id", 7L);
        assertThat(event(json(change("d", key, null), true)))
                .isEqualTo(head("d") + ",\"row\":{\"id\":7}}");
        assertThat(event(json(change("u", key, key), false)))
                .contains("\"row\":{\"id\":7,\"amount\":null,")
                .endsWith(",\"before\":{\"id\":7}}");
    }

    @Test
    void whatTheDatabaseDidNotSayIsNamedAndLeftOut() {
        String unavailable = "__debezium_unavailable_value";
        Struct row =
                row().put("bio", unavailable)
                        .put("picture", unavailable.getBytes(UTF_8))
                        .put("tags", List.of(unavailable));
        for (boolean withSchema : new boolean[] {true, false}) {
            assertThat(event(json(change("u", null, row), withSchema)))
                    .endsWith("},\"unchanged\":\"[\\\"bio\\\",\\\"picture\\\",\\\"tags\\\"]\"}")
                    .doesNotContain(unavailable)
                    .doesNotContain(
                            Base64.getEncoder().encodeToString(unavailable.getBytes(UTF_8)));
        }
    }

    /** As Confluent's converter maps Connect's schemas to Avro's: what they mean is a property. */
    private static final String AVRO =
            """
            {"type":"record","name":"Envelope","namespace":"shop.public.orders","fields":[
              {"name":"before","type":["null",{"type":"record","name":"Value","fields":[
                {"name":"id","type":"long"},
                {"name":"amount","type":["null",{"type":"bytes","scale":2,"precision":64,"connect.version":1,
                  "connect.parameters":{"scale":"2"},"connect.name":"org.apache.kafka.connect.data.Decimal",
                  "logicalType":"decimal"}],"default":null},
                {"name":"exact","type":["null",{"type":"record","name":"VariableScaleDecimal",
                  "namespace":"io.debezium.data","fields":[{"name":"scale","type":"int"},
                  {"name":"value","type":"bytes"}],"connect.name":"io.debezium.data.VariableScaleDecimal"}]},
                {"name":"day","type":["null",{"type":"int","connect.name":"io.debezium.time.Date"}]},
                {"name":"made","type":["null",{"type":"long","connect.name":"io.debezium.time.MicroTimestamp"}]},
                {"name":"clock","type":["null",{"type":"long","connect.name":"io.debezium.time.MicroTime"}]},
                {"name":"paid","type":["null",{"type":"string","connect.name":"io.debezium.time.ZonedTimestamp"}]},
                {"name":"connect_day","type":["null",{"type":"int","connect.name":"org.apache.kafka.connect.data.Date",
                  "logicalType":"date"}]},
                {"name":"bio","type":["null","string"]},
                {"name":"picture","type":["null","bytes"]},
                {"name":"tags","type":["null",{"type":"array","items":["null","string"]}]}
                ],"connect.name":"shop.public.orders.Value"}],"default":null},
              {"name":"after","type":["null","Value"],"default":null},
              {"name":"source","type":{"type":"record","name":"Source","namespace":"io.debezium.connector.postgresql",
                "fields":[{"name":"db","type":"string"},{"name":"schema","type":"string"},
                {"name":"table","type":"string"},{"name":"sequence","type":["null","string"]},
                {"name":"txId","type":["null","long"]},{"name":"lsn","type":["null","long"]},
                {"name":"ts_ms","type":"long"},{"name":"ts_us","type":["null","long"]}]}},
              {"name":"op","type":"string"}]}
            """;

    @Test
    void aChangeInAvroIsTheSameEvent() throws IOException {
        int id = server.register("AVRO", AVRO, Map.of());
        org.apache.avro.Schema schema = new org.apache.avro.Schema.Parser().parse(AVRO);
        org.apache.avro.Schema rowSchema = schema.getField("before").schema().getTypes().get(1);
        org.apache.avro.Schema exact = rowSchema.getField("exact").schema().getTypes().get(1);
        var row = new GenericData.Record(rowSchema);
        row.put("id", 7L);
        row.put("amount", ByteBuffer.wrap(new byte[] {4, (byte) 0xce}));
        var decimal = new GenericData.Record(exact);
        decimal.put("scale", 3);
        decimal.put("value", ByteBuffer.wrap(new byte[] {4, (byte) 0xd2}));
        row.put("exact", decimal);
        row.put("day", 1);
        row.put("made", 1L);
        row.put("clock", 3_600_000_000L);
        row.put("paid", "2001-01-05T10:11:12Z");
        row.put("connect_day", 2);
        row.put("bio", "b");
        row.put("picture", ByteBuffer.wrap(new byte[] {0, -1}));
        row.put("tags", java.util.Arrays.asList("x", null));
        var source = new GenericData.Record(schema.getField("source").schema());
        source.put("db", "shop");
        source.put("schema", "public");
        source.put("table", "orders");
        source.put("sequence", "[\"4096\",\"8192\"]");
        source.put("txId", 571L);
        source.put("lsn", 8_192L);
        source.put("ts_ms", 1_000L);
        source.put("ts_us", 1_000_001L);
        var change = new GenericData.Record(schema);
        change.put("before", row);
        change.put("after", row);
        change.put("source", source);
        change.put("op", "u");
        assertThat(event(RegistryRecordsTest.framed(id, RegistryRecordsTest.avro(schema, change))))
                .isEqualTo(event(json(change("u", row(), row()), true)));
    }

    @Test
    void tombstonesAreLeftAndWhatIsNoChangeSaysWhy() {
        assertThat(decode("{}".getBytes(UTF_8), null)).isInstanceOf(Decoded.Nothing.class);
        assertThat(problem("{\"id\": 7, \"__deleted\": \"false\"}"))
                .isEqualTo(
                        "no change event: it has no op. Have the connector write whole events, without unwrapping them");
        assertThat(problem("{\"op\": \"m\", \"source\": {}}"))
                .isEqualTo("no change event: its op is 'm'");
        assertThat(problem("{\"op\": ")).startsWith("no change event: not JSON: ");
        assertThat(problem("[".repeat(5_000))).startsWith("no change event: not JSON: ");
        assertThat(problem("7")).isEqualTo("no change event: its op is ''");
        assertThat(problem("\0\0\0\0\7x")).isEqualTo("the registry has no schema of the id 7");
    }

    private String problem(String value) {
        Decoded decoded = decode(null, value.getBytes(UTF_8));
        assertThat(decoded).isInstanceOf(Decoded.Unreadable.class);
        return ((Decoded.Unreadable) decoded).problem();
    }

    @Test
    void aKeyWithItsSchemaIsTheKey() {
        Schema schema = SchemaBuilder.struct().field("id", Schema.INT64_SCHEMA).build();
        byte[] key = json(new Struct(schema).put("id", 7L), true);
        assertThat(((Decoded.Event) decode(key, json(change("d", row(), null), true))).key())
                .hasValue("{\"id\":7}");
    }

    private String seq(String source, String rest) {
        String event =
                event(
                        "{\"op\": \"u\", \"source\": {%s}, \"after\": {}%s}"
                                .formatted(source, rest)
                                .getBytes(UTF_8));
        return event.replaceFirst(".*\"seq\":\"([^\"]*)\".*", "$1");
    }

    @Test
    void changesSortByTheirPlaceInTheDatabasesLog() {
        // of transactions that were open together, the one that was committed first goes first
        assertThat(seq("\"lsn\": 300, \"sequence\": \"[\\\"100\\\",\\\"300\\\"]\"", ""))
                .isLessThan(seq("\"lsn\": 200, \"sequence\": \"[\\\"400\\\",\\\"200\\\"]\"", ""));
        assertThat(seq("\"lsn\": 9", "")).isLessThan(seq("\"lsn\": 10", ""));
        assertThat(seq("\"lsn\": 9", ", \"transaction\": {\"id\": \"1:9\", \"total_order\": 9}"))
                .isLessThan(
                        seq(
                                "\"lsn\": 9",
                                ", \"transaction\": {\"id\": \"1:9\", \"total_order\": 10}"));
        String mysql = "\"file\": \"binlog.000009\", \"pos\": %d, \"row\": %d";
        assertThat(seq(mysql.formatted(90, 1), "")).isLessThan(seq(mysql.formatted(100, 0), ""));
        assertThat(seq("\"file\": \"binlog.000010\", \"pos\": 4, \"row\": 0", ""))
                .isGreaterThan(seq(mysql.formatted(100, 0), ""));
        assertThat(
                        seq(
                                "\"commit_lsn\": \"00000027:00000758:0005\", \"change_lsn\": \"00000027:00000758:0003\", \"event_serial_no\": 1",
                                ""))
                .isEqualTo("00000027:00000758:0005-00000027:00000758:0003-0000000000000001-1");
        // the rows that were there stand at the place up to which they were read
        String server = "\"ts_ms\": 1763880000000, \"commit_lsn\": \"00000027:00000758:000%d\", ";
        String read =
                seq(
                        server.formatted(4) + "\"change_lsn\": null, \"event_serial_no\": null",
                        ", \"op\": \"r\"");
        assertThat(read)
                .isLessThan(
                        seq(
                                server.formatted(5)
                                        + "\"change_lsn\": \"00000027:00000758:0003\", \"event_serial_no\": 1",
                                ""));
        assertThat(seq("\"ts_ms\": 16", ""))
                .isEqualTo("0000000000000010-00000001-0000000000000010");
    }
}
