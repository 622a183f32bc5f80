package org.tonle.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlJoin;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlOrderBy;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.SqlWith;
import org.apache.calcite.sql.SqlWithItem;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.jspecify.annotations.Nullable;
import org.tonle.sql.PlanScope.Shape;

/**
 * How much of a bound statement an engine plans, and how long a row it computes. An engine writes
 * the expression of a subquery's column wherever a condition names it, and again in every branch of
 * a UNION; what it computes for a batch of rows isn't counted by its limit of memory. The numbers
 * were found by measuring DuckDB, so that each plans for a few seconds within 300 MB at worst.
 */
final class PlanSize {
    /** Of all conditions, when columns of subqueries are replaced by what they are. */
    private static final int MAX_CONDITIONS = 60_000;

    /** The pairs of conditions that AND joins: each is compared with the others. */
    private static final int MAX_TERMS_SQUARED = 640_000;

    /** Conditions by the square of the tables: equal columns share theirs. */
    private static final int MAX_TERMS_OF_TABLES = 400_000;

    /** What an engine writes again by itself; each copy is compared with the others. */
    private static final int MAX_COPIES = 2_000;

    /** An expression's parts, each with all its own. */
    private static final int MAX_PATHS = 1_000_000;

    /** Tables and subqueries of one SELECT. */
    private static final int MAX_INPUTS = 100;

    /** How many a subquery counts for that looks at the row outside. */
    private static final int CORRELATED = 4;

    /** The squares of all SELECTs. */
    private static final int MAX_INPUTS_SQUARED = 20_000;

    private static final String IN_ONE_ROW =
            "bytes in one row, by the texts, arrays and rows that it puts together";

    private final List<BoundTable> tables;
    private final Position position;
    private double nodes;
    private double conditions;
    private double termsSquared;

    /** Conditions of the SELECTs that the current one stands in, which come down to it. */
    private double terms;

    private double copies;
    private double paths;
    private double inputsSquared;
    private double rowBytes;

    private PlanSize(List<BoundTable> tables, Position position) {
        this.tables = tables;
        this.position = position;
    }

    /**
     * Refuses a statement that an engine couldn't plan, or compute, within bounds.
     *
     * @param tree with a {@link TableNode} for each of {@code tables}
     */
    static void check(SqlNode tree, List<BoundTable> tables, Position position) {
        PlanSize size = new PlanSize(tables, position);
        Shape result = size.query(tree, new PlanScope(null, false));
        if (tree instanceof SqlSelect select && select.getFrom() != null) {
            size.result(result, select.getParserPosition());
        }
    }

    /** A text of the statement may stand in every row. */
    private void result(Shape result, SqlParserPos pos) {
        refuse(
                rowBytes + result.columns().stream().mapToDouble(PlanCost::literal).sum(),
                ValueSize.MAX_ROW,
                IN_ONE_ROW,
                pos);
    }

    private Shape query(SqlNode query, PlanScope scope) {
        return switch (query) {
            case SqlSelect select -> select(select, scope);
            case SqlOrderBy ordered -> query(ordered.query, scope);
            case SqlWith with -> with(with, scope);
            case SqlCall call ->
                    switch (call.getKind()) {
                        case UNION, INTERSECT, EXCEPT -> branches(call, scope);
                        case VALUES -> values(call, scope);
                        default -> Shape.TABLE;
                    };
            default -> Shape.TABLE;
        };
    }

    private Shape with(SqlWith with, PlanScope scope) {
        PlanScope inner = new PlanScope(scope, false);
        for (SqlNode node : with.withList) {
            SqlWithItem item = (SqlWithItem) node;
            String name = lower(item.name.getSimple());
            List<String> names = names(item.columnList);
            if (item.recursive.booleanValue()) {
                // its rows are made of its own: a text may become longer each time
                inner.putWith(
                        name,
                        Shape.of(
                                names,
                                names.stream().map(n -> PlanCost.leaf(ValueSize.GATHERED)).toList(),
                                1));
            }
            inner.putWith(name, query(item.query, inner).renamed(names));
        }
        return query(with.body, inner);
    }

    private Shape branches(SqlCall union, PlanScope scope) {
        Shape all = query(union.operand(0), scope);
        for (SqlNode part : union.getOperandList().subList(1, union.operandCount())) {
            Shape other = query(part, scope);
            List<PlanCost> columns = new ArrayList<>();
            for (int i = 0; i < Math.min(all.columns().size(), other.columns().size()); i++) {
                columns.add(all.columns().get(i).worse(other.columns().get(i)));
            }
            all = Shape.of(all.names(), columns, all.branches() + other.branches());
        }
        return all;
    }

