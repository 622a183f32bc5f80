package org.tonle.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.definition.FileLocation;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.ingest.SourceStatus.State;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.Source;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/** What a source reads comes to bronze once, whatever happens on the way. */
class SourceFeedIT {
    private static final int BODIES = 30;
    private static final List<String> ITEMS = List.of("a", "b");

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

    private static SourceDefinition source() {
        SourceDefinition plain = TestLake.source(TestLake.uniqueSource(), 2);
        return new SourceDefinition(
                plain.name(),
                plain.place(),
                plain.idField(),
                plain.eventTimeField(),
                plain.keyField(),
                plain.columns(),
                plain.partitions(),
                plain.retention(),
                new SourceKind.Files(
                        new FileLocation.Folder(dir),
                        SourceKind.Files.DEFAULT_PATTERN,
                        Optional.empty(),
                        SourceKind.Files.DEFAULT_SETTLE));
    }

    /** Gives the bodies 1 to {@link #BODIES} of each item, two events each. */
    private static class Numbers implements Source {
        private final Map<String, Integer> next = new TreeMap<>();
        private final Map<String, SourceMark> committed;

        Numbers(Map<String, SourceMark> committed) {
            this.committed = committed;
        }

        @Override
        public void begin(Map<String, SourceMark> taken) {
            for (String item : ITEMS) {
                SourceMark mark = taken.get(item);
                next.put(item, mark == null ? 1 : Integer.parseInt(mark.position()) + 1);
            }
        }

        @Override
        public List<SourceBody> poll(Duration wait) throws InterruptedException {
            List<SourceBody> bodies = new ArrayList<>();
            next.replaceAll((item, from) -> {
                int to = Math.min(BODIES + 1, from + 4);
                for (int number = from; number < to; number++) {
                    bodies.add(body(item, number));
                }
                return to;
            });
            if (bodies.isEmpty()) {
                TimeUnit.MILLISECONDS.sleep(wait.toMillis() / 10);
            }
            return bodies;
        }

        private static SourceBody body(String item, int number) {
            String text =
                    "{\"id\":\"%s%d-1\"}\n{\"id\":\"%s%d-2\"}\n"
                            .formatted(item, number, item, number);
            return new SourceBody(
                    new SourceMark(item, "%05d".formatted(number), "s" + number),
                    "application/x-ndjson",
                    Map.of("file", item),
                    text.getBytes(UTF_8),
                    Optional.empty(),
                    false);
        }

        @Override
        public void committed(Map<String, SourceMark> marks) {
            committed.putAll(marks);
        }

        @Override
        public void close() {
            next.clear();
        }
    }

    /** Forgets what was taken: everything comes again and again. */
    private static final class Forgetful extends Numbers {
        private final AtomicInteger given;

        Forgetful(AtomicInteger given) {
            super(new ConcurrentHashMap<>());
            this.given = given;
        }

        @Override
        public List<SourceBody> poll(Duration wait) throws InterruptedException {
            List<SourceBody> bodies = super.poll(wait);
            if (bodies.isEmpty()) {
                // those before have been appended
                given.set(BODIES);
            }
            return bodies;
        }

        @Override
        public void begin(Map<String, SourceMark> taken) {
            super.begin(Map.of());
        }
    }

    private static Ingest ingest(
            FailPoints failPoints, SourceDefinition source, Supplier<Source> open)
            throws InterruptedException {
        return lake.ingest(
                failPoints,
                TestLake.settings("a", Duration.ofMillis(20)),
                definition -> open.get(),
                source);
    }

    private static void await(BooleanSupplier until) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!until.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    private static boolean hasAll(SourceDefinition source) {
        return ITEMS.stream()
                .map(item -> lake.ledger.sourceMarks(source.name()).get(item))
                .allMatch(mark -> mark != null && mark.position().equals("%05d".formatted(BODIES)));
    }

