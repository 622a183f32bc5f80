package org.tonle.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.calcite.sql.dialect.AnsiSqlDialect;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** What a statement may ask for: short ones can ask for more than there is. */
class BoundsTest {
    private static final SqlTable T =
            SqlTable.of(
                    new TableName("silver", "t"),
                    new Schema(
                            Types.NestedField.optional(1, "x", Types.IntegerType.get()),
                            Types.NestedField.optional(2, "y", Types.IntegerType.get()),
                            Types.NestedField.optional(3, "s", Types.StringType.get())));

    private static final SqlTable WIDE =
            SqlTable.of(
                    new TableName("silver", "wide"),
                    new Schema(
                            IntStream.rangeClosed(1, 1_000)
                                    .mapToObj(i ->
                                            Types.NestedField.optional(
                                                    i, "w" + i, Types.StringType.get()))
                                    .toList()));

    private static final TableResolver TABLES =
            new TableResolver() {
                @Override
                public Optional<SqlTable> table(TableName name) {
                    return Stream.of(T, WIDE).filter(t -> t.name().matches(name)).findFirst();
                }

                @Override
                public List<TableName> names() {
                    return List.of(T.name(), WIDE.name());
                }
            };

    private static String nest(int times, String in, UnaryOperator<String> around) {
        String text = in;
        for (int i = 0; i < times; i++) {
            text = around.apply(text);
        }
        return text;
    }

    private static String list(int many, String between, String item) {
        return IntStream.range(0, many)
                .mapToObj(i -> item.replace("#", Integer.toString(i)))
                .collect(Collectors.joining(between));
    }

    private static Arguments tooMuch(String what, int column, String message, String sql) {
        return Arguments.of(what, column, message, sql);
    }

