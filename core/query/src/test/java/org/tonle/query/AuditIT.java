package org.tonle.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.arrow.memory.RootAllocator;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.duckdb.DuckDbEngine;
import org.tonle.duckdb.DuckDbSettings;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.AuditRecord;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.ledger.Listing;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Access;

/** What is written down of those who ask, whatever happens then. */
class AuditIT {
    private static final Duration RETENTION = Duration.ofDays(90);
    private static final Principal VIEWER =
            new Principal("vic", Set.of(Principal.DATA_VIEWER), Map.of());
    private static final Principal OTHER =
            new Principal("otto", Set.of(Principal.DATA_VIEWER), Map.of());

    @TempDir private static Path directory;
    private static EmbeddedPostgres postgres;
    private static Ledger ledger;
    private static LakeCatalog catalog;
    private static HeldEngine engine;
    private static RootAllocator allocator;
    private static Audit audit;
    private static QueryService query;
    private static int folders;

    @BeforeAll
    static void openLake() throws IOException {
        Path warehouse = directory.resolve("warehouse");
        allocator = new RootAllocator();
        postgres = EmbeddedPostgres.start(directory.resolve("pg"));
        ledger = ledger();
        catalog = new LakeCatalog(ledger, warehouse, FailPoints.NONE);
        engine =
                new HeldEngine(
                        DuckDbEngine.open(
                                new DuckDbSettings(
                                        List.of(warehouse),
                                        Files.createDirectories(directory.resolve("tmp")),
                                        256L << 20,
                                        2,
                                        6),
                                allocator));
        audit = start(directory.resolve("audit"), RETENTION);
        query = service(audit);
        for (String namespace : List.of("gold", "silver")) {
            catalog.ensureNamespace(namespace, "test");
            try (StagedCommit commit = catalog.stage()) {
                commit.create(
                        TableIdentifier.of(namespace, "t"),
                        new Schema(Types.NestedField.required(1, "id", Types.LongType.get())),
                        PartitionSpec.unpartitioned(),
                        Map.of());
                commit.publish(CommitRequest.builder(commit.id(), "define", "test"));
            }
        }
    }

