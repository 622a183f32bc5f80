package org.tonle.sql;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlCharStringLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNumericLiteral;
import org.jspecify.annotations.Nullable;

/**
 * How long values become, in bytes: a rough bound, which knows how often a text is put together
 * with itself, and not how long the stored ones are.
 *
 * @param value what an expression gives
 * @param computed what computing it takes
 */
record ValueSize(double value, double computed) {
    /** Most characters that REPEAT, LPAD and RPAD make. */
    static final int LONGEST = 10_000;

    /** Most that the expressions of a statement take for a row; a batch has 2,048 rows. */
    static final int MAX_ROW = 64 << 10;

    /** What a table holds. */
    static final int STORED = 16;

    /** What was gathered from many rows: LISTAGG, ARRAY_AGG, recursion. */
    static final int GATHERED = 16_000;

    private static final int FIXED = 8;

    /** A literal's. */
    static double of(@Nullable SqlNode literal) {
        return literal instanceof SqlCharStringLiteral text
                ? text.getValueAs(String.class).length()
                : FIXED;
    }

    /**
     * An operation's.
     *
     * @param of what its operands give
     * @throws org.tonle.spi.LakeException UNSUPPORTED_SQL if it asks for a text that is too long
     */
    static ValueSize of(SqlCall call, List<Double> of, Position position) {
        return switch (call.getKind()) {
            case CASE, COALESCE, NULLIF, CAST, SAFE_CAST, ITEM, DOT -> made(most(of));
            case GREATEST, LEAST, GREATEST_PG, LEAST_PG, TRIM, LTRIM, RTRIM -> made(most(of));
            case ROW, ARRAY_VALUE_CONSTRUCTOR, MAP_VALUE_CONSTRUCTOR -> made(sum(of));
            case LISTAGG, ARRAY_AGG, ARRAY_QUERY_CONSTRUCTOR -> new ValueSize(GATHERED, 0);
            // they say how to compute what stands in them
            case OVER, FILTER, WITHIN_GROUP, IGNORE_NULLS, RESPECT_NULLS, AS ->
                    new ValueSize(most(of), 0);
            case MIN, MAX, ANY_VALUE, FIRST_VALUE, LAST_VALUE, NTH_VALUE, LAG, LEAD ->
                    made(most(of));
            default -> named(call, of, position);
        };
    }

    private static ValueSize named(SqlCall call, List<Double> of, Position position) {
        return switch (call.getOperator().getName().toUpperCase(Locale.ROOT)) {
            case "||", "CONCAT", "JSON_OBJECT", "JSON_ARRAY" -> made(sum(of));
            case "REPEAT" ->
                    made(
                            Math.min(
                                    LONGEST,
                                    of.get(0)
                                            * count(
                                                    call,
                                                    call.operand(0) instanceof SqlCharStringLiteral
                                                            ? of.get(0)
                                                            : 1,
                                                    position)));
            case "LPAD", "RPAD" -> made(count(call, 1, position));
            case "REPLACE" -> made(of.get(0) * Math.max(1, of.size() > 2 ? of.get(2) : 1));
            case "UPPER",
                    "LOWER",
                    "REVERSE",
                    "SUBSTRING",
                    "LEFT",
                    "RIGHT",
                    "SPLIT_PART",
                    "JSON_VALUE",
                    "JSON_QUERY",
                    "MAP_KEYS",
                    "MAP_VALUES",
                    "ARRAY_DISTINCT",
                    "MAX_BY",
                    "MIN_BY",
                    "PERCENTILE_DISC" ->
                    made(most(of));
            default -> made(FIXED);
        };
    }

    /** How many times {@code each} characters are asked for. */
    private static double count(SqlCall call, double each, Position position) {
        if (call.operandCount() < 2 || !(call.operand(1) instanceof SqlNumericLiteral number)) {
            return LONGEST;
        }
        double count = number.getValueAs(BigDecimal.class).doubleValue();
        if (count * each > LONGEST) {
            throw SqlErrors.unsupported(
                    position,
                    number.getParserPosition(),
                    call.getOperator().getName()
                            + " makes texts of "
                            + LONGEST
                            + " characters at most");
        }
        return Math.max(0, count);
    }

    private static ValueSize made(double bytes) {
        double size = Math.max(FIXED, bytes);
        return new ValueSize(size, size);
    }

    private static double most(List<Double> of) {
        return of.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    }

    private static double sum(List<Double> of) {
        return of.stream().mapToDouble(Double::doubleValue).sum();
    }
}
