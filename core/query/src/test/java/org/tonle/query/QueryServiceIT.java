package org.tonle.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.arrow.memory.RootAllocator;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
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
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.Policies;
import org.tonle.sql.Sql;
import org.tonle.sql.WrittenFile;

/** Queries over tables that a real ledger points at. */
class QueryServiceIT {
    private static final TableIdentifier TABLE = TableIdentifier.of("gold", "t");
    private static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.optional(1, "id", Types.LongType.get()),
                    Types.NestedField.optional(2, "name", Types.StringType.get()));

    @TempDir static Path directory;
    private static EmbeddedPostgres postgres;
    private static Ledger ledger;
    private static LakeCatalog catalog;
    private static DuckDbEngine engine;
    private static RootAllocator allocator;
    private static Audit audit;
    private static SystemTables system;
    private static long first;
    private static long second;
    private static int files;

    @BeforeAll
    static void openLake() throws IOException {
        Path temporary = Files.createDirectories(directory.resolve("tmp"));
        Path warehouse = directory.resolve("warehouse");
        allocator = new RootAllocator();
        postgres = EmbeddedPostgres.start(directory.resolve("pg"));
        ledger =
                Ledger.open(
                        new LedgerConfig(postgres.jdbcUrl(), postgres.user(), postgres.password()),
                        FailPoints.NONE);
        catalog = new LakeCatalog(ledger, warehouse, FailPoints.NONE);
        Path statements = directory.resolve("statements");
        audit =
                Audit.start(
                        ledger.audit(),
                        directory.resolve("audit"),
                        Duration.ofDays(90),
                        Clock.systemUTC());
        system = new SystemTables(catalog, audit, statements, List.of());
        engine =
                DuckDbEngine.open(
                        new DuckDbSettings(
                                List.of(warehouse, statements), temporary, 256L << 20, 2, 4),
                        allocator);
        catalog.ensureNamespace("gold", "test");
        try (StagedCommit commit = catalog.stage()) {
            commit.create(TABLE, SCHEMA, PartitionSpec.unpartitioned(), Map.of());
            commit.publish(CommitRequest.builder(commit.id(), "define", "test"));
        }
        first = append("SELECT 1 AS id, 'Zürich \"x\"' AS name");
        second = append("SELECT 2 AS id, CAST(NULL AS VARCHAR) AS name");
    }

    private static long append(String select) {
        try (StagedCommit commit = catalog.stage()) {
            StagedTable table = commit.table(TABLE, OnConflict.FAIL);
            List<WrittenFile> written =
                    engine.write(
                            Sql.query(select, new NoTables()),
                            new Inputs(Map.of()),
                            new FileTarget(table.dataDirectory(), "f" + files++, SCHEMA));
            table.append(written.stream().map(file -> table.adopt(file.path())).toList());
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

    private static QueryService query(QuerySettings settings) {
        return new QueryService(
                catalog,
                List.of(),
                Policies.BUILT_IN::of,
                system,
                audit,
                engine,
                new MemoryCache(1 << 20),
                settings);
    }

    private static String read(QueryService query, String sql, ReadPoint at, RowFormat format) {
        try (RunningQuery rows = query.run(sql, Principal.LAKE, at)) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            rows.writeTo(out, format);
            return out.toString(StandardCharsets.UTF_8);
        }
    }

    @Test
    void answersFromTheNewestCommitAndSaysWhichItWas() throws IOException {
        QueryService query = query(QuerySettings.DEFAULT);
        try (RunningQuery rows =
                query.run(
                        "SELECT name, id FROM Gold.T ORDER BY ID",
                        Principal.LAKE,
                        ReadPoint.NEWEST)) {
            assertThat(rows.seq()).isEqualTo(second);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            rows.writeTo(out, RowFormat.JSON);
            assertThat(new ObjectMapper().readTree(out.toByteArray()))
                    .hasToString(
                            "[{\"name\":\"Zürich \\\"x\\\"\",\"id\":1},{\"name\":null,\"id\":2}]");
        }
        String sql = "SELECT * FROM gold.t ORDER BY id";
        assertThat(read(query, sql, ReadPoint.NEWEST, RowFormat.NDJSON))
                .isEqualTo("{\"id\":1,\"name\":\"Zürich \\\"x\\\"\"}\n{\"id\":2,\"name\":null}\n");
        assertThat(read(query, sql, ReadPoint.NEWEST, RowFormat.CSV))
                .isEqualTo("id,name\n1,\"Zürich \"\"x\"\"\"\n2,\n");
        assertThat(
                        read(
                                query,
                                "SELECT * FROM gold.t WHERE id > 5",
                                ReadPoint.NEWEST,
                                RowFormat.JSON))
                .isEqualTo("[]\n");
    }

    @Test
    void readsAsOfACommitAndWaitsForOne() {
        QueryService query =
                query(
                        new QuerySettings(
                                2, Duration.ofMillis(200), Duration.ofMinutes(1), 1000, 1000));
        String sql = "SELECT COUNT(*) AS n FROM gold.t";
        assertThat(read(query, sql, new ReadPoint.AsOf(first), RowFormat.CSV)).isEqualTo("n\n1\n");
        assertThat(read(query, sql, new ReadPoint.AtLeast(second), RowFormat.CSV))
                .isEqualTo("n\n2\n");
        assertThatThrownBy(() -> query.run(sql, Principal.LAKE, new ReadPoint.AsOf(second + 1)))
                .hasMessage("There is no commit " + (second + 1) + "; the newest is " + second)
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.NOT_FOUND));
        assertThatThrownBy(() -> query.run(sql, Principal.LAKE, new ReadPoint.AtLeast(second + 1)))
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.TIMEOUT));
        assertThatThrownBy(
                        () -> query.run("SELECT * FROM gold.tt", Principal.LAKE, ReadPoint.NEWEST))
                .hasMessage("line 1, column 15: there is no table gold.tt; is it gold.t?");
    }

    @Test
    void readsEachTableAsOfTheStateThatItIsAskedFor() {
        QueryService query = query(QuerySettings.DEFAULT);
        String sql =
                "SELECT COUNT(*) AS n, COUNT(o.id) AS o FROM gold.t LEFT JOIN gold.t FOR SYSTEM_TIME"
                        + " AS OF %s AS o USING (id)";
        assertThat(read(query, sql.formatted(first), ReadPoint.NEWEST, RowFormat.CSV))
                .isEqualTo("n,o\n2,1\n");
        String committed = catalog.ledger().commits(0, first).getLast().at().toString();
        assertThat(
                        read(
                                query,
                                sql.formatted("TIMESTAMP WITH TIME ZONE '" + committed + "'"),
                                ReadPoint.NEWEST,
                                RowFormat.CSV))
                .isEqualTo("n,o\n2,1\n");
        assertThat(
                        read(
                                query,
                                "SELECT t.id FROM gold.t FOR SYSTEM_TIME AS OF " + first,
                                ReadPoint.NEWEST,
                                RowFormat.CSV))
                .isEqualTo("id\n1\n");
        assertThatThrownBy(() ->
                        query.run(sql.formatted(second + 1), Principal.LAKE, ReadPoint.NEWEST))
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.NOT_FOUND));
        assertThatThrownBy(() ->
                        query.run(
                                sql.formatted("TIMESTAMP '1999-01-01 00:00:00'"),
                                Principal.LAKE,
                                ReadPoint.NEWEST))
                .as("there was no such table then")
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.INVALID_SQL));
        assertThatThrownBy(() ->
                        query.run(sql.formatted(second), Principal.LAKE, new ReadPoint.AsOf(first)))
                .as("no later state than that of the whole statement")
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.NOT_FOUND));
    }

    @Test
    void letsNoMoreRunThanMayAndGivesTheTurnBack() {
        QueryService query =
                query(
                        new QuerySettings(
                                1, Duration.ofMillis(50), Duration.ofMinutes(1), 1000, 1000));
        try (RunningQuery held = query.run("SELECT 1 AS x", Principal.LAKE, ReadPoint.NEWEST)) {
            assertThat(held.schema().columns()).hasSize(1);
            assertThatThrownBy(() -> query.run("SELECT 1 AS x", Principal.LAKE, ReadPoint.NEWEST))
                    .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.OVERLOADED));
        }
        assertThatThrownBy(() -> query.run("SELECT nosuch", Principal.LAKE, ReadPoint.NEWEST))
                .isInstanceOf(LakeException.class);
        assertThat(read(query, "SELECT 1 AS x", ReadPoint.NEWEST, RowFormat.CSV))
                .isEqualTo("x\n1\n");
    }

    @Test
    void endsAResultThatIsLongerThanAllowed() {
        String sql = "SELECT * FROM (VALUES (1), (2), (3)) AS t(x)";
        assertThatThrownBy(() ->
                        read(
                                query(
                                        new QuerySettings(
                                                1, Duration.ZERO, Duration.ofMinutes(1), 2, 1000)),
                                sql,
                                ReadPoint.NEWEST,
                                RowFormat.CSV))
                .hasMessageContaining("more than 2 rows")
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.OUT_OF_RESOURCES));
        assertThatThrownBy(() ->
                        read(
                                query(
                                        new QuerySettings(
                                                1, Duration.ZERO, Duration.ofMinutes(1), 9, 5)),
                                sql,
                                ReadPoint.NEWEST,
                                RowFormat.CSV))
                .hasMessageContaining("longer than 5 bytes");
    }

    @Test
    void endsAStatementWhoseTimeIsOverBeforeItRuns() {
        String sql =
                IntStream.range(0, 900)
                        .mapToObj(i -> "SUM(t.x) OVER (ORDER BY t.x + " + i + ")")
                        .collect(
                                Collectors.joining(
                                        ", ", "SELECT ", " FROM (VALUES (1), (2)) AS t(x)"));
        QueryService query =
                query(new QuerySettings(1, Duration.ofSeconds(5), Duration.ofMillis(20), 9, 99));
        assertThatThrownBy(() -> query.run(sql, Principal.LAKE, ReadPoint.NEWEST))
                .hasMessageContaining("longer than PT0.02S before it began to run")
                .satisfies(e -> assertThat(code(e)).isEqualTo(ErrorCode.TIMEOUT));
        assertThat(
                        read(
                                query(QuerySettings.DEFAULT),
                                "SELECT 1 AS x",
                                ReadPoint.NEWEST,
                                RowFormat.CSV))
                .isEqualTo("x\n1\n");
    }

    @Test
    void stopsWhenTheCallerIsInterrupted() throws InterruptedException {
        QueryService query = query(QuerySettings.DEFAULT);
        String ten = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";
        StringBuilder sql =
                new StringBuilder("SELECT SUM(a.x * b.x) AS s FROM " + ten + " AS a(x)");
        for (char c = 'b'; c <= 'l'; c++) {
            sql.append(", ").append(ten).append(" AS ").append(c).append("(x)");
        }
        Throwable[] thrown = new Throwable[1];
        Thread thread =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                read(query, sql.toString(), ReadPoint.NEWEST, RowFormat.CSV);
                            } catch (LakeException e) {
                                thrown[0] = e;
                            }
                        });
        while (thread.isAlive()) {
            // again and again, as the query may not have begun at the first
            thread.interrupt();
            thread.join(Duration.ofMillis(20));
        }
        assertThat(code(thrown[0])).isEqualTo(ErrorCode.CANCELLED);
    }

    private static ErrorCode code(Throwable e) {
        return ((LakeException) e).code();
    }

    private record NoTables() implements org.tonle.sql.TableResolver {
        @Override
        public java.util.Optional<org.tonle.sql.SqlTable> table(org.tonle.sql.TableName name) {
            return java.util.Optional.empty();
        }

        @Override
        public List<org.tonle.sql.TableName> names() {
            return List.of();
        }
    }
}
