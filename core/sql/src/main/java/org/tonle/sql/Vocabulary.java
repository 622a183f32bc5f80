package org.tonle.sql;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlOperator;
import org.apache.calcite.sql.SqlOperatorTable;
import org.apache.calcite.sql.fun.SqlLibraryOperators;
import org.apache.calcite.sql.util.SqlOperatorTables;

/** The clauses, operators and functions of Tonle's SQL: what isn't here is refused. */
final class Vocabulary {
    /** Functions that mean the same to every engine, or are printed so that they do. */
    private static final Set<String> FUNCTIONS =
            Set.of(
                    "ABS",
                    "ACOS",
                    "ANY_VALUE",
                    "ARRAY_AGG",
                    "ARRAY_CONTAINS",
                    "ARRAY_DISTINCT",
                    "ARRAY_LENGTH",
                    "ASIN",
                    "ATAN",
                    "ATAN2",
                    "AVG",
                    "BOOL_AND",
                    "BOOL_OR",
                    "CARDINALITY",
                    "CASE",
                    "CAST",
                    "CBRT",
                    "CEIL",
                    "CHARACTER_LENGTH",
                    "CHAR_LENGTH",
                    "CHR",
                    "COALESCE",
                    "CONCAT",
                    "COS",
                    "COUNT",
                    "COVAR_POP",
                    "COVAR_SAMP",
                    "CUME_DIST",
                    "CURRENT_DATE",
                    "CURRENT_TIMESTAMP",
                    "DAYOFMONTH",
                    "DAYOFWEEK",
                    "DAYOFYEAR",
                    "DEGREES",
                    "DENSE_RANK",
                    "ENDS_WITH",
                    "EVERY",
                    "EXP",
                    "EXTRACT",
                    "FIRST_VALUE",
                    "FLOOR",
                    "GREATEST",
                    "GROUPING",
                    "HOUR",
                    "JSON_ARRAY",
                    "JSON_EXISTS",
                    "JSON_OBJECT",
                    "JSON_QUERY",
                    "JSON_VALUE",
                    "LAG",
                    "LAST_DAY",
                    "LAST_VALUE",
                    "LEAD",
                    "LEAST",
                    "LEFT",
                    "LISTAGG",
                    "LN",
                    "LOCALTIMESTAMP",
                    "LOG10",
                    "LOWER",
                    "LPAD",
                    "MAP_KEYS",
                    "MAP_VALUES",
                    "MAX",
                    "MAX_BY",
                    "MIN",
                    "MINUTE",
                    "MIN_BY",
                    "MOD",
                    "MONTH",
                    "NTH_VALUE",
                    "NTILE",
                    "NULLIF",
                    "PERCENTILE_CONT",
                    "PERCENTILE_DISC",
                    "PERCENT_RANK",
                    "PI",
                    "POSITION",
                    "POWER",
                    "QUARTER",
                    "RADIANS",
                    "RANK",
                    "REGEXP_LIKE",
                    "REGR_COUNT",
                    "REPEAT",
                    "REPLACE",
                    "REVERSE",
                    "RIGHT",
                    "ROUND",
                    "ROW_NUMBER",
                    "RPAD",
                    "SECOND",
                    "SIGN",
                    "SIN",
                    "SPLIT_PART",
                    "SQRT",
                    "STARTS_WITH",
                    "STDDEV_POP",
                    "STDDEV_SAMP",
                    "SUBSTRING",
                    "SUM",
                    "TAN",
                    "TIMESTAMPADD",
                    "TIMESTAMPDIFF",
                    "TIMEZONE",
                    "TRIM",
                    "TRY_CAST",
                    "UPPER",
                    "VAR_POP",
                    "VAR_SAMP",
                    "WEEK",
                    "YEAR");

    /** Other names, and forms, of what those do. */
    private static final Set<String> SPELLED =
            Set.of(
                    "DATE_TRUNC",
                    "IF",
                    "IFNULL",
                    "LENGTH",
                    "NVL",
                    "OVERLAY",
                    "STDDEV",
                    "SUBSTR",
                    "VARIANCE");

