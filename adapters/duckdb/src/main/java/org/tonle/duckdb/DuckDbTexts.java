package org.tonle.duckdb;

import java.math.BigDecimal;
import java.util.List;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlCharStringLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNumericLiteral;
import org.apache.calcite.sql.SqlWriter;

/**
 * Functions of texts that DuckDB has with another meaning, or without a bound: what it computes for
 * a batch of rows isn't counted by its limit of memory. An operand is named by a lambda where it is
 * needed several times, since one that is printed twice doubles at each level it is nested in.
 */
final class DuckDbTexts {
    /** What docs/sql.md promises for REPEAT, LPAD and RPAD, in characters. */
    private static final int LONGEST = 10_000;

    /** In bytes: a replacement that is shorter makes no text that is much longer. */
    private static final int SHORT = 100;

    private static final int REPLACED = 64 << 20;

    private DuckDbTexts() {}

    /**
     * A start before 1 counts characters that aren't there; DuckDB would count from the end, and
     * backwards for a negative length. Least and greatest are computed, since DuckDB's ignore NULL.
     */
    static void substring(SqlWriter writer, SqlCall call) {
        boolean bounded = call.operandCount() == 3;
        if (isAtLeast(call.operand(1), 1) && (!bounded || isAtLeast(call.operand(2), 0))) {
            plain(writer, "substring", call);
            return;
        }
        // beyond an int there is nothing either, and no error
        String start = "CAST(v['b'] AS BIGINT)";
        String from = "(1 + %s + abs(%s - 1)) // 2".formatted(start, start);
        if (bounded) {
            String length = "(v['c'] + (1 + %s - abs(%s - 1)) // 2 - 1)".formatted(start, start);
            named(
                    writer,
                    call,
                    "substring(v['a'], %s, (%s + abs%s) // 2)".formatted(from, length, length));
        } else {
            named(writer, call, "substring(v['a'], %s)".formatted(from));
        }
    }

    /**
     * LEFT and RIGHT. DuckDB leaves as many characters out as a negative length says; others give
     * none.
     */
    static void end(SqlWriter writer, SqlCall call, String function) {
        if (isAtLeast(call.operand(1), 0)) {
            plain(writer, function, call);
        } else {
            String length = "CAST(v['b'] AS BIGINT)";
            named(
                    writer,
                    call,
                    "%s(v['a'], (%s + abs(%s)) // 2)".formatted(function, length, length));
        }
    }

    static void repeat(SqlWriter writer, SqlCall call) {
        if (call.operand(0) instanceof SqlCharStringLiteral
                && call.operand(1) instanceof SqlNumericLiteral) {
            // its length was looked at
            plain(writer, "repeat", call);
        } else {
            bounded(
                    writer,
                    call,
                    "length(v['a']) * v['b'] > " + LONGEST,
                    "REPEAT makes texts of " + LONGEST + " characters at most",
                    "repeat(v['a'], v['b'])");
        }
    }

    /** LPAD and RPAD. */
    static void pad(SqlWriter writer, SqlCall call) {
        String name = call.getOperator().getName();
        if (call.operand(1) instanceof SqlNumericLiteral) {
            plain(writer, name, call);
        } else {
            bounded(
                    writer,
                    call,
                    "v['b'] > " + LONGEST,
                    name + " makes texts of " + LONGEST + " characters at most",
                    name
                            + "(v['a'], CAST(v['b'] AS INTEGER)"
                            + (call.operandCount() > 2 ? ", v['c'])" : ")"));
        }
    }

    static void replace(SqlWriter writer, SqlCall call) {
        if (call.operand(2) instanceof SqlCharStringLiteral text
                && text.getValueAs(String.class).length() <= SHORT) {
            plain(writer, "replace", call);
        } else {
            bounded(
                    writer,
                    call,
                    "strlen(v['c']) > "
                            + SHORT
                            + " AND strlen(v['a']) * strlen(v['c']) > "
                            + REPLACED,
                    "REPLACE might make a text of more than " + REPLACED + " bytes",
                    "replace(v['a'], v['b'], v['c'])");
        }
    }

    /**
     * A value, or an error that says why there is none: a cast that fails, since {@code error()} is
     * taken for another value at each call, which has no place in a TRY.
     */
    private static void bounded(
            SqlWriter writer, SqlCall call, String isTooLong, String error, String value) {
        named(
                writer,
                call,
                "CASE WHEN "
                        + isTooLong
                        + " THEN CAST(CAST("
                        + DuckTypes.text(error)
                        + " || left(v['a'], 0) AS INTEGER) AS VARCHAR) ELSE "
                        + value
                        + " END");
    }

    /** A value of the operands, which are called {@code v['a']}, {@code v['b']} … in it. */
    private static void named(SqlWriter writer, SqlCall call, String value) {
        writer.literal("list_transform([");
        List<SqlNode> operands = call.getOperandList();
        for (int i = 0; i < operands.size(); i++) {
            writer.literal((i == 0 ? "{'" : ", '") + (char) ('a' + i) + "': ");
            operands.get(i).unparse(writer, 0, 0);
        }
        writer.literal("}], lambda v : " + value + ")[1]");
    }

    private static void plain(SqlWriter writer, String function, SqlCall call) {
        SqlWriter.Frame frame = writer.startFunCall(function);
        for (SqlNode operand : call.getOperandList()) {
            writer.sep(",");
            operand.unparse(writer, 0, 0);
        }
        writer.endFunCall(frame);
    }

    private static boolean isAtLeast(SqlNode node, int least) {
        return node instanceof SqlNumericLiteral number
                && number.bigDecimalValue() != null
                && number.bigDecimalValue().compareTo(BigDecimal.valueOf(least)) >= 0;
    }
}
