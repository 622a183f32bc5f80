package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.apache.calcite.sql.SqlDialect;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Functions of texts within each other: a dialect that prints an operand twice doubles the
 * statement at each level.
 */
public final class NestedFunctions {
    private static final List<String> FUNCTIONS =
            List.of(
                    "UPPER({})",
                    "TRIM(LEADING 'x' FROM {})",
                    "REVERSE({})",
                    "SUBSTRING({}, delay)",
                    "SUBSTRING({}, delay, delay)",
                    "SUBSTRING(origin, CHAR_LENGTH({}), CHAR_LENGTH(origin))",
                    "SUBSTRING(origin, 1 - CHAR_LENGTH({}))",
                    "SUBSTRING(origin, 2, CHAR_LENGTH({}))",
                    "LEFT({}, delay)",
                    "LEFT(origin, CHAR_LENGTH({}))",
                    "RIGHT({}, delay)",
                    "RIGHT({}, 3)",
                    "RIGHT(origin, CHAR_LENGTH({}))",
                    "REPEAT({}, delay)",
                    "REPEAT({}, 2)",
                    "REPEAT(origin, CHAR_LENGTH({}))",
                    "LPAD({}, delay, '-')",
                    "LPAD(origin, CHAR_LENGTH({}), '-')",
                    "RPAD(origin, 5, {})",
                    "REPLACE({}, 'a', origin)",
                    "REPLACE(origin, {}, id)",
                    "REPLACE(origin, id, {})",
                    "SPLIT_PART({}, '-', 1)",
                    "CONCAT({}, origin)",
                    "({} || origin)",
                    "CHR(CHAR_LENGTH({}))",
                    "COALESCE({}, origin)",
                    "NULLIF({}, origin)",
                    "GREATEST({}, origin)",
                    "LEAST(origin, {})",
                    "JSON_VALUE({}, '$.a')",
                    "JSON_VALUE({}, '$.a' RETURNING VARCHAR)",
                    "JSON_QUERY({}, '$.a')",
                    "JSON_ARRAY({})",
                    "JSON_ARRAY({} NULL ON NULL)",
                    "JSON_OBJECT('a': {})",
                    "CASE WHEN JSON_EXISTS({}, '$.a') THEN 'x' END",
                    "CASE WHEN {} IS JSON THEN 'x' END",
                    "CASE WHEN {} IS NOT JSON OBJECT THEN 'x' END",
                    "CASE WHEN {} IS JSON SCALAR THEN 'x' END",
                    "CASE WHEN {} BETWEEN 'a' AND 'z' THEN 'x' END",
                    "CASE WHEN {} NOT BETWEEN origin AND 'z' THEN 'x' END",
                    "CASE WHEN {} IN ('a', origin) THEN 'x' END",
                    "CASE WHEN {} LIKE 'a%' THEN 'x' END",
                    "CASE WHEN {} NOT ILIKE origin THEN 'x' END",
                    "CASE WHEN {} IS DISTINCT FROM origin THEN 'x' END",
                    "CASE WHEN REGEXP_LIKE({}, 'a') THEN 'x' END",
                    "CASE WHEN STARTS_WITH({}, 'a') THEN 'x' END",
                    "CAST(POSITION('a' IN {}) AS VARCHAR)",
                    "CAST(CAST({} AS INTEGER) AS VARCHAR)",
                    "CAST(CAST({} AS INTEGER) / 7 AS VARCHAR)",
                    "CAST(MOD(CAST({} AS INTEGER), 7) AS VARCHAR)",
                    "CAST(CAST({} AS DECIMAL(9, 2)) / 3 AS VARCHAR)",
                    "CAST(FLOOR(CAST({} AS DOUBLE)) AS VARCHAR)",
                    "CAST(ROUND(CAST({} AS DOUBLE), 2) AS VARCHAR)",
                    "CAST(CAST({} AS DATE) + INTERVAL '1' DAY AS VARCHAR)",
                    "CAST(FLOOR(CAST({} AS TIMESTAMP) TO MONTH) AS VARCHAR)",
                    "CAST(EXTRACT(DOW FROM CAST({} AS DATE)) AS VARCHAR)",
                    "CAST(EXTRACT(EPOCH FROM CAST({} AS TIMESTAMP)) AS VARCHAR)",
                    "CAST(EXTRACT(SECOND FROM CAST({} AS TIMESTAMP)) AS VARCHAR)",
                    "CAST(LAST_DAY(CAST({} AS DATE)) AS VARCHAR)",
                    "CAST(TIMESTAMPDIFF(DAY, CAST({} AS DATE), departed) AS VARCHAR)",
                    "CAST(TIMESTAMPADD(DAY, 1, CAST({} AS TIMESTAMP)) AS VARCHAR)",
                    "CAST(TIMEZONE('UTC', CAST({} AS TIMESTAMP)) AS VARCHAR)",
                    "ARRAY[{}, origin][1]",
                    "MAP['a', {}]['a']");

    private NestedFunctions() {}

    /** Asserts that each level adds as many characters as the one before. */
    public static void assertPrintedOnce(SqlDialect dialect) {
        int printed = 0;
        for (String function : FUNCTIONS) {
            try {
                int second = length(function, 2, dialect) - length(function, 1, dialect);
                int fourth = length(function, 4, dialect) - length(function, 3, dialect);
                assertThat(fourth).as(function).isLessThanOrEqualTo(second + second / 4);
                printed++;
            } catch (LakeException e) {
                assertThat(e.code()).as(function + ": " + e).isEqualTo(ErrorCode.UNSUPPORTED_SQL);
            }
        }
        assertThat(printed).isGreaterThan(FUNCTIONS.size() * 2 / 3);
    }

    private static int length(String function, int levels, SqlDialect dialect) {
        String text = "id";
        for (int i = 0; i < levels; i++) {
            text = function.replace("{}", text);
        }
        return BoundStatements.FLIGHTS
                .bind("SELECT " + text + " AS v FROM silver.flights")
                .print(dialect, table -> "T")
                .length();
    }
}
