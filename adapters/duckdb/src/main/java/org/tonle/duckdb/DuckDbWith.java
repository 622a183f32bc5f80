package org.tonle.duckdb;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlJoin;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.SqlWith;
import org.apache.calcite.sql.SqlWithItem;
import org.apache.calcite.sql.SqlWriter;
import org.jspecify.annotations.Nullable;

/**
 * WITH. DuckDB plans what it names anew wherever it is named if a LIMIT follows: forty queries that
 * each name the one before twice would be a million million.
 */
final class DuckDbWith {
    /** Tables that are read when each name stands for its query; beyond, each is computed once. */
    private static final int MAX_READ = 100;

    private DuckDbWith() {}

    static void unparse(SqlWriter writer, SqlWith with) {
        boolean once = read(with, Map.of()) > MAX_READ;
        SqlWriter.Frame frame = writer.startList(SqlWriter.FrameTypeEnum.WITH, "WITH", "");
        if (((SqlWithItem) with.withList.get(0)).recursive.booleanValue()) {
            writer.keyword("RECURSIVE");
        }
        SqlWriter.Frame items = writer.startList("", "");
        for (SqlNode node : with.withList) {
            SqlWithItem item = (SqlWithItem) node;
            writer.sep(",");
            item.name.unparse(writer, 0, 0);
            if (item.columnList != null) {
                item.columnList.unparse(writer, 1, 1);
            }
            writer.keyword(once && !item.recursive.booleanValue() ? "AS MATERIALIZED" : "AS");
            item.query.unparse(writer, 100, 100);
        }
        writer.endList(items);
        SqlWriter.Frame body = writer.startList(SqlWriter.FrameTypeEnum.WITH_BODY);
        with.body.unparse(writer, 2, 2);
        writer.endList(body);
        writer.endList(frame);
    }

    private static double read(@Nullable SqlNode node, Map<String, Double> with) {
        return switch (node) {
            case null -> 0;
            case SqlWith clause -> {
                Map<String, Double> inner = new HashMap<>(with);
                for (SqlNode item : clause.withList) {
                    inner.put(
                            name(((SqlWithItem) item).name),
                            read(((SqlWithItem) item).query, inner));
                }
                yield read(clause.body, inner);
            }
            case SqlSelect select -> {
                double sum = select.getFrom() == null ? 0 : from(select.getFrom(), with);
                for (SqlNode part : select.getOperandList()) {
                    sum += part == select.getFrom() ? 0 : read(part, with);
                }
                yield sum;
            }
            case SqlNodeList list -> list.stream().mapToDouble(part -> read(part, with)).sum();
            case SqlCall call ->
                    call.getOperandList().stream().mapToDouble(part -> read(part, with)).sum();
            default -> 0;
        };
    }

    private static double from(SqlNode from, Map<String, Double> with) {
        return switch (from) {
            case SqlIdentifier table -> table.isSimple() ? with.getOrDefault(name(table), 1.0) : 1;
            case SqlJoin join ->
                    from(join.getLeft(), with)
                            + from(join.getRight(), with)
                            + read(join.getCondition(), with);
            case SqlCall call ->
                    switch (call.getKind()) {
                        case AS, LATERAL -> from(call.operand(0), with);
                        default -> read(call, with);
                    };
            default -> 1;
        };
    }

    private static String name(SqlIdentifier name) {
        return name.getSimple().toLowerCase(Locale.ROOT);
    }
}
