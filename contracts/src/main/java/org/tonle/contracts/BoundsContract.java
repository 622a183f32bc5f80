package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/**
 * Whatever a statement asks for, it ends, the process has the memory it had, and the engine answers
 * the next one.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 30, unit = TimeUnit.MINUTES)
public abstract class BoundsContract {
    /** Rows that are more than an engine's batch. */
    private static final String ROWS =
            "SELECT a.v + 10 * b.v + 100 * c.v + 1000 * d.v AS x, a.v AS y, 'name ' || CAST(b.v AS"
                    + " VARCHAR) AS s, CAST(c.v AS DOUBLE) AS d FROM {10} AS a(v), {10} AS b(v),"
                    + " {10} AS c(v), {10} AS d(v)";

    private static final String TEN = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";

    private static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.optional(1, "x", Types.IntegerType.get()),
                    Types.NestedField.optional(2, "y", Types.IntegerType.get()),
                    Types.NestedField.optional(3, "s", Types.StringType.get()),
                    Types.NestedField.optional(4, "d", Types.DoubleType.get()));

    private static final Set<ErrorCode> TOO_MUCH =
            Set.of(
                    ErrorCode.UNSUPPORTED_SQL,
                    ErrorCode.INVALID_SQL,
                    ErrorCode.INVALID_VALUE,
                    ErrorCode.TIMEOUT,
                    ErrorCode.OUT_OF_RESOURCES);

    /** What the engine may use by its own settings is less. */
    private static final long MAX_BYTES = 1200L << 20;

    private static final Duration MAX_TIME = Duration.ofSeconds(30);

    @SuppressWarnings("NullAway.Init") // set before all tests
    private SqlEngine engine;

    @SuppressWarnings("NullAway.Init") // set before all tests
    private SqlKit kit;

    /** A new engine that may read and write below {@code directory}, with 256 MB of memory. */
    protected abstract SqlEngine open(Path directory);

    @BeforeAll
    void openEngine(@TempDir Path directory) {
        engine = open(directory);
        kit = new SqlKit(engine, directory);
        SqlTable table = SqlTable.of(new TableName("silver", "t"), SCHEMA);
        kit.add(table, SCHEMA, ROWS.replace("{10}", TEN));
    }

    @AfterAll
    void closeEngine() {
        engine.close();
    }

    /**
     * Statements by chance, from a seed that is said when one fails; {@code -Dtonle.fuzz=N} makes
     * as many.
     */
    @Test
    void whateverIsAskedForEndsWithinBounds() {
        int statements = Integer.getInteger("tonle.fuzz", 60);
        long seed = Long.getLong("tonle.seed", 42);
        int answered = 0;
        for (int i = 0; i < statements; i++) {
            String sql = new HostileStatements(seed + i).statement().replace("{t}", "silver.t");
            String about =
                    "seed " + (seed + i) + ": " + sql.substring(0, Math.min(300, sql.length()));
            answered += ends(sql, about) ? 1 : 0;
        }
        System.out.println("bounds: " + statements + " statements, " + answered + " answered");
        assertThat(answered).isBetween(statements / 5, statements - statements / 5);
    }

    /** What made engines take gigabytes, or the time until they were killed. */
    static Stream<Arguments> attacks() {
        return Stream.of(
                Arguments.of("a text of two gigabytes", "SELECT REPEAT('x', 2000000000) AS v"),
                Arguments.of(
                        "long texts of many rows, by a length that is computed",
                        "SELECT MAX(REPEAT(s, 100000 + x)) AS v FROM silver.t"),
                Arguments.of(
                        "padding to a length that is computed",
                        "SELECT MAX(LPAD(s, 100000000 + x, 'x')) AS v FROM silver.t"),
                Arguments.of(
                        "a text by itself",
                        "SELECT REPLACE(l, 'n', l) AS v FROM (SELECT LISTAGG(s) AS l FROM silver.t)"
                                + " AS q"),
                Arguments.of(
                        "long texts in a row, of many rows",
                        "SELECT "
                                + IntStream.range(0, 12)
                                        .mapToObj(i -> "RPAD(s, 9999, '" + i + "') AS c" + i)
                                        .collect(Collectors.joining(", "))
                                + " FROM silver.t"),
                Arguments.of(
                        "a text that recursion doubles",
                        "WITH RECURSIVE r(s, n) AS (SELECT 'x', 0 UNION ALL SELECT s || s, n + 1 FROM r"
                                + " WHERE n < 40) SELECT MAX(CHAR_LENGTH(s)) AS m FROM r"),
                Arguments.of(
                        "all rows in each",
                        "SELECT LISTAGG(a.s) OVER (ORDER BY a.x, b.x) AS l FROM silver.t AS a CROSS JOIN"
                                + " silver.t AS b"),
                Arguments.of(
                        "operands within operands",
                        "SELECT "
                                + nested(
                                        24,
                                        "x",
                                        "CASE WHEN JSON_VALUE(CAST(",
                                        " AS VARCHAR), '$.a') = 'x' THEN 1 ELSE 2 END")
                                + " AS v FROM silver.t"),
                Arguments.of("rows that each name doubles", doubled(40, "")),
                Arguments.of("one of them", doubled(40, " LIMIT 1")));
    }

    private static String nested(int times, String in, String before, String after) {
        return before.repeat(times) + in + after.repeat(times);
    }

    private static String doubled(int times, String end) {
        return "WITH a0 AS (SELECT x FROM silver.t)"
                + IntStream.range(1, times)
                        .mapToObj(i ->
                                ", a%d AS (SELECT p.x FROM a%d AS p, a%d AS q)"
                                        .formatted(i, i - 1, i - 1))
                        .collect(Collectors.joining())
                + " SELECT x FROM a"
                + (times - 1)
                + end;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("attacks")
    void whatAsksForMoreThanThereIsEndsWithinBounds(String what, String sql) {
        var unused = ends(sql, what);
    }

    /** Whether it was answered. */
    private boolean ends(String sql, String about) {
        long start = System.nanoTime();
        long before = residentBytes();
        boolean answered;
        try {
            BoundQuery query = kit.bind(sql);
            QueryLimits limits = new QueryLimits(Duration.ofSeconds(10));
            try (QueryResult result = engine.run(query, kit.inputs(), limits)) {
                while (result.next()) {
                    assertThat(result.batch().getRowCount()).isPositive();
                }
            }
            answered = true;
        } catch (LakeException e) {
            assertThat(TOO_MUCH).as(about + ": " + e).contains(e.code());
            answered = false;
        }
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        long more = bytes("VmHWM") - before;
        assertThat(took).as(about).isLessThan(MAX_TIME);
        assertThat(more).as(about).isLessThan(MAX_BYTES);
        assertThat(kit.value("1")).as(about).isEqualTo(1);
        return answered;
    }

    /** The memory that this process has now, from where its most is counted anew. */
    private static long residentBytes() {
        long now = bytes("VmRSS");
        if (now > 0) {
            try {
                Files.writeString(Path.of("/proc/self/clear_refs"), "5");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return now;
    }

    /** What Linux says of this process; 0 on other systems, which aren't asked. */
    private static long bytes(String what) {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith(what))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
