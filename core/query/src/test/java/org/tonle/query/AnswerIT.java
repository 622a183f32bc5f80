package org.tonle.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.arrow.memory.RootAllocator;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.duckdb.DuckDbEngine;
import org.tonle.duckdb.DuckDbSettings;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.Cache;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Access;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.TableResolver;
import org.tonle.sql.WrittenFile;

/** Answers that are kept: never of another state, and never somebody else's. */
class AnswerIT {
    private static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.optional(1, "id", Types.LongType.get()),
                    Types.NestedField.optional(2, "region", Types.StringType.get()));
    private static final List<String> TABLES = List.of("a", "b");
    private static final QuerySettings SETTINGS =
            new QuerySettings(4, Duration.ofSeconds(20), Duration.ofMinutes(1), 10_000, 1 << 20);
    private static final Principal ADA = new Principal("ada", Set.of("r"), Map.of("region", "eu"));
    private static final Principal BOB = new Principal("bob", Set.of("r"), Map.of("region", "us"));
    private static final Principal EVE = new Principal("eve", Set.of("r"), Map.of("region", "eu"));

    @TempDir static Path directory;
    private static EmbeddedPostgres postgres;
    private static LedgerConfig config;
    private static Ledger ledger;
    private static LakeCatalog catalog;
    private static Audit audit;
    private static SystemTables system;
    private static HeldEngine engine;
    private static RootAllocator allocator;
    private static final AtomicInteger FILES = new AtomicInteger();

    @BeforeAll
    static void openLake() throws IOException {
        Path temporary = Files.createDirectories(directory.resolve("tmp"));
        Path warehouse = directory.resolve("warehouse");
        allocator = new RootAllocator();
        postgres = EmbeddedPostgres.start(directory.resolve("pg"));
        config = new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password());
        ledger = Ledger.open(config, FailPoints.NONE);
        catalog = new LakeCatalog(ledger, warehouse, FailPoints.NONE);
        engine =
                new HeldEngine(
                        DuckDbEngine.open(
                                new DuckDbSettings(List.of(warehouse), temporary, 256L << 20, 2, 6),
                                allocator));
        audit =
                Audit.start(
                        ledger.audit(),
                        directory.resolve("audit"),
                        Duration.ofDays(90),
                        Clock.systemUTC());
        system = new SystemTables(catalog, audit, directory.resolve("statements"), List.of());
        catalog.ensureNamespace("gold", "test");
        for (String table : TABLES) {
            create(table);
            append(catalog, table, "SELECT 1 AS id, 'eu' AS region");
        }
    }

    private static void create(String table) {
        try (StagedCommit commit = catalog.stage()) {
            commit.create(
                    TableIdentifier.of("gold", table),
                    SCHEMA,
                    PartitionSpec.unpartitioned(),
                    Map.of());
            commit.publish(CommitRequest.builder(commit.id(), "define", "test"));
        }
    }

    private static void change(String table, Consumer<UpdateSchema> change) {
        try (StagedCommit commit = catalog.stage()) {
            UpdateSchema update =
                    commit.table(TableIdentifier.of("gold", table), OnConflict.FAIL)
                            .transaction()
                            .updateSchema();
            change.accept(update);
            update.commit();
            commit.publish(CommitRequest.builder(commit.id(), "define", "test"));
        }
    }

    private static long append(LakeCatalog to, String table, String select) {
        try (StagedCommit commit = to.stage()) {
            StagedTable staged =
                    commit.table(TableIdentifier.of("gold", table), OnConflict.REAPPLY);
            List<WrittenFile> written =
                    engine.write(
                            Sql.query(select, new NoTables()),
                            new Inputs(Map.of()),
                            new FileTarget(
                                    staged.dataDirectory(),
                                    "f" + FILES.incrementAndGet(),
                                    staged.schema()));
            staged.append(written.stream().map(file -> staged.adopt(file.path())).toList());
            return commit.publish(CommitRequest.builder(commit.id(), "test", "test"));
        }
    }

    @AfterAll
    static void closeLake() {
        engine.close();
        audit.close();
        ledger.close();
        postgres.close();
        allocator.close();
    }

    private static QueryService service(Cache cache, Function<Principal, AccessPolicy> policies) {
        return new QueryService(
                catalog, List.of(), policies, system, audit, engine, cache, SETTINGS);
    }

    private static QueryService service() {
        return service(new MemoryCache(1 << 20), principal -> AccessPolicy.ALL);
    }

    /** Sees the rows of its own region. */
    private static AccessPolicy ownRegion(Principal principal) {
        return table ->
                Optional.of(
                        new Access(
                                Optional.empty(),
                                List.of(text("region = principal_attribute('region')")),
                                Map.of(),
                                principal.attributes()));
    }

    private static SqlText text(String sql) {
        return new SqlText(new Place("policies/p.yaml", 1, 1), sql);
    }

    /** What was answered. */
    private static final class Received implements Answer.Receiver {
        private Answer answer;
        private boolean unchanged;
        private boolean streamed;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public void unchanged(Answer known) {
            answer = known;
            unchanged = true;
        }

        @Override
        public void whole(Answer known, byte[] body, int length) {
            answer = known;
            bytes.write(body, 0, length);
        }

        @Override
        public OutputStream stream(Answer known) {
            answer = known;
            streamed = true;
            return bytes;
        }

        String text() {
            return bytes.toString(StandardCharsets.UTF_8);
        }

        String tag() {
            return answer.etag().orElseThrow();
        }
    }

    private static Received ask(QueryService queries, Principal who, String sql, ReadPoint at) {
        Received received = new Received();
        queries.answer(new Question(sql, who, at, RowFormat.CSV, Set.of()), received);
        return received;
    }

    private static Received ask(QueryService queries, String sql) {
        return ask(queries, ADA, sql, ReadPoint.NEWEST);
    }

    private static String fresh(String sql, long seq) {
        return ask(
                        service(new MemoryCache(0), principal -> AccessPolicy.ALL),
                        ADA,
                        sql,
                        new ReadPoint.AsOf(seq))
                .text();
    }

    @Test
    void theSameIsAskedOnceAsLongAsItsTablesStayAsTheyAre() {
        QueryService queries = service();
        String sql = "SELECT COUNT(*) AS n FROM gold.a";
        Received first = ask(queries, sql);
        int runs = engine.runs.get();
        Received second = ask(queries, sql);
        assertThat(second.text()).isEqualTo(first.text());
        assertThat(second.tag()).isEqualTo(first.tag());
        assertThat(second.answer.id()).isNotEqualTo(first.answer.id());

        long other = append(catalog, "b", "SELECT 2 AS id, 'us' AS region");
        Received third = ask(queries, sql);
        assertThat(third.tag()).as("another table's commit changes nothing").isEqualTo(first.tag());
        assertThat(third.answer.seq()).isEqualTo(other);
        assertThat(ask(queries, "SELECT  count( * ) as n\nFROM gold.a").tag())
                .as("nor does how it is written")
                .isEqualTo(first.tag());
        assertThat(engine.runs.get()).isEqualTo(runs);

        append(catalog, "a", "SELECT 3 AS id, 'us' AS region");
        Received fourth = ask(queries, sql);
        assertThat(fourth.tag()).isNotEqualTo(first.tag());
        assertThat(fourth.text()).isNotEqualTo(first.text());
        assertThat(ask(queries, ADA, sql, new ReadPoint.AsOf(other)).tag()).isEqualTo(first.tag());
        assertThat(ask(queries, "SELECT COUNT(*) AS n FROM gold.a FOR SYSTEM_TIME AS OF " + other))
                .extracting(Received::text)
                .isEqualTo(first.text());
    }

    @Test
    void anAnswerThatTheAskerHoldsIsNotWorkedOutAgainNorSent() {
        QueryService queries = service();
        String sql = "SELECT MAX(id) AS m FROM gold.a";
        String tag = ask(queries, sql).tag();
        int runs = engine.runs.get();
        for (QueryService any : List.of(queries, service())) {
            Received again = new Received();
            any.answer(
                    new Question(sql, ADA, ReadPoint.NEWEST, RowFormat.CSV, Set.of("x", tag)),
                    again);
            assertThat(again.unchanged).isTrue();
            assertThat(again.tag()).isEqualTo(tag);
        }
        assertThat(engine.runs.get()).isEqualTo(runs);
        Received json = new Received();
        queries.answer(new Question(sql, ADA, ReadPoint.NEWEST, RowFormat.JSON, Set.of(tag)), json);
        assertThat(json.unchanged).as("another form is another answer").isFalse();
        assertThat(json.tag()).isNotEqualTo(tag);
    }

    @Test
    void whoSeesSomethingElseGetsAnAnswerOfItsOwnAndWhoSeesTheSameSharesIt() {
        QueryService queries = service(new MemoryCache(1 << 20), AnswerIT::ownRegion);
        append(catalog, "a", "SELECT * FROM (VALUES (7, 'us'), (8, 'eu')) AS t(id, region)");
        String sql = "SELECT DISTINCT region FROM gold.a";
        Received ada = ask(queries, ADA, sql, ReadPoint.NEWEST);
        Received bob = ask(queries, BOB, sql, ReadPoint.NEWEST);
        int runs = engine.runs.get();
        Received eve = ask(queries, EVE, sql, ReadPoint.NEWEST);
        assertThat(ada.text()).isEqualTo("region\neu\n");
        assertThat(bob.text()).isEqualTo("region\nus\n");
        assertThat(bob.tag()).isNotEqualTo(ada.tag());
        assertThat(eve.tag()).isEqualTo(ada.tag());
        assertThat(engine.runs.get()).isEqualTo(runs);
        Received stolen = new Received();
        queries.answer(
                new Question(sql, BOB, ReadPoint.NEWEST, RowFormat.CSV, Set.of(ada.tag())), stolen);
        assertThat(stolen.text()).isEqualTo(bob.text());
    }

    @Test
    void aStatementIsBoundOncePerPrincipalAsLongAsItsTablesHaveTheSameColumns() {
        create("c");
        append(catalog, "c", "SELECT 1 AS id, 'eu' AS region");
        AtomicInteger bound = new AtomicInteger();
        QueryService queries =
                service(
                        new MemoryCache(1 << 20),
                        principal -> {
                            bound.incrementAndGet();
                            return ownRegion(principal);
                        });
        String sql = "SELECT * FROM gold.c ORDER BY id";
        assertThat(ask(queries, sql).text()).isEqualTo("id,region\n1,eu\n");
        long before =
                append(
                        catalog,
                        "c",
                        "SELECT * FROM (VALUES (2, 'us'), (3, 'eu')) AS t(id, region)");
        assertThat(ask(queries, sql).text()).isEqualTo("id,region\n1,eu\n3,eu\n");
        assertThat(bound).as("rows came").hasValue(1);
        assertThat(ask(queries, BOB, sql, ReadPoint.NEWEST).text()).isEqualTo("id,region\n2,us\n");
        assertThat(bound).as("somebody else").hasValue(2);

        change("c", update -> update.addColumn("extra", Types.LongType.get()));
        assertThat(ask(queries, sql).text()).isEqualTo("id,region,extra\n1,eu,\n3,eu,\n");
        assertThat(bound).as("a column came").hasValue(3);
        assertThat(ask(queries, ADA, sql, new ReadPoint.AsOf(before)).text())
                .isEqualTo("id,region\n1,eu\n3,eu\n");
        append(catalog, "c", "SELECT 4 AS id, 'eu' AS region");
        assertThat(ask(queries, sql).text()).isEqualTo("id,region,extra\n1,eu,\n3,eu,\n4,eu,\n");
        assertThat(bound).as("an older state has a statement of its own").hasValue(4);

        change("c", update -> update.renameColumn("region", "area"));
        assertThatThrownBy(() -> ask(queries, sql))
                .as("the filter fits no more")
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_DEFINITION));
        change("c", update -> update.addColumn("region", Types.StringType.get()));
        assertThat(ask(queries, sql).text()).isEqualTo("id,area,extra,region\n");
        assertThat(bound).hasValue(6);
    }

    @Test
    void filesThatHoldTheColumnsOfAChangedTableAreReadWithWhatIsKnownOfThem() {
        create("d");
        append(catalog, "d", "SELECT 1 AS id, 'eu' AS region");
        assertThat(currentFiles("d")).isEqualTo("1 of 1");
        change("d", update -> update.addColumn("extra", Types.LongType.get()));
        append(catalog, "d", "SELECT 2 AS id, 'us' AS region, 7 AS extra");
        assertThat(currentFiles("d")).isEqualTo("1 of 2");
        String sql = "SELECT * FROM gold.d ORDER BY id";
        assertThat(ask(service(), sql).text()).isEqualTo("id,region,extra\n1,eu,\n2,us,7\n");

        change("d", update -> update.deleteColumn("extra"));
        append(catalog, "d", "SELECT 3 AS id, 'us' AS region");
        assertThat(currentFiles("d")).as("one has a column too many").isEqualTo("2 of 3");
        assertThat(ask(service(), sql).text()).isEqualTo("id,region\n1,eu\n2,us\n3,us\n");
        change("d", update -> update.addColumn("extra", Types.LongType.get()));
        assertThat(currentFiles("d")).as("it is another extra").isEqualTo("0 of 3");
        assertThat(ask(service(), sql).text()).isEqualTo("id,region,extra\n1,eu,\n2,us,\n3,us,\n");

        append(catalog, "d", "SELECT 4 AS id, 'us' AS region, 8 AS extra");
        assertThat(currentFiles("d")).isEqualTo("1 of 4");
        change("d", update -> update.renameColumn("region", "area"));
        append(catalog, "d", "SELECT 5 AS id, 'us' AS area, 9 AS extra");
        assertThat(currentFiles("d")).as("nobody tells the names in a file").isEqualTo("0 of 5");
        assertThat(ask(service(), sql).text())
                .isEqualTo("id,area,extra\n1,eu,\n2,us,\n3,us,\n4,us,8\n5,us,9\n");
    }

    private static String currentFiles(String table) {
        PinnedTable pinned = catalog.pin().table(TableIdentifier.of("gold", table)).orElseThrow();
        return pinned.filesByColumns().current().size() + " of " + pinned.files().size();
    }

    @Test
    void whatAsksForTheTimeIsNeverKeptThoughOnlyTheRowFilterDoes() {
        QueryService queries = service();
        for (String clock :
                List.of(
                        "SELECT COUNT(*) AS n FROM gold.a WHERE CURRENT_DATE > DATE '2020-01-01'",
                        "SELECT (SELECT CURRENT_TIMESTAMP) AS t",
                        "WITH t AS (SELECT LOCALTIMESTAMP AS x) SELECT COUNT(x) AS n FROM t")) {
            int runs = engine.runs.get();
            assertThat(ask(queries, clock).answer.etag()).as(clock).isEmpty();
            ask(queries, clock);
            assertThat(engine.runs.get()).as(clock).isEqualTo(runs + 2);
        }
        QueryService guarded =
                service(
                        new MemoryCache(1 << 20),
                        principal ->
                                table ->
                                        Optional.of(
                                                new Access(
                                                        Optional.empty(),
                                                        List.of(
                                                                text(
                                                                        "CURRENT_DATE > DATE '2020-01-01'")),
                                                        Map.of(),
                                                        Map.of())));
        assertThat(ask(guarded, "SELECT id FROM gold.a").answer.etag()).isEmpty();
    }

    @Test
    void everyAnswerIsThatOfItsCommitWhileOthersCommit() throws Exception {
        QueryService queries = service(new MemoryCache(64 << 10), principal -> AccessPolicy.ALL);
        // as another process would: its commits are noticed, not known
        try (Ledger otherLedger = Ledger.open(config, FailPoints.NONE)) {
            LakeCatalog other =
                    new LakeCatalog(otherLedger, directory.resolve("warehouse"), FailPoints.NONE);
            List<String> statements =
                    List.of(
                            "SELECT COUNT(*) AS n, SUM(id) AS s FROM gold.a",
                            "SELECT COUNT(*) AS n FROM gold.b WHERE region = 'us'",
                            "SELECT COUNT(*) AS n FROM gold.a JOIN gold.b USING (id)",
                            "SELECT region, COUNT(*) AS n FROM gold.a GROUP BY region ORDER BY 1");
            Thread writer =
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int i = 0; i < 30; i++) {
                                    append(
                                            other,
                                            TABLES.get(i % 2),
                                            "SELECT " + i + " AS id, 'us' AS region");
                                }
                            });
            record Seen(String sql, long seq, String text) {}
            List<Seen> seen = new ArrayList<>();
            Random random = new Random(4);
            long newest = 0;
            for (int i = 0; i < 1000 || writer.isAlive(); i++) {
                String sql = statements.get(random.nextInt(statements.size()));
                if (i % 100 == 0) {
                    newest = append(catalog, "a", "SELECT 5 AS id, 'eu' AS region");
                }
                Received received = ask(queries, sql);
                assertThat(received.answer.seq())
                        .as("no older than the newest commit of this process or answer")
                        .isGreaterThanOrEqualTo(newest);
                newest = received.answer.seq();
                seen.add(new Seen(sql, newest, received.text()));
            }
            writer.join();
            long last = other.ledger().head();
            Received end = ask(queries, ADA, statements.getFirst(), new ReadPoint.AtLeast(last));
            assertThat(end.answer.seq()).isEqualTo(last);
            seen.add(new Seen(statements.getFirst(), last, end.text()));
            Map<String, String> fresh = new java.util.HashMap<>();
            for (Seen one : seen) {
                assertThat(one.text())
                        .as(one.toString())
                        .isEqualTo(
                                fresh.computeIfAbsent(
                                        one.sql() + one.seq(), key -> fresh(one.sql(), one.seq())));
            }
            assertThat(fresh).hasSizeGreaterThan(20);
        }
    }

    @Test
    void aCommitOfAnotherProcessIsSeenWithinAQuarterOfASecond() {
        QueryService queries = service();
        try (Ledger otherLedger = Ledger.open(config, FailPoints.NONE)) {
            LakeCatalog other =
                    new LakeCatalog(otherLedger, directory.resolve("warehouse"), FailPoints.NONE);
            for (int i = 0; i < 5; i++) {
                long seq = append(other, "b", "SELECT 9 AS id, 'eu' AS region");
                long until = System.nanoTime() + QueryService.NOTICED.toNanos();
                boolean late;
                Received received;
                do {
                    late = System.nanoTime() - until > 0;
                    received = ask(queries, "SELECT COUNT(*) AS n FROM gold.b");
                } while (!late && received.answer.seq() < seq);
                assertThat(received.answer.seq()).isGreaterThanOrEqualTo(seq);
            }
        }
    }

    @Test
    void aCommitThatIsDemandedIsWaitedForUpToADeadline() {
        QueryService queries =
                new QueryService(
                        catalog,
                        List.of(),
                        principal -> AccessPolicy.ALL,
                        system,
                        audit,
                        engine,
                        new MemoryCache(1 << 20),
                        new QuerySettings(
                                2, Duration.ofMillis(300), Duration.ofMinutes(1), 100, 1000));
        long next = ledger.head() + 1;
        assertThatThrownBy(() -> ask(queries, ADA, "SELECT 1 AS x", new ReadPoint.AtLeast(next)))
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.TIMEOUT));
        assertThatThrownBy(() -> ask(queries, ADA, "SELECT 1 AS x", new ReadPoint.AsOf(next)))
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.NOT_FOUND));
    }

    @Test
    void whatManyAskAtOnceRunsOnce() throws Exception {
        QueryService queries = service();
        String sql = "SELECT COUNT(*) AS once FROM gold.a";
        engine.hold();
        int runs = engine.runs.get();
        List<CompletableFuture<Received>> all = askMany(queries, sql, 20);
        engine.awaitHeld(1);
        while (queries.active(Principal.LAKE).size() < 20) {
            Thread.onSpinWait();
        }
        engine.release();
        Set<String> texts = new java.util.HashSet<>();
        for (CompletableFuture<Received> one : all) {
            texts.add(one.join().text());
        }
        assertThat(texts).hasSize(1);
        assertThat(engine.runs.get()).isEqualTo(runs + 1);
        assertThat(queries.active(Principal.LAKE)).isEmpty();
    }

    @Test
    void whoLeavesDoesNotTakeTheOthersAnswerAlong() throws Exception {
        QueryService queries = service();
        String sql = "SELECT COUNT(*) AS stays FROM gold.a";
        engine.hold();
        CompletableFuture<Received> leader = askMany(queries, sql, 1).getFirst();
        engine.awaitHeld(1);
        List<CompletableFuture<Received>> others = askMany(queries, sql, 5);
        while (queries.active(ADA).size() < 6) {
            Thread.onSpinWait();
        }
        assertThatThrownBy(() -> queries.cancel(queries.active(ADA).getFirst().id(), BOB))
                .as("it is somebody else's")
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.NOT_FOUND));
        queries.cancel(queries.active(ADA).getFirst().id(), ADA);
        assertThatThrownBy(leader::join)
                .isInstanceOf(CompletionException.class)
                .satisfies(e -> assertThat(code(e.getCause())).isEqualTo(ErrorCode.CANCELLED));
        engine.release();
        for (CompletableFuture<Received> other : others) {
            assertThat(other.join().text()).startsWith("stays\n");
        }
    }

    @Test
    void aFailureIsToldAndNotKept() {
        QueryService queries = service();
        String sql = "SELECT 1 / (id - id) AS x FROM gold.a";
        int runs = engine.runs.get();
        for (int i = 1; i <= 2; i++) {
            assertThatThrownBy(() -> ask(queries, sql))
                    .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.INVALID_VALUE));
            assertThat(engine.runs.get()).isEqualTo(runs + i);
        }
        assertThat(queries.active(Principal.LAKE)).isEmpty();
    }

    @Test
    void whoSeesLessIsNotToldWhyTheSameFailedForWhoSeesAll() {
        QueryService queries =
                service(
                        new MemoryCache(1 << 20),
                        who -> who.equals(BOB) ? AccessPolicy.ALL : ownRegion(who));
        append(catalog, "a", "SELECT 1 AS id, 'eu' AS region");
        String all =
                "SELECT %s AS x FROM (SELECT a.id, a.region FROM gold.a AS a WHERE a.region = 'eu') AS"
                        + " t";
        String own = "SELECT %s AS x FROM gold.a AS t";
        String fine = "CHAR_LENGTH(t.region) + t.id";
        assertThat(ask(queries, BOB, all.formatted(fine), ReadPoint.NEWEST).tag())
                .as("one text for the engine")
                .isEqualTo(ask(queries, ADA, own.formatted(fine), ReadPoint.NEWEST).tag());

        String fails = "CAST(t.region AS INT) + t.id";
        // so that it is bound
        assertThatThrownBy(() -> ask(queries, ADA, own.formatted(fails), ReadPoint.NEWEST));
        engine.hold();
        CompletableFuture<Received> bob = new CompletableFuture<>();
        CompletableFuture<Received> ada = new CompletableFuture<>();
        askOne(queries, BOB, all.formatted(fails), bob);
        engine.awaitHeld(1);
        Thread waiting = askOne(queries, ADA, own.formatted(fails), ada);
        while (engine.held() < 2 && waiting.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        engine.release();
        assertThatThrownBy(bob::join).cause().hasMessageContaining("'eu'");
        assertThatThrownBy(ada::join)
                .cause()
                .hasMessageContaining("which and why isn't said")
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.INVALID_VALUE));
    }

    @Test
    void whatIsLongerThanIsKeptIsStreamedToEach() {
        QueryService queries = service(new MemoryCache(2048), principal -> AccessPolicy.ALL);
        String row = "'" + "x".repeat(100) + "'";
        String sql = "SELECT " + row + " AS x FROM (VALUES (1), (2), (3)) AS t(i)";
        Received first = ask(queries, sql);
        assertThat(first.streamed).isTrue();
        assertThat(first.text()).hasLineCount(4).endsWith("x\n");
        assertThat(ask(queries, sql).text()).isEqualTo(first.text());
        assertThat(ask(queries, sql).tag()).isEqualTo(first.tag());
        assertThat(ask(queries, "SELECT 1 AS x").streamed).isFalse();
        Received none = new Received();
        queries.answer(
                new Question(
                        "SELECT CURRENT_DATE AS d FROM gold.a WHERE id < 0",
                        ADA,
                        ReadPoint.NEWEST,
                        RowFormat.NDJSON,
                        Set.of()),
                none);
        assertThat(none.answer).as("an answer without a byte is one").isNotNull();
        assertThat(none.text()).isEmpty();
    }

    private static List<CompletableFuture<Received>> askMany(
            QueryService queries, String sql, int count) {
        List<CompletableFuture<Received>> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(
                    CompletableFuture.supplyAsync(
                            () -> ask(queries, sql), Thread::startVirtualThread));
        }
        return all;
    }

    private static Thread askOne(
            QueryService queries, Principal who, String sql, CompletableFuture<Received> answer) {
        return Thread.startVirtualThread(() -> {
            try {
                answer.complete(ask(queries, who, sql, ReadPoint.NEWEST));
            } catch (RuntimeException e) {
                answer.completeExceptionally(e);
            }
        });
    }

    private static ErrorCode code(Throwable e) {
        return ((LakeException) e).code();
    }

    private record NoTables() implements TableResolver {
        @Override
        public Optional<SqlTable> table(TableName name) {
            return Optional.empty();
        }

        @Override
        public List<TableName> names() {
            return List.of();
        }
    }
}