    private static void assertEachOnce(SourceDefinition source) {
        assertThat(
                        lake.ask(
                                source.name(),
                                "SELECT count(*), count(DISTINCT event_id), count(DISTINCT"
                                        + " (partition, position, \"index\")) FROM bronze"))
                .containsExactly("120|120|120");
    }

    @Test
    void whatIsReadComesToBronzeOnceWhereverItFails() throws Exception {
        for (String point : Ingest.FAIL_POINTS) {
            SourceDefinition source = source();
            AtomicInteger left = new AtomicInteger(3);
            FailPoints thirdTime =
                    name -> {
                        if (name.equals(point) && left.decrementAndGet() == 0) {
                            throw new LakeException(ErrorCode.LOG_UNAVAILABLE, "at " + point);
                        }
                    };
            Map<String, SourceMark> committed = new ConcurrentHashMap<>();
            try (Ingest ingest = ingest(thirdTime, source, () -> new Numbers(committed))) {
                await(() -> hasAll(source));
                await(() ->
                        committed.size() == ITEMS.size()
                                && committed.get("b").position().equals("00030"));
                assertThat(committed.get("b").state()).isEqualTo("s30");
            }
            assertEachOnce(source);
        }
    }

    @Test
    void whatComesAgainIsDropped() throws Exception {
        SourceDefinition source = source();
        for (int start = 0; start < 3; start++) {
            AtomicInteger given = new AtomicInteger();
            try (Ingest ingest = ingest(FailPoints.NONE, source, () -> new Forgetful(given))) {
                await(() -> hasAll(source) && given.get() == BODIES);
                await(() -> ingest.status().getFirst().lag() == 0);
                assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
            }
        }
        assertEachOnce(source);
        assertThat(
                        lake.ask(
                                source.name(),
                                "SELECT DISTINCT headers['file'] FROM bronze ORDER BY 1"))
                .containsExactly("a", "b");
    }

    /** As when one of several bodies that are on their way gets lost, and all come once more. */
    @Test
    void aBodyWaitsForTheOneBeforeIt() throws Exception {
        SourceDefinition source = source();
        Source nothing =
                new Numbers(new ConcurrentHashMap<>()) {
                    @Override
                    public List<SourceBody> poll(Duration wait) throws InterruptedException {
                        TimeUnit.MILLISECONDS.sleep(10);
                        return List.of();
                    }
                };
        try (Ingest ingest = ingest(FailPoints.NONE, source, () -> nothing)) {
            SourceTopic topic = lake.log().topics().prepare(source, false);
            for (int number : new int[] {1, 3, 2, 2, 1, 3}) {
                BodyRecord record =
                        BodyRecord.ofSource(
                                Numbers.body("a", number),
                                number == 1 ? "" : "%05d".formatted(number - 1),
                                RequestKeys.micros(lake.clock.instant()));
                lake.log().append(topic, 0, record);
            }
            await(() -> {
                SourceMark mark = lake.ledger.sourceMarks(source.name()).get("a");
                return mark != null && mark.position().equals("00003");
            });
            assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
        }
        assertThat(lake.ask(source.name(), "SELECT position, event_id FROM bronze ORDER BY 1, 2"))
                .containsExactly("0|a1-1", "0|a1-2", "2|a2-1", "2|a2-2", "5|a3-1", "5|a3-2");
    }