    private Shape values(SqlCall values, PlanScope scope) {
        List<PlanCost> columns = new ArrayList<>();
        for (SqlNode row : values.getOperandList()) {
            List<SqlNode> cells =
                    row.getKind() == SqlKind.ROW ? ((SqlCall) row).getOperandList() : List.of(row);
            for (int i = 0; i < cells.size(); i++) {
                PlanCost cell = expression(cells.get(i), scope);
                if (i < columns.size()) {
                    columns.set(i, columns.get(i).worse(cell));
                } else {
                    columns.add(cell);
                }
            }
        }
        return Shape.of(columns.stream().map(c -> "").toList(), columns, 1);
    }

    private Shape select(SqlSelect select, PlanScope outer) {
        PlanScope scope = new PlanScope(outer, false);
        SqlNode from = select.getFrom();
        double above = terms;
        terms += terms(select.getWhere()) + terms(select.getHaving()) + joinTerms(from);
        double here = terms;
        double branches = from == null ? 1 : from(from, scope);
        List<String> names = new ArrayList<>();
        List<PlanCost> columns = new ArrayList<>();
        for (SqlNode item : select.getSelectList()) {
            names.add(alias(item));
            columns.add(
                    expression(
                            item.getKind() == SqlKind.AS ? ((SqlCall) item).operand(0) : item,
                            scope));
        }
        terms = above;
        condition(select.getWhere(), scope, branches);
        condition(select.getHaving(), scope, branches);
        condition(select.getQualify(), scope, branches);
        for (SqlNode more :
                java.util.Arrays.asList(
                        select.getGroup(), select.getOrderList(), select.getWindowList())) {
            if (more != null) {
                var unused = expression(more, scope);
            }
        }
        SqlParserPos pos = select.getParserPosition();
        refuse(scope.inputs(), MAX_INPUTS, "tables and subqueries in one SELECT", pos);
        inputsSquared += (double) scope.inputs() * scope.inputs();
        refuse(
                inputsSquared,
                MAX_INPUTS_SQUARED,
                "tables and subqueries, those of each SELECT squared",
                pos);
        termsSquared += here * here;
        refuse(
                termsSquared,
                MAX_TERMS_SQUARED,
                "conditions that AND joins, those of each SELECT squared",
                pos);
        refuse(
                here * scope.inputs() * scope.inputs(),
                MAX_TERMS_OF_TABLES,
                "conditions that AND joins, multiplied by the square of its tables",
                pos);
        return Shape.of(names, columns, branches);
    }

    /** How many branches a FROM has; its tables are known then. */
    private double from(SqlNode from, PlanScope scope) {
        return switch (from) {
            case SqlJoin join -> {
                double branches = from(join.getLeft(), scope);
                branches = Math.max(branches, from(join.getRight(), scope));
                condition(join.getCondition(), scope, branches);
                yield branches;
            }
            case SqlCall as when as.getKind() == SqlKind.AS -> {
                Shape shape = source(as.operand(0), scope);
                List<String> names = new ArrayList<>();
                for (SqlNode name : as.getOperandList().subList(2, as.operandCount())) {
                    names.add(lower(name.toString()));
                }
                scope.put(lower(((SqlIdentifier) as.operand(1)).getSimple()), shape.renamed(names));
                yield shape.branches();
            }
            default -> source(from, scope).branches();
        };
    }

    private Shape source(SqlNode source, PlanScope scope) {
        scope.input(1);
        return switch (source) {
            case TableNode table -> {
                tables.get(table.ordinal()).guard().ifPresent(guard -> guard(guard, scope));
                yield Shape.TABLE;
            }
            case SqlIdentifier name -> scope.with(lower(name.getSimple())).orElse(Shape.TABLE);
            case SqlCall call ->
                    switch (call.getKind()) {
                        case LATERAL -> {
                            scope.input(CORRELATED - 1);
                            yield query(call.operand(0), scope);
                        }
                        case UNNEST -> {
                            scope.input(CORRELATED - 1);
                            PlanCost list = expression(call.operand(0), scope);
                            yield Shape.of(List.of(""), List.of(list), 1);
                        }
                        // the other tables of this FROM aren't seen by it
                        default -> query(call, scope.beside());
                    };
            default -> Shape.TABLE;
        };
    }

    /** What stands in the place of a table is planned each time. */
    private void guard(BoundQuery guard, PlanScope scope) {
        scope.input(guard.tables().size() - 1);
        nodes += Extent.nodes(guard.tree());
    }

    private void condition(@Nullable SqlNode condition, PlanScope scope, double branches) {
        if (condition == null) {
            return;
        }
        PlanCost cost = expression(condition, scope);
        SqlParserPos pos = condition.getParserPosition();
        conditions += cost.inlined() * branches;
        refuse(
                conditions,
                MAX_CONDITIONS,
                "names, values and operations in its conditions, if columns of subqueries stand for"
                        + " what they are, in each branch of a UNION",
                pos);
    }

