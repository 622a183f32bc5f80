package org.tonle.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.tonle.definition.EventLogDefinition;
import org.tonle.definition.Secret;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.definition.TopicFormat;

/** Somebody's topics in a lake's cluster, and what bronze has of them. */
final class OutsideTopics {
    private final TestLake lake;

    OutsideTopics(TestLake lake) {
        this.lake = lake;
    }

    SourceDefinition source(String topic, boolean fromStart) {
        return source(lake.kafka.clientProperties().get("bootstrap.servers"), topic, fromStart);
    }

    SourceDefinition source(String servers, String topic, boolean fromStart) {
        SourceDefinition plain = SourceDefinition.named(TestLake.uniqueSource());
        Map<String, Secret> properties = new HashMap<>();
        lake.kafka
                .clientProperties()
                .forEach((name, value) -> properties.put(name, new Secret(value)));
        properties.remove("bootstrap.servers");
        return new SourceDefinition(
                plain.name(),
                plain.place(),
                "id",
                plain.eventTimeField(),
                plain.keyField(),
                plain.columns(),
                plain.partitions(),
                plain.retention(),
                new SourceKind.Kafka(
                        topic,
                        new EventLogDefinition.Cluster(servers, properties),
                        fromStart,
                        TopicFormat.JSON,
                        Optional.empty()));
    }

    Map<String, Object> client() {
        return new HashMap<>(lake.kafka.clientProperties());
    }

    String topic(int partitions) throws Exception {
        return topic("orders-" + UUID.randomUUID(), partitions);
    }

    String topic(String topic, int partitions) throws Exception {
        try (Admin admin = Admin.create(client())) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1)))
                    .all()
                    .get(90, TimeUnit.SECONDS);
        }
        return topic;
    }

    KafkaProducer<byte[], byte[]> producer(Map<String, Object> more) {
        Map<String, Object> settings = client();
        settings.put("acks", "all");
        // several at once to a leader that is new can come out of order, and are tried for minutes
        settings.put("max.in.flight.requests.per.connection", 1);
        settings.putAll(more);
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    void increase(String topic, int partitions) throws Exception {
        try (Admin admin = Admin.create(client())) {
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(partitions)))
                    .all()
                    .get(90, TimeUnit.SECONDS);
        }
    }

    /** Records {@code from} to {@code to}, one after the other over the partitions. */
    void produce(String topic, int partitions, int from, int to) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
            for (int i = from; i <= to; i++) {
                producer.send(
                        new ProducerRecord<>(
                                topic,
                                i % partitions,
                                ("k" + i).getBytes(UTF_8),
                                "{\"id\":%d}".formatted(i).getBytes(UTF_8)));
            }
        }
    }

    static void await(BooleanSupplier until) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!until.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    boolean has(SourceDefinition source, int rows) {
        List<String> counts = counts(source);
        return !counts.isEmpty() && counts.getFirst().startsWith(rows + "|");
    }

    List<String> counts(SourceDefinition source) {
        return lake.ask(
                source.name(),
                "SELECT count(*), count(DISTINCT event_id), count(DISTINCT (partition, position))"
                        + " FROM bronze");
    }
}
