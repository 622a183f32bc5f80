package org.tonle.duckdb;

import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlWriter;
import org.jspecify.annotations.Nullable;

/** Aggregates that DuckDB writes in another way. */
final class DuckDbAggregates {
    private DuckDbAggregates() {}

    /** What is done with NULLs stands inside the call. */
    static void nulls(SqlWriter writer, SqlCall call) {
        SqlCall aggregate = call.operand(0);
        SqlWriter.Frame frame = writer.startFunCall(aggregate.getOperator().getName());
        for (SqlNode operand : aggregate.getOperandList()) {
            writer.sep(",");
            operand.unparse(writer, 0, 0);
        }
        writer.literal(call.getKind() == SqlKind.IGNORE_NULLS ? "IGNORE NULLS" : "RESPECT NULLS");
        writer.endFunCall(frame);
    }

    static void withinGroup(SqlWriter writer, SqlCall call, int left, int right) {
        SqlCall aggregate = call.operand(0);
        if (aggregate.getKind() == SqlKind.LISTAGG) {
            list(writer, aggregate, call.operand(1));
        } else {
            call.getOperator().unparse(writer, call, left, right);
        }
    }

    /** Texts joined, by a comma if nothing else is said. */
    static void list(SqlWriter writer, SqlCall call, @Nullable SqlNodeList order) {
        writer.literal("string_agg(");
        if (call.getFunctionQuantifier() != null) {
            call.getFunctionQuantifier().unparse(writer, 0, 0);
        }
        call.operand(0).unparse(writer, 0, 0);
        writer.literal(", ");
        if (call.operandCount() > 1) {
            call.operand(1).unparse(writer, 0, 0);
        } else {
            writer.literal("','");
        }
        if (order != null) {
            writer.literal(" ORDER BY ");
            for (int i = 0; i < order.size(); i++) {
                if (i > 0) {
                    writer.literal(", ");
                }
                order.get(i).unparse(writer, 0, 0);
            }
        }
        writer.literal(")");
    }
}
