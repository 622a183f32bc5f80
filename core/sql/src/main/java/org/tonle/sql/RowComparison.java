package org.tonle.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.calcite.sql.SqlBinaryOperator;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlOperator;
import org.apache.calcite.sql.SqlRowTypeNameSpec;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlParserPos;

/**
 * Rows compared by their parts, as the standard says: {@code (1, NULL) = (1, 2)} is unknown, and so
 * is {@code (1, NULL) = (1, NULL)}. Engines that compare rows as values take NULL for one.
 */
final class RowComparison {
    private RowComparison() {}

    /** The same said of the parts; empty if it compares no rows that are written out. */
    static Optional<SqlNode> ofParts(SqlCall call) {
        return switch (call.getKind()) {
            case EQUALS,
                    NOT_EQUALS,
                    LESS_THAN,
                    LESS_THAN_OR_EQUAL,
                    GREATER_THAN,
                    GREATER_THAN_OR_EQUAL ->
                    isPair(call.operand(0), call.operand(1))
                            ? Optional.of(
                                    compare(
                                            call.getOperator(),
                                            parts(call.operand(0)),
                                            parts(call.operand(1)),
                                            call.getParserPosition()))
                            : Optional.empty();
            case IN, NOT_IN -> among(call);
            default -> Optional.empty();
        };
    }

    private static Optional<SqlNode> among(SqlCall call) {
        if (!(call.operand(1) instanceof SqlNodeList list)
                || !list.stream().allMatch(row -> isPair(call.operand(0), row))) {
            return Optional.empty();
        }
        boolean in = call.getKind() == SqlKind.IN;
        SqlOperator each = in ? SqlStdOperatorTable.EQUALS : SqlStdOperatorTable.NOT_EQUALS;
        SqlParserPos pos = call.getParserPosition();
        List<SqlNode> rows =
                list.stream()
                        .map(row -> compare(each, parts(call.operand(0)), parts(row), pos))
                        .toList();
        return Optional.of(
                joined(in ? SqlStdOperatorTable.OR : SqlStdOperatorTable.AND, rows, pos));
    }

    private static boolean isPair(SqlNode left, SqlNode right) {
        return isRow(left) && isRow(right) && parts(left).size() == parts(right).size();
    }

    private static boolean isRow(SqlNode node) {
        return node.getKind() == SqlKind.ROW || castType(node).isPresent();
    }

    /** The validator casts a whole row to the types of the other. */
    private static Optional<SqlRowTypeNameSpec> castType(SqlNode node) {
        return node.getKind() == SqlKind.CAST
                        && node instanceof SqlCall cast
                        && cast.operand(0).getKind() == SqlKind.ROW
                        && cast.operand(1) instanceof SqlDataTypeSpec spec
                        && spec.getTypeNameSpec() instanceof SqlRowTypeNameSpec row
                ? Optional.of(row)
                : Optional.empty();
    }

    private static List<SqlNode> parts(SqlNode row) {
        Optional<SqlRowTypeNameSpec> types = castType(row);
        if (types.isEmpty()) {
            return ((SqlCall) row).getOperandList();
        }
        List<SqlNode> values = ((SqlCall) ((SqlCall) row).operand(0)).getOperandList();
        List<SqlNode> parts = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            parts.add(
                    SqlStdOperatorTable.CAST.createCall(
                            row.getParserPosition(),
                            values.get(i),
                            types.get().getFieldTypes().get(i)));
        }
        return parts;
    }

    private static SqlNode compare(
            SqlOperator operator, List<SqlNode> left, List<SqlNode> right, SqlParserPos pos) {
        return switch (operator.getKind()) {
            case EQUALS -> joined(SqlStdOperatorTable.AND, each(operator, left, right, pos), pos);
            case NOT_EQUALS ->
                    joined(SqlStdOperatorTable.OR, each(operator, left, right, pos), pos);
            default -> ordered(operator, left, right, pos);
        };
    }

    private static List<SqlNode> each(
            SqlOperator operator, List<SqlNode> left, List<SqlNode> right, SqlParserPos pos) {
        List<SqlNode> all = new ArrayList<>();
        for (int i = 0; i < left.size(); i++) {
            all.add(one(operator, left.get(i), right.get(i), pos));
        }
        return all;
    }

    /** {@code a < c OR (a = c AND b < d)}: the first parts that differ decide. */
    private static SqlNode ordered(
            SqlOperator operator, List<SqlNode> left, List<SqlNode> right, SqlParserPos pos) {
        SqlOperator strictly =
                switch (operator.getKind()) {
                    case LESS_THAN, LESS_THAN_OR_EQUAL -> SqlStdOperatorTable.LESS_THAN;
                    default -> SqlStdOperatorTable.GREATER_THAN;
                };
        int last = left.size() - 1;
        SqlNode decided = one(operator, left.get(last), right.get(last), pos);
        for (int i = last - 1; i >= 0; i--) {
            decided =
                    SqlStdOperatorTable.OR.createCall(
                            pos,
                            one(strictly, left.get(i), right.get(i), pos),
                            SqlStdOperatorTable.AND.createCall(
                                    pos,
                                    one(SqlStdOperatorTable.EQUALS, left.get(i), right.get(i), pos),
                                    decided));
        }
        return decided;
    }

    /** Of two parts, which may be rows again. */
    private static SqlNode one(
            SqlOperator operator, SqlNode left, SqlNode right, SqlParserPos pos) {
        return isPair(left, right)
                ? compare(operator, parts(left), parts(right), pos)
                : operator.createCall(pos, left, right);
    }

    /** As a tree that is flat: a list may have thousands of rows. */
    private static SqlNode joined(SqlBinaryOperator by, List<SqlNode> all, SqlParserPos pos) {
        if (all.size() == 1) {
            return all.getFirst();
        }
        int half = all.size() / 2;
        return by.createCall(
                pos,
                joined(by, all.subList(0, half), pos),
                joined(by, all.subList(half, all.size()), pos));
    }
}
