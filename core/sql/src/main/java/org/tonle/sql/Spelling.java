package org.tonle.sql;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.apache.calcite.avatica.util.TimeUnit;
import org.apache.calcite.sql.SqlAggFunction;
import org.apache.calcite.sql.SqlBasicTypeNameSpec;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlCharStringLiteral;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlIntervalQualifier;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlNumericLiteral;
import org.apache.calcite.sql.SqlUnknownLiteral;
import org.apache.calcite.sql.SqlUtil;
import org.apache.calcite.sql.fun.SqlCase;
import org.apache.calcite.sql.fun.SqlLibraryOperators;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.type.SqlTypeName;
import org.apache.calcite.sql.util.SqlShuttle;
import org.jspecify.annotations.Nullable;

/**
 * One spelling for what a parsed statement may say in several ways. TIMESTAMP WITH TIME ZONE is an
 * instant, like TIMESTAMP WITH LOCAL TIME ZONE; a literal of either may end in Z or an offset and
 * means UTC without; a T may stand between date and time, as ISO 8601 has it.
 */
final class Spelling extends SqlShuttle {
    private static final Set<String> UNITS =
            Set.of("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND");

    private final Position position;

    /** Of a number as it is written without an exponent. */
    static final int MOST_DIGITS = 100;

    Spelling(Position position) {
        this.position = position;
    }

    @Override
    public @Nullable SqlNode visit(SqlCall call) {
        if (call.getOperator().equals(SqlStdOperatorTable.INTERVAL)
                && call.operand(0) instanceof SqlNumericLiteral number
                && call.operand(1) instanceof SqlIntervalQualifier unit) {
            BigDecimal count = Objects.requireNonNull(number.bigDecimalValue());
            if (Math.abs((long) count.scale()) > MOST_DIGITS) {
                throw SqlErrors.invalid(
                        position, call.getParserPosition(), "the interval is out of range");
            }
            return SqlLiteral.createInterval(
                    count.signum(), count.abs().toPlainString(), unit, call.getParserPosition());
        }
        SqlNode spelled = spelled(call);
        return spelled == call ? super.visit(call) : spelled.accept(this);
    }

    private static SqlNode spelled(SqlCall call) {
        SqlParserPos pos = call.getParserPosition();
        List<SqlNode> operands = call.getOperandList();
        if (call.getOperator().equals(SqlLibraryOperators.INFIX_CAST)) {
            return SqlStdOperatorTable.CAST.createCall(pos, operands);
        }
        if (call.getKind() == SqlKind.WITHIN_GROUP
                && operands.get(0) instanceof SqlCall aggregate
                && aggregate.getOperator().getName().equalsIgnoreCase("PERCENTILE_CONT")) {
            return continuous(call, (SqlNodeList) operands.get(1));
        }
        if (call.getKind() == SqlKind.FILTER
                && operands.get(0) instanceof SqlCall grouped
                && grouped.getKind() == SqlKind.WITHIN_GROUP
                && isPercentile(grouped.operand(0))) {
            return filtered(grouped, operands.get(1));
        }
        if (call.getOperator().equals(SqlStdOperatorTable.LITERAL_CHAIN)) {
            return SqlUtil.concatenateLiterals(
                    operands.stream().map(SqlLiteral.class::cast).toList());
        }
        if (!(call.getOperator() instanceof SqlFunction function)) {
            return call;
        }
        return switch (function.getName().toUpperCase(Locale.ROOT)) {
            case "LENGTH" -> SqlStdOperatorTable.CHAR_LENGTH.createCall(pos, operands);
            case "OVERLAY" -> overlaid(operands, pos);
            case "STDDEV" -> sampled(SqlStdOperatorTable.STDDEV_SAMP, call);
            case "VARIANCE" -> sampled(SqlStdOperatorTable.VAR_SAMP, call);
            case "SUBSTR" -> SqlStdOperatorTable.SUBSTRING.createCall(pos, operands);
            case "LPAD", "RPAD" ->
                    operands.size() == 2
                            ? function.createCall(
                                    pos,
                                    operands.get(0),
                                    operands.get(1),
                                    SqlLiteral.createCharString(" ", pos))
                            : call;
            case "COALESCE", "NVL", "IFNULL" ->
                    function.equals(NullFunctions.COALESCE)
                            ? call
                            : NullFunctions.COALESCE.createCall(pos, operands);
            case "NULLIF" ->
                    function.equals(NullFunctions.NULLIF)
                            ? call
                            : NullFunctions.NULLIF.createCall(pos, operands);
            // PostgreSQL's way
            case "DATE_TRUNC" ->
                    operands.size() == 2
                                    && operands.get(0) instanceof SqlCharStringLiteral unit
                                    && UNITS.contains(upper(unit))
                            ? SqlStdOperatorTable.FLOOR.createCall(
                                    pos,
                                    operands.get(1),
                                    new SqlIntervalQualifier(
                                            TimeUnit.valueOf(upper(unit)), null, pos))
                            : call;
            case "IF" ->
                    operands.size() == 3
                            ? new SqlCase(
                                    pos,
                                    null,
                                    SqlNodeList.of(operands.get(0)),
                                    SqlNodeList.of(operands.get(1)),
                                    operands.get(2))
                            : call;
            default -> call;
        };
    }

