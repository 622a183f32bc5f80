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
import java.util.BitSet;
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
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Access;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Sql;

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
        audit =
                Audit.start(
                        ledger.audit(),
                        directory.resolve("audit"),
                        Duration.ofDays(90),
                        Clock.systemUTC());
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
                QuerySettings.DEFAULT);
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
        return create(namespace, name, Map.of());
    }

    private static long create(String namespace, String name, Map<String, String> properties) {
        try (StagedCommit commit = catalog.stage()) {
            commit.create(
                    TableIdentifier.of(namespace, name),
                    new Schema(
                            Types.NestedField.required(1, "id", Types.LongType.get()),
                            Types.NestedField.optional(2, "name", Types.StringType.get())),
                    PartitionSpec.unpartitioned(),
                    properties);
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
    void rowsThatAreDeletedOfAFileAreCountedNowhere() {
        long unused = create("gold", "changed", StagedTable.ROWS_CHANGE);
        TableIdentifier name = TableIdentifier.of("gold", "changed");
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(name, OnConflict.FAIL);
            BoundQuery rows =
                    Sql.query(
                            "SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c')) AS t(id, name)",
                            new PinnedTables(catalog.pin(), List.of()));
            table.append(
                    engine
                            .write(
                                    rows,
                                    new Inputs(Map.of()),
                                    new FileTarget(
                                            table.dataDirectory(),
                                            commit.id().toString(),
                                            table.schema()))
                            .stream()
                            .map(file -> table.adopt(file.path()))
                            .toList());
            unused = commit.publish(CommitRequest.builder(commit.id(), "test", "test"));
        }
        PinnedTable read = catalog.pin().table(name).orElseThrow();
        BitSet second = new BitSet();
        second.set(1);
        try (StagedCommit commit = catalog.stage()) {
            commit.table(read.ref(), OnConflict.FAIL)
                    .change(read, List.of(), Map.of(read.files().getFirst().location(), second));
            unused = commit.publish(CommitRequest.builder(commit.id(), "test", "test"));
        }
        assertThat(read("SELECT id FROM gold.changed ORDER BY id")).isEqualTo("id\n1\n3\n");
        assertThat(read("SELECT row_count FROM system.files WHERE table_name = 'changed'"))
                .isEqualTo("row_count\n2\n");
        assertThat(
                        read(
                                "SELECT operation, total_rows FROM system.snapshots WHERE table_name = 'changed' ORDER BY committed_at"))
                .isEqualTo("operation,total_rows\nappend,3\ndelete,2\n");
        assertThat(read("EXPLAIN SELECT id FROM gold.changed")).contains("get_bit('0'");
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
}
