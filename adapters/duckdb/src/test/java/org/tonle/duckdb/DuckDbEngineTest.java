package org.tonle.duckdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.arrow.memory.RootAllocator;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.DeletedRows;
import org.tonle.contracts.SqlKit;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.DataFile;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/** What is DuckDB's own: its sandbox, its limits, and statements that are long or deep. */
class DuckDbEngineTest {
    private static final Schema ONE =
            new Schema(Types.NestedField.optional(1, "a", Types.LongType.get()));

    private static final BitSet ROW_1 = BitSet.valueOf(new long[] {0b10});

    @TempDir Path directory;
    private Path inside;
    private Path outside;
    private Path temporary;
    private RootAllocator allocator;
    private DuckDbEngine engine;
    private SqlKit kit;

    @BeforeEach
    void openEngine() throws IOException {
        inside = Files.createDirectory(directory.resolve("inside"));
        outside = Files.createDirectory(directory.resolve("outside"));
        temporary = Files.createDirectory(directory.resolve("temporary"));
        allocator = new RootAllocator();
        engine =
                DuckDbEngine.open(
                        new DuckDbSettings(List.of(inside), temporary, 128L << 20, 2, 2),
                        allocator);
        kit = new SqlKit(engine, inside);
    }

    @AfterEach
    void closeEngine() {
        engine.close();
        allocator.close();
    }

    @Test
    void readsAndWritesNothingOutsideItsDirectories() {
        WrittenFile written =
                engine.write(
                                kit.bind("SELECT 1 AS a"),
                                kit.inputs(),
                                new FileTarget(inside, "fine", ONE))
                        .getFirst();
        assertThatThrownBy(() ->
                        engine.write(
                                kit.bind("SELECT 1 AS a"),
                                kit.inputs(),
                                new FileTarget(outside, "stolen", ONE)))
                .isInstanceOf(LakeException.class)
                .hasMessageContaining("Permission Error");
        assertThat(outside).isEmptyDirectory();

        SqlTable table = SqlTable.of(new TableName("silver", "t"), ONE);
        kit.table(table);
        assertThatThrownBy(
                        () -> {
                            Path copy = Files.copy(written.path(), outside.resolve("copy.parquet"));
                            kit.give(table, List.of(new DataFile(copy, 1, false)));
                            kit.rows("SELECT a FROM silver.t");
                        })
                .isInstanceOf(LakeException.class)
                .hasMessageContaining("Permission Error");
    }

    @Test
    void readsTheColumnsThatAStatementUsesAndFilesThatHoldThemPlainly() {
        Schema old = new Schema(Types.NestedField.optional(1, "a", Types.IntegerType.get()));
        Schema now =
                new Schema(
                        Types.NestedField.optional(1, "a", Types.IntegerType.get()),
                        Types.NestedField.optional(2, "b", Types.IntegerType.get()),
                        Types.NestedField.optional(3, "c", Types.IntegerType.get()));
        SqlTable table = SqlTable.of(new TableName("silver", "t"), now);
        kit.add(table, old, "SELECT 1 AS a");
        kit.add(table, now, "SELECT 2 AS a, 20 AS b, 200 AS c");
        kit.add(table, now, "SELECT 3 AS a, 30 AS b, 300 AS c");
        String sum = "SELECT SUM(B) AS s FROM silver.t";
        assertThat(DuckDbEngine.select(kit.bind(sum), kit.inputs()))
                .contains("\"b\"", "UNION ALL")
                .containsOnlyOnce("schema=MAP{2:")
                .doesNotContain("\"a\"", "\"c\"", "'a'", "'c'");
        assertThat(kit.rows(sum)).hasToString("[[50]]");
        assertThat(kit.rows("SELECT COUNT(*) AS n FROM silver.t")).hasToString("[[3]]");
        assertThat(kit.rows("SELECT COUNT(*) AS n FROM silver.t AS x NATURAL JOIN silver.t AS y"))
                .hasToString("[[2]]");
        assertThat(
                        kit.rows(
                                "SELECT x.c FROM silver.t AS x JOIN silver.t AS y USING (b) ORDER BY 1"))
                .hasToString("[[200], [300]]");
    }

    @Test
    void takesNoSettingOnceOpen() {
        for (String setting :
                List.of(
                        "SET enable_external_access=true",
                        "SET GLOBAL memory_limit='100GB'",
                        "SET GLOBAL lock_configuration=false",
                        "LOAD httpfs",
                        "INSTALL httpfs",
                        "ATTACH '" + outside.resolve("x.db") + "'")) {
            try (Session session = engine.session()) {
                assertThatThrownBy(() ->
                                session.call(() -> {
                                    session.execute(setting);
                                    return true;
                                }))
                        .as(setting)
                        .isInstanceOf(LakeException.class);
            }
        }
        assertThat(outside).isEmptyDirectory();
    }

