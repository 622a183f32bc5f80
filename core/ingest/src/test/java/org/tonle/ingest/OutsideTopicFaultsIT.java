package org.tonle.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.ingest.OutsideTopics.await;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.SourceDefinition;
import org.tonle.ingest.SourceStatus.State;
import org.tonle.ledger.LogPosition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.RecordDecoder;
import org.tonle.spi.TopicRecord;

/** Somebody's topic grows, forgets, changes its leader, or can't be read, and nothing is lost. */
class OutsideTopicFaultsIT {
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

    private static Ingest ingest(SourceDefinition source) throws InterruptedException {
        return ingest(FailPoints.NONE, new PlainRecords(), source);
    }

    private static Ingest ingest(
            FailPoints failPoints, RecordDecoder decoder, SourceDefinition source)
            throws InterruptedException {
        Ingest ingest =
                new Ingest(
                        lake.log(),
                        lake.catalog,
                        lake.clock,
                        failPoints,
                        TestLake.settings("a", Duration.ofMillis(50)),
                        TestLake::nothingOutside,
                        kafka -> decoder);
        ingest.start(List.of(source));
        if (!ingest.awaitStarted(Duration.ofSeconds(90))) {
            ingest.close();
            throw new AssertionError("not started: " + ingest.status());
        }
        return ingest;
    }

    private static SourceStatus status(Ingest ingest) {
        return ingest.status().getFirst();
    }

    /** Nothing that waiting doesn't mend may come between; the rest may. */
    private static void awaitWell(Ingest ingest, BooleanSupplier done) throws InterruptedException {
        await(() ->
                status(ingest).state() == State.FAILING
                        || (done.getAsBoolean() && status(ingest).problem().isEmpty()));
        assertThat(status(ingest).problem()).isEmpty();
    }

    private static Optional<LogPosition> position(SourceDefinition source) {
        return Optional.ofNullable(
                lake.ledger.logPositions(SourceSink.consumer(source.name())).get(0));
    }