    private static String upper(SqlCharStringLiteral text) {
        return text.getValueAs(String.class).toUpperCase(Locale.ROOT);
    }

    private static SqlNode sampled(SqlAggFunction aggregate, SqlCall call) {
        return aggregate.createCall(
                call.getFunctionQuantifier(), call.getParserPosition(), call.getOperandList());
    }

    /** What stands before, the other text, what stands behind. */
    private static SqlNode overlaid(List<SqlNode> operands, SqlParserPos pos) {
        SqlNode text = operands.get(0);
        SqlNode other = operands.get(1);
        SqlNode start = operands.get(2);
        SqlNode length =
                operands.size() > 3
                        ? operands.get(3)
                        : SqlStdOperatorTable.CHAR_LENGTH.createCall(pos, other);
        SqlNode one = SqlLiteral.createExactNumeric("1", pos);
        SqlNode before =
                SqlStdOperatorTable.SUBSTRING.createCall(
                        pos, text, one, SqlStdOperatorTable.MINUS.createCall(pos, start, one));
        SqlNode behind =
                SqlStdOperatorTable.SUBSTRING.createCall(
                        pos, text, SqlStdOperatorTable.PLUS.createCall(pos, start, length));
        return SqlStdOperatorTable.CONCAT.createCall(
                pos, SqlStdOperatorTable.CONCAT.createCall(pos, before, other), behind);
    }

    private static boolean isPercentile(SqlNode node) {
        return node instanceof SqlCall call
                && call.getOperator().getName().toUpperCase(Locale.ROOT).startsWith("PERCENTILE_");
    }

    /** Percentiles pass over NULLs, and the validator doesn't know FILTER behind WITHIN GROUP. */
    private static SqlNode filtered(SqlCall grouped, SqlNode condition) {
        SqlNodeList order = grouped.operand(1);
        SqlNode key = order.get(0);
        boolean descending = key.getKind() == SqlKind.DESCENDING;
        SqlParserPos pos = grouped.getParserPosition();
        SqlNode value =
                new SqlCase(
                        pos,
                        null,
                        SqlNodeList.of(condition),
                        SqlNodeList.of(descending ? ((SqlCall) key).operand(0) : key),
                        SqlLiteral.createNull(pos));
        return SqlStdOperatorTable.WITHIN_GROUP.createCall(
                pos,
                grouped.operand(0),
                SqlNodeList.of(
                        descending ? SqlStdOperatorTable.DESC.createCall(pos, value) : value));
    }

    /** A value between two others is no integer, though both are. */
    private static SqlNode continuous(SqlCall call, SqlNodeList order) {
        SqlNode key = order.get(0);
        boolean descending = key.getKind() == SqlKind.DESCENDING;
        SqlNode value = descending ? ((SqlCall) key).operand(0) : key;
        if (value.getKind() == SqlKind.CAST || order.size() != 1) {
            return call;
        }
        SqlParserPos pos = value.getParserPosition();
        SqlNode cast =
                SqlStdOperatorTable.CAST.createCall(
                        pos,
                        value,
                        new SqlDataTypeSpec(
                                new SqlBasicTypeNameSpec(SqlTypeName.DOUBLE, pos), pos));
        return SqlStdOperatorTable.WITHIN_GROUP.createCall(
                call.getParserPosition(),
                call.operand(0),
                SqlNodeList.of(descending ? SqlStdOperatorTable.DESC.createCall(pos, cast) : cast));
    }

    @Override
    public @Nullable SqlNode visit(SqlLiteral literal) {
        if (!(literal instanceof SqlUnknownLiteral unknown)) {
            return literal;
        }
        if (unknown.tag.equals("DATE")) {
            return Times.date(unknown, position);
        }
        return unknown.tag.startsWith("TIMESTAMP") ? Times.spelled(unknown, position) : literal;
    }

    @Override
    public @Nullable SqlNode visit(SqlDataTypeSpec type) {
        if (type.getTypeNameSpec() instanceof SqlBasicTypeNameSpec basic
                && basic.getTypeName().getSimple().equals(SqlTypeName.TIMESTAMP_TZ.name())) {
            return new SqlDataTypeSpec(
                    new SqlBasicTypeNameSpec(
                            SqlTypeName.TIMESTAMP_WITH_LOCAL_TIME_ZONE,
                            basic.getPrecision(),
                            type.getParserPosition()),
                    type.getParserPosition());
        }
        return type;
    }
}
