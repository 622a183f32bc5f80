package org.tonle.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.Type;
import com.google.protobuf.util.JsonFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tonle.registry.RegistryClient.Registered;

class ProtobufTest {
    private RegistryServer server;
    private WireFormat format;

    @BeforeEach
    void open() throws IOException {
        server = new RegistryServer();
        format = new WireFormat(server.schemas());
    }

    @AfterEach
    void close() {
        server.close();
    }

    private static String text(String name) throws IOException {
        try (InputStream in = Message.class.getResourceAsStream("/google/protobuf/" + name)) {
            return new String(in.readAllBytes(), UTF_8);
        }
    }

    private static FileDescriptor parsed(String text) throws IOException {
        return ProtoFiles.of(new Registered("PROTOBUF", text, List.of()), Map.of());
    }

    /** Behind an id, and where the message stands. */
    private static byte[] framed(int id, int[] at, Message message) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int index : at) {
            out.write(index << 1);
        }
        message.writeTo(out);
        return RegistryRecordsTest.framed(id, out.toByteArray());
    }

    private String json(byte[] bytes) {
        WireFormat.Read read = format.read(bytes);
        assertThat(read).isInstanceOf(WireFormat.Read.Value.class);
        return new String(((WireFormat.Read.Value) read).json(), UTF_8);
    }

    private String problem(byte[] bytes) {
        WireFormat.Read read = format.read(bytes);
        assertThat(read).isInstanceOf(WireFormat.Read.Problem.class);
        return ((WireFormat.Read.Problem) read).why();
    }

    /** What Protobuf's own compiler made of the same texts, without what isn't needed to read. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "descriptor.proto",
                "struct.proto",
                "type.proto",
                "api.proto",
                "wrappers.proto",
                "any.proto"
            })
    void aTextBecomesWhatProtobufsOwnCompilerMakesOfIt(String name) throws IOException {
        FileDescriptorProto compiled =
                switch (name) {
                    case "descriptor.proto" ->
                            com.google.protobuf.DescriptorProtos.getDescriptor().toProto();
                    case "struct.proto" ->
                            com.google.protobuf.StructProto.getDescriptor().toProto();
                    case "type.proto" -> com.google.protobuf.TypeProto.getDescriptor().toProto();
                    case "api.proto" -> com.google.protobuf.ApiProto.getDescriptor().toProto();
                    case "wrappers.proto" ->
                            com.google.protobuf.WrappersProto.getDescriptor().toProto();
                    default -> com.google.protobuf.AnyProto.getDescriptor().toProto();
                };
        FileDescriptor ours = parsed(text(name));
        assertThat(ours.getMessageTypes()).hasSize(compiled.getMessageTypeCount());
        for (int i = 0; i < compiled.getMessageTypeCount(); i++) {
            assertThat(said(ours.getMessageTypes().get(i)))
                    .isEqualTo(said(compiled.getMessageType(i)));
        }
    }

    /** Of each field its name in JSON, number, label and type, in the order of the numbers. */
    private static String said(Descriptor type) {
        StringBuilder said = new StringBuilder(type.getName());
        type.getFields().stream()
                .sorted((a, b) -> Integer.compare(a.getNumber(), b.getNumber()))
                .forEach(field ->
                        said.append(
                                "\n%s %d %s %s"
                                        .formatted(
                                                field.getJsonName(),
                                                field.getNumber(),
                                                field.isRepeated()
                                                        ? "LABEL_REPEATED"
                                                        : field.isRequired()
                                                                ? "LABEL_REQUIRED"
                                                                : "LABEL_OPTIONAL",
                                                switch (field.getType()) {
                                                    case MESSAGE ->
                                                            "."
                                                                    + field.getMessageType()
                                                                            .getFullName();
                                                    case ENUM ->
                                                            "." + field.getEnumType().getFullName();
                                                    default -> "TYPE_" + field.getType();
                                                })));
        type.getNestedTypes().forEach(nested -> said.append("\n").append(said(nested)));
        type.getEnumTypes().forEach(values -> said.append("\n").append(said(values.toProto())));
        return said.toString();
    }

    private static String said(DescriptorProto type) {
        StringBuilder said = new StringBuilder(type.getName());
        type.getFieldList().stream()
                .sorted((a, b) -> Integer.compare(a.getNumber(), b.getNumber()))
                .forEach((FieldDescriptorProto field) ->
                        said.append(
                                "\n%s %d %s %s"
                                        .formatted(
                                                field.getJsonName(),
                                                field.getNumber(),
                                                field.getLabel(),
                                                field.hasTypeName()
                                                        ? field.getTypeName()
                                                        : field.getType())));
        type.getNestedTypeList().forEach(nested -> said.append("\n").append(said(nested)));
        type.getEnumTypeList().forEach(values -> said.append("\n").append(said(values)));
        return said.toString();
    }

    private static String said(EnumDescriptorProto values) {
        StringBuilder said = new StringBuilder(values.getName());
        values.getValueList()
                .forEach(value ->
                        said.append(" %s=%d".formatted(value.getName(), value.getNumber())));
        return said.toString();
    }

    @Test
    void whatGeneratedCodeWroteIsReadByTheText() throws IOException {
        int id = server.register("PROTOBUF", text("type.proto"), Map.of());
        Type type =
                Type.newBuilder()
                        .setName("T")
                        .addOneofs("a")
                        .setSyntaxValue(7)
                        .addFields(
                                com.google.protobuf.Field.newBuilder()
                                        .setKind(com.google.protobuf.Field.Kind.TYPE_BOOL)
                                        .setNumber(-3)
                                        .setJsonName("x"))
                        .build();
        assertThat(json(framed(id, new int[] {0}, type)))
                .isEqualTo(
                        """
                        {"name":"T","fields":[{"kind":"TYPE_BOOL","cardinality":"CARDINALITY_UNKNOWN",\
                        "number":-3,"name":"","typeUrl":"","oneofIndex":0,"packed":false,"options":[],\
                        "jsonName":"x","defaultValue":""}],"oneofs":["a"],"options":[],"syntax":7,\
                        "edition":""}\
                        """);
        // the same one, named by its place in full
        assertThat(json(framed(id, new int[] {1, 0}, type))).startsWith("{\"name\":\"T\"");
        assertThat(
                        json(
                                framed(
                                        id,
                                        new int[] {1, 3},
                                        com.google.protobuf.EnumValue.newBuilder()
                                                .setName("E")
                                                .build())))
                .isEqualTo("{\"name\":\"E\",\"number\":0,\"options\":[]}");
    }

    private static final String SHOP =
            """
            syntax = "proto3";
            package shop.v1;
            import "google/protobuf/timestamp.proto";
            import "google/protobuf/duration.proto";
            import "google/protobuf/wrappers.proto";
            import "google/protobuf/struct.proto";
            import "google/protobuf/field_mask.proto";
            import "confluent/meta.proto";
            import "confluent/type/decimal.proto";
            import "common/money.proto";
            option java_package = "com.example";
            message Before { string x = 1; }
            message Order {
              reserved 90 to 99;
              option (confluent.message_meta).doc = "an order {";
              enum State { UNKNOWN = 0; PAID = 1 [deprecated = true]; }
              message Line { int32 units = 1; message Deep { sint64 z = 1; } Deep deep = 2; }
              int64 order_id = 1;
              optional int32 discount = 2;
              repeated Line lines = 3;
              map<string, common.Money> totals = 4;
              map<uint64, bool> flags = 5;
              State state = 6;
              oneof pay { string card = 7; Line credit = 8; }
              google.protobuf.Timestamp at = 9;
              google.protobuf.Duration took = 10;
              google.protobuf.Int64Value maybe = 11;
              google.protobuf.Struct more = 12;
              google.protobuf.FieldMask mask = 13;
              confluent.type.Decimal price = 14;
              bytes raw = 15;
              double ratio = 16;
              uint64 big = 17;
              repeated sint32 packed = 18;
              fixed32 unsigned = 19 [json_name = "u"];
              .shop.v1.Order parent = 20;
            }
            """;

    private static final String MONEY =
            """
            syntax = "proto3";
            package common;
            message Money { string currency = 1; int64 units = 2; }
            """;

    private static Message order(Descriptor type) throws IOException {
        DynamicMessage.Builder order = DynamicMessage.newBuilder(type);
        JsonFormat.parser()
                .merge(
                        """
                        {"orderId": "9007199254740993", "discount": 0, "lines": [{"units": 2}, {"deep": {"z": "-9"}}],
                         "totals": {"a": {"currency": "EUR", "units": "5"}}, "flags": {"18446744073709551615": true},
                         "state": "PAID", "credit": {"units": 1}, "at": "2001-01-05T10:11:12.000000001Z",
                         "took": "-1.500s", "maybe": "0", "more": {"a": [1, null, "x", {"b": true}]},
                         "mask": "a,b", "price": {"value": "MDk=", "precision": 10, "scale": 2}, "raw": "AP8=",
                         "ratio": "NaN", "big": "18446744073709551615", "packed": [1, -1], "u": 4294967295,
                         "parent": {"orderId": "1"}}
                        """,
                        order);
        return order.build();
    }

    @Test
    void nestedImportedAndChosenPartsAreWrittenByProtobufsMappingToJson() throws IOException {
        int money = server.register("PROTOBUF", MONEY, Map.of());
        int id = server.register("PROTOBUF", SHOP, Map.of("common/money.proto", money));
        Descriptor type =
                ProtoFiles.of(
                                new Registered("PROTOBUF", SHOP, List.of()),
                                Map.of(
                                        new RegistryClient.Reference("common/money.proto", "m", 1),
                                        new Registered("PROTOBUF", MONEY, List.of())))
                        .findMessageTypeByName("Order");
        byte[] bytes = framed(id, new int[] {1, 1}, order(type));
        String nothing =
                "\"lines\":[],\"totals\":{},\"flags\":{},\"state\":\"UNKNOWN\",\"raw\":\"\",\"ratio\":0.0,\"big\":0,\"packed\":[],\"u\":0";
        assertThat(json(bytes))
                .isEqualTo(
                        """
                        {"orderId":9007199254740993,"discount":0,"lines":[{"units":2},{"units":0,"deep":{"z":-9}}],\
                        "totals":{"a":{"currency":"EUR","units":5}},"flags":{"18446744073709551615":true},\
                        "state":"PAID","credit":{"units":1},"at":"2001-01-05T10:11:12.000000001Z",\
                        "took":"-1.5s","maybe":0,"more":{"a":[1.0,null,"x",{"b":true}]},"mask":"a,b",\
                        "price":"123.45","raw":"AP8=","ratio":"NaN","big":18446744073709551615,\
                        "packed":[1,-1],"u":4294967295,"parent":{"orderId":1,%s}}\
                        """
                                .formatted(nothing));
        assertThat(((WireFormat.Read.Value) format.read(bytes)).type())
                .isEqualTo(Optional.of("shop.v1.Order"));
        assertThat(json(framed(id, new int[] {2, 1, 0}, DynamicMessage.getDefaultInstance(type))))
                .isEqualTo("{\"units\":0}");
    }

    @Test
    void whatCanNotBeReadSaysWhy() throws IOException {
        int unknown = server.register("PROTOBUF", SHOP, Map.of());
        int plain = server.register("PROTOBUF", MONEY, Map.of());
        int edition = server.register("PROTOBUF", "edition = \"2023\"; message A {}", Map.of());
        int broken = server.register("PROTOBUF", "message A { string x = ; }", Map.of());
        int deep =
                server.register(
                        "PROTOBUF", "message A {".repeat(5_000) + "}".repeat(5_000), Map.of());
        int lacking = server.register("PROTOBUF", "message A { optional B b = 1; }", Map.of());
        Message none = Struct.getDefaultInstance();
        assertThat(problem(framed(unknown, new int[] {0}, none)))
                .contains("no schema of Protobuf")
                .contains("common.Money");
        assertThat(problem(framed(edition, new int[] {0}, none))).contains("edition");
        assertThat(problem(framed(broken, new int[] {0}, none))).contains("no schema of Protobuf");
        assertThat(problem(framed(deep, new int[] {0}, none))).contains("nested too deep");
        assertThat(problem(framed(lacking, new int[] {0}, none))).contains("\"B\"");
        assertThat(problem(framed(plain, new int[] {1, 3}, none)))
                .contains("it names message 3 of 1");
        assertThat(problem(framed(plain, new int[0], none)))
                .contains("it ends before its message is named");
        Struct text = Struct.newBuilder().build();
        assertThat(text.toByteString()).isEqualTo(ByteString.EMPTY);
        // field 1 is a text of 100 bytes, of which there is one
        assertThat(problem(RegistryRecordsTest.framed(plain, new byte[] {0, 10, 100, 'x'})))
                .contains("doesn't fit schema " + plain);
        assertThat(problem(RegistryRecordsTest.framed(plain, new byte[] {0, 10, 1, -1})))
                .contains("UTF-8");
    }

    @Test
    void groupsAndRequiredFieldsOfTheOldSyntaxAreRead() throws IOException {
        String old =
                """
                message A {
                  required int32 id = 1;
                  repeated group Part = 2 { optional string name = 3; }
                  optional bool yes = 4 [default = true];
                  extensions 100 to max;
                }
                """;
        int id = server.register("PROTOBUF", old, Map.of());
        Descriptor type = parsed(old).findMessageTypeByName("A");
        DynamicMessage.Builder value = DynamicMessage.newBuilder(type);
        JsonFormat.parser().merge("{\"id\": 1, \"part\": [{\"name\": \"x\"}]}", value);
        assertThat(json(framed(id, new int[] {0}, value.build())))
                .isEqualTo("{\"id\":1,\"part\":[{\"name\":\"x\"}]}");
    }
}
