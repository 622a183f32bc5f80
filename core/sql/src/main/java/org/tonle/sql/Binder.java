package org.tonle.sql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.calcite.config.NullCollation;
import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.calcite.rel.type.RelDataTypeField;
import org.apache.calcite.runtime.CalciteContextException;
import org.apache.calcite.sql.JoinConditionType;
import org.apache.calcite.sql.SqlJoin;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.SqlUtil;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.validate.SelectScope;
import org.apache.calcite.sql.validate.SqlValidator;
import org.apache.calcite.sql.validate.SqlValidatorImpl;
import org.apache.calcite.sql.validate.SqlValidatorNamespace;
import org.apache.calcite.sql.validate.SqlValidatorScope;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.LakeException;

/** Binds one parsed statement: the only maker of bound statements. Not for use by two threads. */
final class Binder {
    private final TableResolver resolver;
    private final Position position;
    private final AccessPolicy policy;
    private final Optional<TableName> dataset;
    private final RelDataTypeFactory types = SqlTypes.factory();

    /**
     * @param dataset whose SELECT it is; empty for a query
     */
    Binder(
            TableResolver resolver,
            Position position,
            AccessPolicy policy,
            Optional<TableName> dataset) {
        this.resolver = resolver;
        this.position = position;
        this.policy = policy;
        this.dataset = dataset;
    }

    BoundQuery bind(SqlNode parsed) {
        Tree tree = tree(parsed);
        if (policy != AccessPolicy.ALL) {
            PolicyCheck.check(tree.node(), tree.tables(), policy, resolver);
        }
        return new BoundQuery(tree.node(), tree.tables(), tree.schema(), Optional.of(position));
    }

    /** A dataset's columns have names of their own, each another. */
    private void checkNames(RelDataType row, TableName of) {
        Set<String> names = new HashSet<>();
        for (RelDataTypeField field : row.getFieldList()) {
            String column = field.getName();
            String problem = null;
            if (column.startsWith("EXPR$")) {
                problem =
                        "column "
                                + (field.getIndex() + 1)
                                + " of "
                                + of
                                + " needs a name: write AS and one after it";
            } else if (SqlTable.isOwn(column)) {
                problem = "a column of " + of + " can't be called " + column + ": Tonle uses it";
            } else if (!names.add(column.toLowerCase(Locale.ROOT))) {
                problem =
                        "two columns of "
                                + of
                                + " are called "
                                + column
                                + "; name one differently with AS";
            }
            if (problem != null) {
                throw SqlErrors.invalid(position, SqlParserPos.ZERO, problem);
            }
        }
    }

    /** A bound statement in parts. */
    record Tree(SqlNode node, List<BoundTable> tables, Schema schema) {}

    Tree tree(SqlNode statement) {
        Extent.check(statement, position);
        SqlNode parsed = java.util.Objects.requireNonNull(statement.accept(new Spelling(position)));
        Language.checkParsed(parsed, position);
        Map<TableName, LakeCatalog.Seen> found = new LinkedHashMap<>();
        FromClauses.names(parsed, position, resolver.namespace())
                .forEach((name, pos) ->
                        found.computeIfAbsent(
                                new TableName(
                                        name.namespace().toLowerCase(Locale.ROOT),
                                        name.name().toLowerCase(Locale.ROOT),
                                        name.at()),
                                key ->
                                        seen(checkedState(name, pos))
                                                .orElseThrow(() -> noTable(name, pos))));
        Validator validator =
                new Validator(new LakeCatalog(found.values(), types), types, position);
        SqlNode tree;
        try {
            tree = validator.validate(parsed);
        } catch (CalciteContextException e) {
            throw translate(e, found);
        }
        RelDataType row = validator.getValidatedNodeType(tree);
        dataset.ifPresent(name -> checkNames(row, name));
        tree = java.util.Objects.requireNonNull(tree.accept(new Normalization(validator)));
        Language.checkBound(tree, position);
        boolean barrier = !LeakProof.isHarmless(tree);
        Map<TableName, BoundQuery> guards = new HashMap<>();
        List<BoundTable> tables =
                FromClauses.replace(
                        tree,
                        validator,
                        (table, access, used) ->
                                guards.computeIfAbsent(
                                        table.name(),
                                        name ->
                                                Guard.bind(
                                                        table, access, used, barrier, resolver,
                                                        types)));
        PlanSize.check(tree, tables, position);
        return new Tree(tree, tables, schema(row));
    }

    private Optional<LakeCatalog.Seen> seen(TableName name) {
        return resolver.table(name)
                .flatMap(table ->
                        policy.of(table.name()).map(access -> new LakeCatalog.Seen(table, access)));
    }

