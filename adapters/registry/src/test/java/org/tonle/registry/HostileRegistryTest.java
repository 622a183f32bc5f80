package org.tonle.registry;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tonle.definition.RegistryDefinition;
import org.tonle.spi.LakeException;
import org.tonle.spi.RecordDecoder.Decoded;
import org.tonle.spi.TopicRecord;

/** What somebody registers, or a server that answers, to stop whoever reads the topic. */
class HostileRegistryTest {
    /** Messages that have the names of those that Protobuf's mapping knows, and other fields. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "package google.protobuf; message Timestamp { string seconds = 1; int32 nanos = 2; }",
                "package google.protobuf; message Duration { int64 other = 7; }",
                "package google.protobuf; message FieldMask { string paths = 1; }",
                "package google.protobuf; message Struct { repeated string fields = 1; }",
                "package google.protobuf; message Value { repeated Value v = 1; }",
                "package google.protobuf; message Int64Value { }",
                "package confluent.type; message Decimal { string value = 1; string scale = 3; }",
            })
    void aMessageThatOnlyHasAKnownNameIsRefusedOrRead(String text) throws IOException {
        try (RegistryServer server = new RegistryServer();
                RegistryRecords records = new RegistryRecords(server.schemas(), false)) {
            int id = server.register("PROTOBUF", "syntax = \"proto3\"; " + text, Map.of());
            for (byte[] value :
                    new byte[][] {{0}, {0, 10, 1, 'x'}, {0, 10, 0}, {0, 10, 2, 10, 0}, {0, 8, 1}}) {
                byte[] record = RegistryRecordsTest.framed(id, value);
                assertThat(records.decode(new TopicRecord(0, 0, 0, null, record)))
                        .isInstanceOfAny(Decoded.Unreadable.class, Decoded.Event.class);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"R\"},{\"name\":\"b\",\"type\":\"R\"}]}",
                "{\"type\":\"array\",\"items\":\"null\"}",
                "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2147483647}",
                "{\"type\":\"fixed\",\"name\":\"F\",\"size\":0,\"logicalType\":\"uuid\"}",
                "{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}",
                "{\"type\":\"fixed\",\"name\":\"F\",\"size\":3,\"logicalType\":\"uuid\"}",
                "{\"type\":\"fixed\",\"name\":\"F\",\"size\":3,\"logicalType\":\"duration\"}",
                "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":-1}",
                "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":2147483647,\"scale\":2147483647}",
                "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[]}",
                "[]",
                "[[\"null\"]]",
                "{\"type\":null}",
                "null",
                "",
                "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{}]}",
                "{\"type\":\"record\",\"name\":\"R\",\"fields\":{\"a\":1}}",
                "{\"type\":\"record\",\"name\":null,\"fields\":[]}",
                "{\"type\":{\"type\":{\"type\":\"int\"}}}",
            })
    @Timeout(60)
    void anySchemaOfAvroIsReadOrRefused(String text) throws IOException {
        try (RegistryServer server = new RegistryServer();
                RegistryRecords records = new RegistryRecords(server.schemas(), false)) {
            int id = server.register("AVRO", text, Map.of());
            for (byte[] value :
                    new byte[][] {
                        {}, {0}, {2, 0}, {1, 2, 3}, {-2, -1, -1, -1, -1, -1, -1, -1, -1, 1, 0}
                    }) {
                byte[] record = RegistryRecordsTest.framed(id, value);
                assertThat(records.decode(new TopicRecord(0, 0, 0, null, record)))
                        .isInstanceOfAny(Decoded.Unreadable.class, Decoded.Event.class);
            }
        }
    }

    @Test
    void aSchemaThatIsTooLargeStopsNobody() throws IOException {
        try (RegistryServer server = new RegistryServer();
                RegistryRecords records = new RegistryRecords(server.schemas(), false)) {
            int id = server.register("AVRO", " ".repeat(5 << 20) + "\"int\"", Map.of());
            byte[] record = RegistryRecordsTest.framed(id, new byte[] {2});
            assertThat(records.decode(new TopicRecord(0, 0, 0, null, record)))
                    .isInstanceOfSatisfying(
                            Decoded.Unreadable.class,
                            unreadable ->
                                    assertThat(unreadable.problem())
                                            .contains("it has more than 4194304 bytes"));
        }
    }

    @Test
    @Timeout(60)
    void aRegistryThatStopsInTheMiddleOfAnAnswerIsNotWaitedForForever() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            Thread answering =
                    Thread.ofVirtual()
                            .start(() -> {
                                try (Socket socket = server.accept()) {
                                    socket.getOutputStream()
                                            .write(
                                                    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"schema\":"
                                                            .getBytes(US_ASCII));
                                    done.await();
                                } catch (IOException | InterruptedException e) {
                                    Thread.currentThread().interrupt();
                                }
                            });
            RegistryDefinition definition =
                    new RegistryDefinition(
                            URI.create("http://127.0.0.1:" + server.getLocalPort()),
                            Optional.empty(),
                            Optional.empty());
            try (RegistryClient client = new RegistryClient(definition, Duration.ofSeconds(1))) {
                assertThatThrownBy(() -> client.schema(1))
                        .isInstanceOf(LakeException.class)
                        .hasMessageContaining("doesn't answer");
            } finally {
                done.countDown();
                answering.join();
            }
        }
    }
}
