package org.tonle.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.CommitConflictException.Reason;
import org.tonle.ledger.CommitRequest.DatasetMove;
import org.tonle.ledger.CommitRequest.LogMove;
import org.tonle.ledger.CommitRequest.NamespaceChange;
import org.tonle.ledger.CommitRequest.PointerMove;
import org.tonle.ledger.CommitRequest.TableRequirement;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/**
 * The promises of a commit, on a real PostgreSQL; one ledger for the class, names of its own each.
 */
class LedgerIT {
    private static EmbeddedPostgres postgres;
    private static Ledger ledger;

    @BeforeAll
    static void open(@TempDir Path dir) {
        postgres = EmbeddedPostgres.start(dir.resolve("pg"));
        ledger = Ledger.open(config(postgres.jdbcUrl()), FailPoints.NONE);
        ledger.commit(request().change(new NamespaceChange("ns", null, Map.of())).build());
    }

    @AfterAll
    static void close() {
        ledger.close();
        postgres.close();
    }

    private static LedgerConfig config(String url) {
        return new LedgerConfig(url, postgres.user(), postgres.password());
    }

    private static CommitRequest.Builder request() {
        return CommitRequest.builder(UUID.randomUUID(), "test", "tester");
    }

    private static PointerMove pointer(UUID table, String name, String before, String after) {
        return new PointerMove(
                table, RefKind.TABLE, "ns", name, before, after, "append", OptionalLong.empty());
    }

    private static LogMove log(String consumer, Long from, long to) {
        OptionalLong start = from == null ? OptionalLong.empty() : OptionalLong.of(from);
        return new LogMove(consumer, "cluster", "topic", 0, 0, start, to);
    }

