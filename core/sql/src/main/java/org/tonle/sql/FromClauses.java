package org.tonle.sql;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlJoin;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.apache.calcite.sql.validate.SqlValidator;
import org.apache.calcite.sql.validate.SqlValidatorNamespace;
import org.apache.calcite.sql.validate.SqlValidatorTable;
import org.jspecify.annotations.Nullable;

/** The tables that the FROM clauses of a statement name, wherever in it they stand. */
final class FromClauses {
    private FromClauses() {}

    /** The two-part names of a parsed statement with the place of each one's first mention. */
    static Map<TableName, SqlParserPos> names(SqlNode statement, Position position) {
        Map<TableName, SqlParserPos> names = new LinkedHashMap<>();
        Set<String> withNames = new HashSet<>();
        statement.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        if (call instanceof org.apache.calcite.sql.SqlWithItem item) {
                            withNames.add(item.name.getSimple().toLowerCase(Locale.ROOT));
                        }
                        return super.visit(call);
                    }
                });
        statement.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        if (call instanceof SqlSelect select && select.getFrom() != null) {
                            collect(select.getFrom());
                        }
                        return super.visit(call);
                    }

                    private void collect(SqlNode from) {
                        if (from instanceof SqlIdentifier id) {
                            add(id);
                        } else if (from instanceof SqlJoin join) {
                            collect(join.getLeft());
                            collect(join.getRight());
                        } else if (from.getKind() == SqlKind.AS) {
                            SqlCall as = (SqlCall) from;
                            if (as.operandCount() > 2
                                    && (as.operand(0) instanceof SqlIdentifier
                                            || as.operand(0).getKind() == SqlKind.TABLE_REF)) {
                                // which columns a table has, and in what order, isn't fixed
                                throw SqlErrors.unsupported(
                                        position,
                                        from.getParserPosition(),
                                        "columns of a table can't be renamed by a list; name them"
                                                + " in a subquery, or in WITH");
                            }
                            collect(as.operand(0));
                        } else if (from.getKind() == SqlKind.TABLE_REF) {
                            if (((org.apache.calcite.sql.SqlNodeList) ((SqlCall) from).operand(1))
                                            .size()
                                    > 0) {
                                throw SqlErrors.unsupported(
                                        position,
                                        from.getParserPosition(),
                                        "hints are not taken; leave them out");
                            }
                            collect(((SqlCall) from).operand(0));
                        } else if (from.getKind() == SqlKind.LATERAL) {
                            collect(((SqlCall) from).operand(0));
                        }
                    }

                    private void add(SqlIdentifier id) {
                        if (id.names.size() == 2) {
                            names.putIfAbsent(
                                    new TableName(id.names.get(0), id.names.get(1)),
                                    id.getParserPosition());
                        } else if (id.names.size() > 2) {
                            throw SqlErrors.invalid(
                                    position,
                                    id.getParserPosition(),
                                    "'"
                                            + id
                                            + "' has too many parts; a table is written"
                                            + " namespace.name");
                        } else if (!withNames.contains(id.getSimple().toLowerCase(Locale.ROOT))) {
                            throw SqlErrors.invalid(
                                    position,
                                    id.getParserPosition(),
                                    "'"
                                            + id
                                            + "' names no table; write it with its namespace,"
                                            + " such as silver."
                                            + id);
                        }
                    }
                });
        return names;
    }

    /** Puts a {@link TableNode} where a validated statement names a table; gives what they are. */
    static List<BoundTable> replace(SqlNode validated, SqlValidator validator) {
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

                    private SqlNode table(SqlIdentifier id) {
                        SqlValidatorNamespace namespace = validator.getNamespace(id);
                        SqlValidatorTable table = namespace == null ? null : namespace.getTable();
                        LakeCatalog.Bound bound =
                                table == null ? null : table.unwrap(LakeCatalog.Bound.class);
                        if (bound == null) {
                            return id;
                        }
                        List<ReadColumn> onRead =
                                bound.table().onRead().stream()
                                        .filter(column ->
                                                all[0]
                                                        || used.contains(
                                                                column.name()
                                                                        .toLowerCase(Locale.ROOT)))
                                        .toList();
                        tables.add(new BoundTable(bound.table(), onRead));
                        return new TableNode(
                                bound.table().name(), tables.size() - 1, id.getParserPosition());
                    }
                });
        return tables;
    }
}