    @Test
    void bytesThatCouldNotBeReadAreOneEventWithTheReason() throws Exception {
        SourceDefinition source = source();
        SourceBody text = unreadable("1", "no, JSON".getBytes(UTF_8));
        SourceBody bytes = unreadable("2", new byte[] {(byte) 0xff, 0});
        Source two =
                new Numbers(new ConcurrentHashMap<>()) {
                    private List<SourceBody> left = List.of(text, bytes);

                    @Override
                    public List<SourceBody> poll(Duration wait) throws InterruptedException {
                        List<SourceBody> now = left;
                        left = List.of();
                        return now.isEmpty() ? super.poll(wait) : now;
                    }

                    @Override
                    public void begin(Map<String, SourceMark> taken) {}
                };
        try (Ingest ingest = ingest(FailPoints.NONE, source, () -> two)) {
            // they may lie in different partitions, and come in different commits
            await(() -> lake.ledger.sourceMarks(source.name()).keySet().equals(Set.of("1", "2")));
            await(() -> ingest.status().getFirst().state() == State.RUNNING);
        }
        assertThat(
                        lake.ask(
                                source.name(),
                                "SELECT payload, content_type, headers['tonle-problem'] FROM"
                                        + " bronze ORDER BY 2"))
                .containsExactly("no, JSON|text/plain|no good", "/wA=|text/plain;base64|no good");
    }

    private static SourceBody unreadable(String item, byte[] bytes) {
        return new SourceBody(
                new SourceMark(item, "1", ""),
                "text/plain",
                Map.of(),
                bytes,
                Optional.of("no good"),
                false);
    }

    @Test
    void aSourceThatCantGoOnSaysWhyAndOneThatCanIsTriedAgain() throws Exception {
        SourceDefinition source = source();
        AtomicReference<LakeException> trouble =
                new AtomicReference<>(new LakeException(ErrorCode.STORAGE, "the disk sleeps"));
        Supplier<Source> open =
                () -> {
                    LakeException why = trouble.get();
                    if (why != null) {
                        throw why;
                    }
                    return new Numbers(new ConcurrentHashMap<>());
                };
        try (Ingest ingest = ingest(FailPoints.NONE, source, open)) {
            await(() -> ingest.status().getFirst().state() == State.RETRYING);
            assertThat(ingest.status().getFirst().problem().orElseThrow().reason())
                    .isEqualTo("the disk sleeps");
            trouble.set(null);
            await(() -> hasAll(source));
            await(() -> ingest.status().getFirst().state() == State.RUNNING);
        }
        trouble.set(new LakeException(ErrorCode.NOT_FOUND, "no such folder"));
        try (Ingest ingest = ingest(FailPoints.NONE, source, open)) {
            await(() -> ingest.status().getFirst().state() == State.FAILING);
            assertThat(ingest.status().getFirst().problem().orElseThrow().reason())
                    .isEqualTo("no such folder");
        }
    }

    @Test
    void howLongReadingHasFailedIsToldFromTheFirstAttempt() throws Exception {
        SourceDefinition source = source();
        AtomicReference<Ingest> running = new AtomicReference<>();
        ConcurrentLinkedQueue<SourceStatus> seen = new ConcurrentLinkedQueue<>();
        AtomicBoolean well = new AtomicBoolean();
        Supplier<Source> open =
                () ->
                        new Numbers(new ConcurrentHashMap<>()) {
                            @Override
                            public List<SourceBody> poll(Duration wait)
                                    throws InterruptedException {
                                if (well.get()) {
                                    return super.poll(wait);
                                }
                                Ingest ingest = running.get();
                                if (ingest != null) {
                                    seen.add(ingest.status().getFirst());
                                }
                                lake.clock.pass(Duration.ofMinutes(1));
                                throw new LakeException(ErrorCode.STORAGE, "the disk sleeps");
                            }
                        };
        try (Ingest ingest = ingest(FailPoints.NONE, source, open)) {
            await(() -> ingest.status().getFirst().state() == State.RETRYING);
            SourceStatus first = ingest.status().getFirst();
            running.set(ingest);
            await(() -> seen.size() >= 3);
            assertThat(seen)
                    .allSatisfy(status -> {
                        assertThat(status.state()).isEqualTo(State.RETRYING);
                        assertThat(status.problem().orElseThrow().since())
                                .isEqualTo(first.problem().orElseThrow().since());
                    });
            well.set(true);
            await(() -> hasAll(source));
            await(() -> ingest.status().getFirst().state() == State.RUNNING);
        }
    }
}
