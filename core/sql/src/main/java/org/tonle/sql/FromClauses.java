package org.tonle.sql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
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
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.apache.calcite.sql.validate.SqlValidator;
import org.apache.calcite.sql.validate.SqlValidatorNamespace;
import org.apache.calcite.sql.validate.SqlValidatorTable;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/** The tables that the FROM clauses of a statement name, wherever in it they stand. */
final class FromClauses {
    private FromClauses() {}

    /** The tables of a parsed statement with the place of each one's first mention. */
    static Map<TableName, SqlParserPos> names(SqlNode statement, Position position) {
        return names(statement, position, Optional.empty());
    }

    /**
     * The tables of a parsed statement with the place of each one's first mention; a name that has
     * none is given the namespace.
     */
    static Map<TableName, SqlParserPos> names(
            SqlNode statement, Position position, Optional<String> namespace) {
        Names names = new Names(position, namespace);
        names.walk(statement, Map.of());
        return names.found;
    }

    /** Makes what stands in the place of a table that isn't seen whole. */
    @FunctionalInterface
    interface Guards {
        BoundQuery of(SqlTable table, Access access, Set<String> used);
    }

    /** Goes through a statement with the names that WITH gives at each place, by lower case. */
    private static final class Names {
        private final Position position;
        private final Optional<String> namespace;
        private final Map<TableName, SqlParserPos> found = new LinkedHashMap<>();

        Names(Position position, Optional<String> namespace) {
            this.position = position;
            this.namespace = namespace;
        }

        void walk(@Nullable SqlNode node, Map<String, String> with) {
            switch (node) {
                case SqlWith clause -> walk(clause.body, scope(clause, with));
                case SqlOrderBy ordered -> {
                    Map<String, String> inner = with;
                    if (ordered.query instanceof SqlWith clause) {
                        inner = scope(clause, with);
                        walk(clause.body, inner);
                    } else {
                        walk(ordered.query, with);
                    }
                    walk(ordered.orderList, inner);
                }
                case SqlSelect select -> {
                    if (select.getFrom() != null) {
                        select.setFrom(from(select.getFrom(), with));
                    }
                    for (SqlNode part : select.getOperandList()) {
                        if (part != select.getFrom()) {
                            walk(part, with);
                        }
                    }
                }
                case SqlNodeList list -> list.forEach(item -> walk(item, with));
                case SqlCall call -> call.getOperandList().forEach(part -> walk(part, with));
                case null, default -> {}
            }
        }

        /** The names there are after a WITH; one is known to those that follow it. */
        private Map<String, String> scope(SqlWith clause, Map<String, String> outer) {
            Map<String, String> names = new HashMap<>(outer);
            for (SqlNode node : clause.withList) {
                SqlWithItem item = (SqlWithItem) node;
                String name = item.name.getSimple();
                Map<String, String> inner = new HashMap<>(names);
                if (item.recursive.booleanValue()) {
                    inner.put(name.toLowerCase(Locale.ROOT), name);
                }
                walk(item.query, inner);
                names.put(name.toLowerCase(Locale.ROOT), name);
            }
            return names;
        }

        private SqlNode from(SqlNode from, Map<String, String> with) {
            switch (from.getKind()) {
                case IDENTIFIER -> {
                    return table((SqlIdentifier) from, with);
                }
                case JOIN -> {
                    SqlJoin join = (SqlJoin) from;
                    join.setLeft(from(join.getLeft(), with));
                    join.setRight(from(join.getRight(), with));
                    walk(join.getCondition(), with);
                }
                case AS -> {
                    SqlCall as = (SqlCall) from;
                    SqlNode table = as.operand(0);
                    if (as.operandCount() > 2
                            && ((table instanceof SqlIdentifier id && !isWith(id, with))
                                    || table.getKind() == SqlKind.TABLE_REF)) {
                        // which columns a table has, and in what order, isn't fixed
                        throw SqlErrors.unsupported(
                                position,
                                from.getParserPosition(),
                                "columns of a table can't be renamed by a list; name them in a"
                                        + " subquery, or in WITH");
                    }
                    as.setOperand(
                            0,
                            table.getKind() == SqlKind.SNAPSHOT
                                    ? snapshot((SqlCall) table, with)
                                    : from(table, with));
                }
                case TABLE_REF -> {
                    SqlCall reference = (SqlCall) from;
                    if (((SqlNodeList) reference.operand(1)).size() > 0) {
                        throw SqlErrors.unsupported(
                                position,
                                from.getParserPosition(),
                                "hints are not taken; leave them out");
                    }
                    reference.setOperand(0, from(reference.operand(0), with));
                }
                case SNAPSHOT -> {
                    SqlIdentifier table = snapshot((SqlCall) from, with);
                    // the name it has in the catalog says when; here it has its own
                    return SqlStdOperatorTable.AS.createCall(
                            from.getParserPosition(),
                            table,
                            new SqlIdentifier(
                                    ((SqlIdentifier) ((SqlCall) from).operand(0)).names.getLast(),
                                    from.getParserPosition()));
                }
                case LATERAL -> {
                    SqlCall lateral = (SqlCall) from;
                    lateral.setOperand(0, from(lateral.operand(0), with));
                }
                default -> walk(from, with);
            }
            return from;
        }