    @Test
    void sequenceNumbersHaveNoGapsAndNoDoublesUnderManyWriters() throws Exception {
        long before = ledger.head();
        List<Long> seqs = Collections.synchronizedList(new ArrayList<>());
        List<Future<?>> writers = new ArrayList<>();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int writer = 0; writer < 16; writer++) {
                writers.add(
                        pool.submit(() -> {
                            for (int i = 0; i < 25; i++) {
                                seqs.add(ledger.commit(request().build()));
                            }
                        }));
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
        }
        assertThat(seqs.stream().sorted().toList())
                .isEqualTo(
                        java.util.stream.LongStream.rangeClosed(before + 1, before + 400)
                                .boxed()
                                .toList());
        assertThat(ledger.commits(before, before + 400)).hasSize(400);
    }

    @Test
    void ofTwoCommitsThatReadTheSameRangeOneHappensWhole() {
        ledger.commit(request().move(log("twice", null, 0)).build());
        UUID table = UUID.randomUUID();
        ledger.commit(
                request()
                        .move(log("twice", 0L, 10))
                        .move(pointer(table, "twice", null, "m1"))
                        .build());

        CommitConflictException conflict =
                catchThrowableOfType(
                        CommitConflictException.class,
                        () ->
                                ledger.commit(
                                        request()
                                                .move(pointer(table, "twice", "m1", "m2"))
                                                .move(log("twice", 0L, 12))
                                                .build()));

        assertThat(conflict.reason()).isEqualTo(Reason.POSITION);
        assertThat(ledger.logPositions("twice").get(0).next()).isEqualTo(10);
        assertThat(ledger.ref("ns", "twice").orElseThrow().metadataLocation()).isEqualTo("m1");
    }

    @Test
    void aPositionOfAnotherTopicIsNotMoved() {
        ledger.commit(request().move(log("recreated", null, 5)).build());
        LogMove other = new LogMove("recreated", "cluster", "another", 0, 0, OptionalLong.of(5), 6);
        assertThatThrownBy(() -> ledger.commit(request().move(other).build()))
                .isInstanceOf(CommitConflictException.class)
                .hasMessageContaining("recreated partition 0");
    }

    @Test
    void datasetPositionsMoveByCompareAndSet() {
        UUID input = UUID.randomUUID();
        ledger.commit(request().move(new DatasetMove("d", input, OptionalLong.empty(), 3)).build());
        ledger.commit(request().move(new DatasetMove("d", input, OptionalLong.of(3), 7)).build());
        assertThatThrownBy(() ->
                        ledger.commit(
                                request()
                                        .move(new DatasetMove("d", input, OptionalLong.of(3), 9))
                                        .build()))
                .isInstanceOf(CommitConflictException.class);
        assertThat(ledger.datasetPositions("d")).containsExactly(Map.entry(input, 7L));
    }

    @Test
    void pointersMoveByCompareAndSetAndKeepTheirHistory() {
        UUID table = UUID.randomUUID();
        long created = ledger.commit(request().move(pointer(table, "t", null, "m1")).build());
        long moved = ledger.commit(request().move(pointer(table, "t", "m1", "m2")).build());

        assertThatThrownBy(() ->
                        ledger.commit(request().move(pointer(table, "t", "m1", "m3")).build()))
                .isInstanceOfSatisfying(
                        CommitConflictException.class,
                        e -> assertThat(e.reason()).isEqualTo(Reason.POINTER));
        assertThatThrownBy(() ->
                        ledger.commit(
                                request().move(pointer(UUID.randomUUID(), "t", null, "x")).build()))
                .isInstanceOfSatisfying(
                        CommitConflictException.class,
                        e -> assertThat(e.reason()).isEqualTo(Reason.ALREADY_EXISTS));

        PointerMove rename =
                new PointerMove(
                        table,
                        RefKind.TABLE,
                        "ns",
                        "t2",
                        "m2",
                        "m2",
                        "rename",
                        OptionalLong.empty());
        long renamed = ledger.commit(request().move(rename).build());
        long dropped = ledger.commit(request().move(pointer(table, "t2", "m2", null)).build());

        assertThat(ledger.refAt("ns", "t", created - 1)).isEmpty();
        assertThat(ledger.refAt("ns", "t", created).orElseThrow().metadataLocation())
                .isEqualTo("m1");
        assertThat(ledger.refAt("ns", "t", moved).orElseThrow().version()).isEqualTo(2);
        assertThat(ledger.refAt("ns", "t", renamed)).isEmpty();
        assertThat(ledger.refAt("ns", "t2", renamed)).isPresent();
        assertThat(ledger.ref("ns", "t2")).isEmpty();
        assertThat(ledger.changes(table, created, dropped))
                .extracting(Change::metadataAfter)
                .containsExactly("m2", "m2", null);
    }

    @Test
    void aConflictInAGroupHarmsNoOtherMember() throws Exception {
        ledger.commit(request().move(log("group", null, 0)).build());
        AtomicInteger happened = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();
        CountDownLatch start = new CountDownLatch(1);
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 40; i++) {
                pool.submit(() -> {
                    start.await();
                    try {
                        ledger.commit(request().move(log("group", 0L, 1)).build());
                        happened.incrementAndGet();
                    } catch (CommitConflictException e) {
                        refused.incrementAndGet();
                    }
                    return null;
                });
            }
            start.countDown();
        }
        assertThat(happened).hasValue(1);
        assertThat(refused).hasValue(39);
    }

    @Test
    void crossingCommitsThatAssertEachOthersTableNeverBothHappen() throws Exception {
        UUID left = UUID.randomUUID();
        UUID right = UUID.randomUUID();
        ledger.commit(
                request()
                        .move(pointer(left, "left", null, "0"))
                        .move(pointer(right, "right", null, "0"))
                        .build());
        String[] at = {"0", "0"};
        for (int round = 1; round <= 100; round++) {
            String next = String.valueOf(round);
            CommitRequest a =
                    request()
                            .move(pointer(left, "left", at[0], next))
                            .require(new TableRequirement("ns", "right", at[1]))
                            .build();
            CommitRequest b =
                    request()
                            .move(pointer(right, "right", at[1], next))
                            .require(new TableRequirement("ns", "left", at[0]))
                            .build();
            boolean first;
            boolean second;
            try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
                Future<Boolean> one = pool.submit(() -> happens(a));
                Future<Boolean> two = pool.submit(() -> happens(b));
                first = one.get();
                second = two.get();
            }
            assertThat(first && second).isFalse();
            at[0] = first ? next : at[0];
            at[1] = second ? next : at[1];
        }
    }

    private static boolean happens(CommitRequest request) {
        try {
            ledger.commit(request);
            return true;
        } catch (CommitConflictException e) {
            assertThat(e.reason()).isIn(Reason.REQUIREMENT, Reason.POINTER);
            return false;
        }
    }

    @Test
    void aCommitUnderAnOldEpochIsRefusedHoweverLateItComes() {
        Lease old = ledger.acquire("work", "one", Duration.ofMillis(-1)).orElseThrow();
        Lease current = ledger.acquire("work", "two", Duration.ofMinutes(1)).orElseThrow();
        assertThat(ledger.acquire("work", "three", Duration.ofMinutes(1))).isEmpty();
        assertThat(ledger.renew(old, Duration.ofMinutes(1))).isFalse();

        assertThatThrownBy(() -> ledger.commit(request().fencedBy(old).build()))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.LEASE_LOST));
        assertThat(ledger.commit(request().fencedBy(current).build())).isPositive();

        assertThat(ledger.release(current)).isTrue();
        assertThat(ledger.acquire("work", "three", Duration.ofMinutes(1)).orElseThrow().epoch())
                .isEqualTo(3);
    }

    @Test
    void anIdThatHappenedAnswersTheSameAgainAndAClosedOneNeverHappens() {
        CommitRequest happened = request().move(log("again", null, 4)).build();
        long seq = ledger.commit(happened);
        assertThat(ledger.commit(happened)).isEqualTo(seq);
        assertThat(ledger.resolve(happened.id(), Duration.ofSeconds(5))).hasValue(seq);

        CommitRequest closed = request().move(log("again", 4L, 8)).build();
        assertThat(ledger.resolve(closed.id(), Duration.ofSeconds(5))).isEmpty();
        assertThatThrownBy(() -> ledger.commit(closed))
                .isInstanceOfSatisfying(
                        CommitConflictException.class,
                        e -> assertThat(e.reason()).isEqualTo(Reason.CLOSED));
        assertThat(ledger.logPositions("again").get(0).next()).isEqualTo(4);
    }

    @Test
    void definitionsAndResultsAreStoredWithTheirCommit() {
        String name = "dataset silver.x";
        ledger.commit(
                request().define(new CommitRequest.DefinitionVersion(name, 1, "h1", "a")).build());
        ledger.commit(
                request().define(new CommitRequest.DefinitionVersion(name, 2, "h2", "b")).build());
        assertThat(ledger.definitions().get(name).hash()).isEqualTo("h2");
        assertThatThrownBy(() ->
                        ledger.commit(
                                request()
                                        .define(
                                                new CommitRequest.DefinitionVersion(
                                                        name, 2, "h3", "c"))
                                        .build()))
                .isInstanceOf(CommitConflictException.class);

        for (int i = 0; i < 2; i++) {
            ledger.commit(
                    request()
                            .expectation(
                                    new CommitRequest.ExpectationResult(
                                            "silver.x", "sane", "drop", 10, 1))
                            .build());
        }
        assertThat(ledger.expectations("silver.x", 0, ledger.head()))
                .singleElement()
                .satisfies(result -> {
                    assertThat(result.passed()).isEqualTo(20);
                    assertThat(result.failed()).isEqualTo(2);
                });
    }

    @Test
    void namespacesThatHoldTablesCantBeDropped() {
        ledger.commit(request().change(new NamespaceChange("full", null, Map.of())).build());
        UUID table = UUID.randomUUID();
        ledger.commit(
                request()
                        .move(
                                new PointerMove(
                                        table,
                                        RefKind.TABLE,
                                        "full",
                                        "t",
                                        null,
                                        "m",
                                        "create",
                                        OptionalLong.empty()))
                        .build());
        assertThatThrownBy(() ->
                        ledger.commit(
                                request()
                                        .change(new NamespaceChange("full", Map.of(), null))
                                        .build()))
                .isInstanceOfSatisfying(
                        CommitConflictException.class,
                        e -> assertThat(e.reason()).isEqualTo(Reason.NOT_EMPTY));
    }

    @Test
    void whatTheAnswerToCommitSaidIsFoundOutWhenTheLineIsCut() throws Exception {
        try (CuttingProxy proxy = new CuttingProxy(postgres.port());
                Ledger behind =
                        Ledger.open(
                                config(
                                        postgres.jdbcUrl()
                                                .replace(
                                                        ":" + postgres.port(), ":" + proxy.port())),
                                FailPoints.NONE)) {
            behind.commit(request().move(log("cut", null, 0)).build());
            long expected = 0;
            int lost = 0;
            int found = 0;
            for (int i = 0; i < 80; i++) {
                int before = proxy.cuts();
                if (i % 2 == 0) {
                    proxy.cutQuestionAfter(i * 31L % 900);
                } else {
                    proxy.cutAnswerAfter(i * 7L % 200);
                }
                try {
                    behind.commit(request().move(log("cut", expected, expected + 1)).build());
                    expected++;
                    found += proxy.cuts() - before;
                } catch (CommitConflictException e) {
                    assertThat(e.reason()).isEqualTo(Reason.CLOSED);
                    lost++;
                }
                proxy.heal();
                assertThat(ledger.logPositions("cut").get(0).next()).isEqualTo(expected);
            }
            assertThat(proxy.cuts()).isGreaterThan(20);
            assertThat(lost).as("cut, and it did not happen").isPositive();
            assertThat(found).as("cut, and it happened all the same").isPositive();
        }
    }

    /** Each guard taken out of the function alone lets through what it is there to refuse. */
    @Test
    void withoutItsGuardsTheLedgerWouldTakeWhatItMustRefuse() throws Exception {
        mutant(
                "AND topic_id = x->>'topic' AND next = (x->>'from')::bigint",
                "AND topic_id = x->>'topic'",
                mutant -> {
                    mutant.commit(request().move(log("m", null, 0)).build());
                    mutant.commit(request().move(log("m", 0L, 10)).build());
                    mutant.commit(request().move(log("m", 0L, 12)).build());
                });
        mutant(
                "AND epoch = (x->>'epoch')::bigint FOR SHARE",
                "FOR SHARE",
                mutant -> {
                    Lease old = mutant.acquire("w", "one", Duration.ofMillis(-1)).orElseThrow();
                    mutant.acquire("w", "two", Duration.ofMinutes(1)).orElseThrow();
                    mutant.commit(request().fencedBy(old).build());
                });
        mutant(
                "AND metadata_location = x->>'before'",
                "",
                mutant -> {
                    mutant.commit(
                            request().change(new NamespaceChange("ns", null, Map.of())).build());
                    UUID table = UUID.randomUUID();
                    mutant.commit(request().move(pointer(table, "t", null, "m1")).build());
                    mutant.commit(request().move(pointer(table, "t", "m1", "m2")).build());
                    mutant.commit(request().move(pointer(table, "t", "m1", "m3")).build());
                });
    }

    private interface Scenario {
        void run(Ledger mutant);
    }

    /** Runs what the right function refuses on one without a guard: nothing is thrown. */
    private static void mutant(String guard, String instead, Scenario scenario) throws Exception {
        String name = "mutant_" + UUID.randomUUID().toString().replace('-', '_');
        try (Connection admin = admin()) {
            admin.createStatement().execute("CREATE DATABASE " + name);
        }
        LedgerConfig config =
                config(postgres.jdbcUrl().replaceAll("/[^/?]*(\\?|$)", "/" + name + "$1"));
        try (Ledger right = Ledger.open(config, FailPoints.NONE)) {
            assertThatThrownBy(() -> scenario.run(right)).isInstanceOf(LakeException.class);
        }
        try (Connection connection =
                        DriverManager.getConnection(
                                config.url(), config.user(), config.password());
                java.sql.ResultSet row =
                        connection
                                .createStatement()
                                .executeQuery(
                                        "SELECT pg_get_functiondef('tonle.apply_commit'::regproc)")) {
            row.next();
            String function = row.getString(1);
            assertThat(function).contains(guard);
            connection.createStatement().execute(function.replace(guard, instead));
            connection
                    .createStatement()
                    .execute(
                            "TRUNCATE tonle.commit, tonle.ref_version, tonle.namespace_version,"
                                    + " tonle.change, tonle.log_position, tonle.lease");
        }
        try (Ledger mutant = Ledger.open(config, FailPoints.NONE)) {
            scenario.run(mutant);
        }
    }

    @Test
    void aServerThatMayLoseWhatItAcknowledgedIsRefused() throws Exception {
        try (Connection admin = admin()) {
            admin.createStatement().execute("CREATE DATABASE careless");
            admin.createStatement().execute("ALTER DATABASE careless SET synchronous_commit = off");
        }
        LedgerConfig careless =
                config(postgres.jdbcUrl().replaceAll("/[^/?]*(\\?|$)", "/careless$1"));
        assertThatThrownBy(() -> Ledger.open(careless, FailPoints.NONE))
                .hasMessageContaining("synchronous_commit = off");
    }

    @Test
    void processesThatOpenANewLedgerAtOnceFindTheSameOne() throws Exception {
        try (Connection admin = admin()) {
            admin.createStatement().execute("CREATE DATABASE fresh");
        }
        LedgerConfig fresh = config(postgres.jdbcUrl().replaceAll("/[^/?]*(\\?|$)", "/fresh$1"));
        List<Future<UUID>> opened = new ArrayList<>();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 4; i++) {
                opened.add(
                        pool.submit(() -> {
                            try (Ledger each = Ledger.open(fresh, FailPoints.NONE)) {
                                return each.id();
                            }
                        }));
            }
        }
        for (Future<UUID> each : opened) {
            assertThat(each.get()).isEqualTo(opened.getFirst().get());
        }
    }

    @Test
    void aNewerLedgerIsRefused() throws Exception {
        try (Connection admin = admin()) {
            admin.createStatement().execute("CREATE DATABASE newer");
        }
        LedgerConfig newer = config(postgres.jdbcUrl().replaceAll("/[^/?]*(\\?|$)", "/newer$1"));
        Ledger.open(newer, FailPoints.NONE).close();
        try (Connection connection =
                DriverManager.getConnection(newer.url(), newer.user(), newer.password())) {
            connection
                    .createStatement()
                    .execute("UPDATE tonle.meta SET value = '99' WHERE key = 'format'");
        }
        assertThatThrownBy(() -> Ledger.open(newer, FailPoints.NONE))
                .hasMessageContaining("format 99");
    }

    private static Connection admin() throws SQLException {
        return DriverManager.getConnection(
                postgres.jdbcUrl(), postgres.user(), postgres.password());
    }
}
