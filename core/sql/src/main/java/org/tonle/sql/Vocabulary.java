package org.tonle.sql;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.apache.calcite.sql.SqlKind;

/** The clauses, operators and functions of Tonle's SQL: what isn't here is refused. */
final class Vocabulary {
    /** Functions that mean the same to every engine, or are printed so that they do. */
    private static final Set<String> FUNCTIONS =
            Set.of(
                    "ABS",
                    "ACOS",
                    "ASIN",
                    "ATAN",
                    "ATAN2",
                    "AVG",
                    "CASE",
                    "CAST",
                    "CEIL",
                    "CHAR_LENGTH",
                    "CHARACTER_LENGTH",
                    "COALESCE",
                    "CONCAT",
                    "COS",
                    "COUNT",
                    "CUME_DIST",
                    "CURRENT_DATE",
                    "CURRENT_TIMESTAMP",
                    "DAYOFMONTH",
                    "DAYOFWEEK",
                    "DAYOFYEAR",
                    "DEGREES",
                    "DENSE_RANK",
                    "EXP",
                    "EXTRACT",
                    "FIRST_VALUE",
                    "FLOOR",
                    "GROUPING",
                    "HOUR",
                    "JSON_VALUE",
                    "LAG",
                    "LAST_VALUE",
                    "LEAD",
                    "LN",
                    "LOCALTIMESTAMP",
                    "LOG10",
                    "LOWER",
                    "MAX",
                    "MIN",
                    "MINUTE",
                    "MOD",
                    "MONTH",
                    "NTH_VALUE",
                    "NTILE",
                    "NULLIF",
                    "PERCENT_RANK",
                    "PI",
                    "POSITION",
                    "POWER",
                    "QUARTER",
                    "RADIANS",
                    "RANK",
                    "REPLACE",
                    "ROUND",
                    "ROW_NUMBER",
                    "SECOND",
                    "SIGN",
                    "SIN",
                    "SQRT",
                    "STDDEV_POP",
                    "STDDEV_SAMP",
                    "SUBSTRING",
                    "SUM",
                    "TAN",
                    "TIMESTAMPADD",
                    "TIMESTAMPDIFF",
                    "TRIM",
                    "UPPER",
                    "VAR_POP",
                    "VAR_SAMP",
                    "WEEK",
                    "YEAR");

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
                    SqlKind.ARRAY_VALUE_CONSTRUCTOR);

    private static final Set<String> AGGREGATES =
            Set.of(
                    "AVG",
                    "COUNT",
                    "MAX",
                    "MIN",
                    "STDDEV_POP",
                    "STDDEV_SAMP",
                    "SUM",
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

    /** Whether a kind of node, other than a function, is known. */
    static boolean isClause(SqlKind kind) {
        return KINDS.contains(kind);
    }

    /** The function most like a name. */
    static Optional<String> nearestFunction(String name) {
        return SqlErrors.nearest(name, FUNCTIONS);
    }
}
