package org.tonle.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tonle.ingest.TestLake.await;
import static org.tonle.ingest.TestLake.send;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.ingest.SourceStatus.State;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/**
 * What breaks on the way to bronze: either it heals without a trace, or the source says why not.
 */
class IngestFaultsIT {
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

    /** Stands in for a crash: what comes behind the point doesn't happen. */
    private static final class Crash extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** Fails once at one point, and knows every point that was reached. */
    private static final class FailingOnce implements FailPoints {
        private final Set<String> reached = ConcurrentHashMap.newKeySet();
        private final AtomicReference<String> next = new AtomicReference<>("");

        @Override
        public void reach(String name) {
            reached.add(name);
            if (next.compareAndSet(name, "")) {
                throw new Crash();
            }
        }
    }

    @Test
    void aFailureAtAnyPointLosesNothingAndDoublesNothing() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 2);
        FailingOnce points = new FailingOnce();
        IngestSettings settings = TestLake.settings("a", Duration.ofMillis(20));
        List<String> sent = new ArrayList<>();
        for (String point : SourceSink.failPoints()) {
            // recovery is at the start only
            boolean atStart = point.equals("ingest.after-recovery");
            points.next.set(atStart ? point : "");
            try (Ingest ingest = lake.ingest(points, settings, source)) {
                points.next.set(atStart ? "" : point);
                IngestReceipt last = null;
                for (int i = 0; i < 3; i++) {
                    String id = point + "-" + i;
                    sent.add(id + "|" + id);
                    last = insist(ingest, source, id, "{\"id\":\"" + id + "\"}");
                }
                await(ingest, source.name(), last);
                assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
            }
        }
        assertThat(points.reached).containsAll(SourceSink.failPoints());
        assertThat(
                        lake.ask(
                                source.name(),
                                "SELECT event_id, json_extract_string(payload, '$.id') FROM bronze"))
                .containsExactlyInAnyOrderElementsOf(sent);
    }

    /** As a client does that got no answer: the same request again, with its key. */
    private static IngestReceipt insist(
            Ingest ingest, SourceDefinition source, String key, String body) {
        while (true) {
            try {
                return send(ingest, source.name(), key, body);
            } catch (Crash e) {
                // no answer
            } catch (LakeException e) {
                // the door needs a while to find a log again that was away
                if (e.code() != ErrorCode.LOG_UNAVAILABLE) {
                    throw e;
                }
            }
        }
    }

    @Test
    void aTopicMadeAnewFailsItsSourceByNameAndNoOther() throws Exception {
        SourceDefinition broken = TestLake.source(TestLake.uniqueSource(), 1);
        SourceDefinition whole = TestLake.source(TestLake.uniqueSource(), 1);
        try (Ingest ingest = lake.ingest(broken, whole);
                Admin admin = Admin.create(properties())) {
            IngestReceipt first = send(ingest, broken.name(), null, "{}");
            await(ingest, broken.name(), first);
            admin.deleteTopics(List.of(first.topic())).all().get(90, TimeUnit.SECONDS);
            SourceStatus status = awaitStatus(ingest, broken, s -> s.state() == State.FAILING);
            assertThat(status.problem().orElseThrow().code()).isEqualTo(ErrorCode.LOG_GAP);
            assertThat(status.problem().orElseThrow().reason()).contains(first.topic());
            assertRefusedAsGap(ingest, broken);
            await(ingest, whole.name(), send(ingest, whole.name(), null, "{}"));
        }
        // made anew with as many records as were read: only its id tells it from the old one
        SourceTopic anew = lake.log().topics().prepare(broken, true);
        for (int i = 0; i < 3; i++) {
            lake.log()
                    .append(
                            anew,
                            0,
                            BodyRecord.ofRequest(
                                    "application/json",
                                    Optional.empty(),
                                    Optional.empty(),
                                    1,
                                    0,
                                    Map.of(),
                                    new byte[] {'1'}));
        }
        try (Ingest ingest = lake.ingest(broken, whole)) {
            SourceStatus status = awaitStatus(ingest, broken, s -> s.state() == State.FAILING);
            assertThat(status.problem().orElseThrow().reason())
                    .contains("made anew")
                    .contains(anew.topicId());
            assertRefusedAsGap(ingest, broken);
            await(ingest, whole.name(), send(ingest, whole.name(), null, "{}"));
        }
        assertThat(lake.ask(broken.name(), "SELECT count(*) FROM bronze")).containsExactly("1");
    }

    private static void assertRefusedAsGap(Ingest ingest, SourceDefinition source) {
        assertThatThrownBy(() -> send(ingest, source.name(), null, "{}"))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.LOG_GAP));
    }

    @Test
    void aTopicMadeAnewBeforeItsFirstCommitFailsItsSourceToo() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 2);
        IngestSettings never = TestLake.settings("a", Duration.ofHours(1));
        IngestReceipt acknowledged;
        try (Ingest ingest = lake.ingest(FailPoints.NONE, never, source)) {
            acknowledged = send(ingest, source.name(), null, "{}");
        }
        try (Admin admin = Admin.create(properties())) {
            admin.deleteTopics(List.of(acknowledged.topic())).all().get(90, TimeUnit.SECONDS);
        }
        try (Ingest ingest = lake.ingest(source)) {
            SourceStatus status = awaitStatus(ingest, source, s -> s.state() == State.FAILING);
            assertThat(status.problem().orElseThrow().reason()).contains("is gone");
            assertRefusedAsGap(ingest, source);
        }
        SourceTopic anew = lake.log().topics().prepare(source, true);
        try (Ingest ingest = lake.ingest(source)) {
            SourceStatus status = awaitStatus(ingest, source, s -> s.state() == State.FAILING);
            assertThat(status.problem().orElseThrow().reason())
                    .contains("made anew")
                    .contains(anew.topicId());
            assertRefusedAsGap(ingest, source);
        }
    }

    @Test
    void aLogThatWasCutBeyondThePositionFailsItsSource() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        IngestSettings never = TestLake.settings("a", Duration.ofHours(1));
        IngestReceipt last = null;
        try (Ingest ingest = lake.ingest(source)) {
            await(ingest, source.name(), send(ingest, source.name(), null, "{}"));
        }
        try (Ingest ingest = lake.ingest(FailPoints.NONE, never, source)) {
            for (int i = 0; i < 5; i++) {
                last = send(ingest, source.name(), null, "{}");
            }
        }
        try (Admin admin = Admin.create(properties())) {
            admin.deleteRecords(
                            Map.of(
                                    new TopicPartition(last.topic(), 0),
                                    RecordsToDelete.beforeOffset(3)))
                    .all()
                    .get(90, TimeUnit.SECONDS);
        }
        try (Ingest ingest = lake.ingest(source)) {
            SourceStatus status = awaitStatus(ingest, source, s -> s.state() == State.FAILING);
            assertThat(status.problem().orElseThrow().code()).isEqualTo(ErrorCode.LOG_GAP);
            assertRefusedAsGap(ingest, source);
        }
        assertThat(lake.ledger.logPositions("bronze." + source.name()).get(0).next()).isEqualTo(1);
    }

    @Test
    void aRecordThatNoDoorWroteStopsItsSource() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        try (Ingest ingest = lake.ingest(source);
                KafkaProducer<byte[], byte[]> stranger =
                        new KafkaProducer<>(
                                properties(),
                                new ByteArraySerializer(),
                                new ByteArraySerializer())) {
            IngestReceipt first = send(ingest, source.name(), null, "{}");
            await(ingest, source.name(), first);
            stranger.send(new ProducerRecord<>(first.topic(), new byte[] {1}))
                    .get(90, TimeUnit.SECONDS);
            SourceStatus status = awaitStatus(ingest, source, s -> s.state() == State.FAILING);
            assertThat(status.problem().orElseThrow().reason()).contains("position 1");
        }
    }

    @Test
    void whatSomebodyChangedOnATopicIsSetRightAndItsPartitionsAreNot() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 2);
        SourceTopic topic = lake.log().topics().prepare(source, true);
        SourceDefinition longer =
                new SourceDefinition(
                        source.name(),
                        source.place(),
                        source.idField(),
                        source.eventTimeField(),
                        source.keyField(),
                        source.columns(),
                        2,
                        Duration.ofDays(30),
                        new SourceKind.Http(5 << 20));
        assertThat(lake.log().topics().prepare(longer, false)).isEqualTo(topic);
        try (Admin admin = Admin.create(properties())) {
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
            var config =
                    admin.describeConfigs(List.of(resource))
                            .all()
                            .get(90, TimeUnit.SECONDS)
                            .get(resource);
            assertThat(config.get("retention.ms").value())
                    .isEqualTo(Long.toString(Duration.ofDays(30).toMillis()));
            assertThat(config.get("max.message.bytes").value()).isEqualTo("6291456");
            assertThat(config.get("flush.messages").value()).isEqualTo("1");
        }
        assertThatThrownBy(
                        () -> lake.log().topics().prepare(TestLake.source(source.name(), 3), false))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INCOMPATIBLE_CHANGE))
                .hasMessageContaining("Set partitions: 2");
    }

    @Test
    void ofTwoProcessesOneSinksAndTheOtherTakesOver() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        IngestSettings b = TestLake.settings("b", Duration.ofMillis(50));
        try (Ingest first = lake.ingest(source);
                Ingest second = lake.ingest(FailPoints.NONE, b, source)) {
            assertThat(awaitStatus(second, source, s -> s.state() == State.STANDBY)).isNotNull();
            IngestReceipt one = send(first, source.name(), "k1", "{\"id\":1}");
            IngestReceipt two = send(second, source.name(), "k2", "{\"id\":2}");
            await(first, source.name(), two);
            // each process hears of the other's requests through bronze
            await(second, source.name(), one);
            assertThat(send(second, source.name(), "k1", "{\"id\":1}").repeated()).isTrue();
            first.close();
            awaitStatus(second, source, s -> s.state() == State.RUNNING);
            await(second, source.name(), send(second, source.name(), "k3", "{\"id\":3}"));
            assertThat(lake.ask(source.name(), "SELECT event_id FROM bronze"))
                    .containsExactlyInAnyOrder("1", "2", "3");
        }
    }

    @Test
    void aZombieCommitsNothing() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        // stopped before its commit until the other process has taken over
        java.util.concurrent.CountDownLatch stopped = new java.util.concurrent.CountDownLatch(1);
        java.util.concurrent.CountDownLatch woken = new java.util.concurrent.CountDownLatch(1);
        FailPoints stop =
                name -> {
                    if (name.equals("ingest.before-commit") && stopped.getCount() > 0) {
                        stopped.countDown();
                        try {
                            woken.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                    }
                };
        IngestSettings a = TestLake.settings("a", Duration.ofMillis(20));
        IngestSettings b = TestLake.settings("b", Duration.ofMillis(20));
        try (Ingest zombie = lake.ingest(stop, a, source)) {
            IngestReceipt receipt = send(zombie, source.name(), "k", "{\"id\":1}");
            stopped.await();
            try (Ingest other = lake.ingest(FailPoints.NONE, b, source)) {
                // its lease runs out
                await(other, source.name(), receipt);
                woken.countDown();
                awaitStatus(zombie, source, s -> s.next().getOrDefault(0, 0L) == 1L);
                await(other, source.name(), send(other, source.name(), "k2", "{\"id\":2}"));
            }
        }
        assertThat(lake.ask(source.name(), "SELECT event_id FROM bronze"))
                .containsExactlyInAnyOrder("1", "2");
    }

    @Test
    void anEventLogThatIsGoneAndComesBackIsWaitedFor() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        try (EventLog patient = EventLog.open(lake.logSettings(1 << 20, Duration.ofSeconds(2)));
                Ingest ingest =
                        new Ingest(
                                patient,
                                lake.catalog,
                                lake.clock,
                                FailPoints.NONE,
                                TestLake.settings("a", Duration.ofMillis(20)),
                                TestLake::nothingOutside,
                                kafka -> new PlainRecords())) {
            ingest.start(List.of(source));
            assertThat(ingest.awaitStarted(Duration.ofSeconds(90))).isTrue();
            await(ingest, source.name(), send(ingest, source.name(), "k1", "{\"id\":1}"));
            lake.kafka.close();
            assertThatThrownBy(() -> send(ingest, source.name(), "k2", "{\"id\":2}"))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.LOG_UNAVAILABLE));
            SourceStatus status = awaitStatus(ingest, source, s -> s.state() == State.RETRYING);
            assertThat(status.problem().orElseThrow().code()).isEqualTo(ErrorCode.LOG_UNAVAILABLE);
            lake.restartKafka();
            awaitStatus(ingest, source, s -> s.state() == State.RUNNING);
            await(ingest, source.name(), insist(ingest, source, "k2", "{\"id\":2}"));
            assertThat(lake.ask(source.name(), "SELECT event_id FROM bronze"))
                    .containsExactlyInAnyOrder("1", "2");
        }
    }

    @Test
    void aTopicWithoutCopiesThatNobodyForcesToDiskIsWarnedOf() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        EventLogSettings outside =
                new EventLogSettings("outside", lake.kafka.clientProperties(), false);
        try (EventLog log = EventLog.open(outside);
                Ingest ingest =
                        new Ingest(
                                log,
                                lake.catalog,
                                lake.clock,
                                FailPoints.NONE,
                                TestLake.settings("a", Duration.ofMillis(20)),
                                TestLake::nothingOutside,
                                kafka -> new PlainRecords())) {
            ingest.start(List.of(source));
            SourceStatus status = awaitStatus(ingest, source, s -> s.state() == State.RUNNING);
            assertThat(status.warning().orElseThrow())
                    .contains("replication factor 1 and min.insync.replicas 1");
            await(ingest, source.name(), send(ingest, source.name(), null, "{}"));
        }
        SourceDefinition embedded = TestLake.source(TestLake.uniqueSource(), 1);
        try (Ingest ingest = lake.ingest(embedded)) {
            SourceStatus status = awaitStatus(ingest, embedded, s -> s.state() == State.RUNNING);
            assertThat(status.warning()).isEmpty();
        }
        assertThat(TopicKeeper.replicas(2)).isEmpty();
        assertThat(TopicKeeper.replicas(3)).hasValue((short) 3);
    }

    @Test
    void anErrorInTheSinkFailsItsSourceWithTheReason() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        FailPoints overflow =
                name -> {
                    if (name.equals("ingest.after-file")) {
                        throw new StackOverflowError("too deep");
                    }
                };
        IngestSettings soon = TestLake.settings("a", Duration.ofMillis(20));
        try (Ingest ingest = lake.ingest(overflow, soon, source)) {
            send(ingest, source.name(), null, "{}");
            SourceStatus status = awaitStatus(ingest, source, s -> s.state() == State.FAILING);
            assertThat(status.problem().orElseThrow().reason())
                    .contains("StackOverflowError: too deep")
                    .contains("Start the lake again");
        }
        try (Ingest ingest = lake.ingest(source)) {
            assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
        }
        assertThat(lake.ask(source.name(), "SELECT count(*) FROM bronze")).containsExactly("1");
    }

    private static SourceStatus awaitStatus(
            Ingest ingest, SourceDefinition source, Predicate<SourceStatus> wanted)
            throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (true) {
            SourceStatus status =
                    ingest.status().stream()
                            .filter(s -> s.source().equals(source.name()))
                            .findFirst()
                            .orElseThrow();
            if (wanted.test(status)) {
                return status;
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError("still " + status);
            }
            Thread.sleep(20);
        }
    }

    private static Map<String, Object> properties() {
        return new HashMap<>(lake.kafka.clientProperties());
    }
}