    private static Ledger ledger() {
        return Ledger.open(
                new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password()),
                FailPoints.NONE);
    }

    private static Audit start(Path folder, Duration retention) {
        return Audit.start(ledger.audit(), folder, retention, Clock.systemUTC());
    }

    /** Viewers see gold alone. */
    private static QueryService service(Audit to) {
        return new QueryService(
                catalog,
                List.of(),
                who ->
                        table ->
                                who.isAdmin() || table.namespace().equals("gold")
                                        ? Optional.of(Access.FULL)
                                        : Optional.empty(),
                new SystemTables(catalog, to, directory.resolve("statements"), List.of()),
                to,
                engine,
                new MemoryCache(1 << 20),
                QuerySettings.DEFAULT);
    }

    @AfterAll
    static void closeLake() {
        engine.close();
        audit.close();
        ledger.close();
        postgres.close();
        allocator.close();
    }

    private static void run(String sql, Principal principal) {
        try (RunningQuery rows = query.run(sql, principal, ReadPoint.NEWEST)) {
            rows.writeTo(new ByteArrayOutputStream(), RowFormat.CSV);
        }
    }

    /** Takes an answer and does something at its first byte. */
    private record Receiver(Runnable first) implements Answer.Receiver {
        @Override
        public void unchanged(Answer answer) {
            first.run();
        }

        @Override
        public void whole(Answer answer, byte[] body, int length) {
            first.run();
        }

        @Override
        public OutputStream stream(Answer answer) {
            first.run();
            return OutputStream.nullOutputStream();
        }
    }

    private static void ask(
            String sql, Principal principal, Runnable atFirstByte, String... known) {
        query.answer(
                new Question(sql, principal, ReadPoint.NEWEST, RowFormat.CSV, Set.of(known)),
                new Receiver(atFirstByte));
    }

    /** Principal, outcome, tables, rows of the records whose statement has this mark, by time. */
    private static List<String> records(String mark) {
        List<@Nullable Object[]> rows =
                new ArrayList<>(ledger.listings().of(Listing.AUDIT, 0, 9999));
        return rows.reversed().stream()
                .filter(row -> String.valueOf(row[3]).contains(mark))
                .map(row -> row[2] + " " + row[9] + " " + row[5] + " " + row[7])
                .toList();
    }

    private static void awaitRecords(String mark, String... expected) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!records(mark).equals(List.of(expected)) && System.nanoTime() < deadline) {
            Thread.sleep(20);
        }
        assertThat(records(mark)).containsExactly(expected);
    }

    /** What the next process on this ledger does if this one were killed now. */
    private static void killedNow() {
        Path copy = directory.resolve("killed" + folders++);
        try (Stream<Path> files = Files.list(directory.resolve("audit"))) {
            Files.createDirectories(copy);
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        start(copy, RETENTION).close();
    }

    @Test
    void theAuditHoldsEveryStatementWhateverBecameOfIt() throws InterruptedException {
        String mark = "'audited once'";
        run("SELECT id, " + mark + " AS m FROM gold.t", Principal.LAKE);
        for (String sql :
                List.of(
                        "SELECT " + mark + " FROM silver.t",
                        "SELECT CAST(m AS INT) AS x FROM (VALUES (" + mark + ")) AS t(m)",
                        "SELEC " + mark,
                        "SELECT '\0', " + mark + " FROM nosuch.t",
                        "  ")) {
            assertThatThrownBy(() -> run(sql, VIEWER)).isInstanceOf(LakeException.class);
        }
        try (RunningQuery left = query.run("SELECT " + mark + " AS x", VIEWER, ReadPoint.NEWEST)) {
            assertThat(left.schema().columns()).hasSize(1);
        }
        awaitRecords(
                "audited once",
                "lake FINISHED gold.t 0",
                "vic INVALID_SQL  0",
                "vic INVALID_VALUE  0",
                "vic INVALID_SQL  0",
                "vic INVALID_SQL  0",
                "vic CANCELLED  0");
        assertThat(ledger.listings().of(Listing.AUDIT, 0, 9999))
                .anySatisfy(row -> {
                    assertThat(row[3]).isEqualTo("  ");
                    assertThat(row[10]).isEqualTo("The statement is empty; send a SELECT");
                })
                .filteredOn(row -> "FINISHED".equals(row[9]))
                .allSatisfy(row -> {
                    assertThat(row[6]).as("which commit").isNotNull();
                    assertThat((Double) row[8]).as("how long").isPositive();
                });
    }

    @Test
    void ofALongStatementTheAuditKeepsTheBeginningAndTheHash() throws InterruptedException {
        run("SELECT 'long' AS x -- " + "x".repeat(100_000), Principal.LAKE);
        awaitRecords("'long'", "lake FINISHED  1");
        assertThat(ledger.listings().of(Listing.AUDIT, 0, 9999))
                .filteredOn(row -> row[4] != null)
                .singleElement()
                .satisfies(row -> {
                    assertThat((String) row[3]).hasSize(65_536);
                    assertThat((String) row[4]).hasSize(64);
                });
    }

    @Test
    void aStatementThatKillsTheProcessIsInTheAudit() throws InterruptedException {
        String sql = "SELECT COUNT(*) AS killer FROM gold.t";
        engine.hold();
        CompletableFuture<Void> running =
                CompletableFuture.runAsync(
                        () -> ask(sql, VIEWER, () -> {}), Thread::startVirtualThread);
        try {
            engine.awaitHeld(1);
            killedNow();
            assertThat(records("killer")).containsExactly("vic LOST  null");
        } finally {
            engine.release();
            running.join();
        }
    }

    @Test
    void noByteOfAnAnswerLeavesBeforeItsStatementIsNoted() {
        String sql = "SELECT COUNT(*) AS leaves FROM gold.t";
        assertNotedAtFirstByte(sql, VIEWER, "run");
        assertNotedAtFirstByte(sql, VIEWER, "kept");
        assertNotedAtFirstByte(sql, OTHER, "kept for somebody else");
        String[] tag = new String[1];
        query.answer(
                new Question(sql, VIEWER, ReadPoint.NEWEST, RowFormat.CSV, Set.of()),
                new Answer.Receiver() {
                    @Override
                    public void unchanged(Answer answer) {}

                    @Override
                    public void whole(Answer answer, byte[] body, int length) {
                        tag[0] = answer.etag().orElseThrow();
                    }

                    @Override
                    public OutputStream stream(Answer answer) {
                        return OutputStream.nullOutputStream();
                    }
                });
        int runs = engine.runs.get();
        assertNotedAtFirstByte(sql, OTHER, "unchanged", tag[0]);
        assertThat(engine.runs).hasValue(runs);
        assertNotedAtFirstByte("SELECT CURRENT_DATE AS leaves FROM gold.t", OTHER, "streamed");
    }

    private static void assertNotedAtFirstByte(
            String sql, Principal who, String mark, String... known) {
        ask(
                sql + " -- " + mark + " leaves",
                who,
                () -> {
                    killedNow();
                    assertThat(records(mark + " leaves"))
                            .containsExactly(who.name() + " LOST  null");
                },
                known);
    }

    @Test
    void nothingOfAnAnswerIsSentWhoseStatementCantBeForcedToTheDisk() throws IOException {
        Path folder = directory.resolve("unforced");
        try (Audit own = start(folder, RETENTION)) {
            QueryService service = service(own);
            // what is written there is taken, and forcing it is refused
            Files.createSymbolicLink(folder.resolve("begun-3"), Path.of("/dev/null"));
            List<AuditEntry> begun = new ArrayList<>();
            for (int i = 0; i < 2 * (4 << 20) / 60_000; i++) {
                begun.add(own.begin("unforced" + "x".repeat(60_000), VIEWER));
            }
            List<String> sent = new ArrayList<>();
            assertThatThrownBy(() ->
                            service.answer(
                                    new Question(
                                            "SELECT COUNT(*) AS unforced FROM gold.t",
                                            VIEWER,
                                            ReadPoint.NEWEST,
                                            RowFormat.CSV,
                                            Set.of()),
                                    new Receiver(() -> sent.add("something"))))
                    .hasMessageContaining("it can't be noted for the audit")
                    .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.STORAGE));
            assertThat(sent).isEmpty();
            service.run("SELECT 'next' AS unforced", VIEWER, ReadPoint.NEWEST).close();
            begun.forEach(entry -> entry.left(0));
        }
        assertThat(records("AS unforced"))
                .containsExactly("vic STORAGE gold.t 0", "vic CANCELLED  0");
    }

    @Test
    void whatIsRecordedStaysAsItIsWhenTheProcessIsKilled() throws InterruptedException {
        run("SELECT 'recorded' AS x", VIEWER);
        awaitRecords("'recorded'", "vic FINISHED  1");
        killedNow();
        assertThat(records("'recorded'")).containsExactly("vic FINISHED  1");
    }

    @Test
    void theRecordOfAKeptAnswerSaysHowManyRowsWereSent() throws InterruptedException {
        String sql = "SELECT * FROM (VALUES (1), (2), (3)) AS kept(x)";
        ask(sql, VIEWER, () -> {});
        ask(sql, VIEWER, () -> {});
        ask(sql, OTHER, () -> {});
        awaitRecords("kept(x)", "vic FINISHED  3", "vic FINISHED  3", "otto FINISHED  3");
    }

    @Test
    void whatIsStartedAndNotYetReadIsListedAndCanBeCancelledToo() throws InterruptedException {
        String sql = "SELECT * FROM (VALUES (1), (2), (3)) AS listed(x)";
        try (RunningQuery rows = query.run(sql, VIEWER, ReadPoint.NEWEST)) {
            ActiveQuery listed =
                    query.active(VIEWER).stream()
                            .filter(active -> active.sql().equals(sql))
                            .findFirst()
                            .orElseThrow();
            assertThatThrownBy(() -> query.cancel(listed.id(), OTHER))
                    .hasMessageContaining(listed.id());
            query.cancel(listed.id(), VIEWER);
            assertThatThrownBy(() -> rows.writeTo(new ByteArrayOutputStream(), RowFormat.CSV))
                    .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.CANCELLED));
        }
        assertThat(query.active(VIEWER)).isEmpty();
        assertThatThrownBy(() -> query.cancel("no id", Principal.LAKE))
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.NOT_FOUND));
        awaitRecords("listed(x)", "vic CANCELLED  0");
    }

    @Test
    void aQueryThatIsCancelledBeforeItHasStartedNeverDoes() throws InterruptedException {
        String sql = "SELECT COUNT(*) AS early FROM gold.t";
        engine.hold();
        CompletableFuture<Boolean> interrupted =
                CompletableFuture.supplyAsync(
                        () -> {
                            assertThatThrownBy(() -> run(sql, VIEWER))
                                    .satisfies(e ->
                                            assertThat(code(e)).isEqualTo(ErrorCode.CANCELLED));
                            return Thread.interrupted();
                        },
                        Thread::startVirtualThread);
        engine.awaitHeld(1);
        query.cancel(query.active(VIEWER).getFirst().id(), VIEWER);
        assertThat(interrupted.join()).as("the thread goes on as if nothing was").isFalse();
        engine.release();
        awaitRecords("early", "vic CANCELLED gold.t 0");
    }

    private static ErrorCode code(Throwable e) {
        return ((LakeException) e).code();
    }

    @Test
    void recordsOlderThanTheRetentionAreRemoved() throws InterruptedException {
        Instant now = Clock.systemUTC().instant();
        List<AuditRecord> records = new ArrayList<>();
        for (int i = 0; i < 2500; i++) {
            records.add(
                    new AuditRecord(
                            UUID.randomUUID(),
                            now.minus(Duration.ofDays(200)).plusSeconds(i),
                            "ada",
                            i == 2499 ? "the youngest that is ancient" : "ancient",
                            Optional.empty(),
                            List.of(),
                            OptionalLong.empty(),
                            OptionalLong.of(1),
                            Optional.of(Duration.ZERO),
                            "FINISHED",
                            Optional.empty()));
        }
        ledger.audit().add(records);
        Clock later = Clock.fixed(now.plus(Duration.ofDays(1)), ZoneOffset.UTC);
        Duration retention = Duration.ofDays(201).minusSeconds(2499).plusMillis(1);
        try (Audit own =
                Audit.start(ledger.audit(), directory.resolve("retention"), retention, later)) {
            long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
            while (!records("ancient").equals(List.of("ada FINISHED  1"))
                    && System.nanoTime() < deadline) {
                Thread.sleep(20);
            }
            assertThat(own.running()).isEmpty();
        }
        assertThat(records("the youngest that is ancient")).hasSize(1);
        assertThat(records("ancient")).hasSize(1);
    }

    @Test
    void noStatementBeginsThatTheAuditCantTake() throws IOException {
        Ledger gone = ledger();
        gone.close();
        Path folder = directory.resolve("full");
        try (Audit full = Audit.start(gone.audit(), folder, RETENTION, Clock.systemUTC(), 2)) {
            QueryService service = service(full);
            for (int i = 0; i < 2; i++) {
                service.run("SELECT 'waits' AS x", Principal.LAKE, ReadPoint.NEWEST).close();
            }
            assertThatThrownBy(() -> service.run("SELECT 1 AS x", Principal.LAKE, ReadPoint.NEWEST))
                    .hasMessageContaining("the audit can't be written")
                    .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.OVERLOADED));
        }
        assertThat(records("'waits'")).isEmpty();
        start(folder, RETENTION).close();
        assertThat(records("'waits'")).containsExactly("lake LOST  null", "lake LOST  null");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void whatRanIsInTheAuditWhenItIsClosed() {
        Audit own = start(directory.resolve("own"), RETENTION);
        QueryService service = service(own);
        for (int i = 0; i < 700; i++) {
            assertThatThrownBy(() -> service.run("at close", Principal.LAKE, ReadPoint.NEWEST));
        }
        RunningQuery open = service.run("SELECT 'at close' AS x", VIEWER, ReadPoint.NEWEST);
        own.close();
        open.close();
        assertThat(records("at close"))
                .hasSize(701)
                .contains("vic CANCELLED  0")
                .filteredOn(row -> row.equals("lake INVALID_SQL  0"))
                .hasSize(700);
        assertThatThrownBy(() -> service.run("SELECT 1 AS x", Principal.LAKE, ReadPoint.NEWEST))
                .hasMessageContaining("stopping");
    }
}