    /** Functions whose value is another at each call. */
    private static final Set<String> CLOCKS =
            Set.of("CURRENT_DATE", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP");

    /** What isn't a function: clauses, operators, constructors. */
    private static final Set<SqlKind> KINDS =
            EnumSet.of(
                    SqlKind.SELECT,
                    SqlKind.UNION,
                    SqlKind.INTERSECT,
                    SqlKind.EXCEPT,
                    SqlKind.WITH,
                    SqlKind.WITH_ITEM,
                    SqlKind.ORDER_BY,
                    SqlKind.VALUES,
                    SqlKind.ROW,
                    SqlKind.AS,
                    SqlKind.JOIN,
                    SqlKind.TABLE_REF,
                    SqlKind.SNAPSHOT,
                    SqlKind.LATERAL,
                    SqlKind.UNNEST,
                    SqlKind.OVER,
                    SqlKind.WINDOW,
                    SqlKind.FILTER,
                    SqlKind.PRECEDING,
                    SqlKind.FOLLOWING,
                    SqlKind.DESCENDING,
                    SqlKind.NULLS_FIRST,
                    SqlKind.NULLS_LAST,
                    SqlKind.ROLLUP,
                    SqlKind.CUBE,
                    SqlKind.GROUPING_SETS,
                    SqlKind.PLUS,
                    SqlKind.MINUS,
                    SqlKind.TIMES,
                    SqlKind.DIVIDE,
                    SqlKind.MOD,
                    SqlKind.PLUS_PREFIX,
                    SqlKind.MINUS_PREFIX,
                    SqlKind.EQUALS,
                    SqlKind.NOT_EQUALS,
                    SqlKind.LESS_THAN,
                    SqlKind.LESS_THAN_OR_EQUAL,
                    SqlKind.GREATER_THAN,
                    SqlKind.GREATER_THAN_OR_EQUAL,
                    SqlKind.IS_DISTINCT_FROM,
                    SqlKind.IS_NOT_DISTINCT_FROM,
                    SqlKind.IS_NULL,
                    SqlKind.IS_NOT_NULL,
                    SqlKind.IS_TRUE,
                    SqlKind.IS_NOT_TRUE,
                    SqlKind.IS_FALSE,
                    SqlKind.IS_NOT_FALSE,
                    SqlKind.IS_UNKNOWN,
                    SqlKind.AND,
                    SqlKind.OR,
                    SqlKind.NOT,
                    SqlKind.IN,
                    SqlKind.NOT_IN,
                    SqlKind.SOME,
                    SqlKind.ALL,
                    SqlKind.EXISTS,
                    SqlKind.SCALAR_QUERY,
                    SqlKind.BETWEEN,
                    SqlKind.LIKE,
                    SqlKind.CASE,
                    SqlKind.ITEM,
                    SqlKind.DOT,
                    SqlKind.MAP_VALUE_CONSTRUCTOR,
                    SqlKind.ARRAY_VALUE_CONSTRUCTOR,
                    SqlKind.ARRAY_QUERY_CONSTRUCTOR,
                    SqlKind.IGNORE_NULLS,
                    SqlKind.RESPECT_NULLS,
                    SqlKind.WITHIN_GROUP);

    /** Operators that are of no kind of their own. */
    private static final Set<String> OPERATORS =
            Set.of(
                    "||",
                    "FORMAT JSON",
                    "IS JSON VALUE",
                    "IS JSON OBJECT",
                    "IS JSON ARRAY",
                    "IS JSON SCALAR",
                    "IS NOT JSON VALUE",
                    "IS NOT JSON OBJECT",
                    "IS NOT JSON ARRAY",
                    "IS NOT JSON SCALAR");

    /** Functions that Calcite has for single dialects, and one of Tonle's own. */
    static final SqlOperatorTable MORE =
            SqlOperatorTables.of(
                    SqlLibraryOperators.ARRAY_AGG,
                    SqlLibraryOperators.ARRAY_CONTAINS,
                    SqlLibraryOperators.ARRAY_DISTINCT,
                    SqlLibraryOperators.ARRAY_LENGTH,
                    SqlLibraryOperators.BOOL_AND,
                    SqlLibraryOperators.BOOL_OR,
                    SqlLibraryOperators.CHR,
                    SqlLibraryOperators.CONCAT_FUNCTION_WITH_NULL,
                    SqlLibraryOperators.ENDS_WITH,
                    SqlLibraryOperators.GREATEST_PG,
                    SqlLibraryOperators.ILIKE,
                    SqlLibraryOperators.NOT_ILIKE,
                    SqlLibraryOperators.LEAST_PG,
                    SqlLibraryOperators.LEFT,
                    SqlLibraryOperators.LPAD,
                    SqlLibraryOperators.MAP_KEYS,
                    SqlLibraryOperators.MAP_VALUES,
                    SqlLibraryOperators.MAX_BY,
                    SqlLibraryOperators.MIN_BY,
                    SqlLibraryOperators.REGEXP_LIKE,
                    SqlLibraryOperators.REPEAT,
                    SqlLibraryOperators.REVERSE,
                    SqlLibraryOperators.RIGHT,
                    SqlLibraryOperators.RPAD,
                    SqlLibraryOperators.SPLIT_PART,
                    SqlLibraryOperators.STARTS_WITH,
                    SqlLibraryOperators.TRY_CAST,
                    Timezone.INSTANCE);

    private static final Set<String> AGGREGATES =
            Set.of(
                    "ANY_VALUE",
                    "ARRAY_AGG",
                    "AVG",
                    "BOOL_AND",
                    "BOOL_OR",
                    "COUNT",
                    "COVAR_POP",
                    "COVAR_SAMP",
                    "EVERY",
                    "LISTAGG",
                    "MAX",
                    "MAX_BY",
                    "MIN",
                    "MIN_BY",
                    "PERCENTILE_CONT",
                    "PERCENTILE_DISC",
                    "REGR_COUNT",
                    "STDDEV",
                    "STDDEV_POP",
                    "STDDEV_SAMP",
                    "SUM",
                    "VARIANCE",
                    "VAR_POP",
                    "VAR_SAMP");

    private Vocabulary() {}

    /** Whether an unresolved function of that name is an aggregate. */
    static boolean isAggregate(String name) {
        return AGGREGATES.contains(name.toUpperCase(Locale.ROOT));
    }

    static boolean isFunction(String name) {
        return FUNCTIONS.contains(name.toUpperCase(Locale.ROOT));
    }

    /** Whether a function reads the clock. */
    static boolean isClock(String name) {
        return CLOCKS.contains(name.toUpperCase(Locale.ROOT));
    }

    /** Whether an operator or a clause, other than a function, is known. */
    static boolean isClause(SqlOperator operator) {
        return KINDS.contains(operator.getKind()) || OPERATORS.contains(operator.getName());
    }

    /** The function most like a name. */
    static Optional<String> nearestFunction(String name) {
        return SqlErrors.nearest(
                name, Stream.concat(FUNCTIONS.stream(), SPELLED.stream()).toList());
    }
}
