package org.tonle.sql;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.calcite.avatica.util.Casing;
import org.apache.calcite.avatica.util.Quoting;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlOperatorTable;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlParseException;
import org.apache.calcite.sql.parser.SqlParser;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.apache.calcite.sql.validate.SqlConformance;
import org.apache.calcite.sql.validate.SqlConformanceEnum;
import org.apache.calcite.sql.validate.SqlDelegatingConformance;
import org.jspecify.annotations.Nullable;

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

    private static final Set<String> FUNCTIONS =
            Set.of(
                    "ABS",
                    "ACOS",
                    "ASIN",
                    "ATAN",
                    "ATAN2",
                    "AVG",
                    "CEIL",
                    "CHAR_LENGTH",
                    "CHARACTER_LENGTH",
                    "COALESCE",
                    "COS",
                    "COUNT",
                    "CUME_DIST",
                    "DEGREES",
                    "DENSE_RANK",
                    "EXP",
                    "EXTRACT",
                    "FIRST_VALUE",
                    "FLOOR",
                    "GROUPING",
                    "JSON_VALUE",
                    "LAG",
                    "LAST_VALUE",
                    "LEAD",
                    "LN",
                    "LOG10",
                    "LOWER",
                    "MAX",
                    "MIN",
                    "MOD",
                    "NTILE",
                    "NTH_VALUE",
                    "NULLIF",
                    "PERCENT_RANK",
                    "PI",
                    "POSITION",
                    "POWER",
                    "RADIANS",
                    "RANK",
                    "REPLACE",
                    "ROUND",
                    "ROW_NUMBER",
                    "SIGN",
                    "SIN",
                    "SQRT",
                    "STDDEV_POP",
                    "STDDEV_SAMP",
                    "SUBSTRING",
                    "SUM",
                    "TAN",
                    "TRIM",
                    "UPPER",
                    "VAR_POP",
                    "VAR_SAMP",
                    "CAST",
                    "CASE");

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
                    org.apache.calcite.sql.parser.SqlParserPos.ZERO,
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

    static List<String> reserved() {
        return SqlParser.create("", PARSER).getMetadata().getTokens().stream()
                .filter(t -> SqlParser.create("", PARSER).getMetadata().isReservedWord(t))
                .collect(Collectors.toList());
    }

    static void checkParsed(SqlNode statement, Position position) {
        statement.accept(new Depth(position));
    }

    /** Refuses whatever isn't known to mean the same to every engine. */
    static void checkBound(SqlNode statement, Position position) {
        statement.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        if (call.getOperator() instanceof SqlFunction f
                                && !FUNCTIONS.contains(f.getName().toUpperCase(Locale.ROOT))) {
                            throw SqlErrors.unsupported(
                                    position,
                                    call.getParserPosition(),
                                    "the function "
                                            + f.getName()
                                            + " is not among those that Tonle's SQL has"
                                            + SqlErrors.nearest(f.getName(), FUNCTIONS)
                                                    .map(n -> "; is it " + n + "?")
                                                    .orElse(""));
                        }
                        return super.visit(call);
                    }
                });
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
