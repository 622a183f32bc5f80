package org.tonle.sql;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.apache.calcite.config.NullCollation;
import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.calcite.rel.type.RelDataTypeField;
import org.apache.calcite.runtime.CalciteContextException;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.validate.SqlValidator;
import org.apache.calcite.sql.validate.SqlValidatorImpl;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Binds one parsed statement: the only maker of bound statements. Not for use by two threads. */
final class Binder {
    private final TableResolver resolver;
    private final Position position;
    private final RelDataTypeFactory types = SqlTypes.factory();

    Binder(TableResolver resolver, Position position) {
        this.resolver = resolver;
        this.position = position;
    }

    BoundQuery bind(SqlNode parsed) {
        Tree tree = tree(parsed);
        return new BoundQuery(tree.node(), tree.tables(), tree.schema());
    }

    /** A dataset's columns have names of their own. */
    static void checkName(String column, TableName dataset, Position position) {
        if (column.startsWith("EXPR$")) {
            throw SqlErrors.invalid(
                    position,
                    SqlParserPos.ZERO,
                    "column "
                            + (Integer.parseInt(column.substring(5)) + 1)
                            + " of "
                            + dataset
                            + " needs a name: write AS and one after it");
        }
        if (SqlTable.isHidden(column)) {
            throw SqlErrors.invalid(
                    position,
                    SqlParserPos.ZERO,
                    "a column of " + dataset + " can't be called " + column + ": Tonle uses it");
        }
    }

    /** A bound statement in parts. */
    record Tree(SqlNode node, List<BoundTable> tables, Schema schema) {}

    Tree tree(SqlNode statement) {
        Language.checkParsed(statement, position);
        SqlNode parsed = java.util.Objects.requireNonNull(statement.accept(new Spelling(position)));
        Map<TableName, SqlTable> found = new LinkedHashMap<>();
        FromClauses.names(parsed, position)
                .forEach((name, pos) ->
                        found.computeIfAbsent(
                                new TableName(
                                        name.namespace().toLowerCase(Locale.ROOT),
                                        name.name().toLowerCase(Locale.ROOT)),
                                key ->
                                        resolver.table(name)
                                                .orElseThrow(() ->
                                                        SqlErrors.noTable(
                                                                position,
                                                                pos,
                                                                name,
                                                                resolver.names()))));
        Validator validator = new Validator(new LakeCatalog(found.values(), types), types);
        SqlNode tree;
        try {
            tree = validator.validate(parsed);
        } catch (CalciteContextException e) {
            throw translate(e, found);
        }
        RelDataType row = validator.getValidatedNodeType(tree);
        tree = java.util.Objects.requireNonNull(tree.accept(new Normalization(validator)));
        Language.checkBound(tree, position);
        List<BoundTable> tables = FromClauses.replace(tree, validator);
        return new Tree(tree, tables, schema(row));
    }

    private LakeException translate(CalciteContextException e, Map<TableName, SqlTable> found) {
        TreeSet<String> columns = new TreeSet<>();
        found.values().forEach(t -> t.columns().map(Types.NestedField::name).forEach(columns::add));
        return SqlErrors.of(position, e, columns);
    }

    private Schema schema(RelDataType row) {
        SqlTypes.FieldIds ids = new SqlTypes.FieldIds(row.getFieldCount());
        List<Types.NestedField> fields = new ArrayList<>();
        for (RelDataTypeField field : row.getFieldList()) {
            fields.add(
                    SqlTypes.field(
                            field.getIndex() + 1,
                            field.getType().isNullable(),
                            field.getName(),
                            SqlTypes.toIceberg(field.getType(), "Column " + field.getName(), ids)));
        }
        try {
            return new Schema(fields);
        } catch (RuntimeException e) {
            throw new LakeException(
                    ErrorCode.INVALID_SQL,
                    "The columns of the result can't be told apart: " + e.getMessage(),
                    e);
        }
    }

    private static final class Validator extends SqlValidatorImpl {
        Validator(LakeCatalog catalog, RelDataTypeFactory types) {
            super(
                    Language.OPERATORS,
                    catalog.reader(),
                    types,
                    SqlValidator.Config.DEFAULT
                            .withIdentifierExpansion(true)
                            .withTypeCoercionEnabled(true)
                            .withDefaultNullCollation(NullCollation.LAST)
                            .withConformance(Language.CONFORMANCE));
        }
    }
}
