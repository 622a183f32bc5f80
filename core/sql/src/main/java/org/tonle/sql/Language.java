package org.tonle.sql;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.calcite.avatica.util.Casing;
import org.apache.calcite.avatica.util.Quoting;
import org.apache.calcite.sql.SqlBasicTypeNameSpec;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.SqlDynamicParam;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlOperator;
import org.apache.calcite.sql.SqlOperatorTable;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlAbstractParserImpl;
import org.apache.calcite.sql.parser.SqlParseException;
import org.apache.calcite.sql.parser.SqlParser;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.apache.calcite.sql.validate.SqlConformance;
import org.apache.calcite.sql.validate.SqlConformanceEnum;
import org.apache.calcite.sql.validate.SqlDelegatingConformance;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.LakeException;

/** What Tonle's SQL is: how it is parsed, and which operators it has. */
final class Language {
    /** Longest statement, in characters. */
    private static final int MAX_LENGTH = 1 << 20;

    /** Deepest nesting of a parsed statement. */
    private static final int MAX_DEPTH = 800;

    /** Standard SQL with the liberties that everybody takes; ROLLUP still works. */
    static final SqlConformance CONFORMANCE =
            new SqlDelegatingConformance(SqlConformanceEnum.DEFAULT) {
                @Override
                public boolean isGroupByOrdinal() {
                    return true;
                }

                @Override
                public boolean isGroupByAlias() {
                    return true;
                }

                @Override
                public boolean isHavingAlias() {
                    return true;
                }

                @Override
                public boolean isBangEqualAllowed() {
                    return true;
                }

                @Override
                public boolean isPercentRemainderAllowed() {
                    return true;
                }

                @Override
                public boolean shouldConvertRaggedUnionTypesToVarying() {
                    return true;
                }
            };

    static final SqlOperatorTable OPERATORS = SqlStdOperatorTable.instance();

    private static final SqlParser.Config PARSER =
            SqlParser.config()
                    .withQuoting(Quoting.DOUBLE_QUOTE)
                    .withUnquotedCasing(Casing.UNCHANGED)
                    .withQuotedCasing(Casing.UNCHANGED)
                    .withCaseSensitive(false)
                    .withIdentifierMaxLength(1024)
                    .withConformance(CONFORMANCE);

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

    private Language() {}

    static SqlNode parseQuery(String text, Position position) {
        if (text.length() > MAX_LENGTH) {
            throw SqlErrors.unsupported(
                    position,
                    SqlParserPos.ZERO,
                    "the statement is longer than " + MAX_LENGTH + " characters");
        }
        SqlParser parser = SqlParser.create(text, PARSER);
        try {
            return parser.parseQuery();
        } catch (SqlParseException e) {
            throw SqlErrors.of(position, e, reserved());
        }
    }

    static SqlNode parseExpression(String text, Position position) {
        try {
            return SqlParser.create(text, PARSER).parseExpression();
        } catch (SqlParseException e) {
            throw SqlErrors.of(position, e, reserved());
        }
    }

    /** Whether an unresolved function of that name is an aggregate. */
    static boolean isAggregate(String name) {
        return AGGREGATES.contains(name.toUpperCase(Locale.ROOT));
    }

    /** The words that are no names unless they stand in double quotes. */
    static List<String> reserved() {
        SqlAbstractParserImpl.Metadata words = SqlParser.create("", PARSER).getMetadata();
        return words.getTokens().stream().filter(words::isReservedWord).toList();
    }

    /** Refuses what is nested too deep, and what is none of Tonle's SQL already by its form. */
    static void checkParsed(SqlNode statement, Position position) {
        statement.accept(new Depth(position));
        check(statement, position);
        statement.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlDynamicParam parameter) {
                        throw SqlErrors.unsupported(
                                position,
                                parameter.getParserPosition(),
                                "parameters are not taken; write the value");
                    }

                    @Override
                    public @Nullable Void visit(SqlDataTypeSpec type) {
                        if (type.getTypeNameSpec() instanceof SqlBasicTypeNameSpec basic) {
                            checkType(type, basic, position);
                        }
                        return null;
                    }
                });
    }

    private static void checkType(
            SqlDataTypeSpec type, SqlBasicTypeNameSpec basic, Position position) {
        switch (basic.getTypeName().getSimple()) {
            case "CHAR", "BINARY" -> throw noLength(type, position);
            case "VARCHAR", "VARBINARY" -> {
                if (basic.getPrecision() >= 0) {
                    throw noLength(type, position);
                }
            }
            case "TIME", "TIMESTAMP", "TIMESTAMP_TZ", "TIMESTAMP_WITH_LOCAL_TIME_ZONE" -> {
                if (basic.getPrecision() >= 0
                        && basic.getPrecision() != LakeTypeSystem.TIME_PRECISION) {
                    throw SqlErrors.unsupported(
                            position,
                            type.getParserPosition(),
                            type
                                    + " is not taken: times are in microseconds; leave the number out");
                }
            }
            default -> {}
        }
    }

    private static LakeException noLength(SqlDataTypeSpec type, Position position) {
        return SqlErrors.unsupported(
                position,
                type.getParserPosition(),
                type
                        + " is not taken, since texts have no length here; write VARCHAR, and"
                        + " SUBSTRING to shorten");
    }

    /** Refuses whatever isn't known to mean the same to every engine. */
    static void checkBound(SqlNode statement, Position position) {
        check(statement, position);
    }

    private static void check(SqlNode statement, Position position) {
        statement.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        SqlOperator operator = call.getOperator();
                        if (operator instanceof SqlFunction) {
                            if (!isFunction(operator.getName())) {
                                throw noFunction(
                                        position, call.getParserPosition(), operator.getName());
                            }
                        } else if (!KINDS.contains(call.getKind())
                                && !operator.getName().equals("||")) {
                            throw SqlErrors.unsupported(
                                    position,
                                    call.getParserPosition(),
                                    operator.getName() + " is not in Tonle's SQL");
                        }
                        return super.visit(call);
                    }
                });
    }

    static boolean isFunction(String name) {
        return FUNCTIONS.contains(name.toUpperCase(Locale.ROOT));
    }

    /** Whether a function reads the clock. */
    static boolean isClock(String name) {
        return CLOCKS.contains(name.toUpperCase(Locale.ROOT));
    }

    static LakeException noFunction(Position position, SqlParserPos pos, String name) {
        return SqlErrors.unsupported(
                position,
                pos,
                "the function "
                        + name
                        + " is not in Tonle's SQL"
                        + SqlErrors.nearest(name, FUNCTIONS)
                                .map(n -> "; is it " + n + "?")
                                .orElse(""));
    }

    private static final class Depth extends SqlBasicVisitor<@Nullable Void> {
        private final Position position;
        private int depth;

        Depth(Position position) {
            this.position = position;
        }

        @Override
        public @Nullable Void visit(SqlCall call) {
            if (++depth > MAX_DEPTH) {
                throw SqlErrors.unsupported(
                        position,
                        call.getParserPosition(),
                        "the statement is nested deeper than "
                                + MAX_DEPTH
                                + "; split it with WITH, or write IN (…) for long chains of OR");
            }
            super.visit(call);
            depth--;
            return null;
        }
    }
}
