package org.tonle.sql;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlJoin;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlNumericLiteral;
import org.apache.calcite.sql.SqlOrderBy;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.SqlSelectKeyword;
import org.apache.calcite.sql.SqlWith;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.LakeException;

/**
 * How much a statement asks for by its form. The work of binding and of planning grows faster than
 * a statement does, an engine's planner can't be stopped, and a parsed tree may say one thing many
 * times: what would take longer than moments is refused before anybody begins with it.
 */
final class Extent {
    /** Names, values and operations; DuckDB plans that many within 300 MB. */
    static final int MAX_NODES = 60_000;

    static final int MAX_DEPTH = 800;
    private static final int MAX_SELECTS = 300;
    private static final int MAX_NESTED = 100;

    /** Joins are put in order in cubic time. */
    private static final int MAX_JOINED = 100;

    /** How many tables a LATERAL or an UNNEST counts for: it is planned as joins of its own. */
    private static final int LATERAL = 4;

    private static final int MAX_GROUPING_SETS = 64;
    private static final int MAX_WINDOWS = 1_000;
    private static final int MAX_DISTINCT = 100;
    private static final int MAX_KEYS = 500;

    private final Position position;

    /** A node that stands at several places is looked at once. */
    private final IdentityHashMap<SqlNode, Size> known = new IdentityHashMap<>();

    private Extent(Position position) {
        this.position = position;
    }

    /** Refuses what asks for too much. */
    static void check(SqlNode statement, Position position) {
        var unused = new Extent(position).of(statement);
    }

    /** How many names, values and operations a statement has. */
    static long nodes(SqlNode statement) {
        return new Extent(Position.QUERY).of(statement).nodes;
    }

    /**
     * What a part of a statement holds, each thing counted as often as it is said.
     *
     * @param height levels of calls
     * @param nested levels of SELECTs
     */
    private record Size(
            long nodes,
            int height,
            int nested,
            long selects,
            long windows,
            long distinct,
            long groupingSets) {
        static final Size NOTHING = new Size(0, 0, 0, 0, 0, 0, 0);
        static final Size LEAF = new Size(1, 0, 0, 0, 0, 0, 0);

        Size and(Size other) {
            return new Size(
                    nodes + other.nodes,
                    Math.max(height, other.height),
                    Math.max(nested, other.nested),
                    selects + other.selects,
                    windows + other.windows,
                    distinct + other.distinct,
                    groupingSets + other.groupingSets);
        }

        Size and(long moreNodes, long moreSets) {
            return new Size(
                    nodes + moreNodes,
                    height,
                    nested,
                    selects,
                    windows,
                    distinct,
                    groupingSets + moreSets);
        }
    }

    private Size of(@Nullable SqlNode node) {
        return switch (node) {
            case null -> Size.NOTHING;
            case SqlNodeList list -> all(list);
            case SqlCall call -> {
                Size size = known.get(call);
                if (size == null) {
                    size = of(call);
                    known.put(call, size);
                }
                yield size;
            }
            default -> Size.LEAF;
        };
    }

    private Size all(Iterable<? extends @Nullable SqlNode> nodes) {
        Size size = Size.NOTHING;
        for (SqlNode node : nodes) {
            size = size.and(of(node));
        }
        return size;
    }

    private Size of(SqlCall call) {
        Size parts = all(call.getOperandList());
        boolean select = call instanceof SqlSelect || call.getKind() == SqlKind.VALUES;
        Size size =
                checked(
                        new Size(
                                parts.nodes + 1,
                                parts.height + 1,
                                parts.nested + (select ? 1 : 0),
                                parts.selects + (select ? 1 : 0),
                                parts.windows + (call.getKind() == SqlKind.OVER ? 1 : 0),
                                parts.distinct + (isDistinct(call) ? 1 : 0),
                                parts.groupingSets),
                        call.getParserPosition());
        if (call instanceof SqlSelect self) {
            refuse(
                    self.getFrom() == null ? 0 : joined(self.getFrom()),
                    MAX_JOINED,
                    "tables and subqueries in one FROM, where LATERAL and UNNEST count for "
                            + LATERAL,
                    self.getParserPosition());
            List<@Nullable SqlNode> users = new ArrayList<>(keys(self.getGroup()));
            users.add(self.getHaving());
            users.add(self.getQualify());
            return checked(
                    size.and(repeated(self, users), groupingSets(self.getGroup())),
                    call.getParserPosition());
        }
        if (call instanceof SqlOrderBy ordered) {
            List<SqlNode> keys = keys(ordered.orderList);
            SqlSelect of = selectOf(ordered.query);
            long more = of == null ? 0 : repeated(of, keys);
            return checked(size.and(more, 0), call.getParserPosition());
        }
        return size;
    }