    @Test
    void saysThatAStatementNeedsTooMuchMemory() {
        String ten = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";
        String many =
                "%1$s AS a(x), %1$s AS b(x), %1$s AS c(x), %1$s AS d(x), %1$s AS e(x), %1$s AS f(x)"
                        .formatted(ten);
        // one huge group can't be spilled
        String sql =
                "SELECT COUNT(DISTINCT CAST(a.x * 1.000001 + b.x * 11.00003 + c.x * 101.0007 + d.x *"
                        + " 1003 + e.x * 10007 + f.x * 100003 AS VARCHAR) || '"
                        + "x".repeat(500)
                        + "') AS n FROM "
                        + many;
        try {
            assertThat(kit.rows(sql)).hasToString("[[1000000]]");
        } catch (LakeException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.OUT_OF_RESOURCES);
        }
        assertThat(kit.value("1")).isEqualTo(1);
    }

    @Test
    void sortsOnDiskWhatIsLargerThanItsMemory() throws Exception {
        String ten = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";
        String sql =
                "SELECT MAX(n) AS n FROM (SELECT ROW_NUMBER() OVER (ORDER BY s) AS n FROM (SELECT"
                        + " '%2$s' || CAST(a.x * 7919 + b.x * 104729 + c.x * 1299709 + d.x * 15485863"
                        + " + e.x * 179424673 + f.x AS VARCHAR) AS s FROM %1$s AS a(x), %1$s AS b(x),"
                        + " %1$s AS c(x), %1$s AS d(x), %1$s AS e(x), %1$s AS f(x)) AS t) AS u";
        CompletableFuture<String> rows =
                CompletableFuture.supplyAsync(
                        () -> kit.rows(sql.formatted(ten, "x".repeat(300))).toString());
        long most = 0;
        while (!rows.isDone()) {
            most = Math.max(most, spilledBytes());
        }
        assertThat(rows.get()).isEqualTo("[[1000000]]");
        assertThat(most).as("300 MB were sorted within 128 MB").isGreaterThan(100L << 20);
        assertThat(spilledBytes()).as("and left nothing on the disk").isLessThan(1 << 10);
    }

    private long spilledBytes() {
        File[] files = temporary.toFile().listFiles();
        return files == null ? 0 : Arrays.stream(files).mapToLong(File::length).sum();
    }

    @Test
    void readsATableOfAThousandColumns() {
        Schema wide =
                new Schema(
                        IntStream.rangeClosed(1, 1000)
                                .mapToObj(i ->
                                        Types.NestedField.optional(
                                                i, "c" + i, Types.IntegerType.get()))
                                .toList());
        SqlTable table = SqlTable.of(new TableName("silver", "wide"), wide);
        kit.add(
                table,
                wide,
                IntStream.rangeClosed(1, 1000)
                        .mapToObj(i -> i + " AS c" + i)
                        .collect(Collectors.joining(", ", "SELECT ", "")));
        List<?> row = kit.rows("SELECT * FROM silver.wide").getFirst();
        assertThat(row).hasSize(1000);
        assertThat(row.get(999)).isEqualTo(1000);
    }

    @Test
    void runsLongStatementsAndRefusesThoseNestedTooDeep() {
        String in =
                IntStream.range(0, 5000)
                        .mapToObj(Integer::toString)
                        .collect(Collectors.joining(","));
        assertThat(kit.value("4999 IN (" + in + ")")).isEqualTo(true);
        assertThat(kit.value("1" + " + 1".repeat(790))).isEqualTo(791);
        assertThat(kit.value("(".repeat(500) + "1" + ")".repeat(500))).isEqualTo(1);
        for (String deep :
                List.of(
                        "1" + " + 1".repeat(5000),
                        "1" + " + 1".repeat(9_900),
                        "1" + " + 1".repeat(250_000),
                        "1 IN (SELECT 1" + " UNION ALL SELECT 1".repeat(50_000) + ")",
                        "1 IN (" + "1,".repeat(150_000) + "1)",
                        "TRUE" + " OR FALSE".repeat(5000),
                        "NOT (".repeat(100_000) + "TRUE" + ")".repeat(100_000),
                        "CASE WHEN ".repeat(50_000),
                        "(".repeat(600_000) + "1" + ")".repeat(600_000))) {
            assertThatThrownBy(() -> kit.value(deep))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.UNSUPPORTED_SQL));
        }
    }

    @Test
    void letsOthersWaitWhileAsManyStatementsRunAsMay() throws Exception {
        QueryLimits limits = new QueryLimits(Duration.ofMinutes(1));
        List<QueryResult> held = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            held.add(engine.run(kit.bind("SELECT 1 AS x"), kit.inputs(), limits));
            held.add(engine.run(kit.bind("SELECT 2 AS x"), kit.inputs(), limits));
            Future<Object> third = threads.submit(() -> kit.value("3"));
            assertThat(third.isDone()).isFalse();
            held.getFirst().close();
            assertThat(third.get()).isEqualTo(3);
        } finally {
            held.forEach(QueryResult::close);
        }
    }

    @Test
    void closesThoughAResultIsStillOpen() {
        QueryResult open =
                engine.run(
                        kit.bind("SELECT 1 AS x"),
                        kit.inputs(),
                        new QueryLimits(Duration.ofMinutes(1)));
        assertThat(open.next()).isTrue();
        Thread closing = Thread.ofPlatform().start(engine::close);
        // closing waits a moment for whoever still reads
        open.close();
        assertThat(org.assertj.core.api.Assertions.catchThrowable(closing::join)).isNull();
    }

    @Test
    void saysWhichValueMadeAQueryFail() {
        Map.of(
                        "SELECT 1 / 0 AS x",
                        "Division by zero",
                        "SELECT CAST('abc' AS INT) AS x",
                        "Could not convert string 'abc'",
                        "SELECT 9223372036854775807 + x AS x FROM (VALUES (1)) AS t(x)",
                        "Overflow in addition",
                        "SELECT SUM(x) AS x FROM (VALUES (9223372036854775807), (1)) AS t(x)",
                        "9223372036854775808 can't be cast")
                .forEach((sql, reason) ->
                        assertThatThrownBy(() -> kit.rows(sql))
                                .as(sql)
                                .isInstanceOfSatisfying(
                                        LakeException.class,
                                        e ->
                                                assertThat(e.code())
                                                        .isEqualTo(ErrorCode.INVALID_VALUE))
                                .hasMessageContaining(reason));
        assertThat(kit.value("1")).isEqualTo(1);
    }

    @Test
    void namesAColumnAfterTheClockIfItHasNoOtherName() {
        assertThat(kit.rows("SELECT CURRENT_TIMESTAMP, LOCALTIMESTAMP, CURRENT_DATE, 1 AS a"))
                .hasSize(1);
        assertThat(kit.rows("SELECT CURRENT_TIMESTAMP")).hasSize(1);
    }

    @Test
    void saysWhichFileCantBeRead() {
        SqlTable table = SqlTable.of(new TableName("silver", "gone"), ONE);
        kit.give(table, List.of(new DataFile(inside.resolve("gone.parquet"), 1, false)));
        assertThatThrownBy(() -> kit.rows("SELECT a FROM silver.gone"))
                .isInstanceOfSatisfying(
                        LakeException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORAGE))
                .hasMessageContaining("gone.parquet");
    }

    @Test
    void namesQuotesAndDirectoriesInPathsAreNoSql() throws IOException {
        Path odd = Files.createDirectory(inside.resolve("it's \"odd\" [a]*{b}"));
        SqlTable table = SqlTable.of(new TableName("silver", "odd"), ONE);
        WrittenFile written =
                engine.write(
                                kit.bind("SELECT 7 AS a"),
                                kit.inputs(),
                                new FileTarget(odd, "f'x", ONE))
                        .getFirst();
        kit.give(table, List.of(new DataFile(written.path(), 1, false)));
        assertThat(kit.rows("SELECT a FROM silver.odd")).hasToString("[[7]]");
        assertThat(new Inputs(Map.of()).rows()).isZero();
    }

    @Test
    void aScanOfAFileWhoseDeletedRowsNobodyBoundIsAnErrorAndNoEmptyTable() {
        SqlTable table = SqlTable.of(new TableName("silver", "t"), ONE);
        DataFile whole = kit.add(table, ONE, "SELECT 7 AS a").getFirst();
        DataFile file = new DataFile(whole.path(), 2, true, Optional.of(DeletedRows.of(ROW_1)));
        String sql = "CREATE TEMP TABLE x AS " + Scan.files(ONE.columns(), List.of(file));
        try (Session session = engine.session()) {
            assertThatThrownBy(() ->
                            session.call(() -> {
                                session.execute(sql);
                                return true;
                            }))
                    .hasMessageContaining("nobody said which rows are deleted");
            DeletedBits.bind(session, Inputs.of(table.name(), List.of(file)));
            session.call(() -> {
                session.execute(sql);
                return true;
            });
        }
    }
}
