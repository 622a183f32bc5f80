package org.tonle.sql;

import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.sql.SqlBasicTypeNameSpec;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
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
 * which is not so everywhere: it gets an operator of its own. What the validator notes about NULLs
 * for its own use is taken out.
 */
final class Normalization extends SqlShuttle {
    private final SqlValidator validator;

    Normalization(SqlValidator validator) {
        this.validator = validator;
    }

    @Override
    public @Nullable SqlNode visit(SqlCall call) {
        if (call.getOperator().getName().equals("CAST NOT NULL")) {
            return call.operand(0).accept(this);
        }
        if (call.getKind() == SqlKind.CAST && call.operand(0).getKind() == SqlKind.AS) {
            // the validator names what it casts when USING joins columns of two types
            SqlCall named = call.operand(0);
            return call.getOperator()
                    .createCall(call.getParserPosition(), named.operand(0), call.operand(1))
                    .accept(this);
        }
        boolean date = isDate(call);
        boolean whole = call.getKind() == SqlKind.DIVIDE && isWhole(call);
        boolean exact = call.getKind() == SqlKind.DIVIDE && isExactToDouble(call);
        SqlNode visited = super.visit(call);
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
