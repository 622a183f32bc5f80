package org.tonle.sql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.jspecify.annotations.Nullable;

/**
 * How large a parsed statement becomes: binding takes no time limit, so what would grow beyond all
 * bounds is refused before. A few hundred characters are enough: {@code NULLIF(NULLIF(…, 1), 1)}
 * doubles at each step, because the validator says the first operand twice.
 */
final class Extent extends SqlBasicVisitor<@Nullable Void> {
    /** Deepest nesting. */
    static final int MAX_DEPTH = 800;

    /** Calls in all: about as many as a statement may have words. */
    private static final int MAX_CALLS = 200_000;

    /** Of one GROUP BY. */
    private static final long MAX_SETS = 4096;

    /** Which are written out with each operand but the last twice. */
    private static final Set<String> TWICE =
            Set.of("COALESCE", "IFNULL", "NULLIF", "NVL", "OVERLAY");

    private final Position position;
    private int depth;
    private int calls;

    private Extent(Position position) {
        this.position = position;
    }

    /**
     * Refuses what is nested too deep or becomes too large.
     *
     * @return the statement
     */
    static SqlNode check(SqlNode statement, Position position) {
        statement.accept(new Extent(position));
        return statement;
    }

    @Override
    public @Nullable Void visit(SqlCall call) {
        if (++depth > MAX_DEPTH) {
            throw Language.tooDeep(position, call.getParserPosition());
        }
        if (++calls > MAX_CALLS) {
            throw SqlErrors.unsupported(
                    position,
                    call.getParserPosition(),
                    "what the statement says becomes too long; nest CASE and COALESCE less, or"
                            + " split it with WITH");
        }
        if (call instanceof SqlSelect select) {
            if (select.getGroup() != null && product(select.getGroup()) > MAX_SETS) {
                throw SqlErrors.unsupported(
                        position,
                        select.getGroup().getParserPosition(),
                        "it groups in more than " + MAX_SETS + " ways; name fewer columns");
            }
            meant(select).forEach(item -> item.accept(this));
        }
        super.visit(call);
        if (TWICE.contains(call.getOperator().getName().toUpperCase(Locale.ROOT))) {
            List<SqlNode> operands = call.getOperandList();
            for (SqlNode operand : operands.subList(0, Math.max(0, operands.size() - 1))) {
                operand.accept(this);
            }
        }
        depth--;
        return null;
    }

    /** What GROUP BY, HAVING and QUALIFY name by alias or place, once for each time. */
    private static List<SqlNode> meant(SqlSelect select) {
        Map<String, SqlNode> named = new HashMap<>();
        List<SqlNode> items = select.getSelectList();
        for (int i = 0; i < items.size(); i++) {
            if (items.get(i).getKind() == SqlKind.AS) {
                SqlNode item = ((SqlCall) items.get(i)).operand(0);
                named.put(
                        ((SqlCall) items.get(i)).operand(1).toString().toLowerCase(Locale.ROOT),
                        item);
                named.put(Integer.toString(i + 1), item);
            }
        }
        List<SqlNode> meant = new ArrayList<>();
        SqlBasicVisitor<@Nullable Void> names =
                new SqlBasicVisitor<>() {
                    @Override
                    public @Nullable Void visit(SqlIdentifier id) {
                        return add(id.toString());
                    }

                    @Override
                    public @Nullable Void visit(SqlLiteral literal) {
                        return add(literal.toString());
                    }

                    private @Nullable Void add(String name) {
                        SqlNode item = named.get(name.toLowerCase(Locale.ROOT));
                        if (item != null) {
                            meant.add(item);
                        }
                        return null;
                    }
                };
        if (!named.isEmpty()) {
            Stream.of(select.getGroup(), select.getHaving(), select.getQualify())
                    .filter(Objects::nonNull)
                    .forEach(part -> part.accept(names));
        }
        return meant;
    }

    private static long product(List<? extends @Nullable SqlNode> items) {
        long sets = 1;
        for (SqlNode item : items) {
            sets = Math.min(MAX_SETS + 1, sets * sets(item));
        }
        return sets;
    }

    private static long sets(@Nullable SqlNode item) {
        if (item instanceof SqlCall call) {
            switch (call.getKind()) {
                case ROLLUP -> {
                    return call.operandCount() + 1L;
                }
                case CUBE -> {
                    return 1L << Math.min(call.operandCount(), 32);
                }
                case GROUPING_SETS -> {
                    return call.getOperandList().stream().mapToLong(Extent::sets).sum();
                }
                default -> {}
            }
        }
        return item instanceof SqlNodeList list ? Math.max(1, product(list)) : 1;
    }
}