    /** What AND joins, without what only joins tables. */
    private static int terms(@Nullable SqlNode condition) {
        int terms = 0;
        SqlNode rest = condition;
        while (rest instanceof SqlCall and && rest.getKind() == SqlKind.AND) {
            for (SqlNode term : and.getOperandList().subList(1, and.operandCount())) {
                terms += terms(term);
            }
            rest = and.operand(0);
        }
        boolean counts =
                rest instanceof SqlCall call
                        && !(call.getKind() == SqlKind.EQUALS
                                && call.getOperandList().stream()
                                        .allMatch(SqlIdentifier.class::isInstance));
        return terms + (counts ? 1 : 0);
    }

    private static int joinTerms(@Nullable SqlNode from) {
        return from instanceof SqlJoin join
                ? terms(join.getCondition())
                        + joinTerms(join.getLeft())
                        + joinTerms(join.getRight())
                : 0;
    }

    /** A whole expression: what it takes is added. */
    private PlanCost expression(SqlNode node, PlanScope scope) {
        PlanCost cost = cost(node, scope, SqlKind.OTHER);
        SqlParserPos pos = node.getParserPosition();
        nodes += cost.nodes();
        copies += cost.copies();
        paths += cost.paths();
        refuse(nodes, Extent.MAX_NODES, "names, values and operations", pos);
        refuse(
                copies,
                MAX_COPIES,
                "values and operations that stand in BETWEEN, NULLIF, SPLIT_PART or SOME, which are"
                        + " computed twice",
                pos);
        refuse(paths, MAX_PATHS, "operations within operations, all counted in each", pos);
        return cost;
    }

    private PlanCost cost(@Nullable SqlNode node, PlanScope scope, SqlKind parent) {
        BigStack.check();
        return switch (node) {
            case null -> PlanCost.NOTHING;
            case SqlIdentifier name -> column(name, scope);
            case SqlNodeList list -> {
                PlanCost sum = PlanCost.NOTHING;
                for (SqlNode part : list) {
                    sum = sum.and(cost(part, scope, SqlKind.OTHER), 1);
                }
                yield sum;
            }
            case SqlCall call when call.isA(SqlKind.QUERY) -> subquery(call, scope);
            case SqlCall call -> call(call, scope, parent);
            default -> PlanCost.literal(ValueSize.of(node));
        };
    }

    private static PlanCost column(SqlIdentifier name, PlanScope scope) {
        return name.isSimple()
                ? PlanCost.leaf(ValueSize.STORED)
                : scope.table(lower(name.names.getFirst()))
                        .map(table -> table.column(lower(name.names.get(1))))
                        .orElse(PlanCost.leaf(ValueSize.STORED));
    }

    private PlanCost subquery(SqlCall query, PlanScope scope) {
        PlanScope inner = new PlanScope(scope, true);
        Shape shape = query(query, inner);
        scope.input(inner.isCorrelated() ? CORRELATED : 1);
        double bytes = shape.columns().stream().mapToDouble(PlanCost::bytes).max().orElse(0);
        return PlanCost.leaf(bytes);
    }

    private PlanCost call(SqlCall call, PlanScope scope, SqlKind parent) {
        PlanCost sum = new PlanCost(1, 0, 1, 0, 0, 0);
        List<Double> bytes = new ArrayList<>();
        List<? extends @Nullable SqlNode> operands = call.getOperandList();
        for (int i = 0; i < operands.size(); i++) {
            PlanCost operand = cost(operands.get(i), scope, call.getKind());
            bytes.add(operand.bytes());
            sum = sum.and(operand, times(call, i));
        }
        // an engine takes a chain of them for one
        boolean chained =
                call.getKind() == parent && (parent == SqlKind.AND || parent == SqlKind.OR);
        ValueSize size = ValueSize.of(call, bytes, position);
        rowBytes += size.computed();
        refuse(rowBytes, ValueSize.MAX_ROW, IN_ONE_ROW, call.getParserPosition());
        return new PlanCost(
                sum.nodes(),
                sum.copies(),
                sum.inlined(),
                sum.paths() + (chained ? 0 : sum.nodes()),
                size.value(),
                0);
    }

    /** How often DuckDB plans an operand that is said once. */
    private static int times(SqlCall call, int operand) {
        return switch (call.getKind()) {
            case BETWEEN, NULLIF -> operand == 0 ? 2 : 1;
            case SOME, ALL -> 3;
            default -> call.getOperator().getName().equals("SPLIT_PART") ? 2 : 1;
        };
    }

    private void refuse(double count, double most, String what, SqlParserPos pos) {
        if (count > most) {
            throw SqlErrors.unsupported(
                    position,
                    pos,
                    "the statement has more than "
                            + (long) most
                            + " "
                            + what
                            + "; split it into several");
        }
    }

    private static List<String> names(@Nullable SqlNodeList list) {
        return list == null
                ? List.of()
                : list.stream().map(name -> lower(String.valueOf(name))).toList();
    }

    private static String alias(SqlNode item) {
        return switch (item) {
            case SqlCall as when as.getKind() == SqlKind.AS -> lower(as.operand(1).toString());
            case SqlIdentifier column -> lower(column.names.getLast());
            default -> "";
        };
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
