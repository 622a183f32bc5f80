package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.tonle.spi.LakeException;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/** What statements mean, whatever the engine: the answer to each is written beside it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class SqlLanguageContract {
    private static final Schema FLIGHTS =
            new Schema(
                    Types.NestedField.required(1, "id", Types.StringType.get()),
                    Types.NestedField.optional(2, "origin", Types.StringType.get()),
                    Types.NestedField.optional(3, "delay", Types.IntegerType.get()),
                    Types.NestedField.optional(4, "fare", Types.DecimalType.of(9, 2)),
                    Types.NestedField.optional(5, "departed", Types.TimestampType.withoutZone()),
                    Types.NestedField.optional(6, "seen", Types.TimestampType.withZone()),
                    Types.NestedField.optional(7, "date", Types.DateType.get()));

    @SuppressWarnings("NullAway.Init") // set before all tests
    private SqlEngine engine;

    @SuppressWarnings("NullAway.Init") // set before all tests
    private SqlKit kit;

    /** A new engine that may read and write below {@code directory}. */
    protected abstract SqlEngine open(Path directory);

    @BeforeAll
    void openEngine(@TempDir Path directory) {
        engine = open(directory);
        kit = new SqlKit(engine, directory);
        SqlTable table = SqlTable.of(new TableName("silver", "flights"), FLIGHTS);
        kit.add(
                table,
                FLIGHTS,
                "SELECT id, origin, delay, fare, departed, departed AS seen, CAST(departed AS DATE)"
                        + " AS \"date\" FROM (VALUES ('a', 'LAS', 10, 1.50, TIMESTAMP '2001-01-01"
                        + " 10:11:12'), ('b', 'LAS', 20, 2.25, TIMESTAMP '2001-02-03 23:59:59.5'),"
                        + " ('c', 'PHX', -5, CAST(NULL AS DECIMAL(9, 2)), TIMESTAMP '1969-12-31"
                        + " 00:00:00'), ('d', CAST(NULL AS VARCHAR), CAST(NULL AS INTEGER), 4.00,"
                        + " CAST(NULL AS TIMESTAMP))) AS t(id, origin, delay, fare, departed)");
    }

    @AfterAll
    void closeEngine() {
        engine.close();
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource(
            delimiterString = "=>",
            quoteCharacter = '`',
            value = {
                // whole numbers
                "7 / 2 => 3",
                "-7 / 2 => -3",
                "7 % 3 => 1",
                "MOD(-7, 3) => -1",
                "1 + 2 * 3 - -4 => 11",
                "9223372036854775807 => 9223372036854775807",
                "CAST(7 AS DOUBLE) / 2 => 3.5",
                "7.0 / 2 => 3.5",
                "SUM(7) / 2 => 3",
                "SUM(CAST(7 AS DECIMAL(7, 2))) / 2 => 3.5",
                "SUM(CAST(7 AS DECIMAL(7, 2))) * 100 / SUM(CAST(2 AS DECIMAL(7, 2))) => 350.0",
                "AVG(7) / 2 => 3.5",
                "CAST(1 AS DECIMAL(9, 2)) / 3 > 0.333 => true",
                "1.5 * 2.25 => 3.375",
                "0.1 + 0.2 = 0.3 => true",
                "1e0 / 4 => 0.25",
                "ABS(-5) => 5",
                "SIGN(-2.5) => -1.0",
                "ROUND(2.5) => 3.0",
                "ROUND(-2.567, 2) => -2.570",
                "ROUND(CAST(2.5 AS DOUBLE)) => 3.0",
                "FLOOR(-1.5) => -2",
                "CEIL(1.2) => 2",
                "POWER(2, 10) => 1024.0",
                "SQRT(16) => 4.0",
                "LN(1) => 0.0",
                "LOG10(1000) => 3.0",
                "EXP(0) => 1.0",
                // texts
                "'it''s' => it's",
                "'back\\slash' => back\\slash",
                "'Zürich 🚲' => Zürich 🚲",
                "'a' || 'b' || CAST(1 AS VARCHAR) => ab1",
                "'a' || CAST(NULL AS VARCHAR) => null",
                "CHAR_LENGTH('Zürich 🚲') => 8",
                "UPPER('aé ü') => AÉ Ü",
                "LOWER('ÄB') => äb",
                "SUBSTRING('hello' FROM 2 FOR 3) => ell",
                "SUBSTRING('hello', 2) => ello",
                "SUBSTRING('hello' FROM 0 FOR 2) => h",
                "SUBSTRING('hello' FROM -1 FOR 3) => h",
                "SUBSTRING('hello' FROM -9 FOR 3) => ",
                "SUBSTRING('hello' FROM 2 + 1 FOR 9) => llo",
                "SUBSTRING('hello' FROM 1 - 3) => hello",
                "SUBSTRING('hello' FROM 6) => ",
                "SUBSTRING('hello' FROM CAST(NULL AS INTEGER) FOR 2) => null",
                "SUBSTRING('hello' FROM 0 FOR CAST(NULL AS INTEGER)) => null",
                "TRIM('  x ') => x",
                "TRIM(LEADING 'x' FROM 'xxaxx') => axx",
                "POSITION('l' IN 'hello') => 3",
                "POSITION('z' IN 'hello') => 0",
                "REPLACE('banana', 'an', '-') => b--a",
                "'a_c' LIKE 'a\\_c' => false",
                "'abc' LIKE 'a_c' => true",
                "'a%c' LIKE 'a!%c' ESCAPE '!' => true",
                "'abc' LIKE 'a!%c' ESCAPE '!' => false",
                "'ABC' LIKE 'abc' => false",
                "'a' < 'B' => false",
                "'Z' < 'a' => true",
                "'abc' NOT LIKE 'x%' => true",
                // three values
                "NULL IS NULL => true",
                "1 = NULL => null",
                "NOT (1 = NULL) => null",
                "1 = NULL OR TRUE => true",
                "1 IN (2, NULL) => null",
                "1 NOT IN (2, 3) => true",
                "COALESCE(NULL, 2) => 2",
                "NULLIF(1, 1) => null",
                "1 IS DISTINCT FROM NULL => true",
                "(1 = 1) IS NOT FALSE => true",
                "CASE WHEN 1 > 2 THEN 'a' WHEN NULL THEN 'b' ELSE 'ccc' END => ccc",
                "CASE 5 WHEN 4 THEN 'a' WHEN 5 THEN 'bb' END => bb",
                "5 BETWEEN 1 AND 5 => true",
                // casts
                "CAST('12' AS INTEGER) => 12",
                "CAST('-1.5' AS DOUBLE) => -1.5",
                "CAST('1.25' AS DECIMAL(9, 2)) => 1.25",
                "CAST('true' AS BOOLEAN) => true",
                "CAST('2001-01-05' AS DATE) = DATE '2001-01-05' => true",
                "CAST(DATE '2001-01-05' AS VARCHAR) => 2001-01-05",
                "CAST(DATE '2001-01-05' AS TIMESTAMP) = TIMESTAMP '2001-01-05 00:00:00' => true",
                "CAST(TIMESTAMP '2001-01-05 10:00:00' AS VARCHAR) => 2001-01-05 10:00:00",
                "CAST(1.50 AS VARCHAR) => 1.50",
                "CAST(TRUE AS VARCHAR) => true",
                "CAST(2.5 AS INTEGER) => 3",
                "CAST(12345678901 AS VARCHAR) => 12345678901",
                // times
                "EXTRACT(YEAR FROM DATE '2001-02-03') => 2001",
                "EXTRACT(MONTH FROM DATE '2001-02-03') => 2",
                "EXTRACT(DAY FROM TIMESTAMP '2001-02-03 04:05:06') => 3",
                "EXTRACT(HOUR FROM TIMESTAMP '2001-02-03 04:05:06') => 4",
                "EXTRACT(MINUTE FROM TIMESTAMP '2001-02-03 04:05:06') => 5",
                "EXTRACT(SECOND FROM TIMESTAMP '2001-02-03 04:05:06') => 6",
                "EXTRACT(DOW FROM DATE '2001-02-04') => 1",
                "EXTRACT(QUARTER FROM DATE '2001-05-04') => 2",
                "EXTRACT(DOY FROM DATE '2001-02-01') => 32",
                "YEAR(DATE '2001-02-04') => 2001",
                "CAST(FLOOR(TIMESTAMP '2001-02-03 04:05:06' TO DAY) AS VARCHAR) => 2001-02-03 00:00:00",
                "CAST(FLOOR(TIMESTAMP '2001-02-03 04:05:06' TO HOUR) AS VARCHAR) => 2001-02-03 04:00:00",
                "CAST(FLOOR(DATE '2001-02-03' TO MONTH) AS VARCHAR) => 2001-02-01",
                "CAST(TIMESTAMP '2001-02-03 04:05:06' + INTERVAL '1' DAY AS VARCHAR) => 2001-02-04 04:05:06",
                "CAST(TIMESTAMP '2001-02-03 04:05:06' - INTERVAL '90' MINUTE AS VARCHAR) => 2001-02-03 02:35:06",
                "CAST(DATE '2001-01-31' + INTERVAL '1' MONTH AS VARCHAR) => 2001-02-28",
                "TIMESTAMPDIFF(DAY, DATE '2001-01-01', DATE '2001-02-01') => 31",
                "TIMESTAMPDIFF(HOUR, TIMESTAMP '2001-01-01 10:59:59', TIMESTAMP '2001-01-01 12:00:00') => 1",
                "CAST(TIMESTAMPADD(HOUR, 25, TIMESTAMP '2001-01-01 00:00:00') AS VARCHAR) => 2001-01-02 01:00:00",
                "CAST(TIMESTAMP WITH LOCAL TIME ZONE '2026-01-01 10:00:00' AS VARCHAR) => 2026-01-01 10:00:00+00",
                "CAST(TIMESTAMP WITH LOCAL TIME ZONE '2026-01-01T10:00:00Z' AS VARCHAR) => 2026-01-01 10:00:00+00",
                "CAST(TIMESTAMP WITH TIME ZONE '2026-01-01 10:00:00.5+02:00' AS VARCHAR) => 2026-01-01 08:00:00.5+00",
                "CAST(TIMESTAMP '2026-01-01T10:00:00' AS VARCHAR) => 2026-01-01 10:00:00",
                "CAST(CAST('2026-01-01 10:00:00+02' AS TIMESTAMP WITH TIME ZONE) AS VARCHAR) => 2026-01-01 08:00:00+00",
                "TIMESTAMP WITH TIME ZONE '2026-01-01 10:00:00Z' = TIMESTAMP WITH LOCAL TIME ZONE '2026-01-01 10:00:00' => true",
                "CURRENT_DATE > DATE '2020-01-01' => true",
                "CURRENT_TIMESTAMP > TIMESTAMP '2020-01-01 00:00:00' => true",
                // collections and JSON
                "MAP['k', 1]['k'] => 1",
                "MAP['k', 1]['x'] => null",
                "ARRAY[10, 20][2] => 20",
                "JSON_VALUE('{\"a\":{\"b\":[1,\"x\"]}}', '$.a.b[1]') => x",
                "JSON_VALUE('{\"a\":{\"b\":1}}', '$.a') => null",
                "JSON_VALUE('{\"a\":null}', '$.a') => null",
                "JSON_VALUE('{\"a\":true}', 'lax $.a') => true",
                "JSON_VALUE('no json', '$.a') => null",
                "CAST(JSON_VALUE('{\"a\":1.5}', '$.a') AS DOUBLE) => 1.5",
                "ROW(1, 'a') = ROW(1, 'a') => true",
            })
    void anExpressionMeansThis(String expression, @Nullable String expected) {
        // nothing behind the arrow is the empty text
        assertThat(String.valueOf(kit.value(expression)))
                .isEqualTo(expected == null ? "" : expected);
    }

    @ParameterizedTest(name = "{0} fails")
    @CsvSource(
            delimiterString = "=>",
            quoteCharacter = '`',
            value = {
                "delay / (delay - delay) => INVALID_VALUE",
                "MOD(delay, delay - delay) => INVALID_VALUE",
                "fare / (delay - delay) => INVALID_VALUE",
                "CAST(delay AS DOUBLE) / (delay - delay) => INVALID_VALUE",
                "delay + 2147483647 => INVALID_VALUE",
                "CAST(id AS INTEGER) => INVALID_VALUE",
                "CAST(delay * 10 AS DECIMAL(2, 0)) => INVALID_VALUE",
                "delay + => INVALID_SQL",
                "nosuch => INVALID_SQL",
                "id || => INVALID_SQL",
                "TIMESTAMP '2026-01-01 10:00:00Z' => INVALID_SQL",
                "TIMESTAMP WITH TIME ZONE '2026-02-30 10:00:00' => INVALID_SQL",
                "DATE '2026-02-30' => INVALID_SQL",
                "DATE '10000-01-01' => INVALID_SQL",
                "TIMESTAMP '10000-01-01 00:00:00' => INVALID_SQL",
                "CEIL(departed TO DAY) => UNSUPPORTED_SQL line 1, column 8: CEIL",
                "TIMESTAMPDIFF(MONTH, departed, seen) => UNSUPPORTED_SQL line 1, column 8: TIMESTAMPDIFF",
                "id + 1 => INVALID_VALUE",
                "id LIKE 'a!' ESCAPE '!' => INVALID_VALUE",
                "id LIKE 'a' ESCAPE '!!' => INVALID_VALUE",
                "TIMEZONE('Nowhere', departed) => INVALID_VALUE",
                "MEDIAN(delay) => UNSUPPORTED_SQL",
                "READ_CSV('/etc/passwd') => UNSUPPORTED_SQL",
                "GETENV('HOME') => UNSUPPORTED_SQL",
                "USER => UNSUPPORTED_SQL",
                "RAND() => UNSUPPORTED_SQL",
                "CAST(id AS CHAR(3)) => UNSUPPORTED_SQL",
                "CAST(id AS VARCHAR(3)) => UNSUPPORTED_SQL",
                "CAST(departed AS TIMESTAMP(3)) => UNSUPPORTED_SQL",
                "COUNT(DISTINCT id, origin) => UNSUPPORTED_SQL line 1, column 8: COUNT",
                "JSON_VALUE(id, '$.a' RETURNING INTEGER ERROR ON ERROR) => UNSUPPORTED_SQL",
                "JSON_VALUE(id, '$.a' DEFAULT 'x' ON EMPTY) => UNSUPPORTED_SQL",
                "JSON_VALUE(id, origin) => UNSUPPORTED_SQL line 1, column 8: The path",
                "1 + CAST(JSON_VALUE(id, '$.*') AS INTEGER) => INVALID_SQL line 1, column 17: The path '$.*'",
                "delay BETWEEN SYMMETRIC 5 AND 1 => UNSUPPORTED_SQL line 1, column 8: BETWEEN",
                "id SIMILAR TO 'a' => UNSUPPORTED_SQL",
            })
    void anExpressionFailsLikeThis(String expression, String code) {
        assertThatThrownBy(() ->
                        kit.rows(
                                "SELECT "
                                        + expression
                                        + " AS x FROM silver.flights WHERE delay = 10"))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code().name() + " " + e.getMessage()).startsWith(code));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiterString = "=>",
            quoteCharacter = '`',
            value = {
                "SELECT COUNT(*), COUNT(delay), SUM(delay), AVG(delay), MIN(fare), MAX(origin) FROM"
                        + " silver.flights => [[4, 3, 25, 8.333333333333334, 1.50, PHX]]",
                "SELECT origin, COUNT(*) AS n FROM silver.flights GROUP BY 1 ORDER BY 1 =>"
                        + " [[LAS, 2], [PHX, 1], [null, 1]]",
                "SELECT origin AS o, COUNT(*) AS n FROM silver.flights GROUP BY o ORDER BY n DESC, o"
                        + " DESC => [[LAS, 2], [PHX, 1], [null, 1]]",
                "SELECT origin FROM silver.flights ORDER BY origin DESC NULLS FIRST LIMIT 2 =>"
                        + " [[null], [PHX]]",
                "SELECT id FROM silver.flights ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY =>"
                        + " [[b], [c]]",
                "SELECT DISTINCT origin FROM silver.flights ORDER BY 1 => [[LAS], [PHX], [null]]",
                "SELECT SUM(delay) FILTER (WHERE origin = 'LAS') AS a, COUNT(DISTINCT origin) AS b"
                        + " FROM silver.flights => [[30, 2]]",
                "SELECT origin, SUM(fare) AS s FROM silver.flights GROUP BY ROLLUP(origin) ORDER BY"
                        + " GROUPING(origin), origin => [[LAS, 3.75], [PHX, null], [null, 4.00], [null,"
                        + " 7.75]]",
                "SELECT origin, delay, COUNT(*) AS n FROM silver.flights WHERE delay > 0 GROUP BY"
                        + " GROUPING SETS ((origin, delay), (origin), ()) ORDER BY origin, delay, n =>"
                        + " [[LAS, 10, 1], [LAS, 20, 1], [LAS, null, 2], [null, null, 2]]",
                "SELECT origin, delay, COUNT(*) AS n FROM silver.flights WHERE id = 'a' GROUP BY"
                        + " CUBE(origin, delay) ORDER BY origin, delay => [[LAS, 10, 1], [LAS, null,"
                        + " 1], [null, 10, 1], [null, null, 1]]",
                "SELECT origin FROM silver.flights GROUP BY origin HAVING COUNT(*) > 1 => [[LAS]]",
                "SELECT id, ROW_NUMBER() OVER (PARTITION BY origin ORDER BY delay DESC) AS r FROM"
                        + " silver.flights ORDER BY id => [[a, 2], [b, 1], [c, 1], [d, 1]]",
                "SELECT id, SUM(delay) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS"
                        + " s FROM silver.flights ORDER BY id => [[a, 10], [b, 30], [c, 15], [d, -5]]",
                "SELECT id, LAG(delay, 1, 0) OVER w AS l, RANK() OVER w AS r FROM silver.flights"
                        + " WINDOW w AS (ORDER BY id) ORDER BY id => [[a, 0, 1], [b, 10, 2], [c, 20,"
                        + " 3], [d, -5, 4]]",
                "SELECT id, FIRST_VALUE(id) OVER (ORDER BY delay) AS f FROM silver.flights WHERE delay"
                        + " IS NOT NULL ORDER BY 1 => [[a, c], [b, c], [c, c]]",
                "WITH big AS (SELECT * FROM silver.flights WHERE delay > 5), pair AS (SELECT * FROM"
                        + " big) SELECT COUNT(*) AS n FROM pair JOIN big USING (id) => [[2]]",
                "SELECT a.id, b.id AS other FROM silver.flights AS a LEFT JOIN silver.flights AS b ON"
                        + " a.delay = b.delay + 10 ORDER BY 1 => [[a, null], [b, a], [c, null], [d,"
                        + " null]]",
                "SELECT COUNT(*) AS n FROM silver.flights AS a CROSS JOIN silver.flights AS b =>"
                        + " [[16]]",
                "SELECT COUNT(*) AS n FROM silver.flights NATURAL JOIN (SELECT id FROM"
                        + " silver.flights) AS b => [[4]]",
                "SELECT a.*, b.id AS other FROM (SELECT id FROM silver.flights) AS a FULL JOIN"
                        + " silver.flights AS b ON a.id = b.id AND b.delay > 15 WHERE a.id = 'b' =>"
                        + " [[b, b]]",
                "SELECT id FROM silver.flights WHERE delay = (SELECT MAX(delay) FROM silver.flights) =>"
                        + " [[b]]",
                "SELECT id FROM silver.flights AS o WHERE EXISTS (SELECT 1 FROM silver.flights AS i"
                        + " WHERE i.delay > o.delay) ORDER BY id => [[a], [c]]",
                "SELECT id FROM silver.flights WHERE origin IN (SELECT origin FROM silver.flights"
                        + " WHERE delay < 0) => [[c]]",
                "SELECT id FROM silver.flights WHERE delay > ALL (SELECT delay FROM silver.flights"
                        + " WHERE delay < 10) ORDER BY 1 => [[a], [b]]",
                "SELECT id FROM silver.flights UNION SELECT 'a' ORDER BY 1 DESC LIMIT 1 => [[d]]",
                "SELECT id FROM silver.flights INTERSECT SELECT 'a' => [[a]]",
                "SELECT id FROM silver.flights EXCEPT SELECT 'a' ORDER BY id => [[b], [c], [d]]",
                "SELECT 'a' AS x UNION ALL SELECT 'bcd' ORDER BY x => [[a], [bcd]]",
                "SELECT * FROM (VALUES (1, 'a'), (2, 'bb')) AS t(x, y) ORDER BY x => [[1, a], [2,"
                        + " bb]]",
                "SELECT \"date\", EXTRACT(YEAR FROM \"date\") AS y FROM silver.flights WHERE id = 'a' =>"
                        + " [[11323, 2001]]",
                "SELECT ID, Flights.Delay FROM Silver.FLIGHTS WHERE ORIGIN = 'PHX' => [[c, -5]]",
                "SELECT id FROM silver.flights WHERE departed >= TIMESTAMP '2001-02-01 00:00:00' =>"
                        + " [[b]]",
                "SELECT id FROM silver.flights WHERE \"date\" = '2001-01-01' => [[a]]",
                "SELECT id FROM silver.flights WHERE seen >= TIMESTAMP WITH LOCAL TIME ZONE"
                        + " '2001-02-01 00:00:00' => [[b]]",
                "SELECT id FROM silver.flights WHERE seen < TIMESTAMP '1970-01-01 00:00:00' => [[c]]",
                "SELECT CAST(departed AS DATE) = \"date\" AS x FROM silver.flights WHERE id = 'b' =>"
                        + " [[true]]",
                "SELECT CASE WHEN delay > 15 THEN 1.0E0 ELSE 0.0E0 END AS x FROM silver.flights ORDER"
                        + " BY id => [[0.0], [1.0], [0.0], [0.0]]",
                "SELECT STDDEV_SAMP(delay) > 12 AS s, VAR_POP(delay) > 100 AS v FROM silver.flights =>"
                        + " [[true, true]]",
                "SELECT t.x FROM silver.flights AS f CROSS JOIN UNNEST(ARRAY[1, 2]) AS t(x) WHERE f.id"
                        + " = 'a' ORDER BY 1 => [[1], [2]]",
                "SELECT \"date\" + INTERVAL '1' DAY AS d, COUNT(*) AS n FROM silver.flights WHERE"
                        + " delay > 0 GROUP BY \"date\" + INTERVAL '1' DAY ORDER BY 1 => [[11324, 1],"
                        + " [11357, 1]]",
                "SELECT \"date\" + INTERVAL '1' DAY AS d, COUNT(*) AS n FROM silver.flights WHERE"
                        + " delay > 0 GROUP BY 1 HAVING COUNT(*) > 0 ORDER BY \"date\" + INTERVAL '1'"
                        + " DAY DESC => [[11357, 1], [11324, 1]]",
                "SELECT FLOOR(\"date\" TO MONTH) AS m, EXTRACT(YEAR FROM \"date\") AS y, COUNT(*) AS"
                        + " n FROM silver.flights WHERE delay > 0 GROUP BY FLOOR(\"date\" TO MONTH),"
                        + " EXTRACT(YEAR FROM \"date\") ORDER BY m => [[11323, 2001, 1], [11354, 2001,"
                        + " 1]]",
                "SELECT SUBSTRING(origin FROM 0 FOR 2) AS o, COUNT(*) AS n FROM silver.flights GROUP"
                        + " BY SUBSTRING(origin FROM 0 FOR 2) ORDER BY o => [[L, 2], [P, 1], [null,"
                        + " 1]]",
                "SELECT delay / 10 AS d, COUNT(*) AS n FROM silver.flights GROUP BY delay / 10 ORDER"
                        + " BY d => [[0, 1], [1, 1], [2, 1], [null, 1]]",
                "SELECT CASE WHEN delay > 0 THEN 'late' ELSE 'early' END AS c, COUNT(*) AS n FROM"
                        + " silver.flights GROUP BY CASE WHEN delay > 0 THEN 'late' ELSE 'early' END"
                        + " ORDER BY n, c => [[early, 2], [late, 2]]",
                "SELECT COALESCE(origin, '?') AS o, COUNT(*) AS n FROM silver.flights GROUP BY"
                        + " COALESCE(origin, '?') ORDER BY o => [[?, 1], [LAS, 2], [PHX, 1]]",
                "SELECT origin, AVG(delay) AS a FROM silver.flights GROUP BY origin ORDER BY"
                        + " AVG(delay) DESC => [[LAS, 15.0], [PHX, -5.0], [null, null]]",
                "VALUES (1, 'a'), (2, 'b') => [[1, a], [2, b]]",
                "SELECT x FROM (SELECT id AS x, delay FROM silver.flights ORDER BY delay LIMIT 2) AS s"
                        + " ORDER BY x => [[a], [c]]",
                "SELECT t.x FROM (SELECT ARRAY[delay, 1] AS a FROM silver.flights WHERE id = 'a') AS"
                        + " f, UNNEST(f.a) AS t(x) ORDER BY 1 => [[1], [10]]",
                "SELECT id FROM silver.flights QUALIFY ROW_NUMBER() OVER (ORDER BY id) = 2 => [[b]]",
            })
    void aStatementMeansThis(String sql, String expected) {
        assertThat(kit.rows(sql)).hasToString(expected);
    }

    @Test
    void parametersAreValuesWhateverTheyHold() {
        assertThat(
                        kit.rows(
                                Sql.query(
                                        "SELECT id, ? AS t, ? AS n, ? AS b, ? AS z FROM silver.flights"
                                                + " WHERE delay > ? AND departed >= ? AND \"date\" <"
                                                + " ? ORDER BY id LIMIT ?",
                                        Arrays.asList(
                                                "' OR '1'='1 -- \\ ☃",
                                                new BigDecimal("1.50"),
                                                true,
                                                null,
                                                5,
                                                "2001-01-01 00:00:00",
                                                "2001-02-01",
                                                1),
                                        kit,
                                        AccessPolicy.ALL)))
                .hasToString("[[a, ' OR '1'='1 -- \\ ☃, 1.50, true, null]]");
        assertThat(
                        kit.rows(
                                Sql.query(
                                        "SELECT id FROM silver.flights WHERE origin = ?",
                                        List.of("LAS' OR TRUE --"),
                                        kit,
                                        AccessPolicy.ALL)))
                .isEmpty();
        assertThatThrownBy(() -> Sql.query("SELECT ? AS x", List.of(1, 2), kit, AccessPolicy.ALL))
                .hasMessage("The statement has 1 parameters, and 2 values were given");
    }

    static Stream<SqlFiles.Case> cases() {
        return SqlFiles.read("queries.test").stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void answersTheFilesOfStatements(SqlFiles.Case question) {
        if (!question.error().isEmpty()) {
            assertThatThrownBy(() -> kit.rows(question.sql()))
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).hasToString(question.error()));
            return;
        }
        assertThat(
                        kit.rows(question.sql()).stream()
                                .map(row ->
                                        String.join(
                                                "|",
                                                row.stream()
                                                        .map(v -> v == null ? "NULL" : v.toString())
                                                        .toList())))
                .containsExactlyElementsOf(question.rows());
    }
}
