package org.tonle.sql;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.sql.SqlBasicTypeNameSpec;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.fun.SqlLibraryOperators;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.type.SqlTypeName;
import org.apache.calcite.sql.type.SqlTypeUtil;
import org.apache.calcite.sql.util.SqlShuttle;
import org.apache.calcite.sql.validate.SqlValidator;
import org.jspecify.annotations.Nullable;

/**
 * Makes a validated tree say what engines would understand differently.
 *
 * <p>A date and an interval make a date, as the standard says; engines that make a timestamp of
 * them are told so by a cast, as are those that divide decimals. A quotient of integers is one,
 * which is not so everywhere: it gets an operator of its own. Rows are compared by their parts.
 * What the validator notes about NULLs and names for its own use is taken out.
 */
final class Normalization extends SqlShuttle {
    private final SqlValidator validator;

    /** The lists of columns on the way. */
    private final Set<SqlNodeList> selected = Collections.newSetFromMap(new IdentityHashMap<>());

    Normalization(SqlValidator validator) {
        this.validator = validator;
    }

    @Override
    public @Nullable SqlNode visit(SqlCall call) {
        if (call.getOperator().getName().equals("CAST NOT NULL")) {
            return call.operand(0).accept(this);
        }
        if (call instanceof SqlSelect select) {
            selected.add(select.getSelectList());
        } else if (call.getKind() != SqlKind.AS
                && call.getKind() != SqlKind.JOIN
                && call.getOperandList().stream().anyMatch(Normalization::isNamed)) {
            return call.getOperator()
                    .createCall(
                            call.getFunctionQuantifier(),
                            call.getParserPosition(),
                            call.getOperandList().stream().map(Normalization::unnamed).toList())
                    .accept(this);
        }
        boolean date = isDate(call);
        boolean whole = call.getKind() == SqlKind.DIVIDE && isWhole(call);
        boolean exact = call.getKind() == SqlKind.DIVIDE && isExactToDouble(call);
        SqlNode visited = super.visit(call);
        if (visited instanceof SqlCall compared) {
            Optional<SqlNode> parts = RowComparison.ofParts(compared);
            if (parts.isPresent()) {
                return parts.get();
            }
        }
        if (visited instanceof SqlCall named
                && named.getKind() == SqlKind.AS
                && named.operandCount() == 2
                && named.operand(0).getKind() == SqlKind.VALUES) {
            return withColumns(named, call.operand(0));
        }
        if (whole && visited instanceof SqlCall quotient) {
            return SqlStdOperatorTable.DIVIDE_INTEGER.createCall(
                    call.getParserPosition(), quotient.getOperandList());
        }
        if (exact && visited instanceof SqlCall quotient) {
            return SqlStdOperatorTable.DIVIDE.createCall(
                    call.getParserPosition(),
                    asDouble(quotient.operand(0)),
                    asDouble(quotient.operand(1)));
        }
        if (visited instanceof SqlCall size
                && call.getOperator().equals(SqlStdOperatorTable.CARDINALITY)
                && isArray(call.operand(0))) {
            return SqlLibraryOperators.ARRAY_LENGTH.createCall(
                    call.getParserPosition(), size.getOperandList());
        }
        if (!date || visited == null) {
            return visited;
        }
        return SqlStdOperatorTable.CAST.createCall(
                call.getParserPosition(),
                visited,
                new SqlDataTypeSpec(
                        new SqlBasicTypeNameSpec(SqlTypeName.DATE, call.getParserPosition()),
                        call.getParserPosition()));
    }

    /**
     * The validator names a column that USING joins wherever it stands; it may have a name only in
     * a list of columns.
     */
    @Override
    public @Nullable SqlNode visit(SqlNodeList list) {
        return selected.contains(list) || list.stream().noneMatch(Normalization::isNamed)
                ? super.visit(list)
                : super.visit(
                        new SqlNodeList(
                                list.stream().map(Normalization::unnamed).toList(),
                                list.getParserPosition()));
    }

    private static boolean isNamed(@Nullable SqlNode node) {
        return node != null && node.getKind() == SqlKind.AS;
    }

    private static @Nullable SqlNode unnamed(@Nullable SqlNode node) {
        return node != null && isNamed(node) ? ((SqlCall) node).operand(0) : node;
    }

    /** Each engine has names of its own for the columns of VALUES. */
    private SqlNode withColumns(SqlCall named, SqlNode values) {
        RelDataType type = validator.getValidatedNodeTypeIfKnown(values);
        if (type == null) {
            return named;
        }
        SqlParserPos pos = named.getParserPosition();
        List<SqlNode> operands = new ArrayList<>(named.getOperandList());
        type.getFieldNames().forEach(name -> operands.add(new SqlIdentifier(name, pos)));
        return named.getOperator().createCall(pos, operands);
    }

    /** Whether decimals are divided, which gives a DOUBLE here and a decimal elsewhere. */
    private boolean isExactToDouble(SqlCall call) {
        RelDataType type = validator.getValidatedNodeTypeIfKnown(call);
        return type != null
                && type.getSqlTypeName() == SqlTypeName.DOUBLE
                && call.getOperandList().stream()
                        .map(validator::getValidatedNodeTypeIfKnown)
                        .allMatch(
                                operand -> operand != null && SqlTypeUtil.isExactNumeric(operand));
    }

    private static SqlNode asDouble(SqlNode node) {
        SqlParserPos pos = node.getParserPosition();
        return SqlStdOperatorTable.CAST.createCall(
                pos,
                node,
                new SqlDataTypeSpec(new SqlBasicTypeNameSpec(SqlTypeName.DOUBLE, pos), pos));
    }

    private boolean isArray(SqlNode node) {
        RelDataType type = validator.getValidatedNodeTypeIfKnown(node);
        return type != null && type.getSqlTypeName() == SqlTypeName.ARRAY;
    }

    private boolean isWhole(SqlCall call) {
        RelDataType type = validator.getValidatedNodeTypeIfKnown(call);
        return type != null && SqlTypeName.INT_TYPES.contains(type.getSqlTypeName());
    }

    private boolean isDate(SqlCall call) {
        boolean arithmetic =
                switch (call.getKind()) {
                    case PLUS, MINUS, TIMESTAMP_ADD, FLOOR -> true;
                    default -> false;
                };
        if (!arithmetic) {
            return false;
        }
        RelDataType type = validator.getValidatedNodeTypeIfKnown(call);
        return type != null && type.getSqlTypeName() == SqlTypeName.DATE;
    }
}
