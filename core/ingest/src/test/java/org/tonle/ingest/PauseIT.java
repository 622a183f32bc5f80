package org.tonle.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.IntStream;
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

/** A source takes nothing while it is paused, loses nothing by it, and goes on where it was. */
class PauseIT {
    private static final Duration SHORT = Duration.ofMillis(50);

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

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within 90 seconds");
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    private static SourceStatus status(Ingest ingest) {
        return ingest.status().getFirst();
    }

    private static void refused(Ingest ingest, String source) {
        assertThatThrownBy(() -> TestLake.send(ingest, source, null, "{}"))
                .hasMessageContaining("anna paused it")
                .hasMessageContaining("tonle source resume " + source)
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.SOURCE_PAUSED));
    }

    @Test
    void pausingUnderLoadLosesAndDoublesNothing() throws Exception {
        String source = TestLake.uniqueSource();
        List<IngestReceipt> taken = new CopyOnWriteArrayList<>();
        AtomicInteger refused = new AtomicInteger();
        AtomicBoolean over = new AtomicBoolean();
        try (Ingest ingest = lake.ingest(TestLake.source(source, 2))) {
            List<Thread> senders =
                    IntStream.range(0, 4)
                            .mapToObj(sender ->
                                    Thread.ofVirtual()
                                            .start(() ->
                                                    send(
                                                            ingest, source, sender, taken, refused,
                                                            over)))
                            .toList();
            for (int round = 0; round < 3; round++) {
                int before = taken.size();
                await(() -> taken.size() > before + 20);
                assertThat(ingest.pause(source, "anna").state()).isEqualTo(State.PAUSED);
                int refusedBefore = refused.get();
                await(() -> refused.get() > refusedBefore + 4);
                // whoever was inside is through
                int inside = taken.size();
                await(() -> status(ingest).lag() == 0);
                assertThat(taken.size()).isLessThanOrEqualTo(inside + senders.size());
                assertThat(ingest.resume(source, "ben").state()).isEqualTo(State.RUNNING);
            }
            int before = taken.size();
            await(() -> taken.size() > before + 20);
            over.set(true);
            for (Thread sender : senders) {
                sender.join();
            }
            assertThat(ingest.drain(Duration.ofSeconds(90))).isTrue();
        }
        assertThat(lake.ask(source, "SELECT count(*), count(DISTINCT event_id) FROM bronze"))
                .containsExactly(taken.size() + "|" + taken.size());
    }

    private static void send(
            Ingest ingest,
            String source,
            int sender,
            List<IngestReceipt> taken,
            AtomicInteger refused,
            AtomicBoolean over) {
        for (int i = 0; !over.get(); ) {
            try {
                taken.add(
                        TestLake.send(
                                ingest, source, null, "{\"id\":\"%d-%d\"}".formatted(sender, i)));
                i++;
            } catch (LakeException e) {
                assertThat(e.code()).isEqualTo(ErrorCode.SOURCE_PAUSED);
                refused.incrementAndGet();
                Thread.yield();
            }
        }
    }

    @Test
    void everyProcessOfALakeHeedsAPauseAndOneThatStartsLaterToo() throws Exception {
        String source = TestLake.uniqueSource();
        IngestSettings other = TestLake.settings("b", SHORT);
        try (Ingest one = lake.ingest(TestLake.source(source, 2))) {
            try (Ingest two = lake.ingest(FailPoints.NONE, other, TestLake.source(source, 2))) {
                var unused = TestLake.send(two, source, null, "{\"id\":\"1\"}");
                var paused = one.pause(source, "anna");
                refused(one, source);
                await(() -> status(two).state() == State.PAUSED);
                refused(two, source);
                assertThat(status(two).paused()).isEqualTo(paused.paused());
                await(() -> lake.ask(source, "SELECT event_id FROM bronze").size() == 1);
            }
            try (Ingest three = lake.ingest(FailPoints.NONE, other, TestLake.source(source, 2))) {
                assertThat(status(three).state()).isEqualTo(State.PAUSED);
                refused(three, source);
                var resumed = three.resume(source, "ben");
                assertThat(resumed.paused()).isEmpty();
                await(() -> status(one).state() == State.RUNNING);
                TestLake.await(one, source, TestLake.send(one, source, null, "{\"id\":\"2\"}"));
            }
        }
        assertThat(lake.ask(source, "SELECT event_id FROM bronze ORDER BY 1"))
                .containsExactly("1", "2");
    }

    @Test
    void whoPausedFirstStaysKnown() throws Exception {
        String source = TestLake.uniqueSource();
        try (Ingest ingest = lake.ingest(TestLake.source(source, 1))) {
            SourceStatus first = ingest.pause(source, "anna");
            assertThat(ingest.pause(source, "ben").paused()).isEqualTo(first.paused());
            assertThat(first.paused().orElseThrow().by()).isEqualTo("anna");
        }
    }

    private static SourceDefinition reading() {
        SourceDefinition plain = TestLake.source(TestLake.uniqueSource(), 1);
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

    /** Counts up without end, a number in each body; knows how many of it are open. */
    private static final class Counting implements Source {
        private final AtomicInteger open;
        private final AtomicBoolean fails;
        private boolean begun;
        private int next;

        Counting(AtomicInteger open, AtomicBoolean fails) {
            this.open = open;
            this.fails = fails;
        }

        @Override
        public void begin(Map<String, SourceMark> taken) {
            if (fails.get()) {
                throw new LakeException(ErrorCode.LOG_GAP, "the slot is gone");
            }
            SourceMark mark = taken.get("n");
            next = mark == null ? 1 : Integer.parseInt(mark.position()) + 1;
            begun = true;
            open.incrementAndGet();
        }

        @Override
        public List<SourceBody> poll(Duration wait) throws InterruptedException {
            TimeUnit.MILLISECONDS.sleep(2);
            byte[] body = "{\"id\":\"%d\"}".formatted(next).getBytes(UTF_8);
            SourceMark mark = new SourceMark("n", "%07d".formatted(next++), "");
            return List.of(
                    new SourceBody(
                            mark, "application/json", Map.of(), body, Optional.empty(), false));
        }

        @Override
        public void committed(Map<String, SourceMark> marks) {
            assertThat(marks).containsOnlyKeys("n");
        }

        @Override
        public void close() {
            if (begun) {
                open.decrementAndGet();
            }
        }
    }

    @Test
    void whatIsReadIsClosedAndGoesOnWhereItWas() throws Exception {
        SourceDefinition source = reading();
        AtomicInteger open = new AtomicInteger();
        try (Ingest ingest =
                lake.ingest(
                        FailPoints.NONE,
                        TestLake.settings("a", SHORT),
                        definition -> new Counting(open, new AtomicBoolean()),
                        source)) {
            for (int round = 0; round < 3; round++) {
                long before = status(ingest).counts().events();
                await(() -> status(ingest).counts().events() > before + 10);
                var unused = ingest.pause(source.name(), "anna");
                await(() -> open.get() == 0 && status(ingest).lag() == 0);
                long events = status(ingest).counts().events();
                assertThat(
                                lake.ask(
                                        source.name(),
                                        "SELECT count(*), max(event_id::int) FROM bronze"))
                        .containsExactly(events + "|" + events);
                var unusedToo = ingest.resume(source.name(), "anna");
            }
            assertThat(status(ingest).repeats()).isZero();
        }
    }

    @Test
    void aSourceThatIsFailingBeginsAnewWhenItIsResumed() throws Exception {
        SourceDefinition source = reading();
        AtomicBoolean fails = new AtomicBoolean(true);
        try (Ingest ingest =
                lake.ingest(
                        FailPoints.NONE,
                        TestLake.settings("a", SHORT),
                        definition -> new Counting(new AtomicInteger(), fails),
                        source)) {
            await(() -> status(ingest).state() == State.FAILING);
            assertThat(status(ingest).problem().orElseThrow().since())
                    .isEqualTo(lake.clock.instant());
            long errors = status(ingest).counts().errors();
            var unused = ingest.resume(source.name(), "anna");
            await(() -> status(ingest).counts().errors() > errors);
            fails.set(false);
            var unusedToo = ingest.resume(source.name(), "anna");
            await(() -> status(ingest).counts().events() > 10);
            assertThat(status(ingest).state()).isEqualTo(State.RUNNING);
            assertThat(status(ingest).problem()).isEmpty();
        }
    }

    @Test
    void aSourceThatIsFailingAtOneProcessMayBeResumedAtAnother() throws Exception {
        SourceDefinition source = reading();
        AtomicBoolean fails = new AtomicBoolean(true);
        Function<SourceDefinition, Source> numbers =
                definition -> new Counting(new AtomicInteger(), fails);
        try (Ingest one =
                        lake.ingest(
                                FailPoints.NONE, TestLake.settings("a", SHORT), numbers, source);
                Ingest two =
                        lake.ingest(
                                FailPoints.NONE, TestLake.settings("b", SHORT), numbers, source)) {
            await(() -> status(one).state() == State.FAILING);
            await(() -> status(two).state() == State.STANDBY);
            fails.set(false);
            var unused = two.resume(source.name(), "anna");
            await(() -> status(one).counts().events() > 10);
        }
    }

    @Test
    void aSourceLagsWhileSomethingHasWaitedForLong() throws Exception {
        String source = TestLake.uniqueSource();
        AtomicBoolean stuck = new AtomicBoolean(true);
        try (Ingest ingest =
                lake.ingest(
                        point -> {
                            if (point.equals("ingest.before-commit")) {
                                hold(stuck);
                            }
                        },
                        TestLake.settings("a", SHORT),
                        TestLake.source(source, 1))) {
            IngestReceipt receipt = TestLake.send(ingest, source, null, "{\"id\":\"1\"}");
            assertThat(status(ingest).state()).isEqualTo(State.RUNNING);
            lake.clock.pass(Duration.ofSeconds(31));
            assertThat(status(ingest).state()).isEqualTo(State.LAGGING);
            assertThat(status(ingest).behind(lake.clock.instant()))
                    .isEqualTo(Duration.ofSeconds(31));
            stuck.set(false);
            TestLake.await(ingest, source, receipt);
            await(() -> status(ingest).state() == State.RUNNING);
        }
    }

    private static void hold(AtomicBoolean stuck) {
        while (stuck.get()) {
            LockSupport.parkNanos(1_000_000);
        }
    }
}