        private static boolean isWith(SqlIdentifier id, Map<String, String> with) {
            return id.isSimple() && with.containsKey(id.getSimple().toLowerCase(Locale.ROOT));
        }

        private SqlIdentifier snapshot(SqlCall snapshot, Map<String, String> with) {
            if (!(snapshot.operand(0) instanceof SqlIdentifier id) || isWith(id, with)) {
                throw SqlErrors.unsupported(
                        position,
                        snapshot.getParserPosition(),
                        "AS OF is said of a table; say it of those inside");
            }
            return table(id, Optional.of(Times.asOf(snapshot.operand(1), position)));
        }

        private SqlIdentifier table(SqlIdentifier id, Map<String, String> with) {
            String name = id.isSimple() ? with.get(id.getSimple().toLowerCase(Locale.ROOT)) : null;
            return name == null
                    ? table(id, Optional.empty())
                    // the validator looks it up by its letters
                    : new SqlIdentifier(name, id.getParserPosition());
        }

        private SqlIdentifier table(SqlIdentifier id, Optional<AsOf> at) {
            if (id.names.size() > 2) {
                throw SqlErrors.invalid(
                        position,
                        id.getParserPosition(),
                        "'" + id + "' has too many parts; a table is written namespace.name");
            }
            if (id.isSimple() && namespace.isEmpty()) {
                throw SqlErrors.invalid(
                        position,
                        id.getParserPosition(),
                        "'"
                                + id
                                + "' names no table; write it with its namespace, such as silver."
                                + id);
            }
            TableName name =
                    id.isSimple()
                            ? new TableName(namespace.orElseThrow(), id.getSimple(), at)
                            : new TableName(id.names.get(0), id.names.get(1), at);
            found.putIfAbsent(name, id.getParserPosition());
            return new SqlIdentifier(
                    List.of(name.namespace(), LakeCatalog.entry(name)),
                    null,
                    id.getParserPosition(),
                    null);
        }
    }

    /** Puts a {@link TableNode} where a validated statement names a table; gives what they are. */
    static List<BoundTable> replace(SqlNode validated, SqlValidator validator, Guards guards) {
        Set<String> used = Identifiers.names(validated);
        boolean[] all = new boolean[1];
        validated.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        // a natural join's columns are nowhere named
                        all[0] |= call instanceof SqlJoin join && join.isNatural();
                        return super.visit(call);
                    }
                });
        List<BoundTable> tables = new ArrayList<>();
        validated.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        if (call instanceof SqlSelect select && select.getFrom() != null) {
                            select.setFrom(substitute(select.getFrom()));
                        }
                        return super.visit(call);
                    }

                    private SqlNode substitute(SqlNode from) {
                        if (from instanceof SqlIdentifier id && !(from instanceof TableNode)) {
                            return table(id);
                        } else if (from instanceof SqlJoin join) {
                            join.setLeft(substitute(join.getLeft()));
                            join.setRight(substitute(join.getRight()));
                        } else if (from.getKind() == SqlKind.TABLE_REF) {
                            return substitute(((SqlCall) from).operand(0));
                        } else if (from.getKind() == SqlKind.AS
                                || from.getKind() == SqlKind.LATERAL) {
                            SqlCall call = (SqlCall) from;
                            call.setOperand(0, substitute(call.operand(0)));
                        }
                        return from;
                    }

                    private boolean isUsed(String column) {
                        return all[0] || used.contains(column.toLowerCase(Locale.ROOT));
                    }

                    private SqlNode table(SqlIdentifier id) {
                        SqlValidatorNamespace namespace = validator.getNamespace(id);
                        SqlValidatorTable table = namespace == null ? null : namespace.getTable();
                        LakeCatalog.Bound bound =
                                table == null ? null : table.unwrap(LakeCatalog.Bound.class);
                        if (bound == null) {
                            return id;
                        }
                        if (bound.seen().access().isRestricted()) {
                            SqlTable whole = bound.seen().whole();
                            Set<String> columns =
                                    all[0]
                                            ? bound.table()
                                                    .columns()
                                                    .map(column -> Guard.lower(column.name()))
                                                    .collect(Collectors.toSet())
                                            : used;
                            tables.add(
                                    new BoundTable(
                                            whole,
                                            List.of(),
                                            List.of(),
                                            Optional.of(
                                                    guards.of(
                                                            whole,
                                                            bound.seen().access(),
                                                            columns))));
                            return new TableNode(
                                    whole.name(), tables.size() - 1, id.getParserPosition());
                        }
                        tables.add(
                                new BoundTable(
                                        bound.table(),
                                        bound.table().schema().columns().stream()
                                                .map(Types.NestedField::name)
                                                .filter(this::isUsed)
                                                .toList(),
                                        bound.table().onRead().stream()
                                                .filter(column -> isUsed(column.name()))
                                                .toList(),
                                        Optional.empty()));
                        return new TableNode(
                                bound.table().name(), tables.size() - 1, id.getParserPosition());
                    }
                });
        return tables;
    }
}
