package org.tonle.sql;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.calcite.plan.RelOptUtil;
import org.apache.calcite.rel.RelNode;
import org.apache.calcite.rel.core.Filter;
import org.apache.calcite.rel.core.Project;
import org.apache.calcite.rel.core.Sort;
import org.apache.calcite.rel.core.TableScan;
import org.apache.calcite.rex.RexNode;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlCharStringLiteral;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.SqlText;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Asks, of a statement that is bound already, whether policy reached every scan: by relational
 * algebra, and with nothing of what put it there. A statement that doesn't stand this is a bug of
 * ours, and is refused.
 */
final class PolicyCheck {
    private PolicyCheck() {}

    /**
     * @param tree with a {@link TableNode} for each of {@code tables}
     * @throws LakeException INTERNAL if something is read that policy doesn't show
     */
    static void check(
            SqlNode tree, List<BoundTable> tables, AccessPolicy policy, TableResolver resolver) {
        Set<Integer> scanned = scans(tree);
        Set<Guarded> checked = new HashSet<>();
        for (int i = 0; i < tables.size(); i++) {
            BoundTable bound = tables.get(i);
            if (!scanned.remove(i)) {
                throw refused(bound, "it isn't where it was");
            }
            Access access =
                    policy.of(bound.table().name())
                            .orElseThrow(() -> refused(bound, "it isn't shown"));
            if (access.isRestricted()) {
                BoundQuery guard =
                        bound.guard().orElseThrow(() -> refused(bound, "its guard is missing"));
                if (checked.add(new Guarded(bound.table(), guard))) {
                    checkGuard(bound, guard, access, resolver);
                }
            }
        }
        if (!scanned.isEmpty()) {
            throw new LakeException(
                    ErrorCode.INTERNAL, "The statement reads something that policy didn't see");
        }
    }

    /** A statement that reads a table twice reads it by one guard. */
    private record Guarded(SqlTable table, BoundQuery guard) {}

    /** The ordinals of all tables that a tree reads; a table's bare name is refused. */
    private static Set<Integer> scans(SqlNode tree) {
        Set<Integer> scanned = new HashSet<>();
        tree.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        if (call instanceof SqlSelect select && select.getFrom() != null) {
                            leaves(select.getFrom());
                        }
                        return super.visit(call);
                    }

