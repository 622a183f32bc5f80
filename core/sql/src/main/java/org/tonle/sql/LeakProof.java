package org.tonle.sql;

import java.util.EnumSet;
import java.util.Set;
import org.apache.calcite.sql.SqlAbstractDateTimeLiteral;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlCharStringLiteral;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.SqlIntervalLiteral;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNumericLiteral;
import org.apache.calcite.sql.SqlOrderBy;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.jspecify.annotations.Nullable;

/**
 * Whether a statement can tell nothing of a row by failing on it. Engines compute conditions in
 * whatever order is fastest, perhaps before a row filter; one that can't fail, such as a
 * comparison, tells nothing by that, but a division does: {@code 1 / (salary - 5000)}.
 */
final class LeakProof {
    private static final Set<SqlKind> SAFE =
            EnumSet.of(
                    SqlKind.SELECT,
                    SqlKind.WITH,
                    SqlKind.WITH_ITEM,
                    SqlKind.ORDER_BY,
                    SqlKind.UNION,
                    SqlKind.INTERSECT,
                    SqlKind.EXCEPT,
                    SqlKind.AS,
                    SqlKind.JOIN,
                    SqlKind.ROW,
                    SqlKind.VALUES,
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
                    SqlKind.AND,
                    SqlKind.OR,
                    SqlKind.NOT,
                    SqlKind.IN,
                    SqlKind.NOT_IN,
                    SqlKind.EXISTS,
                    SqlKind.BETWEEN,
                    SqlKind.LIKE,
                    SqlKind.COUNT,
                    SqlKind.MIN,
                    SqlKind.MAX,
                    SqlKind.COALESCE,
                    SqlKind.CASE,
                    SqlKind.DESCENDING,
                    SqlKind.NULLS_FIRST,
                    SqlKind.NULLS_LAST);

    /** Digits: the year 9999 and 9999 more are a date to every engine. */
    private static final int SMALL = 4;

    private LeakProof() {}

    /**
     * Whether all of a bound statement is harmless, except what the outermost SELECT gives: that is
     * computed of rows that are seen.
     */
    static boolean isHarmless(SqlNode statement) {
        SqlNode query = statement instanceof SqlOrderBy ordered ? ordered.query : statement;
        boolean[] harmful = new boolean[1];
        SqlBasicVisitor<@Nullable Void> visitor =
                new SqlBasicVisitor<>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        if (isSumOfLiterals(call)) {
                            return null;
                        }
                        harmful[0] |= !SAFE.contains(call.getKind()) || hasEscapeOfRow(call);
                        return super.visit(call);
                    }
                };
        if (query instanceof SqlSelect select) {
            for (SqlNode part : select.getOperandList()) {
                if (part != null && !part.equals(select.getSelectList())) {
                    part.accept(visitor);
                }
            }
            // a subquery in it is a statement of its own
            for (SqlNode item : select.getSelectList()) {
                item.accept(
                        new SqlBasicVisitor<@Nullable Void>() {
                            @Override
                            public @Nullable Void visit(SqlCall call) {
                                return call instanceof SqlSelect
                                        ? call.accept(visitor)
                                        : super.visit(call);
                            }
                        });
            }
        } else {
            query.accept(visitor);
        }
        return !harmful[0];
    }

    /** Two literals so small that no engine fails on their sum: it has no place for a row. */
    private static boolean isSumOfLiterals(SqlNode node) {
        if (!(node instanceof SqlCall call)) {
            return false;
        }
        return switch (call.getKind()) {
            case PLUS, MINUS -> call.getOperandList().stream().allMatch(LeakProof::isSmall);
            // normalisation says of a date and an interval that they make a date
            case CAST ->
                    call.operand(1) instanceof SqlDataTypeSpec type
                            && type.getTypeName().getSimple().equals("DATE")
                            && isSumOfLiterals(call.operand(0));
            default -> false;
        };
    }

    private static boolean isSmall(SqlNode node) {
        return switch (node) {
            case SqlIntervalLiteral interval ->
                    interval.getValueAs(SqlIntervalLiteral.IntervalValue.class)
                                    .getIntervalLiteral()
                                    .length()
                            <= SMALL;
            case SqlNumericLiteral number -> {
                Integer digits = number.getPrec();
                yield number.isExact() && digits != null && digits <= SMALL;
            }
            default -> node instanceof SqlAbstractDateTimeLiteral;
        };
    }

    /**
     * An escape that isn't one character is an error, and so is one at the end of a pattern once a
     * text fits all that stands before it. Literals that are right fail for no row.
     */
    private static boolean hasEscapeOfRow(SqlCall call) {
        return call.getKind() == SqlKind.LIKE
                && call.operandCount() > 2
                && !(call.operand(1) instanceof SqlCharStringLiteral pattern
                        && call.operand(2) instanceof SqlCharStringLiteral escape
                        && isWhole(
                                pattern.getValueAs(String.class), escape.getValueAs(String.class)));
    }

    private static boolean isWhole(String pattern, String escape) {
        if (escape.codePointCount(0, escape.length()) != 1) {
            return false;
        }
        int at = pattern.indexOf(escape);
        while (at >= 0 && at + escape.length() < pattern.length()) {
            int escaped = at + escape.length();
            at = pattern.indexOf(escape, pattern.offsetByCodePoints(escaped, 1));
        }
        return at < 0;
    }
}
