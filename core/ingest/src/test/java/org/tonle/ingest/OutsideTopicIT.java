package org.tonle.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.EventLogDefinition;
import org.tonle.definition.Secret;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.definition.TopicFormat;
import org.tonle.ingest.SourceStatus.State;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;

/** Topics of a cluster that isn't the lake's, reached with credentials. */
class OutsideTopicIT {
    @TempDir private static Path dir;
    private static TestLake lake;

    @BeforeAll
    static void open() {
        lake = new TestLake(dir);
    }

    @AfterAll
    static void close() {
        lake.close();
    }

    private static SourceDefinition source(String topic, boolean fromStart) {
        SourceDefinition plain = SourceDefinition.named(TestLake.uniqueSource());
        Map<String, Secret> properties = new HashMap<>();
        lake.kafka
                .clientProperties()
                .forEach((name, value) -> properties.put(name, new Secret(value)));
        String servers = properties.remove("bootstrap.servers").reveal();
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

    private static Map<String, Object> client() {
        return new HashMap<>(lake.kafka.clientProperties());
    }

    private static String topic(int partitions) throws Exception {
        String topic = "orders-" + UUID.randomUUID();
        try (Admin admin = Admin.create(client())) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1)))
                    .all()
                    .get(90, TimeUnit.SECONDS);
        }
        return topic;
    }

    private static KafkaProducer<byte[], byte[]> producer(Map<String, Object> more) {
        Map<String, Object> settings = client();
        settings.put("acks", "all");
        // several at once to a leader that is new can come out of order, and are tried for minutes
        settings.put("max.in.flight.requests.per.connection", 1);
        settings.putAll(more);
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** Records {@code from} to {@code to}, one after the other over the partitions. */
    private static void produce(String topic, int partitions, int from, int to) throws Exception {
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

    private static Ingest ingest(String holder, SourceDefinition source)
            throws InterruptedException {
        return lake.ingest(
                FailPoints.NONE, TestLake.settings(holder, Duration.ofMillis(50)), source);
    }

    private static void await(BooleanSupplier until) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!until.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    private static boolean has(SourceDefinition source, int rows) {
        List<String> counts = counts(source);
        return !counts.isEmpty() && counts.getFirst().startsWith(rows + "|");
    }

    private static List<String> counts(SourceDefinition source) {
        return lake.ask(
                source.name(),
                "SELECT count(*), count(DISTINCT event_id), count(DISTINCT (partition, position))"
                        + " FROM bronze");
    }

    @Test
    void eachRecordIsOneEventWithItsKeyAndHeaders() throws Exception {
        String topic = topic(1);
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
            ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(topic, 0, "k".getBytes(UTF_8), "[1, 2]".getBytes(UTF_8));
            record.headers().add("trace", "t1".getBytes(UTF_8));
            producer.send(record);
            producer.send(new ProducerRecord<>(topic, 0, new byte[] {(byte) 0xff}, null));
            producer.send(new ProducerRecord<>(topic, 0, null, "{\"id\":".getBytes(UTF_8)));
            producer.send(new ProducerRecord<>(topic, 0, null, new byte[] {(byte) 0xc3, 1}));
            producer.send(new ProducerRecord<>(topic, 0, null, new byte[0]));
        }
        SourceDefinition source = source(topic, true);
        try (Ingest ingest = ingest("a", source)) {
            await(() -> has(source, 5));
            assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
        }
        assertThat(
                        lake.ask(
                                source.name(),
                                "SELECT position, key, payload, headers['trace'],"
                                        + " headers['tonle-tombstone'], headers['tonle-problem']"
                                        + " FROM bronze ORDER BY 1"))
                .containsExactly(
                        "0|k|[1, 2]|t1|null|null",
                        "1|/w==|null|null|true|null",
                        "2|null|{\"id\":|null|null|not JSON: byte 6 is missing: the body ends where a value is due",
                        "3|null|wwE=|null|null|not JSON: byte 0 is 0xc3, where a value is due",
                        "4|null||null|null|the record's value is empty");
    }

    @Test
    void twoProcessesShareThePartitionsAndOneTakesAllWhenTheOtherEnds() throws Exception {
        String topic = topic(4);
        produce(topic, 4, 1, 1_000);
        SourceDefinition source = source(topic, true);
        try (Ingest first = ingest("a", source)) {
            await(() -> has(source, 1_000));
            try (Ingest second = ingest("b", source)) {
                await(() ->
                        lake.ledger.leases("ingest/" + source.name() + "/").stream()
                                        .filter(lease -> lease.holder().equals("b"))
                                        .count()
                                == 2);
                produce(topic, 4, 1_001, 2_000);
                await(() -> has(source, 2_000));
                await(() -> second.status().getFirst().state() == State.RUNNING);
            }
            produce(topic, 4, 2_001, 3_000);
            await(() -> has(source, 3_000));
            try (Admin admin = Admin.create(client())) {
                admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(6)))
                        .all()
                        .get(90, TimeUnit.SECONDS);
            }
            produce(topic, 6, 3_001, 4_000);
            await(() -> has(source, 4_000));
        }
        assertThat(counts(source)).containsExactly("4000|4000|4000");
    }

    @Test
    void onlyWhatIsCommittedIsReadAndTheEndOfATransactionIsNoGap() throws Exception {
        String topic = topic(1);
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("transactional.id", topic))) {
            producer.initTransactions();
            for (int i = 0; i < 4; i++) {
                producer.beginTransaction();
                producer.send(
                        new ProducerRecord<>(
                                topic, 0, null, "{\"id\":%d}".formatted(i).getBytes(UTF_8)));
                if (i % 2 == 0) {
                    producer.commitTransaction();
                } else {
                    producer.flush();
                    producer.abortTransaction();
                }
            }
        }
        SourceDefinition source = source(topic, true);
        for (int start = 0; start < 2; start++) {
            try (Ingest ingest = ingest("a", source)) {
                await(() -> has(source, 2));
                assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
            }
        }
        assertThat(lake.ask(source.name(), "SELECT position, event_id FROM bronze ORDER BY 1"))
                .containsExactly("0|0", "4|2");
    }

    @Test
    void aSourceMayBeginWithWhatComes() throws Exception {
        String topic = topic(2);
        produce(topic, 2, 1, 10);
        SourceDefinition source = source(topic, false);
        try (Ingest ingest = ingest("a", source)) {
            produce(topic, 2, 11, 14);
            await(() -> has(source, 4));
        }
        assertThat(lake.ask(source.name(), "SELECT min(event_id::int) FROM bronze"))
                .containsExactly("11");
    }

    @Test
    void aTopicIsNotReadWhileItsSourceIsPausedAlsoByProcessesThatStartThen() throws Exception {
        String topic = topic(2);
        produce(topic, 2, 1, 1_000);
        SourceDefinition source = source(topic, true);
        try (Ingest first = ingest("a", source)) {
            await(() -> has(source, 1_000));
            var paused = first.pause(source.name(), "anna");
            assertThat(paused.state()).isEqualTo(State.PAUSED);
            await(() -> lake.ledger.leases("ingest/" + source.name()).isEmpty());
            produce(topic, 2, 1_001, 2_000);
            try (Ingest second = ingest("b", source)) {
                assertThat(second.status().getFirst().state()).isEqualTo(State.PAUSED);
                assertThat(second.drain(Duration.ofSeconds(90))).isTrue();
            }
            assertThat(has(source, 1_000)).isTrue();
            var resumed = first.resume(source.name(), "anna");
            assertThat(resumed.paused()).isEmpty();
            await(() -> has(source, 2_000));
            // the ledger has them a moment before the process that brought them counts them
            await(() -> first.status().getFirst().counts().events() == 2_000);
        }
        assertThat(counts(source)).containsExactly("2000|2000|2000");
    }

    @Test
    void aSourceLagsWhenWhatItsTopicHeldLongAgoIsNotInBronze() throws Exception {
        String topic = topic(1);
        SourceDefinition source = source(topic, true);
        CompletableFuture<Void> mayCommit =
                new CompletableFuture<Void>().completeOnTimeout(null, 1, TimeUnit.MINUTES);
        FailPoints held =
                point -> {
                    if (point.equals("ingest.before-commit")) {
                        mayCommit.join();
                    }
                };
        try (Ingest ingest =
                lake.ingest(
                        held,
                        // so that the end of the topic is asked between reading and committing
                        TestLake.settings("a", Duration.ofSeconds(5)),
                        source)) {
            produce(topic, 1, 1, 100);
            await(() -> ingest.status().getFirst().lag() == 100);
            assertThat(ingest.status().getFirst().state()).isEqualTo(State.RUNNING);
            lake.clock.pass(Duration.ofSeconds(51));
            assertThat(ingest.status().getFirst().state()).isEqualTo(State.LAGGING);
            assertThat(ingest.status().getFirst().behind(lake.clock.instant()))
                    .isEqualTo(Duration.ofSeconds(51));
            mayCommit.complete(null);
            await(() -> ingest.status().getFirst().state() == State.RUNNING);
            assertThat(has(source, 100)).isTrue();
        }
    }

    @Test
    void aTopicThatIsDeletedStopsItsSourceAndOneThatIsNotThereYetIsWaitedFor() throws Exception {
        SourceDefinition early = source("not-there-" + UUID.randomUUID(), true);
        try (Ingest ingest =
                new Ingest(
                        lake.log(),
                        lake.catalog,
                        lake.clock,
                        FailPoints.NONE,
                        TestLake.settings("a", Duration.ofMillis(50)),
                        TestLake::nothingOutside,
                        kafka -> new PlainRecords())) {
            ingest.start(List.of(early));
            await(() -> ingest.status().getFirst().state() == State.RETRYING);
            assertThat(ingest.status().getFirst().problem().orElseThrow().reason())
                    .contains("There is no topic not-there-");
        }
        String topic = topic(1);
        produce(topic, 1, 1, 5);
        SourceDefinition source = source(topic, true);
        try (Ingest ingest = ingest("a", source)) {
            await(() -> has(source, 5));
            try (Admin admin = Admin.create(client())) {
                admin.deleteTopics(List.of(topic)).all().get(90, TimeUnit.SECONDS);
            }
            await(() -> ingest.status().getFirst().state() == State.FAILING);
            assertThat(ingest.status().getFirst().problem().orElseThrow().code())
                    .isEqualTo(ErrorCode.LOG_GAP);
        }
    }
}
