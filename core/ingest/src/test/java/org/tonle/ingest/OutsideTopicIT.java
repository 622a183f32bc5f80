package org.tonle.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.ingest.OutsideTopics.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.SourceDefinition;
import org.tonle.ingest.SourceStatus.State;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;

/** Topics of a cluster that isn't the lake's, reached with credentials. */
class OutsideTopicIT {
    @TempDir private static Path dir;
    private static TestLake lake;
    private static OutsideTopics topics;

    @BeforeAll
    static void open() {
        lake = new TestLake(dir);
        topics = new OutsideTopics(lake);
    }

    @AfterAll
    static void close() {
        lake.close();
    }

    private static Ingest ingest(String holder, SourceDefinition... source)
            throws InterruptedException {
        return lake.ingest(
                FailPoints.NONE, TestLake.settings(holder, Duration.ofMillis(50)), source);
    }

    private static SourceStatus status(Ingest ingest, SourceDefinition source) {
        return ingest.status().stream()
                .filter(status -> status.source().equals(source.name()))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void eachRecordIsOneEventWithItsKeyAndHeaders() throws Exception {
        String topic = topics.topic(1);
        try (KafkaProducer<byte[], byte[]> producer = topics.producer(Map.of())) {
            ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(topic, 0, "k".getBytes(UTF_8), "[1, 2]".getBytes(UTF_8));
            record.headers().add("trace", "t1".getBytes(UTF_8));
            producer.send(record);
            producer.send(new ProducerRecord<>(topic, 0, new byte[] {(byte) 0xff}, null));
            producer.send(new ProducerRecord<>(topic, 0, null, "{\"id\":".getBytes(UTF_8)));
            producer.send(new ProducerRecord<>(topic, 0, null, new byte[] {(byte) 0xc3, 1}));
            producer.send(new ProducerRecord<>(topic, 0, null, new byte[0]));
        }
        SourceDefinition source = topics.source(topic, true);
        try (Ingest ingest = ingest("a", source)) {
            await(() -> topics.has(source, 5));
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
        String topic = topics.topic(4);
        topics.produce(topic, 4, 1, 1_000);
        SourceDefinition source = topics.source(topic, true);
        try (Ingest first = ingest("a", source)) {
            await(() -> topics.has(source, 1_000));
            try (Ingest second = ingest("b", source)) {
                await(() ->
                        lake.ledger.leases("ingest/" + source.name() + "/").stream()
                                        .filter(lease -> lease.holder().equals("b"))
                                        .count()
                                == 2);
                topics.produce(topic, 4, 1_001, 2_000);
                await(() -> topics.has(source, 2_000));
                await(() -> second.status().getFirst().state() == State.RUNNING);
            }
            topics.produce(topic, 4, 2_001, 3_000);
            await(() -> topics.has(source, 3_000));
            topics.increase(topic, 6);
            topics.produce(topic, 6, 3_001, 4_000);
            await(() -> topics.has(source, 4_000));
        }
        assertThat(topics.counts(source)).containsExactly("4000|4000|4000");
    }

    @Test
    void onlyWhatIsCommittedIsReadAndTheEndOfATransactionIsNoGap() throws Exception {
        String topic = topics.topic(1);
        try (KafkaProducer<byte[], byte[]> producer =
                topics.producer(Map.of("transactional.id", topic))) {
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
        SourceDefinition source = topics.source(topic, true);
        for (int start = 0; start < 2; start++) {
            try (Ingest ingest = ingest("a", source)) {
                await(() -> topics.has(source, 2));
                assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
            }
        }
        assertThat(lake.ask(source.name(), "SELECT position, event_id FROM bronze ORDER BY 1"))
                .containsExactly("0|0", "4|2");
    }

    @Test
    void aSourceMayBeginWithWhatComes() throws Exception {
        String topic = topics.topic(2);
        topics.produce(topic, 2, 1, 10);
        SourceDefinition source = topics.source(topic, false);
        try (Ingest ingest = ingest("a", source)) {
            topics.produce(topic, 2, 11, 14);
            await(() -> topics.has(source, 4));
        }
        assertThat(lake.ask(source.name(), "SELECT min(event_id::int) FROM bronze"))
                .containsExactly("11");
    }

    @Test
    void aTopicIsNotReadWhileItsSourceIsPausedAlsoByProcessesThatStartThen() throws Exception {
        String topic = topics.topic(2);
        topics.produce(topic, 2, 1, 1_000);
        SourceDefinition source = topics.source(topic, true);
        try (Ingest first = ingest("a", source)) {
            await(() -> topics.has(source, 1_000));
            var paused = first.pause(source.name(), "anna");
            assertThat(paused.state()).isEqualTo(State.PAUSED);
            await(() -> lake.ledger.leases("ingest/" + source.name()).isEmpty());
            topics.produce(topic, 2, 1_001, 2_000);
            try (Ingest second = ingest("b", source)) {
                assertThat(second.status().getFirst().state()).isEqualTo(State.PAUSED);
                assertThat(second.drain(Duration.ofSeconds(90))).isTrue();
            }
            assertThat(topics.has(source, 1_000)).isTrue();
            var resumed = first.resume(source.name(), "anna");
            assertThat(resumed.paused()).isEmpty();
            await(() -> topics.has(source, 2_000));
            // the ledger has them a moment before the process that brought them counts them
            await(() -> first.status().getFirst().counts().events() == 2_000);
        }
        assertThat(topics.counts(source)).containsExactly("2000|2000|2000");
    }

    @Test
    void aSourceLagsWhenWhatItsTopicHeldLongAgoIsNotInBronze() throws Exception {
        String topic = topics.topic(1);
        SourceDefinition source = topics.source(topic, true);
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
            topics.produce(topic, 1, 1, 100);
            await(() -> ingest.status().getFirst().lag() > 0);
            assertThat(ingest.status().getFirst().state()).isEqualTo(State.RUNNING);
            lake.clock.pass(Duration.ofSeconds(51));
            assertThat(ingest.status().getFirst().state()).isEqualTo(State.LAGGING);
            assertThat(ingest.status().getFirst().behind(lake.clock.instant()))
                    .isEqualTo(Duration.ofSeconds(51));
            mayCommit.complete(null);
            await(() -> ingest.status().getFirst().state() == State.RUNNING);
            assertThat(topics.has(source, 100)).isTrue();
        }
    }

    @Test
    void aClusterThatIsNotThereKeepsNothingElseFromStarting() throws Exception {
        SourceDefinition unknown = topics.source("nowhere.invalid:9092", "orders", true);
        SourceDefinition away = topics.source("127.0.0.1:1", "orders", true);
        SourceDefinition there = topics.source(topics.topic(1), true);
        try (Ingest ingest = ingest("a", unknown, away, there)) {
            for (SourceDefinition source : List.of(unknown, away)) {
                SourceStatus status = status(ingest, source);
                assertThat(status.state()).isEqualTo(State.RETRYING);
                assertThat(status.problem().orElseThrow().code())
                        .isEqualTo(ErrorCode.SOURCE_UNAVAILABLE);
                assertThat(status.problem().orElseThrow().reason())
                        .containsAnyOf("nowhere.invalid:9092", "127.0.0.1:1");
            }
            await(() -> status(ingest, there).state() == State.RUNNING);
            assertThat(ingest.drain(Duration.ofSeconds(90))).as("they have nothing").isTrue();
        }
    }

    @Test
    void aTopicThatIsDeletedStopsItsSourceAndOneThatIsNotThereYetIsWaitedFor() throws Exception {
        SourceDefinition early = topics.source("not-there-" + UUID.randomUUID(), true);
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
            assertThat(ingest.drain(Duration.ofSeconds(90))).as("it has nothing").isTrue();
        }
        String topic = topics.topic(1);
        topics.produce(topic, 1, 1, 5);
        SourceDefinition source = topics.source(topic, true);
        try (Ingest ingest = ingest("a", source)) {
            await(() -> topics.has(source, 5));
            try (Admin admin = Admin.create(topics.client())) {
                admin.deleteTopics(List.of(topic)).all().get(90, TimeUnit.SECONDS);
            }
            await(() -> ingest.status().getFirst().state() == State.FAILING);
            assertThat(ingest.status().getFirst().problem().orElseThrow().code())
                    .isEqualTo(ErrorCode.LOG_GAP);
        }
    }
}
