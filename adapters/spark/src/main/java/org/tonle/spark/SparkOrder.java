package org.tonle.spark;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlOrderBy;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.SqlWindow;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlParserPos;

/** Spark puts NULLs first unless it is told; Tonle's SQL puts them last. */
final class SparkOrder {
    /** The operand of a SELECT that holds its windows. */
    private static final int WINDOWS = SqlSelect.QUALIFY_OPERAND - 1;

    private SparkOrder() {}

    /** The windows that a SELECT declares, or an OVER holds. */
    static Stream<SqlWindow> windows(SqlCall call) {
        Stream<SqlNode> nodes =
                switch (call.getKind()) {
                    case SELECT -> ((SqlSelect) call).getWindowList().stream();
                    case OVER -> Stream.of(call.operand(1));
                    default -> Stream.empty();
                };
        return nodes.filter(SqlWindow.class::isInstance).map(SqlWindow.class::cast);
    }

    /** A copy of a SELECT, an ORDER BY or an OVER that says so; the call itself stays as it is. */
    static SqlCall nullsLast(SqlCall call) {
        SqlParserPos pos = call.getParserPosition();
        return switch (call) {
            case SqlSelect select -> {
                SqlSelect copy = (SqlSelect) select.clone(pos);
                if (select.getOrderList() != null) {
                    copy.setOrderBy(nullsLast(select.getOrderList()));
                }
                copy.setOperand(
                        WINDOWS,
                        new SqlNodeList(windows(select).map(SparkOrder::nullsLast).toList(), pos));
                yield copy;
            }
            case SqlOrderBy order ->
                    new SqlOrderBy(
                            pos,
                            order.query,
                            nullsLast(order.orderList),
                            order.offset,
                            order.fetch);
            default ->
                    call.operand(1) instanceof SqlWindow window
                            ? call.getOperator().createCall(pos, call.operand(0), nullsLast(window))
                            : call;
        };
    }

    private static SqlWindow nullsLast(SqlWindow window) {
        SqlParserPos pos = window.getParserPosition();
        return SqlWindow.create(
                window.getDeclName(),
                window.getRefName(),
                window.getPartitionList(),
                nullsLast(window.getOrderList()),
                SqlLiteral.createBoolean(window.isRows(), pos),
                window.getLowerBound(),
                window.getUpperBound(),
                null,
                window.getExclude(),
                pos);
    }

    static SqlNodeList nullsLast(SqlNodeList order) {
        List<SqlNode> items =
                order.stream().map(item -> nullsLast(Objects.requireNonNull(item))).toList();
        return new SqlNodeList(items, order.getParserPosition());
    }

    private static SqlNode nullsLast(SqlNode item) {
        return item.getKind() == SqlKind.NULLS_FIRST || item.getKind() == SqlKind.NULLS_LAST
                ? item
                : SqlStdOperatorTable.NULLS_LAST.createCall(item.getParserPosition(), item);
    }
}
