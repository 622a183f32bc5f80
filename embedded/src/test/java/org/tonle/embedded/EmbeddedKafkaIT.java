package org.tonle.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Exit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

class EmbeddedKafkaIT {
    private static final String TOPIC = "kept";

    /** Who speaks another protocol is answered nothing, however long it waits. */
    private static final Duration NO_ANSWER = Duration.ofSeconds(3);

    @TempDir Path dir;

    @Test
    void recordsAreThereAfterARestart() throws Exception {
        try (EmbeddedKafka kafka = EmbeddedKafka.start(dir);
                Admin admin = Admin.create(properties(kafka.clientProperties()))) {
            createTopic(admin);
            produce(kafka.clientProperties(), "one", "two");
        }
        try (EmbeddedKafka kafka = EmbeddedKafka.start(dir)) {
            assertThat(read(kafka.clientProperties(), 2)).containsExactly("one", "two");
        }
    }

    @Test
    void whatWasAcknowledgedIsThereAfterAKill() throws Exception {
        try (ChildProcess child = ChildProcess.start(Holder.class, dir)) {
            assertThatThrownBy(() -> EmbeddedKafka.start(dir))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.IN_USE))
                    .hasMessageContaining("process " + child.pid());
            child.kill();
        }
        try (EmbeddedKafka kafka = EmbeddedKafka.start(dir)) {
            assertThat(read(kafka.clientProperties(), 2)).containsExactly("one", "two");
        }
    }

    /** Appends two records and waits to be killed. */
    static final class Holder {
        public static void main(String[] arguments) throws Exception {
            EmbeddedKafka kafka = EmbeddedKafka.start(Path.of(arguments[0]));
            try (Admin admin = Admin.create(properties(kafka.clientProperties()))) {
                createTopic(admin);
            }
            produce(kafka.clientProperties(), "one", "two");
            ChildProcess.ready();
        }
    }

    @Test
    void nobodyGetsInWithoutThePassword() throws Exception {
        try (EmbeddedKafka kafka = EmbeddedKafka.start(dir)) {
            assertThat(clusterId(kafka.clientProperties())).isNotEmpty();

            Map<String, String> wrong = new HashMap<>(kafka.clientProperties());
            wrong.computeIfPresent(
                    "sasl.jaas.config",
                    (k, v) -> v.replaceAll("password=\"\\w+\"", "password=\"guess\""));
            assertThatThrownBy(() -> clusterId(wrong))
                    .hasCauseInstanceOf(SaslAuthenticationException.class);

            assertThatThrownBy(() ->
                            clusterId(
                                    Map.of("bootstrap.servers", "127.0.0.1:" + kafka.port()),
                                    NO_ANSWER))
                    .hasCauseInstanceOf(TimeoutException.class);
            String controller = Files.readString(dir.resolve("controller-port"));
            assertThatThrownBy(() ->
                            clusterId(
                                    Map.of("bootstrap.controllers", "127.0.0.1:" + controller),
                                    NO_ANSWER))
                    .hasCauseInstanceOf(TimeoutException.class);
            Map<String, String> wrongController = new HashMap<>(wrong);
            wrongController.remove("bootstrap.servers");
            wrongController.put("bootstrap.controllers", "127.0.0.1:" + controller);
            assertThatThrownBy(() -> clusterId(wrongController))
                    .hasCauseInstanceOf(SaslAuthenticationException.class);
        }
    }

    @Test
    void theBrokerForcesEachRecordAndListensOnLoopback() throws Exception {
        try (EmbeddedKafka kafka = EmbeddedKafka.start(dir);
                Admin admin = Admin.create(properties(kafka.clientProperties()))) {
            ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
            Config config =
                    admin.describeConfigs(List.of(broker))
                            .all()
                            .get(90, TimeUnit.SECONDS)
                            .get(broker);
            assertThat(config.get("log.flush.interval.messages").value()).isEqualTo("1");
            assertThat(config.get("auto.create.topics.enable").value()).isEqualTo("false");
            assertThat(config.get("listeners").value().split(","))
                    .hasSize(2)
                    .allMatch(listener -> listener.contains("://127.0.0.1:"));
            createTopic(admin);
            ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, TOPIC);
            Config created =
                    admin.describeConfigs(List.of(topic))
                            .all()
                            .get(90, TimeUnit.SECONDS)
                            .get(topic);
            assertThat(created.get("flush.messages").value()).isEqualTo("1");
        }
    }

    @Test
    void nothingIsLeftRunningAfterClose() {
        EmbeddedKafka kafka = EmbeddedKafka.start(dir);
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        assertThat(before).anyMatch(EmbeddedKafkaIT::isKafkas);
        kafka.close();
        kafka.close();
        assertThat(Thread.getAllStackTraces().keySet()).noneMatch(EmbeddedKafkaIT::isKafkas);
        assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), kafka.port()).close())
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void aFolderThatKafkaWouldTakeForTwoIsRefused() {
        assertThatThrownBy(() -> EmbeddedKafka.start(dir.resolve("one,two")))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_DEFINITION))
                .hasMessageContaining("one,two");
        EmbeddedKafka.start(dir.resolve("my lake's $HOME")).close();
    }

    private static boolean isKafkas(Thread thread) {
        return thread.isAlive()
                && (thread.getName().contains("kafka") || thread.getName().contains("broker-1"));
    }

    @Test
    void aBrokerThatGivesUpDoesNotTakeTheProcessWithIt() {
        try (EmbeddedKafka kafka = EmbeddedKafka.start(dir)) {
            assertThat(kafka.fault()).isEmpty();
            assertThatThrownBy(() -> Exit.halt(1, "all log dirs have failed"))
                    .isInstanceOf(Error.class);
            assertThat(kafka.fault())
                    .hasValueSatisfying(
                            reason -> assertThat(reason).contains("all log dirs have failed"));
        }
    }

    private static String clusterId(Map<String, String> client) throws Exception {
        return clusterId(client, Duration.ofSeconds(90));
    }

    private static String clusterId(Map<String, String> client, Duration limit) throws Exception {
        Map<String, Object> settings = properties(client);
        settings.put("default.api.timeout.ms", Long.toString(limit.toMillis()));
        settings.put("request.timeout.ms", Long.toString(limit.toMillis()));
        try (Admin admin = Admin.create(settings)) {
            return admin.describeCluster().clusterId().get(180, TimeUnit.SECONDS);
        }
    }

    private static void createTopic(Admin admin) throws Exception {
        admin.createTopics(List.of(new NewTopic(TOPIC, 1, (short) 1)))
                .all()
                .get(90, TimeUnit.SECONDS);
    }

    private static void produce(Map<String, String> client, String... values) throws Exception {
        Map<String, Object> settings = properties(client);
        settings.put("acks", "all");
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(
                        settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (String value : values) {
                producer.send(new ProducerRecord<>(TOPIC, value.getBytes(StandardCharsets.UTF_8)))
                        .get(90, TimeUnit.SECONDS);
            }
        }
    }

    private static List<String> read(Map<String, String> client, int count) {
        Map<String, Object> settings = properties(client);
        settings.put("auto.offset.reset", "none");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            TopicPartition partition = new TopicPartition(TOPIC, 0);
            consumer.assign(List.of(partition));
            consumer.seek(partition, 0);
            List<String> values = new ArrayList<>();
            long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
            while (values.size() < count && System.nanoTime() < deadline) {
                for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(200))) {
                    values.add(new String(r.value(), StandardCharsets.UTF_8));
                }
            }
            return values;
        }
    }

    private static Map<String, Object> properties(Map<String, String> client) {
        return new HashMap<>(client);
    }
}
