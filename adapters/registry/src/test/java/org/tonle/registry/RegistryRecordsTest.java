package org.tonle.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.Conversions;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tonle.definition.RegistryDefinition;
import org.tonle.definition.Secret;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.RecordDecoder.Decoded;
import org.tonle.spi.TopicRecord;

class RegistryRecordsTest {
    private RegistryServer server;
    private RegistryRecords records;

    @BeforeEach
    void open() throws IOException {
        server = new RegistryServer();
        records = new RegistryRecords(server.schemas(), false);
    }

    @AfterEach
    void close() {
        records.close();
        server.close();
    }

    static byte[] framed(int id, byte[] value) {
        return ByteBuffer.allocate(5 + value.length).put((byte) 0).putInt(id).put(value).array();
    }

    static byte[] avro(Schema schema, Object value) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<>(schema).write(value, encoder);
        encoder.flush();
        return out.toByteArray();
    }

    private Decoded decode(byte[] value) {
        return records.decode(new TopicRecord(0, 0, 0, null, value));
    }

    private String json(byte[] value) {
        Decoded decoded = decode(value);
        assertThat(decoded).isInstanceOf(Decoded.Event.class);
        return new String(((Decoded.Event) decoded).json(), UTF_8);
    }

    private String problem(byte[] value) {
        Decoded decoded = decode(value);
        assertThat(decoded).isInstanceOf(Decoded.Unreadable.class);
        return ((Decoded.Unreadable) decoded).problem();
    }

    private static Schema schema(String text) {
        return new Schema.Parser().parse(text);
    }

    @Test
    void eachTypeOfAvroBecomesTheJsonThatNothingIsLostIn() throws IOException {
        String text =
                """
                {"type": "record", "name": "shop.Order", "fields": [
                  {"name": "id", "type": "long"},
                  {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 2}},
                  {"name": "day", "type": {"type": "int", "logicalType": "date"}},
                  {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
                  {"name": "wall", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
                  {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
                  {"name": "raw", "type": "bytes"},
                  {"name": "key", "type": {"type": "fixed", "name": "Key", "size": 16, "logicalType": "uuid"}},
                  {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
                  {"name": "note", "type": ["null", "string"]},
                  {"name": "either", "type": ["string", "long"]},
                  {"name": "tags", "type": {"type": "map", "values": "int"}},
                  {"name": "parts", "type": {"type": "array", "items": "double"}},
                  {"name": "small", "type": "float"},
                  {"name": "yes", "type": "boolean"},
                  {"name": "next", "type": ["null", "Order"]}]}
                """;
        Schema schema = schema(text);
        GenericRecord order = new GenericData.Record(schema);
        order.put("id", Long.MAX_VALUE);
        order.put(
                "amount",
                new Conversions.DecimalConversion()
                        .toBytes(
                                new BigDecimal("-123456789012345678.90"),
                                schema.getField("amount").schema(),
                                LogicalTypes.decimal(20, 2)));
        order.put("day", -1);
        order.put("at", 1_000_001L);
        order.put("wall", -1L);
        order.put("clock", 3_661_001);
        order.put("raw", ByteBuffer.wrap(new byte[] {0, -1}));
        order.put("key", new GenericData.Fixed(schema.getField("key").schema(), new byte[16]));
        order.put("state", new GenericData.EnumSymbol(schema.getField("state").schema(), "PAID"));
        order.put("note", null);
        order.put("either", 7L);
        order.put("tags", Map.of("ü\"", 1));
        order.put("parts", List.of(0.1, Double.NaN, Double.NEGATIVE_INFINITY));
        order.put("small", 0.1f);
        order.put("yes", true);
        order.put("next", null);
        int id = server.register("AVRO", text, Map.of());
        Decoded decoded = decode(framed(id, avro(schema, order)));
        assertThat(((Decoded.Event) decoded).headers())
                .isEqualTo(Map.of("tonle-schema-id", "" + id, "tonle-schema-name", "shop.Order"));
        assertThat(new String(((Decoded.Event) decoded).json(), UTF_8))
                .isEqualTo(
                        """
                        {"id":9223372036854775807,"amount":"-123456789012345678.90","day":"1969-12-31",\
                        "at":"1970-01-01T00:00:01.000001Z","wall":"1969-12-31T23:59:59.999",\
                        "clock":"01:01:01.001","raw":"AP8=","key":"00000000-0000-0000-0000-000000000000",\
                        "state":"PAID","note":null,"either":7,"tags":{"ü\\"":1},\
                        "parts":[0.1,"NaN","-Infinity"],"small":0.1,"yes":true,"next":null}\
                        """);
    }

    @Test
    void aSchemaIsAskedForOnceAndSoIsOneThatIsNotThere() throws IOException {
        Schema schema = schema("\"long\"");
        int id = server.register("AVRO", "\"long\"", Map.of());
        for (long i = 0; i < 5; i++) {
            assertThat(json(framed(id, avro(schema, i)))).isEqualTo("" + i);
        }
        assertThat(problem(framed(99, new byte[1])))
                .isEqualTo(problem(framed(99, new byte[2])))
                .isEqualTo("the registry has no schema of the id 99");
        assertThat(server.asked).hasValue(2);
    }

    @Test
    void schemasMayReferToOthers() throws IOException {
        String customer =
                "{\"type\":\"record\",\"name\":\"a.Customer\",\"fields\":[{\"name\":\"n\",\"type\":\"string\"}]}";
        String order =
                "{\"type\":\"record\",\"name\":\"a.Order\",\"fields\":[{\"name\":\"c\",\"type\":\"a.Customer\"}]}";
        int customerId = server.register("AVRO", customer, Map.of());
        int orderId = server.register("AVRO", order, Map.of("a.Customer", customerId));
        Schema.Parser parser = new Schema.Parser();
        Schema inner = parser.parse(customer);
        GenericRecord value = new GenericData.Record(parser.parse(order));
        GenericRecord part = new GenericData.Record(inner);
        part.put("n", "x");
        value.put("c", part);
        assertThat(json(framed(orderId, avro(value.getSchema(), value))))
                .isEqualTo("{\"c\":{\"n\":\"x\"}}");
        int lost = server.register("AVRO", order, Map.of("a.Customer", 77));
        assertThat(problem(framed(lost, avro(value.getSchema(), value))))
                .contains("it refers to a.Customer, version 1 of subject 77, which isn't there");
    }

    @Test
    void whatDoesNotFitItsSchemaSaysWhereAndKeepsTheId() throws IOException {
        int id = server.register("AVRO", "{\"type\":\"array\",\"items\":\"null\"}", Map.of());
        int texts = server.register("AVRO", "\"string\"", Map.of());
        int longs = server.register("AVRO", "\"long\"", Map.of());
        int loop =
                server.register(
                        "AVRO",
                        "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"l\",\"type\":\"L\"}]}",
                        Map.of());
        int bad = server.register("AVRO", "{\"type\":\"nothing\"}", Map.of());
        int deep =
                server.register(
                        "AVRO",
                        "{\"type\":\"array\",\"items\":".repeat(900) + "\"int\"" + "}".repeat(900),
                        Map.of());
        int other = server.register("THRIFT", "struct", Map.of());
        assertThat(problem("{\"id\": 1}".getBytes(UTF_8)))
                .isEqualTo("the value begins with 0x7b instead of 0 and the id of a schema");
        assertThat(problem(new byte[3])).contains("the value has 3 bytes");
        assertThat(problem(framed(0, new byte[3]))).contains("which is no id of a schema");
        // as many elements as a long can count, of no bytes each
        assertThat(problem(framed(id, new byte[] {-2, -1, -1, -1, -1, -1, -1, -1, -1, 1})))
                .contains("it becomes more than 16777216 bytes of JSON");
        // a text as long as memory
        assertThat(problem(framed(texts, new byte[] {-2, -1, -1, -1, 15, 'a'})))
                .contains("2147483647 bytes are due at byte 10 and 1 are left");
        assertThat(problem(framed(texts, new byte[] {2, -1}))).contains("a text isn't UTF-8");
        assertThat(problem(framed(longs, new byte[] {2, 2})))
                .contains("1 bytes are left behind what its schema describes");
        assertThat(problem(framed(longs, new byte[0]))).contains("1 bytes are due at byte 5");
        assertThat(problem(framed(loop, new byte[0]))).contains("nested more than 500 levels");
        assertThat(problem(framed(bad, new byte[0]))).contains("it is no schema of Avro");
        byte[] ones = new byte[1000];
        Arrays.fill(ones, (byte) 2);
        assertThat(problem(framed(deep, ones))).contains("nested more than 500 levels");
        assertThat(problem(framed(other, new byte[0]))).contains("it is of type THRIFT");
        assertThat(((Decoded.Unreadable) decode(framed(bad, new byte[0]))).headers())
                .containsEntry("tonle-schema-id", "" + bad);
    }

    @Test
    void keysAreTextsWhateverTheyWereWrittenWith() throws IOException {
        int text = server.register("AVRO", "\"string\"", Map.of());
        String struct =
                "{\"type\":\"record\",\"name\":\"K\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"}]}";
        int record = server.register("AVRO", struct, Map.of());
        GenericRecord key = new GenericData.Record(schema(struct));
        key.put("id", 5);
        byte[] value = framed(text, avro(schema("\"string\""), "v"));
        assertThat(key(framed(text, avro(schema("\"string\""), "k\"1")), value)).hasValue("k\"1");
        assertThat(key(framed(record, avro(key.getSchema(), key)), value)).hasValue("{\"id\":5}");
        assertThat(key("plain".getBytes(UTF_8), value)).isEmpty();
        // a long of Kafka's own serializer, which names no schema that is there
        assertThat(key(ByteBuffer.allocate(8).putLong(99L << 24).array(), value)).isEmpty();
        assertThat(key(framed(record, avro(key.getSchema(), key)), null)).hasValue("{\"id\":5}");
    }

    private Optional<String> key(byte[] key, byte[] value) {
        return ((Decoded.Event) records.decode(new TopicRecord(0, 0, 0, key, value))).key();
    }

    @Test
    void jsonMayNameItsSchemaOrNone() {
        int id = server.register("JSON", "{\"type\": \"object\"}", Map.of());
        try (RegistryRecords plainToo = new RegistryRecords(server.schemas(), true)) {
            for (byte[] value :
                    List.of("{\"a\":1}".getBytes(UTF_8), framed(id, "{\"a\":1}".getBytes(UTF_8)))) {
                assertThat(plainToo.decode(new TopicRecord(0, 0, 0, null, value)))
                        .isInstanceOfSatisfying(
                                Decoded.Event.class,
                                event ->
                                        assertThat(event.json())
                                                .isEqualTo("{\"a\":1}".getBytes(UTF_8)));
            }
        }
    }

    @Test
    void aRegistryThatDoesNotAnswerIsAskedAgainAndOneThatRefusesSaysSo() throws IOException {
        int id = server.register("AVRO", "\"long\"", Map.of());
        byte[] value = framed(id, avro(schema("\"long\""), 1L));
        try (RegistryRecords wrong =
                new RegistryRecords(
                        new Schemas(new RegistryClient(server.definition("guess"))), false)) {
            assertThatThrownBy(() -> wrong.decode(new TopicRecord(0, 0, 0, null, value)))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAUTHENTICATED))
                    .hasMessageContaining("refused user lake (HTTP 401)")
                    .hasMessageNotContaining("guess");
        }
        RegistryDefinition elsewhere =
                new RegistryDefinition(
                        server.definition("").url().resolve("/console/"),
                        Optional.of(RegistryServer.USER),
                        Optional.of(new Secret(RegistryServer.PASSWORD)));
        try (RegistryRecords wrong =
                new RegistryRecords(new Schemas(new RegistryClient(elsewhere)), false)) {
            assertThatThrownBy(() -> wrong.decode(new TopicRecord(0, 0, 0, null, value)))
                    .isInstanceOf(LakeException.class)
                    .hasMessageContaining("answered /schemas/ids/1 with HTTP 404 and no schema");
        }
        server.close();
        assertThatThrownBy(() -> decode(value))
                .isInstanceOf(LakeException.class)
                .hasMessageContaining("doesn't answer");
    }
}
