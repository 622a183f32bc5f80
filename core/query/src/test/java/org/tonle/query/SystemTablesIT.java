package org.tonle.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.arrow.memory.RootAllocator;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.duckdb.DuckDbEngine;
import org.tonle.duckdb.DuckDbSettings;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Access;
import org.tonle.sql.AccessPolicy;

/** What a lake says about itself, to whom, and what it writes down of those who ask. */
class SystemTablesIT {
    private static final Principal ENGINEER =
            new Principal("eva", Set.of(Principal.DATA_ENGINEER), Map.of());
    private static final Principal VIEWER =
            new Principal("vic", Set.of(Principal.DATA_VIEWER), Map.of());

    @TempDir static Path directory;
    private static EmbeddedPostgres postgres;
    private static Ledger ledger;
    private static LakeCatalog catalog;
    private static DuckDbEngine engine;
    private static RootAllocator allocator;
    private static Audit audit;
    private static Path statements;
    private static QueryService query;
    private static long first;

    @BeforeAll
    static void openLake() throws IOException {
        Path temporary = Files.createDirectories(directory.resolve("tmp"));
        Path warehouse = directory.resolve("warehouse");
        statements = directory.resolve("statements");
        Files.createDirectories(statements.resolve("statement-of-a-killed-process"));
        Files.writeString(statements.resolve("statement-of-a-killed-process/0.parquet"), "x");
        allocator = new RootAllocator();
        postgres = EmbeddedPostgres.start(directory.resolve("pg"));
        ledger = ledger();
        catalog = new LakeCatalog(ledger, warehouse, FailPoints.NONE);
        audit = Audit.start(ledger.listings(), Clock.systemUTC());
        engine =
                DuckDbEngine.open(
                        new DuckDbSettings(
                                List.of(warehouse, statements), temporary, 256L << 20, 2, 4),
                        allocator);
        query = service(audit);
        catalog.ensureNamespace("gold", "test");
        catalog.ensureNamespace("silver", "test");
        first = create("gold", "t");
        long unused = create("silver", "secret");
    }