    static Stream<Arguments> attacks() {
        String t = "silver.t";
        return Stream.of(
                tooMuch(
                        "operands that are computed twice",
                        8,
                        "2000 values and operations that stand in BETWEEN",
                        "SELECT "
                                + nest(
                                        10,
                                        "x",
                                        x -> "(CASE WHEN " + x + " BETWEEN 1 AND 9 THEN 1 END)")
                                + " AS v FROM silver.t"),
                tooMuch(
                        "a CASE of a CASE",
                        -1,
                        "60000 names, values and operations",
                        "SELECT "
                                + nest(
                                        40,
                                        "x",
                                        x -> "CASE " + x + " WHEN 1 THEN 1 WHEN 2 THEN 2 END")
                                + " AS v FROM silver.t"),
                tooMuch(
                        "columns that double",
                        -1,
                        "a row here has more than 4000 columns",
                        "WITH a0 AS (SELECT * FROM silver.t)"
                                + IntStream.range(1, 30)
                                        .mapToObj(i ->
                                                ", a%d AS (SELECT * FROM a%d AS p, a%d AS q)"
                                                        .formatted(i, i - 1, i - 1))
                                        .collect(Collectors.joining())
                                + " SELECT * FROM a29"),
                tooMuch(
                        "subqueries that double",
                        -1,
                        "300 SELECTs",
                        "SELECT * FROM "
                                + nest(10, t, q -> "(SELECT * FROM " + q + " AS a, " + q + " AS b)")
                                + " AS q"),
                tooMuch(
                        "rows in rows",
                        -1,
                        "4000 columns, or one nested in more than 30 levels",
                        "SELECT COUNT(r) AS n FROM "
                                + nest(
                                        40,
                                        "(SELECT ROW(x, x) AS r FROM silver.t)",
                                        q -> "(SELECT ROW(r, r) AS r FROM " + q + ")")),
                tooMuch(
                        "maps of maps",
                        -1,
                        "4000 columns",
                        "SELECT COUNT(r) AS n FROM "
                                + nest(
                                        40,
                                        "(SELECT MAP[x, x] AS r FROM silver.t)",
                                        q -> "(SELECT MAP[r, r] AS r FROM " + q + ")")),
                tooMuch(
                        "arrays in arrays",
                        -1,
                        "30 levels",
                        "SELECT "
                                + "ARRAY[".repeat(300)
                                + "x"
                                + "]".repeat(300)
                                + " AS a FROM silver.t"),
                tooMuch(
                        "a wide table, joined",
                        1,
                        "4000 columns",
                        "SELECT * FROM " + list(50, ", ", "silver.wide AS w#")),
                tooMuch(
                        "grouping sets",
                        1,
                        "64 grouping sets",
                        "SELECT COUNT(*) AS n FROM silver.t GROUP BY CUBE("
                                + list(40, ", ", "x + #")
                                + ")"),
                tooMuch(
                        "grouping sets that multiply",
                        1,
                        "64 grouping sets",
                        "SELECT COUNT(*) AS n FROM silver.t GROUP BY "
                                + list(12, ", ", "ROLLUP(x, y)")),
                tooMuch(
                        "a column that ORDER BY names often",
                        -1,
                        "60000 names, values and operations",
                        "SELECT "
                                + list(700, " + ", "x")
                                + " AS a FROM silver.t ORDER BY "
                                + list(400, ", ", "1")),
                tooMuch(
                        "a column that GROUP BY names often",
                        1,
                        "60000 names, values and operations",
                        "SELECT "
                                + list(700, " + ", "x")
                                + " AS a FROM silver.t GROUP BY "
                                + list(400, ", ", "a")),
                tooMuch(
                        "many keys",
                        -1,
                        "500 columns in one GROUP BY or ORDER BY",
                        "SELECT * FROM silver.wide ORDER BY " + list(1_000, ", ", "w1")),
                tooMuch(
                        "a join of many tables",
                        1,
                        "100 tables and subqueries in one FROM",
                        "SELECT COUNT(*) AS n FROM " + list(101, ", ", "silver.t AS t#")),
                tooMuch(
                        "many LATERAL",
                        1,
                        "100 tables and subqueries in one FROM",
                        "SELECT COUNT(*) AS n FROM silver.t AS t"
                                + list(26, "", ", LATERAL (SELECT t.x + # AS z) AS l#")),
                tooMuch(
                        "many subqueries that look outside",
                        1,
                        "100 tables and subqueries in one SELECT",
                        "SELECT COUNT(*) AS n FROM silver.t AS o WHERE "
                                + list(
                                        30,
                                        " AND ",
                                        "EXISTS (SELECT 1 FROM silver.t AS i WHERE i.x = o.x + #)")),
                tooMuch(
                        "SELECTs within each other",
                        -1,
                        "100 SELECTs within each other",
                        nest(
                                101,
                                "SELECT x + 1 AS x FROM silver.t",
                                q -> "SELECT x + 1 AS x FROM (" + q + ") AS q")),
                tooMuch(
                        "a condition on a column that doubles",
                        -1,
                        "names, values and operations in its conditions",
                        "SELECT x FROM "
                                + nest(
                                        30,
                                        t,
                                        q -> "(SELECT COALESCE(x, x) AS x FROM " + q + " AS q)")
                                + " AS q WHERE x = 1"),
                tooMuch(
                        "a condition in many branches",
                        -1,
                        "names, values and operations in its conditions",
                        "SELECT COUNT(*) AS n FROM ("
                                + list(200, " UNION ALL ", "SELECT x FROM silver.t")
                                + ") AS q WHERE "
                                + list(200, " OR ", "(x = # AND x <> 1#)")),
                tooMuch(
                        "conditions on joined tables",
                        1,
                        "conditions that AND joins, multiplied by the square of its tables",
                        "SELECT COUNT(*) AS n FROM silver.t AS t"
                                + list(50, "", " JOIN silver.t AS t# ON t#.x = t.x")
                                + " WHERE "
                                + list(300, " AND ", "t.x <> #")),
                tooMuch(
                        "conditions of SELECTs within each other",
                        -1,
                        "conditions that AND joins, those of each SELECT squared",
                        nest(
                                3,
                                "SELECT x FROM silver.t",
                                q ->
                                        "SELECT x FROM ("
                                                + q
                                                + ") AS q WHERE "
                                                + list(500, " AND ", "x <> #"))),
                tooMuch(
                        "windows",
                        -1,
                        "1000 window functions",
                        "SELECT "
                                + list(1_001, ", ", "SUM(x) OVER (ORDER BY x + #)")
                                + " FROM silver.t"),
                tooMuch(
                        "distinct aggregates",
                        1,
                        "100 aggregates with DISTINCT",
                        "SELECT " + list(101, ", ", "COUNT(DISTINCT x + #)") + " FROM silver.t"),
                tooMuch(
                        "a text that doubles",
                        -1,
                        "65536 bytes in one row",
                        "SELECT s FROM "
                                + nest(30, t, q -> "(SELECT s || s AS s FROM " + q + " AS q)")
                                + " AS q"),
                tooMuch(
                        "a text that is replaced by itself",
                        -1,
                        "65536 bytes in one row",
                        "SELECT s FROM "
                                + nest(
                                        5,
                                        t,
                                        q -> "(SELECT REPLACE(s, 'a', s) AS s FROM " + q + " AS q)")
                                + " AS q"),
                tooMuch(
                        "a long chain of ||",
                        -1,
                        "65536 bytes in one row",
                        "SELECT " + list(700, " || ", "s") + " AS v FROM silver.t"),
                tooMuch(
                        "long texts in many columns",
                        -1,
                        "65536 bytes in one row",
                        "SELECT " + list(20, ", ", "RPAD(s, 9000, '#') AS c#") + " FROM silver.t"),
                tooMuch(
                        "what was gathered, many times",
                        -1,
                        "65536 bytes in one row",
                        "SELECT "
                                + list(10, ", ", "l || '#' AS c#")
                                + " FROM (SELECT LISTAGG(s) AS l FROM silver.t) AS q"),
                tooMuch(
                        "a long text in every row",
                        1,
                        "65536 bytes in one row",
                        "SELECT x, '" + "x".repeat(70_000) + "' AS v FROM silver.t"),
                tooMuch(
                        "a repeated text",
                        21,
                        "REPEAT makes texts of 10000 characters at most",
                        "SELECT REPEAT('ab', 5001) AS v"),
                tooMuch(
                        "a padded text",
                        16,
                        "LPAD makes texts of 10000 characters at most",
                        "SELECT LPAD(s, 2000000000, 'x') AS v FROM silver.t"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("attacks")
    void refusesAtItsPlaceWhatAsksForTooMuch(String what, int column, String message, String sql) {
        assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () ->
                        assertThatThrownBy(() -> Sql.query(sql, TABLES))
                                .isInstanceOfSatisfying(
                                        LakeException.class,
                                        e ->
                                                assertThat(e.code())
                                                        .isEqualTo(ErrorCode.UNSUPPORTED_SQL))
                                .hasMessageStartingWith(
                                        "line 1, column " + (column < 0 ? "" : column + ": "))
                                .hasMessageContaining(message));
    }

    @Test
    void takesWhatPeopleAndProgramsWrite() {
        for (String sql :
                List.of(
                        "SELECT x IN (" + list(50_000, ", ", "#") + ") AS v FROM silver.t",
                        "SELECT * FROM (VALUES " + list(15_000, ", ", "(#, 'a')") + ") AS v(a, b)",
                        "SELECT CASE "
                                + list(5_000, " ", "WHEN x = # THEN #")
                                + " END AS v FROM silver.t",
                        "SELECT " + list(2_000, ", ", "x + # AS c#") + " FROM silver.t",
                        "SELECT * FROM silver.wide AS a JOIN silver.wide AS b USING (w1)",
                        "SELECT "
                                + nest(300, "x", x -> "COALESCE(" + x + ", y)")
                                + " AS v FROM silver.t",
                        "SELECT " + nest(300, "s", s -> "UPPER(" + s + ")") + " AS v FROM silver.t",
                        "SELECT "
                                + list(40, " || ',' || ", "COALESCE(s, '')")
                                + " AS v FROM silver.t",
                        "SELECT x FROM silver.t WHERE " + list(700, " AND ", "x <> #"),
                        "SELECT x FROM silver.t WHERE " + list(700, " OR ", "x = #"),
                        "SELECT x FROM silver.t WHERE "
                                + list(300, " AND ", "CAST(x AS BIGINT) BETWEEN # AND 1#"),
                        "SELECT COUNT(*) AS n FROM silver.t AS t"
                                + list(80, "", " LEFT JOIN silver.t AS t# ON t#.x = t.x"),
                        list(250, " UNION ALL ", "SELECT x FROM silver.t WHERE x > # AND y < 3"),
                        "WITH a0 AS (SELECT x FROM silver.t)"
                                + IntStream.range(1, 90)
                                        .mapToObj(i ->
                                                ", a%d AS (SELECT p.x FROM a%d AS p JOIN a%d AS q ON p.x = q.x)"
                                                        .formatted(i, i - 1, i - 1))
                                        .collect(Collectors.joining())
                                + " SELECT x FROM a89 WHERE x = 1",
                        "SELECT "
                                + list(
                                        40,
                                        ", ",
                                        "(SELECT COUNT(*) FROM silver.t WHERE x > #) AS c#"),
                        "SELECT COUNT(*) AS n FROM silver.t GROUP BY CUBE(x, y, s, x + 1, y + 1, x + y)",
                        "SELECT LISTAGG(s) || ' ' || LISTAGG(s, '-') AS l FROM silver.t",
                        "SELECT '" + "x".repeat(500_000) + "' AS v",
                        "SELECT x FROM silver.t WHERE s <> '" + "x".repeat(500_000) + "'",
                        "SELECT REPEAT('█', x / 10) || LPAD(s, 20, ' ') || RPAD(s, x, '.') AS l FROM silver.t")) {
            assertThat(Sql.query(sql, TABLES).schema().columns()).as(sql).isNotEmpty();
        }
    }

    @Test
    void coalesceAndNullifAreSaidAsTheyAreWritten() {
        assertThat(
                        Sql.query("SELECT COALESCE(NULLIF(x, 1), y, 2) AS v FROM silver.t", TABLES)
                                .print(AnsiSqlDialect.DEFAULT, table -> "T"))
                .contains("COALESCE((NULLIF(`t`.`x`, 1)), `t`.`y`, 2)");
    }

    /** Seconds of binding that ask at each step whether they may go on. */
    private static final String LONG =
            "SELECT " + list(900, ", ", "SUM(x) OVER (ORDER BY x + #)") + " FROM silver.t";

    @Test
    void bindingEndsWhenItsTimeIsOver() {
        QueryLimits limits = new QueryLimits(Duration.ofMillis(1));
        assertThatThrownBy(() -> Sql.query(LONG, List.of(), TABLES, AccessPolicy.ALL, limits))
                .isInstanceOfSatisfying(
                        LakeException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TIMEOUT))
                .hasMessageContaining("longer than PT0.001S before it began to run");
    }

    @Test
    void bindingEndsWhenItsCallerIsInterrupted() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> Sql.query(LONG, TABLES))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.CANCELLED));
        assertThat(Thread.interrupted()).as("and the caller still knows").isTrue();
        assertThat(Sql.query("SELECT 1 AS x", TABLES).schema().columns()).hasSize(1);
    }
}
