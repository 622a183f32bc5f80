package org.tonle.sql;

import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlFunctionCategory;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlOperatorBinding;
import org.apache.calcite.sql.type.InferTypes;
import org.apache.calcite.sql.type.OperandTypes;
import org.apache.calcite.sql.type.SqlTypeFamily;
import org.apache.calcite.sql.type.SqlTypeName;

/**
 * {@code TIMEZONE('Europe/Zurich', t)}, as PostgreSQL has it: an instant becomes what clocks there
 * showed, and what a clock there showed becomes an instant.
 */
final class Timezone extends SqlFunction {
    static final Timezone INSTANCE = new Timezone();

    private Timezone() {
        super(
                "TIMEZONE",
                SqlKind.OTHER_FUNCTION,
                Timezone::result,
                InferTypes.FIRST_KNOWN,
                OperandTypes.family(SqlTypeFamily.CHARACTER, SqlTypeFamily.TIMESTAMP),
                SqlFunctionCategory.TIMEDATE);
    }

    private static RelDataType result(SqlOperatorBinding call) {
        RelDataTypeFactory types = call.getTypeFactory();
        SqlTypeName other =
                call.getOperandType(1).getSqlTypeName() == SqlTypeName.TIMESTAMP
                        ? SqlTypeName.TIMESTAMP_WITH_LOCAL_TIME_ZONE
                        : SqlTypeName.TIMESTAMP;
        return types.createTypeWithNullability(
                types.createSqlType(other, LakeTypeSystem.TIME_PRECISION),
                call.getOperandType(0).isNullable() || call.getOperandType(1).isNullable());
    }
}