                    private void leaves(SqlNode from) {
                        if (from instanceof TableNode table) {
                            scanned.add(table.ordinal());
                        } else if (from instanceof SqlIdentifier id) {
                            if (!id.isSimple()) {
                                throw new LakeException(
                                        ErrorCode.INTERNAL,
                                        "The statement reads a table that policy didn't see");
                            }
                        } else if (from instanceof SqlCall call && !(call instanceof SqlSelect)) {
                            switch (call.getKind()) {
                                case AS, LATERAL, TABLE_REF -> leaves(call.operand(0));
                                case JOIN -> {
                                    leaves(call.operand(0));
                                    leaves(((org.apache.calcite.sql.SqlJoin) call).getRight());
                                }
                                // what is nested has SELECTs of its own
                                default -> {}
                            }
                        }
                    }
                });
        return scanned;
    }

    private static void checkGuard(
            BoundTable bound, BoundQuery guard, Access access, TableResolver resolver) {
        SqlTable table = bound.table();
        RelNode node = Algebra.of(guard.tree(), tables(guard));
        if (node instanceof Sort barrier
                && barrier.offset == null
                && barrier.collation.getKeys().isEmpty()) {
            node = barrier.getInput();
        }
        if (!(node instanceof Project project)) {
            throw refused(bound, "its columns aren't chosen");
        }
        RelNode input = project.getInput();
        Set<String> held = new HashSet<>();
        if (input instanceof Filter filter) {
            for (RexNode condition : RelOptUtil.conjunctions(filter.getCondition())) {
                held.add(condition.toString());
            }
            input = filter.getInput();
        }
        if (!(input instanceof TableScan scan)
                || !scan.getTable()
                        .getQualifiedName()
                        .equals(
                                List.of(
                                        table.name().namespace(),
                                        LakeCatalog.entry(table.name())))) {
            throw refused(bound, "it isn't read alone");
        }
        Wanted wanted = Wanted.of(table, access, project.getRowType().getFieldNames(), resolver);
        if (!held.containsAll(wanted.conditions())) {
            throw refused(bound, "a row filter is missing");
        }
        for (int i = 0; i < project.getProjects().size(); i++) {
            String column = Guard.lower(project.getRowType().getFieldNames().get(i));
            if (access.columns().isPresent() && !access.columns().get().contains(column)) {
                throw refused(bound, "a column is shown that isn't granted");
            }
            String value =
                    access.masks().containsKey(column)
                            ? wanted.masks().get(column)
                            : "$" + position(scan, column);
            if (!project.getProjects().get(i).toString().equals(value)) {
                throw refused(bound, "a mask is missing");
            }
        }
    }

    private static int position(TableScan scan, String column) {
        List<String> names = scan.getRowType().getFieldNames();
        for (int i = 0; i < names.size(); i++) {
            if (names.get(i).equalsIgnoreCase(column)) {
                return i;
            }
        }
        // hidden ones stand behind those that are listed
        return java.util.Objects.requireNonNull(scan.getRowType().getField(column, false, false))
                .getIndex();
    }

    /**
     * What a table's filters and masks are in algebra over the table alone.
     *
     * @param conditions each of which has to hold
     * @param masks of the columns that are shown, by their names in lower case
     */
    private record Wanted(Set<String> conditions, Map<String, String> masks) {
        static Wanted of(
                SqlTable table, Access access, List<String> shown, TableResolver resolver) {
            List<String> masked =
                    shown.stream().map(Guard::lower).filter(access.masks()::containsKey).toList();
            if (access.filters().isEmpty() && masked.isEmpty()) {
                return new Wanted(Set.of(), Map.of());
            }
            SqlNodeList items = new SqlNodeList(SqlParserPos.ZERO);
            masked.forEach(column -> items.add(mask(table, column, access)));
            if (items.isEmpty()) {
                items.add(
                        new SqlIdentifier(
                                table.columns().findFirst().orElseThrow().name(),
                                SqlParserPos.ZERO));
            }
            SqlNode where = null;
            for (SqlText filter : access.filters()) {
                SqlNode condition = Guard.expression(filter, access.attributes());
                where =
                        where == null
                                ? condition
                                : SqlStdOperatorTable.AND.createCall(
                                        SqlParserPos.ZERO, where, condition);
            }
            Binder.Tree tree =
                    new Binder(resolver, Position.QUERY, AccessPolicy.ALL, Optional.empty())
                            .tree(Language.select(items, Guard.from(table), where));
            Project project = (Project) Algebra.of(tree.node(), tables(tree.tables()));
            Set<String> conditions = new HashSet<>();
            if (project.getInput() instanceof Filter filter) {
                RelOptUtil.conjunctions(filter.getCondition())
                        .forEach(condition -> conditions.add(condition.toString()));
            }
            Map<String, String> masks = new HashMap<>();
            for (int i = 0; i < masked.size(); i++) {
                masks.put(masked.get(i), project.getProjects().get(i).toString());
            }
            return new Wanted(conditions, masks);
        }

        private static SqlNode mask(SqlTable table, String column, Access access) {
            return Guard.masked(
                    table.columns()
                            .filter(c -> c.name().equalsIgnoreCase(column))
                            .findFirst()
                            .orElseThrow(),
                    Guard.expression(
                            java.util.Objects.requireNonNull(access.masks().get(column)),
                            access.attributes()),
                    SqlTypes.factory());
        }
    }

    private static List<SqlTable> tables(BoundQuery query) {
        return tables(query.tables());
    }

    private static List<SqlTable> tables(List<BoundTable> tables) {
        return tables.stream().map(BoundTable::table).distinct().toList();
    }

    /**
     * Asks of a printed statement whether the printer left anything of a guard out: the guard
     * stands in it whole, and in the guard every name and every value of its filter.
     *
     * @throws LakeException INTERNAL if it doesn't
     */
    static void checkPrinted(
            String printed, List<BoundTable> tables, List<String> fragments, SqlDialect dialect) {
        for (int i = 0; i < tables.size(); i++) {
            BoundTable bound = tables.get(i);
            if (bound.guard().isEmpty()) {
                continue;
            }
            String text = fragments.get(i);
            if (!printed.contains(text)) {
                throw refused(bound, "its guard wasn't printed");
            }
            SqlNode tree = bound.guard().get().tree();
            SqlNode select =
                    tree instanceof org.apache.calcite.sql.SqlOrderBy ordered
                            ? ordered.query
                            : tree;
            SqlNode where = ((SqlSelect) select).getWhere();
            if (where == null) {
                continue;
            }
            int at = text.lastIndexOf("WHERE");
            if (at < 0) {
                throw refused(bound, "its row filter wasn't printed");
            }
            where.accept(
                    new SqlBasicVisitor<@Nullable Void>() {
                        @Override
                        public @Nullable Void visit(SqlIdentifier id) {
                            // a table is printed as what the engine reads it from
                            return id instanceof TableNode ? null : printed(id.names.getLast());
                        }

                        @Override
                        public @Nullable Void visit(SqlLiteral literal) {
                            return literal instanceof SqlCharStringLiteral value
                                    ? printed(escaped(value.getValueAs(String.class)))
                                    : null;
                        }

                        /** A text as the engine writes it, without the quotes around it. */
                        private String escaped(String value) {
                            StringBuilder text = new StringBuilder();
                            dialect.quoteStringLiteral(text, null, value);
                            return text.substring(1, text.length() - 1);
                        }

                        private @Nullable Void printed(String part) {
                            if (!part.isEmpty() && !text.contains(part)) {
                                throw refused(bound, "its row filter wasn't printed whole");
                            }
                            return null;
                        }
                    });
        }
    }

    private static LakeException refused(BoundTable bound, String why) {
        return new LakeException(
                ErrorCode.INTERNAL,
                "Policy was not applied to " + bound.table().name() + ": " + why);
    }
}