    private static Ledger ledger() {
        return Ledger.open(
                new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password()),
                FailPoints.NONE);
    }

    private static QueryService service(Audit audit) {
        Function<Principal, AccessPolicy> policies =
                principal ->
                        principal.isAdmin()
                                ? AccessPolicy.ALL
                                : table -> SystemTablesIT.access(principal, table.toString());
        return new QueryService(
                catalog,
                List.of(),
                policies,
                new SystemTables(catalog, audit, statements, List.of()),
                audit,
                engine,
                new MemoryCache(1 << 20),
                QuerySettings.DEFAULT,
                Clock.systemUTC());
    }

    /** The viewer sees one column of one table. */
    private static Optional<Access> access(Principal principal, String table) {
        if (principal.equals(ENGINEER)) {
            return table.startsWith("system") ? Optional.empty() : Optional.of(Access.FULL);
        }
        return table.equalsIgnoreCase("gold.t")
                ? Optional.of(
                        new Access(
                                Optional.of(Set.of("id")),
                                List.of(
                                        new SqlText(
                                                new Place("policies/p.yaml", 1, 1),
                                                "id NOT IN (SELECT id FROM silver.secret)")),
                                Map.of(),
                                Map.of()))
                : Optional.empty();
    }

    private static long create(String namespace, String name) {
        try (StagedCommit commit = catalog.stage()) {
            commit.create(
                    TableIdentifier.of(namespace, name),
                    new Schema(
                            Types.NestedField.required(1, "id", Types.LongType.get()),
                            Types.NestedField.optional(2, "name", Types.StringType.get())),
                    PartitionSpec.unpartitioned(),
                    Map.of());
            return commit.publish(
                    CommitRequest.builder(commit.id(), "define", "test")
                            .summary("dataset", namespace + "." + name));
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

    @AfterEach
    void leavesNoFile() throws IOException {
        try (Stream<Path> left = Files.list(statements)) {
            assertThat(left).isEmpty();
        }
    }

    private static String read(String sql, Principal principal) {
        try (RunningQuery rows = query.run(sql, principal, ReadPoint.NEWEST)) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            rows.writeTo(out, RowFormat.CSV);
            return out.toString(StandardCharsets.UTF_8);
        }
    }

    private static String read(String sql) {
        return read(sql, Principal.LAKE);
    }

    @Test
    void aStatementJoinsWhatTheLakeSaysOfItselfWithItsTables() {
        assertThat(
                        read(
                                """
                                SELECT c.kind, h.namespace, h.table_name, h.operation,
                                    COUNT(t.id) AS n
                                FROM system.commits AS c JOIN system.changes AS h
                                    ON h.commit_id = c.commit_id LEFT JOIN gold.t AS t ON TRUE
                                GROUP BY c.seq, c.kind, h.namespace, h.table_name, h.operation
                                ORDER BY c.seq\
                                """))
                .startsWith("kind,namespace,table_name,operation,n\ndefine,gold,t,")
                .contains("define,silver,secret,");
    }

    @Test
    void aSystemTableIsReadAsOfACommitWhereItHasStates() {
        assertThat(read("SELECT MAX(seq) AS n FROM system.commits FOR SYSTEM_TIME AS OF " + first))
                .isEqualTo("n\n" + first + "\n");
        assertThatThrownBy(() -> read("SELECT * FROM system.audit FOR SYSTEM_TIME AS OF " + first))
                .hasMessage("system.audit has no past states; leave FOR SYSTEM_TIME AS OF out");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "commits",
                "changes",
                "snapshots",
                "files",
                "positions",
                "expectation_results",
                "definitions",
                "queries",
                "audit",
                "lineage"
            })
    void everySystemTableCanBeReadAndIsListed(String name) {
        assertThat(read("SELECT * FROM system." + name)).contains("\n");
        assertThat(read("SHOW TABLES IN system")).contains("system," + name + "\n");
        assertThat(read("DESCRIBE system." + name)).startsWith("column,type,nullable\n");
    }

    @Test
    void aStatementSeesItselfRun() {
        assertThat(read("SELECT principal, statement FROM system.queries"))
                .contains("lake,\"SELECT principal, statement FROM system.queries\"");
    }

    @Test
    void anEngineerSeesAllButWhatOthersAskAndAViewerNothing() {
        assertThat(read("SELECT COUNT(*) AS n FROM system.commits", ENGINEER))
                .isNotEqualTo("n\n0\n");
        for (String table : List.of("audit", "queries", "QUERIES")) {
            assertNotFound("SELECT * FROM system." + table, ENGINEER);
            assertNotFound("DESCRIBE system." + table, ENGINEER);
        }
        assertThat(read("SHOW TABLES IN system", ENGINEER))
                .contains("commits")
                .doesNotContain("audit")
                .doesNotContain("queries");
        for (String table : List.of("commits", "files", "snapshots", "lineage", "audit")) {
            assertNotFound("SELECT * FROM system." + table, VIEWER);
            assertNotFound(
                    "WITH x AS (SELECT * FROM system." + table + ") SELECT COUNT(*) AS n FROM x",
                    VIEWER);
        }
    }

    private static void assertNotFound(String sql, Principal principal) {
        assertThatThrownBy(() -> read(sql, principal))
                .satisfies(e ->
                        assertThat(((LakeException) e).code()).isEqualTo(ErrorCode.INVALID_SQL));
    }

    @Test
    void whoSeesLittleIsToldOfNoMore() {
        assertThat(read("SHOW TABLES", VIEWER))
                .isEqualTo(
                        """
                        namespace,table
                        gold,t
                        information_schema,columns
                        information_schema,tables
                        """);
        assertThat(read("SHOW NAMESPACES", VIEWER))
                .isEqualTo("namespace\ngold\ninformation_schema\n");
        assertThat(read("describe Gold . \"t\" -- what is it?\n", VIEWER))
                .isEqualTo("column,type,nullable\nid,BIGINT,NO\n");
        assertThat(
                        read(
                                "SELECT column_name FROM information_schema.columns WHERE"
                                        + " table_schema <> 'information_schema'",
                                VIEWER))
                .isEqualTo("column_name\nid\n");
        assertNotFound("DESCRIBE silver.secret", VIEWER);
        assertThatThrownBy(() -> read("DESCRIBE gold.tt", VIEWER))
                .hasMessage("line 1, column 15: there is no table gold.tt; is it gold.t?");
        assertThat(read("DESCRIBE gold.t")).contains("name,VARCHAR,YES\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SHOW",
                "SHOW TABLE",
                "SHOW TABLES IN",
                "SHOW TABLES IN gold x",
                "DESCRIBE",
                "DESCRIBE t",
                "DESCRIBE gold.",
                "DESCRIBE gold.t WHERE",
                "SHOW TABLES; SELECT 1",
                "SHOW TABLES IN 'gold'"
            })
    void whatIsNoneOfTheseStatementsIsRefusedWithItsPlace(String sql) {
        assertThatThrownBy(() -> read(sql))
                .hasMessageMatching("(?s)line 1, column \\d+: .*")
                .satisfies(e ->
                        assertThat(((LakeException) e).code()).isEqualTo(ErrorCode.INVALID_SQL));
    }

    @Test
    void aNameInShowIsATextAndNothingElse() {
        assertThat(read("SHOW TABLES IN \"gold') OR (1=1 --\"")).isEqualTo("namespace,table\n");
    }

    @Test
    void anExplanationSaysHowAStatementIsRunAndRunsNothing() {
        assertThat(read("EXPLAIN SELECT id FROM gold.t WHERE id > 7"))
                .startsWith("part,detail\npin,gold.t commit ")
                .contains("policy,gold.t: all rows and columns\n")
                .contains("column,id BIGINT\n")
                .contains("engine sql,")
                .contains("engine plan,");
        // would fail if it were run
        assertThat(read("explain -- it\nSELECT CAST('x' AS INT) AS n FROM system.commits"))
                .contains("column,n INTEGER\n");
        assertThatThrownBy(() -> read("EXPLAIN SELECT\n  nosuch FROM gold.t"))
                .hasMessageStartingWith("line 2, column 3: ");
        assertThatThrownBy(() -> read("EXPLAIN")).hasMessageStartingWith("line 1, column 8: ");
        assertThatThrownBy(() -> read("EXPLAIN EXPLAIN SELECT 1 AS x"))
                .isInstanceOf(LakeException.class);
        assertNotFound("SELECT * FROM information_schema.explanation", Principal.LAKE);
    }

    @Test
    void anExplanationTellsNoMoreThanTheAnswerWould() {
        assertThat(read("EXPLAIN SELECT * FROM gold.t", VIEWER))
                .matches(
                        "part,detail\npin,gold.t commit \\d+\npolicy,gold.t: only the columns id; row"
                                + " filter\ncolumn,id BIGINT\n")
                .doesNotContain("secret");
        assertThatThrownBy(() -> read("EXPLAIN SELECT name FROM gold.t", VIEWER))
                .hasMessageContaining("name");
        assertNotFound("EXPLAIN SELECT * FROM silver.secret", VIEWER);
    }

    @Test
    void theAuditHoldsEveryStatementWhateverBecameOfIt() throws InterruptedException {
        String mark = "'audited once'";
        assertThat(read("SELECT id, " + mark + " AS m FROM gold.t")).isEqualTo("id,m\n");
        assertThatThrownBy(() -> read("SELECT " + mark + " FROM silver.secret", VIEWER));
        assertThatThrownBy(
                () -> read("SELECT CAST(m AS INT) AS x FROM (VALUES (" + mark + ")) AS t(m)"));
        assertThatThrownBy(() -> read("SELEC " + mark));
        assertThatThrownBy(() -> read("  "));
        assertThatThrownBy(() -> read("SELECT '\0', " + mark + " FROM nosuch.t"));
        try (RunningQuery left = query.run("SELECT " + mark + " AS x", VIEWER, ReadPoint.NEWEST)) {
            assertThat(left.schema().columns()).hasSize(1);
        }
        awaitAudit(
                "SELECT principal, outcome, tables_read, row_count FROM system.audit WHERE statement"
                        + " LIKE '%audited once%' AND statement NOT LIKE '%system.audit%' ORDER BY"
                        + " started_at",
                """
                principal,outcome,tables_read,row_count
                lake,FINISHED,gold.t,0
                vic,INVALID_SQL,"",0
                lake,INVALID_VALUE,"",0
                lake,INVALID_SQL,"",0
                lake,INVALID_SQL,"",0
                vic,CANCELLED,"",0
                """);
        awaitAudit(
                "SELECT outcome, error FROM system.audit WHERE statement = '  '",
                "outcome,error\nINVALID_SQL,The statement is empty; send a SELECT\n");
        awaitAudit(
                "SELECT COUNT(*) AS n FROM system.audit WHERE outcome = 'FINISHED' AND (seq IS NULL OR"
                        + " milliseconds <= 0)",
                "n\n0\n");
    }

    @Test
    void ofALongStatementTheAuditKeepsTheBeginningAndTheHash() throws InterruptedException {
        String sql = "SELECT 'long' AS x -- " + "x".repeat(100_000);
        assertThat(read(sql)).isEqualTo("x\nlong\n");
        awaitAudit(
                "SELECT CHAR_LENGTH(statement) AS n, CHAR_LENGTH(statement_sha256) AS h FROM"
                        + " system.audit WHERE statement_sha256 IS NOT NULL",
                "n,h\n65536,64\n");
    }

    private static void awaitAudit(String sql, String expected) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        String found = read(sql);
        while (!found.equals(expected) && System.nanoTime() < deadline) {
            Thread.sleep(20);
            found = read(sql);
        }
        assertThat(found).isEqualTo(expected);
    }

    @Test
    void noStatementBeginsThatTheAuditCantTake() {
        Ledger gone = ledger();
        gone.close();
        try (Audit full = Audit.start(gone.listings(), Clock.systemUTC(), 2)) {
            QueryService service = service(full);
            for (int i = 0; i < 2; i++) {
                service.run("SELECT 1 AS x", Principal.LAKE, ReadPoint.NEWEST).close();
            }
            assertThatThrownBy(() -> service.run("SELECT 1 AS x", Principal.LAKE, ReadPoint.NEWEST))
                    .hasMessageContaining("the audit can't be written")
                    .satisfies(e ->
                            assertThat(((LakeException) e).code()).isEqualTo(ErrorCode.OVERLOADED));
        }
    }

    @Test
    void whatRanIsInTheAuditWhenItIsClosed() {
        Audit own = Audit.start(ledger.listings(), Clock.systemUTC());
        QueryService service = service(own);
        for (int i = 0; i < 700; i++) {
            assertThatThrownBy(() -> service.run("at close", Principal.LAKE, ReadPoint.NEWEST));
        }
        RunningQuery open = service.run("SELECT 'at close' AS x", Principal.LAKE, ReadPoint.NEWEST);
        own.close();
        open.close();
        assertThat(
                        read(
                                "SELECT outcome, COUNT(*) AS n FROM system.audit WHERE statement IN"
                                        + " ('at close', 'SELECT ''at close'' AS x') GROUP BY outcome"
                                        + " ORDER BY n"))
                .isEqualTo("outcome,n\nCANCELLED,1\nINVALID_SQL,700\n");
        assertThatThrownBy(() -> service.run("SELECT 1 AS x", Principal.LAKE, ReadPoint.NEWEST))
                .hasMessageContaining("stopping");
    }
}