    /** One record, whose transaction's end has a position of its own. */
    private static void transaction(String topic, int id, boolean commit) {
        try (KafkaProducer<byte[], byte[]> producer =
                topics.producer(Map.of("transactional.id", topic))) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(
                    new ProducerRecord<>(
                            topic, 0, null, "{\"id\":%d}".formatted(id).getBytes(UTF_8)));
            producer.flush();
            if (commit) {
                producer.commitTransaction();
            } else {
                producer.abortTransaction();
            }
        }
    }

    @Test
    void aPartitionThatIsAddedLaterIsReadFromItsBeginning() throws Exception {
        String topic = topics.topic(2);
        topics.produce(topic, 2, 1, 10);
        SourceDefinition source = topics.source(topic, false);
        try (Ingest ingest = ingest(source)) {
            topics.produce(topic, 2, 11, 14);
            await(() -> topics.has(source, 4));
        }
        topics.increase(topic, 3);
        try (KafkaProducer<byte[], byte[]> producer = topics.producer(Map.of())) {
            for (int i = 15; i <= 24; i++) {
                producer.send(
                        new ProducerRecord<>(
                                topic, 2, null, "{\"id\":%d}".formatted(i).getBytes(UTF_8)));
            }
        }
        try (Ingest ingest = ingest(source)) {
            await(() -> topics.has(source, 14));
        }
        assertThat(topics.counts(source)).containsExactly("14|14|14");
    }

    @Test
    void aTopicThatWasNotThereIsReadFromItsBeginning() throws Exception {
        String topic = "late-" + UUID.randomUUID();
        SourceDefinition source = topics.source(topic, false);
        try (Ingest ingest = ingest(source)) {
            await(() -> status(ingest).state() == State.RETRYING);
            topics.topic(topic, 1);
            topics.produce(topic, 1, 1, 10);
            await(() -> topics.has(source, 10));
        }
    }

    @Test
    void whatComesIsReadAlsoWhereTheLeaderHasChanged() throws Exception {
        String topic = topics.topic(1);
        topics.produce(topic, 1, 1, 10);
        lake.kafka.close();
        lake.restartKafka();
        topics.produce(topic, 1, 11, 20);
        SourceDefinition source = topics.source(topic, false);
        try (Ingest ingest = ingest(source)) {
            topics.produce(topic, 1, 21, 24);
            awaitWell(ingest, () -> topics.has(source, 4));
        }
        assertThat(topics.counts(source)).containsExactly("4|4|4");
    }

    @Test
    void whatATopicForgetsBehindItsLastRecordIsNoGap() throws Exception {
        String topic = topics.topic(1);
        transaction(topic, 1, true);
        transaction(topic, 2, false);
        SourceDefinition source = topics.source(topic, true);
        try (Ingest ingest = ingest(source)) {
            await(() -> position(source).filter(at -> at.next() == 4).isPresent());
            assertThat(topics.has(source, 1)).isTrue();
            await(() -> status(ingest).lag() == 0);
        }
        try (Admin admin = Admin.create(topics.client())) {
            admin.deleteRecords(
                            Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(4)))
                    .all()
                    .get(90, TimeUnit.SECONDS);
        }
        try (Ingest ingest = ingest(source)) {
            transaction(topic, 3, true);
            awaitWell(ingest, () -> topics.has(source, 2));
        }
    }

    /** Refuses each record until somebody says that all is well. */
    private static class Refusing implements RecordDecoder {
        private final PlainRecords records = new PlainRecords();
        private final AtomicBoolean well = new AtomicBoolean();

        void refused() {}

        @Override
        public Decoded decode(TopicRecord record) {
            if (!well.get()) {
                refused();
                throw new LakeException(ErrorCode.SOURCE_UNAVAILABLE, "the registry sleeps");
            }
            return records.decode(record);
        }

        @Override
        public void close() {}
    }

    @Test
    void aLakeThatEndsWaitsForNoClusterAndGivesBackWhatItHeld() throws Exception {
        String topic = topics.topic(2);
        topics.produce(topic, 2, 1, 2);
        SourceDefinition source = topics.source(topic, true);
        try (Ingest ingest = ingest(FailPoints.NONE, new Refusing(), source)) {
            await(() -> status(ingest).state() == State.RETRYING);
            await(() -> !lake.ledger.leases("ingest/" + source.name() + "/").isEmpty());
            assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
            assertThat(lake.ledger.leases("ingest/" + source.name() + "/")).isEmpty();
            assertThat(lake.ledger.leases("ingest-member/" + source.name() + "/")).isEmpty();
        }
    }

    @Test
    void aLakeThatEndsSaysThatItCouldNotBringToBronzeWhatItRead() throws Exception {
        String topic = topics.topic(1);
        topics.produce(topic, 1, 1, 10);
        SourceDefinition source = topics.source(topic, true);
        FailPoints full =
                point -> {
                    if (point.equals("ingest.before-commit")) {
                        throw new LakeException(ErrorCode.STORAGE, "the disk is full");
                    }
                };
        try (Ingest ingest = ingest(full, new PlainRecords(), source)) {
            await(() -> status(ingest).state() == State.RETRYING);
            assertThat(ingest.drain(Duration.ofSeconds(2))).isFalse();
        }
        try (Ingest ingest = ingest(source)) {
            await(() -> topics.has(source, 10));
        }
    }

    @Test
    void howLongItHasBeenRetryingIsToldFromTheFirstAttempt() throws Exception {
        String topic = topics.topic(1);
        topics.produce(topic, 1, 1, 10);
        SourceDefinition source = topics.source(topic, true);
        ConcurrentLinkedQueue<SourceStatus> seen = new ConcurrentLinkedQueue<>();
        AtomicBoolean started = new AtomicBoolean();
        Ingest[] reading = new Ingest[1];
        Refusing refusing =
                new Refusing() {
                    @Override
                    void refused() {
                        if (started.get()) {
                            seen.add(status(reading[0]));
                        }
                        lake.clock.pass(Duration.ofMinutes(1));
                    }
                };
        try (Ingest ingest = ingest(FailPoints.NONE, refusing, source)) {
            await(() -> status(ingest).state() == State.RETRYING);
            Instant since = status(ingest).problem().orElseThrow().since();
            reading[0] = ingest;
            started.set(true);
            await(() -> seen.size() >= 3);
            assertThat(seen)
                    .allSatisfy(status -> {
                        assertThat(status.state()).isEqualTo(State.RETRYING);
                        assertThat(status.problem().orElseThrow().since()).isEqualTo(since);
                    });
            refusing.well.set(true);
            await(() -> status(ingest).state() == State.RUNNING);
            await(() -> topics.has(source, 10));
        }
    }
}
