package org.tonle.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlCharStringLiteral;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlOrderBy;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.type.SqlTypeUtil;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.apache.calcite.sql.util.SqlShuttle;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.SqlText;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * What stands in the place of a table that is not seen whole: {@code SELECT columns, masks FROM
 * table WHERE filters}. It is bound with the rights of whoever wrote the policy, so it may read
 * what the principal may not.
 */
final class Guard {
    private static final SqlParserPos ZERO = SqlParserPos.ZERO;

    private Guard() {}

    /** A table as it is shown: columns that aren't granted are not there. */
    static SqlTable shown(SqlTable table, Access access) {
        List<Types.NestedField> stored = new ArrayList<>();
        for (Types.NestedField column : table.schema().columns()) {
            if (isShown(column.name(), access)) {
                boolean masked = access.masks().containsKey(lower(column.name()));
                // a mask may be NULL where the column never is
                stored.add(masked ? column.asOptional() : column);
            }
        }
        return new SqlTable(
                table.name(),
                new Schema(stored),
                table.onRead().stream().filter(c -> isShown(c.name(), access)).toList(),
                table.key().filter(key -> isShown(key, access)),
                table.only());
    }

    private static boolean isShown(String column, Access access) {
        return access.columns().map(columns -> columns.contains(lower(column))).orElse(true);
    }

    /**
     * Binds the guard of a table.
     *
     * @param used the columns that the statement names, in lower case; the rest is left out
     * @param barrier whether nothing of the statement may be computed for rows that aren't seen
     */
    static BoundQuery bind(
            SqlTable table,
            Access access,
            Set<String> used,
            boolean barrier,
            TableResolver resolver,
            RelDataTypeFactory types) {
        try {
            return new Binder(resolver, Position.QUERY, AccessPolicy.ALL, Optional.empty())
                    .bind(select(table, access, used, barrier, types))
                    .withoutPosition();
        } catch (LakeException e) {
            throw new LakeException(
                    ErrorCode.INVALID_DEFINITION,
                    "The row filter or a mask of "
                            + table.name()
                            + " doesn't fit its columns, so it can't be read; tell whoever keeps"
                            + " its policy",
                    e);
        }
    }

    /**
     * Binds one filter, or the mask of one column, over a table that is seen whole.
     *
     * @param masked the column; null: the text is a filter
     * @throws LakeException with the place in the text's file
     */
    static BoundQuery check(
            SqlTable table,
            Types.@Nullable NestedField masked,
            SqlText text,
            TableResolver resolver,
            RelDataTypeFactory types) {
        SqlNode expression = expression(text, Map.of());
        SqlNode item =
                masked == null
                        ? new SqlIdentifier(table.columns().findFirst().orElseThrow().name(), ZERO)
                        : masked(masked, expression, types);
        return new Binder(resolver, Position.of(text.place()), AccessPolicy.ALL, Optional.empty())
                .bind(
                        Language.select(
                                SqlNodeList.of(item),
                                from(table),
                                masked == null ? expression : null));
    }

    private static SqlNode select(
            SqlTable table,
            Access access,
            Set<String> used,
            boolean barrier,
            RelDataTypeFactory types) {
        SqlNodeList items = new SqlNodeList(ZERO);
        List<Types.NestedField> shown = shown(table, access).columns().toList();
        for (Types.NestedField column : shown) {
            if (used.contains(lower(column.name()))
                    || (items.isEmpty() && column.equals(shown.getLast()))) {
                items.add(item(column, access, types));
            }
        }
        SqlNode where = null;
        for (SqlText filter : access.filters()) {
            SqlNode condition = expression(filter, access.attributes());
            where =
                    where == null
                            ? condition
                            : SqlStdOperatorTable.AND.createCall(ZERO, where, condition);
        }
        SqlSelect select = Language.select(items, from(table), where);
        return barrier && where != null
                // no engine computes beforehand, for rows that may not come, what stands above
                ? new SqlOrderBy(
                        ZERO,
                        select,
                        SqlNodeList.EMPTY,
                        null,
                        SqlLiteral.createExactNumeric(Long.toString(Long.MAX_VALUE), ZERO))
                : select;
    }

    private static SqlNode item(Types.NestedField column, Access access, RelDataTypeFactory types) {
        SqlIdentifier name = new SqlIdentifier(column.name(), ZERO);
        SqlText mask = access.masks().get(lower(column.name()));
        if (mask == null) {
            return name;
        }
        return SqlStdOperatorTable.AS.createCall(
                ZERO, masked(column, expression(mask, access.attributes()), types), name);
    }

    /** A mask in the type of its column. */
    static SqlNode masked(Types.NestedField column, SqlNode value, RelDataTypeFactory types) {
        return SqlStdOperatorTable.CAST.createCall(
                ZERO,
                value,
                SqlTypeUtil.convertTypeToSpec(SqlTypes.toCalcite(types, column.type(), true)));
    }

    /** The table in FROM, in its state. */
    static SqlNode from(SqlTable table) {
        SqlIdentifier name =
                new SqlIdentifier(List.of(table.name().namespace(), table.name().name()), ZERO);
        return table.name().at().<SqlNode>map(at -> Times.snapshot(name, at)).orElse(name);
    }

    /** Parses a filter or a mask, and puts the principal's attributes into it. */
    static SqlNode expression(SqlText text, Map<String, String> attributes) {
        Position position = Position.of(text.place());
        SqlNode parsed = Language.parseExpression(text.text(), position);
        parsed.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        if (call instanceof SqlSelect) {
                            // a subquery aggregates for itself
                            return null;
                        }
                        if (call.getKind() == SqlKind.OVER
                                || call.getOperator().isAggregator()
                                || Vocabulary.isAggregate(call.getOperator().getName())) {
                            throw SqlErrors.unsupported(
                                    position,
                                    call.getParserPosition(),
                                    "a filter or a mask looks at one row; "
                                            + call.getOperator().getName()
                                            + " looks at many");
                        }
                        return super.visit(call);
                    }
                });
        return java.util.Objects.requireNonNull(
                parsed.accept(
                        new SqlShuttle() {
                            @Override
                            public @Nullable SqlNode visit(SqlCall call) {
                                return isAttribute(call)
                                        ? attribute(call, attributes, position)
                                        : super.visit(call);
                            }
                        }));
    }

    private static boolean isAttribute(SqlCall call) {
        return call.getOperator() instanceof SqlFunction function
                && function.getName().equalsIgnoreCase("PRINCIPAL_ATTRIBUTE");
    }

    private static SqlNode attribute(
            SqlCall call, Map<String, String> attributes, Position position) {
        if (call.operandCount() != 1 || !(call.operand(0) instanceof SqlCharStringLiteral name)) {
            throw SqlErrors.invalid(
                    position,
                    call.getParserPosition(),
                    "principal_attribute takes the name of an attribute, such as 'region'");
        }
        String value = attributes.get(name.getValueAs(String.class));
        SqlParserPos pos = call.getParserPosition();
        return value == null
                // whoever lacks the attribute sees nothing that depends on it
                ? SqlStdOperatorTable.CAST.createCall(
                        pos, SqlLiteral.createNull(pos), SqlTypes.varchar(pos))
                : SqlLiteral.createCharString(value, pos);
    }

    static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