    /** A table that isn't seen is answered like one that isn't there. */
    private LakeException noTable(TableName name, SqlParserPos pos) {
        return SqlErrors.noTable(
                position,
                pos,
                name,
                resolver.names().stream().filter(n -> policy.of(n).isPresent()).toList());
    }

    /** A dataset that read a fixed state would never be computed again. */
    private TableName checkedState(TableName name, SqlParserPos pos) {
        if (dataset.isPresent() && name.at().isPresent()) {
            throw SqlErrors.unsupported(
                    position, pos, "a dataset reads its inputs as they are; leave AS OF out");
        }
        return name;
    }

    private LakeException translate(
            CalciteContextException e, Map<TableName, LakeCatalog.Seen> found) {
        TreeSet<String> columns = new TreeSet<>();
        found.values()
                .forEach(t ->
                        t.shown().columns().map(Types.NestedField::name).forEach(columns::add));
        return SqlErrors.of(position, e, columns);
    }

    /** The second column of a name gets another: {@code id, id_2}. */
    private static Schema schema(RelDataType row) {
        SqlTypes.FieldIds ids = new SqlTypes.FieldIds(row.getFieldCount());
        List<Types.NestedField> fields = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (RelDataTypeField field : row.getFieldList()) {
            String name = field.getName();
            for (int i = 2; !names.add(name.toLowerCase(Locale.ROOT)); i++) {
                name = field.getName() + "_" + i;
            }
            fields.add(
                    SqlTypes.field(
                            field.getIndex() + 1,
                            field.getType().isNullable(),
                            name,
                            SqlTypes.toIceberg(field.getType(), "Column " + name, ids)));
        }
        return new Schema(fields);
    }

    /** Ends when the statement's time is over, and where a row becomes too wide. */
    static final class Validator extends SqlValidatorImpl {
        private final Position position;

        Validator(LakeCatalog catalog, RelDataTypeFactory types, Position position) {
            super(
                    Language.OPERATORS,
                    catalog.reader(),
                    types,
                    SqlValidator.Config.DEFAULT
                            .withIdentifierExpansion(true)
                            .withTypeCoercionEnabled(true)
                            .withDefaultNullCollation(NullCollation.LAST)
                            .withConformance(Language.CONFORMANCE));
            this.position = position;
        }

        @Override
        protected void validateNamespace(SqlValidatorNamespace namespace, RelDataType target) {
            try {
                super.validateNamespace(namespace, target);
            } catch (LakeTypeFactory.TooWide e) {
                SqlNode node = namespace.getNode();
                throw SqlErrors.unsupported(
                        position,
                        node == null ? SqlParserPos.ZERO : node.getParserPosition(),
                        String.valueOf(e.getMessage()));
            }
        }

        /** Where {@code *} becomes columns, before they are a row. */
        @Override
        protected void addToSelectList(
                List<SqlNode> list,
                Set<String> aliases,
                List<Map.Entry<String, RelDataType>> fields,
                SqlNode item,
                SelectScope scope,
                boolean includeSystemVars) {
            if (list.size() >= LakeTypeFactory.MAX_COLUMNS) {
                throw new LakeTypeFactory.TooWide();
            }
            super.addToSelectList(list, aliases, fields, item, scope, includeSystemVars);
        }

        @Override
        public RelDataType deriveType(SqlValidatorScope scope, SqlNode expression) {
            BigStack.check();
            return super.deriveType(scope, expression);
        }

        /** Calcite knows a column that USING or NATURAL joins in a list of columns only. */
        @Override
        protected void validateWhereClause(SqlSelect select) {
            if (select.getWhere() != null && joinsByName(select.getFrom())) {
                select.setWhere(common(select.getWhere(), select));
            }
            super.validateWhereClause(select);
        }

        @Override
        protected void validateGroupClause(SqlSelect select) {
            if (select.getGroup() != null && joinsByName(select.getFrom())) {
                for (int i = 0; i < select.getGroup().size(); i++) {
                    select.getGroup().set(i, common(select.getGroup().get(i), select));
                }
            }
            super.validateGroupClause(select);
        }

        private SqlNode common(SqlNode node, SqlSelect select) {
            SelectScope scope =
                    (SelectScope) java.util.Objects.requireNonNull(getWhereScope(select));
            return SqlUtil.stripAs(expandSelectExpr(node, scope, select, Map.of()));
        }

        private static boolean joinsByName(@Nullable SqlNode from) {
            return from instanceof SqlJoin join
                    && (join.isNatural()
                            || join.getConditionType() == JoinConditionType.USING
                            || joinsByName(join.getLeft())
                            || joinsByName(join.getRight()));
        }
    }
}