    private Size checked(Size size, SqlParserPos pos) {
        if (size.height > MAX_DEPTH) {
            throw tooDeep(position, pos);
        }
        refuse(size.nodes, MAX_NODES, "names, values and operations", pos);
        refuse(size.selects, MAX_SELECTS, "SELECTs", pos);
        refuse(size.nested, MAX_NESTED, "SELECTs within each other", pos);
        refuse(size.windows, MAX_WINDOWS, "window functions", pos);
        refuse(size.distinct, MAX_DISTINCT, "aggregates with DISTINCT", pos);
        refuse(
                size.groupingSets,
                MAX_GROUPING_SETS,
                "grouping sets, of which CUBE makes two for one column, four for two",
                pos);
        return size;
    }

    private void refuse(long count, long most, String what, SqlParserPos pos) {
        if (count > most) {
            throw SqlErrors.unsupported(
                    position,
                    pos,
                    "the statement has more than " + most + " " + what + "; split it into several");
        }
    }

    static LakeException tooDeep(Position position, SqlParserPos pos) {
        return SqlErrors.unsupported(
                position,
                pos,
                "the statement is nested deeper than "
                        + MAX_DEPTH
                        + "; split it with WITH, or write IN (…) for long chains of OR");
    }

    private static boolean isDistinct(SqlCall call) {
        return call.getFunctionQuantifier() != null
                && call.getFunctionQuantifier().getValue() == SqlSelectKeyword.DISTINCT;
    }

    private static int joined(SqlNode from) {
        return switch (from.getKind()) {
            case JOIN -> joined(((SqlJoin) from).getLeft()) + joined(((SqlJoin) from).getRight());
            case AS, TABLE_REF, SNAPSHOT -> joined(((SqlCall) from).operand(0));
            case LATERAL, UNNEST -> LATERAL;
            default -> 1;
        };
    }

    /** How many a GROUP BY makes; none if it has no word for them. */
    private static long groupingSets(@Nullable SqlNodeList keys) {
        double sets = 1;
        for (SqlNode key : keys == null ? List.<SqlNode>of() : keys) {
            sets *= sets(key);
        }
        // saturates
        return sets > 1 ? (long) sets : 0;
    }

    private static double sets(SqlNode key) {
        return switch (key.getKind()) {
            case ROLLUP -> 1 + ((SqlCall) key).operandCount();
            case CUBE -> Math.pow(2, ((SqlCall) key).operandCount());
            case GROUPING_SETS -> {
                double sum = 0;
                for (SqlNode set : ((SqlCall) key).getOperandList()) {
                    sum += sets(set);
                }
                yield sum;
            }
            default -> 1;
        };
    }

    /**
     * The nodes of the columns that keys, or a condition on groups, name by alias or by place:
     * binding puts each there anew.
     */
    private long repeated(SqlSelect select, Iterable<? extends @Nullable SqlNode> users) {
        Map<String, Long> aliases = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        List<Long> places = new ArrayList<>();
        for (SqlNode item : select.getSelectList()) {
            long nodes = of(item).nodes;
            places.add(nodes);
            if (item.getKind() == SqlKind.AS
                    && ((SqlCall) item).operand(1) instanceof SqlIdentifier alias) {
                aliases.merge(alias.getSimple(), nodes, Math::max);
            }
        }
        long[] nodes = new long[1];
        for (SqlNode user : users) {
            switch (user) {
                case null -> {}
                case SqlNumericLiteral number when number.isInteger() ->
                        nodes[0] +=
                                places.get(
                                        Math.clamp(
                                                number.getValueAs(BigDecimal.class).intValue() - 1L,
                                                0,
                                                places.size() - 1));
                default ->
                        user.accept(
                                new SqlBasicVisitor<@Nullable Void>() {
                                    @Override
                                    public @Nullable Void visit(SqlIdentifier name) {
                                        nodes[0] += aliases.getOrDefault(name.names.getLast(), 0L);
                                        return null;
                                    }
                                });
            }
        }
        return nodes[0];
    }

    /** What stands in GROUP BY or ORDER BY, without what says how. */
    private List<SqlNode> keys(@Nullable SqlNodeList list) {
        List<SqlNode> keys = new ArrayList<>();
        if (list != null) {
            list.forEach(item -> collect(item, keys));
            refuse(
                    keys.size(),
                    MAX_KEYS,
                    "columns in one GROUP BY or ORDER BY",
                    list.getParserPosition());
        }
        return keys;
    }

    private static void collect(SqlNode item, List<SqlNode> keys) {
        switch (item.getKind()) {
            case DESCENDING, NULLS_FIRST, NULLS_LAST, ROLLUP, CUBE, GROUPING_SETS, ROW ->
                    ((SqlCall) item).getOperandList().forEach(part -> collect(part, keys));
            case OTHER -> {
                if (item instanceof SqlNodeList set) {
                    set.forEach(part -> collect(part, keys));
                } else {
                    keys.add(item);
                }
            }
            default -> keys.add(item);
        }
    }

    private static @Nullable SqlSelect selectOf(SqlNode query) {
        SqlNode body = query instanceof SqlWith with ? with.body : query;
        return body instanceof SqlSelect select ? select : null;
    }
}
