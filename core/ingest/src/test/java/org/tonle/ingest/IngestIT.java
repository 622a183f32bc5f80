package org.tonle.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tonle.ingest.TestLake.await;
import static org.tonle.ingest.TestLake.send;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.iceberg.catalog.TableIdentifier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.ChangeRange;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/** From a request to rows of bronze, read by DuckDB. */
class IngestIT {
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

    @Test
    void aBodyBecomesARowPerEventWithItsPlaceAndItsTimes() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        try (Ingest ingest = lake.ingest(source)) {
            String body =
                    """
                    {"id":"a\\u00e9","at":"2001-01-01T00:00:00+01:00","n":[1, 2]}
                    {"id":17,"at":978307200000}
                    {"id":"","at":"soon"}
                    [1,"x"]
                    """;
            IngestReceipt receipt =
                    ingest.accept(
                            source.name(),
                            body.getBytes(StandardCharsets.UTF_8),
                            "application/x-ndjson",
                            Optional.empty(),
                            Map.of("User-Agent", "test", "Authorization", "secret"));
            assertThat(receipt.accepted()).isEqualTo(4);
            assertThat(receipt.position()).isZero();
            await(ingest, source.name(), receipt);
            assertThat(
                            lake.ask(
                                    source.name(),
                                    """
                                    SELECT CASE WHEN "index" < 2 THEN event_id ELSE length(event_id) || substr(event_id, 15, 1) END,
                                      strftime(event_time, '%Y-%m-%dT%H:%M:%S'), strftime(ingest_time, '%H:%M:%S.%f'),
                                      source, partition, position, "index", key, headers::VARCHAR, content_type, payload
                                    FROM bronze ORDER BY "index"
                                    """))
                    .containsExactly(
                            row(
                                    "aé",
                                    "2000-12-31T23:00:00",
                                    source,
                                    0,
                                    "{\"id\":\"a\\u00e9\",\"at\":\"2001-01-01T00:00:00+01:00\",\"n\":[1, 2]}"),
                            row(
                                    "17",
                                    "2001-01-01T00:00:00",
                                    source,
                                    1,
                                    "{\"id\":17,\"at\":978307200000}"),
                            row("365", "null", source, 2, "{\"id\":\"\",\"at\":\"soon\"}"),
                            row("365", "null", source, 3, "[1,\"x\"]"));
            assertThat(lake.ask(source.name(), "SELECT DISTINCT topic FROM bronze"))
                    .containsExactly(receipt.topic());
            assertThat(lake.ledger.logPositions("bronze." + source.name()).get(0).next())
                    .isEqualTo(1);
        }
    }

    private static String row(
            String id, String eventTime, SourceDefinition source, int index, String payload) {
        return String.join(
                "|",
                id,
                eventTime,
                "12:00:00.123456",
                source.name(),
                "0",
                "0",
                Integer.toString(index),
                "null",
                "{user-agent=test}",
                "application/x-ndjson",
                payload);
    }

    @Test
    void anEventWithoutAnIdGetsTheSameOneWheneverItsRequestIsRead() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        try (Ingest ingest = lake.ingest(source)) {
            await(ingest, source.name(), send(ingest, source.name(), "k-1", "{}\n{}"));
            EventIds ids = new EventIds();
            ids.byKey(source.name(), "k-1");
            String first = new String(ids.id(0), StandardCharsets.US_ASCII);
            String second = new String(ids.id(1), StandardCharsets.US_ASCII);
            assertThat(lake.ask(source.name(), "SELECT event_id FROM bronze ORDER BY \"index\""))
                    .containsExactly(first, second);
        }
    }

    @Test
    void aRepeatAnswersTheSameAndAddsNothingAndAnotherBodyIsRefused() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 4);
        try (Ingest ingest = lake.ingest(source)) {
            IngestReceipt first = send(ingest, source.name(), "k", "{\"id\":1}\n{\"id\":2}");
            IngestReceipt again = send(ingest, source.name(), "k", "{\"id\":1}\n{\"id\":2}");
            assertThat(again)
                    .isEqualTo(
                            new IngestReceipt(
                                    2, first.topic(), first.partition(), first.position(), true));
            assertMismatch(() -> send(ingest, source.name(), "k", "{\"id\":3}"));
            await(ingest, source.name(), first);
            assertThat(send(ingest, source.name(), "k", "{\"id\":1}\n{\"id\":2}")).isEqualTo(again);
            assertMismatch(() -> send(ingest, source.name(), "k", "{\"id\":3}"));
            assertThat(ends(source)).isEqualTo(1);
            assertThat(count(source)).isEqualTo("2");
        }
    }

    private static void assertMismatch(Callable<IngestReceipt> request) {
        assertThatThrownBy(request::call)
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.IDEMPOTENCY_MISMATCH));
    }

    @Test
    void requestsWithOneKeyThatComeTogetherAreOne() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 2);
        try (Ingest ingest = lake.ingest(source);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<IngestReceipt>> same = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                same.add(() -> send(ingest, source.name(), "together", "{\"id\":1}"));
            }
            List<Long> positions = new ArrayList<>();
            int first = 0;
            for (Future<IngestReceipt> receipt : threads.invokeAll(same)) {
                positions.add(receipt.get().position());
                first += receipt.get().repeated() ? 0 : 1;
            }
            assertThat(first).isEqualTo(1);
            assertThat(positions).containsOnly(positions.getFirst());
            assertThat(ends(source)).isEqualTo(1);
        }
    }

    @Test
    void aRepeatIsKnownAfterARestartFromBronzeAndFromTheLog() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 3);
        IngestReceipt inBronze;
        try (Ingest ingest = lake.ingest(source)) {
            inBronze = send(ingest, source.name(), "in-bronze", "{\"id\":1}\n{\"id\":2}");
            await(ingest, source.name(), inBronze);
        }
        IngestReceipt inLog;
        try (Ingest ingest =
                lake.ingest(FailPoints.NONE, TestLake.settings("a", Duration.ofHours(1)), source)) {
            assertRepeats(ingest, source, inBronze, "in-bronze", "{\"id\":1}\n{\"id\":2}");
            inLog = send(ingest, source.name(), "in-log", "{\"id\":3}");
        }
        try (Ingest ingest = lake.ingest(source)) {
            assertRepeats(ingest, source, inBronze, "in-bronze", "{\"id\":1}\n{\"id\":2}");
            assertRepeats(ingest, source, inLog, "in-log", "{\"id\":3}");
            assertMismatch(() -> send(ingest, source.name(), "in-bronze", "{}"));
            assertMismatch(() -> send(ingest, source.name(), "in-log", "{}"));
            await(ingest, source.name(), inLog);
            assertThat(count(source)).isEqualTo("3");
            assertThat(ends(source)).isEqualTo(2);
        }
    }

    private static void assertRepeats(
            Ingest ingest, SourceDefinition source, IngestReceipt first, String key, String body) {
        assertThat(send(ingest, source.name(), key, body))
                .isEqualTo(
                        new IngestReceipt(
                                first.accepted(),
                                first.topic(),
                                first.partition(),
                                first.position(),
                                true));
    }

    @Test
    void aKeyIsForgottenAfterADay() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        try (Ingest ingest = lake.ingest(source)) {
            send(ingest, source.name(), "k", "{\"id\":1}");
            lake.clock.pass(Duration.ofHours(24));
            assertThat(send(ingest, source.name(), "k", "{\"id\":1}").repeated()).isTrue();
            lake.clock.pass(Duration.ofSeconds(1));
            IngestReceipt next = send(ingest, source.name(), "k", "{\"id\":1}");
            assertThat(next.repeated()).isFalse();
            await(ingest, source.name(), next);
            assertThat(count(source)).isEqualTo("2");
            // two days of ingest time are two partitions
            assertThat(lake.bronze(source.name()).files()).hasSizeGreaterThanOrEqualTo(2);
        } finally {
            lake.clock.set(Instant.parse("2026-11-22T12:00:00.123456Z"));
        }
    }

    @Test
    void repeatsThatReachedTheLogAreDroppedOnTheWayToBronze() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        try (Ingest ingest = lake.ingest(source)) {
            await(ingest, source.name(), send(ingest, source.name(), "committed", "{\"id\":1}"));
            SourceTopic topic = lake.log().topics().prepare(source, false);
            // as a door writes whose first answer was lost: in bronze, in this batch, other body
            append(topic, "committed", "{\"id\":1}");
            append(topic, "fresh", "{\"id\":2}");
            append(topic, "fresh", "{\"id\":2}");
            long last = append(topic, "fresh", "{\"id\":3}");
            assertThat(ingest.awaitInBronze(source.name(), 0, last, Duration.ofSeconds(90)))
                    .isTrue();
            assertThat(lake.ask(source.name(), "SELECT event_id, position FROM bronze ORDER BY 2"))
                    .containsExactly("1|0", "2|2", "3|4");
            assertThat(ingest.status().getFirst().repeats()).isEqualTo(2);
        }
    }

    private static long append(SourceTopic topic, String key, String body) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        return lake.log()
                .append(
                        topic,
                        0,
                        BodyRecord.ofRequest(
                                "application/json",
                                Optional.of(key),
                                Optional.of(RequestKey.bodyHash(bytes)),
                                1,
                                RequestKeys.micros(lake.clock.instant()),
                                Map.of(),
                                bytes));
    }

    @Test
    void whatADoorRefusesLeavesNothing() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        try (Ingest ingest = lake.ingest(source)) {
            refused(
                    ErrorCode.INVALID_REQUEST,
                    () -> send(ingest, source.name(), null, "{\"a\":1}\n{"));
            refused(ErrorCode.INVALID_REQUEST, () -> send(ingest, source.name(), null, ""));
            refused(ErrorCode.INVALID_REQUEST, () -> send(ingest, source.name(), "a b", "{}"));
            refused(ErrorCode.INVALID_REQUEST, () -> send(ingest, source.name(), "", "{}"));
            refused(
                    ErrorCode.TOO_LARGE,
                    () -> send(ingest, source.name(), null, " ".repeat(1 << 20) + "1"));
            assertThatThrownBy(() -> send(ingest, source.name(), null, " ".repeat(1 << 20) + "1"))
                    .hasMessageContaining("raise max-body in sources/" + source.name() + ".yaml");
            refused(ErrorCode.NOT_FOUND, () -> send(ingest, "nothing", null, "{}"));
            assertThat(ends(source)).isZero();
            // the largest body there may be
            String largest = "\"" + "x".repeat((1 << 20) - 2) + "\"";
            IngestReceipt receipt = send(ingest, source.name(), null, largest);
            await(ingest, source.name(), receipt);
            assertThat(lake.ask(source.name(), "SELECT length(payload) FROM bronze"))
                    .containsExactly(Integer.toString(1 << 20));
        }
    }

    private static void refused(ErrorCode code, Callable<IngestReceipt> request) {
        assertThatThrownBy(request::call)
                .isInstanceOfSatisfying(
                        LakeException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void keysBeyondTheLimitAreRefusedNotForgotten() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        IngestSettings settings = new IngestSettings("a", Duration.ofMillis(50), 64 << 20, 3);
        try (Ingest ingest = lake.ingest(FailPoints.NONE, settings, source)) {
            for (int i = 0; i < 3; i++) {
                send(ingest, source.name(), "k" + i, "{}");
            }
            refused(ErrorCode.OVERLOADED, () -> send(ingest, source.name(), "k3", "{}"));
            assertThat(send(ingest, source.name(), "k0", "{}").repeated()).isTrue();
            assertThat(send(ingest, source.name(), null, "{}").repeated()).isFalse();
        }
    }

    @Test
    void drainingBringsEverythingAcknowledgedToBronze() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 3);
        try (Ingest ingest =
                lake.ingest(FailPoints.NONE, TestLake.settings("a", Duration.ofHours(1)), source)) {
            for (int i = 0; i < 30; i++) {
                send(ingest, source.name(), null, "{\"id\":" + i + "}");
            }
            assertThat(count(source)).isEqualTo("0");
            assertThat(ingest.status().getFirst().lag()).isEqualTo(30);
            assertThat(ingest.status().getFirst().waitingSince()).hasValue(lake.clock.instant());
            assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
            refused(ErrorCode.NOT_READY, () -> send(ingest, source.name(), null, "{}"));
            assertThat(lake.ask(source.name(), "SELECT count(DISTINCT event_id) FROM bronze"))
                    .containsExactly("30");
            assertThat(ingest.status().getFirst().lag()).isZero();
            assertThat(ingest.status().getFirst().waitingSince()).isEmpty();
            // three partitions in one commit, one file
            assertThat(lake.bronze(source.name()).files()).hasSize(1);
        }
    }

    @Test
    void aFileIsCutBySize() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        IngestSettings settings = new IngestSettings("a", Duration.ofHours(1), 10_000, 1_000);
        try (Ingest ingest = lake.ingest(FailPoints.NONE, settings, source)) {
            IngestReceipt last = null;
            for (int i = 0; i < 10; i++) {
                last = send(ingest, source.name(), null, "\"" + "x".repeat(5_000) + "\"");
            }
            await(ingest, source.name(), last);
            assertThat(lake.bronze(source.name()).files()).hasSize(5);
        }
    }

    @Test
    void whatWaitsForItsAcknowledgementIsBounded() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        try (EventLog small = EventLog.open(lake.logSettings(64 << 10, Duration.ofSeconds(10)));
                Ingest ingest =
                        new Ingest(
                                small,
                                lake.catalog,
                                lake.clock,
                                FailPoints.NONE,
                                TestLake.settings("a", Duration.ofMillis(50)),
                                TestLake::nothingOutside,
                                kafka -> new PlainRecords())) {
            ingest.start(List.of(source));
            assertThat(ingest.awaitStarted(Duration.ofSeconds(90))).isTrue();
            refused(
                    ErrorCode.OVERLOADED,
                    () -> send(ingest, source.name(), null, "\"" + "x".repeat(70 << 10) + "\""));
            assertThat(send(ingest, source.name(), null, "{}").accepted()).isEqualTo(1);
        }
    }

    private static long ends(SourceDefinition source) {
        SourceTopic topic = lake.log().topics().prepare(source, false);
        try (LogReader reader = lake.log().reader(topic, beginnings(topic))) {
            return reader.ends().values().stream().mapToLong(Long::longValue).sum();
        }
    }

    private static Map<Integer, LogReader.From> beginnings(SourceTopic topic) {
        return IntStream.range(0, topic.partitions())
                .boxed()
                .collect(Collectors.toMap(p -> p, p -> LogReader.From.behind(null)));
    }

    private static String count(SourceDefinition source) {
        List<String> rows = lake.ask(source.name(), "SELECT count(*) FROM bronze");
        return rows.isEmpty() ? "0" : rows.getFirst();
    }

    @Test
    void whatOthersCommittedSinceIsFoundHoweverManyCommitsThatTook() throws Exception {
        SourceDefinition source = TestLake.source(TestLake.uniqueSource(), 1);
        SourceTopic topic = lake.log().topics().prepare(source, true);
        RequestKeys keys = new RequestKeys(lake.clock);
        KeyRecovery recovery =
                new KeyRecovery(
                        lake.catalog,
                        Optional.of(TableIdentifier.of("bronze", source.name())),
                        keys,
                        lake.clock,
                        new ChangeRange.Limit(Long.MAX_VALUE, Long.MAX_VALUE, 2));
        try (Ingest ingest = lake.ingest(source)) {
            for (int commits : new int[] {1, 5, 0}) {
                for (int i = 0; i < commits; i++) {
                    String key = "k%d-%d".formatted(commits, i);
                    await(ingest, source.name(), send(ingest, source.name(), key, "{}"));
                }
                try (LogReader tail =
                        lake.log()
                                .reader(
                                        topic,
                                        Map.of(
                                                0,
                                                LogReader.From.behind(
                                                        lake.ledger
                                                                .logPositions(
                                                                        "bronze." + source.name())
                                                                .get(0))))) {
                    recovery.readTable(
                            recovery.readTail(
                                    tail,
                                    new SourceProgress(
                                            source.name(), lake.clock, Duration.ofSeconds(1)),
                                    () -> false));
                }
                for (int i = 0; i < commits; i++) {
                    assertThat(
                                    keys.findInBronze(
                                            RequestKey.of("k%d-%d".formatted(commits, i)),
                                            RequestKeys.micros(lake.clock.instant())))
                            .isPresent();
                }
            }
        }
    }
}
