package org.tonle.sql;

import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.calcite.rel.type.RelDataTypeSystemImpl;
import org.apache.calcite.sql.type.SqlTypeName;
import org.apache.calcite.sql.type.SqlTypeUtil;
import org.jspecify.annotations.Nullable;

/**
 * What types results have where the standard leaves it open: sums of integers are BIGINT and
 * overflow is an error; means and quotients of decimals are DOUBLE; a decimal has up to 38 digits.
 */
final class LakeTypeSystem extends RelDataTypeSystemImpl {
    static final int MAX_DECIMAL_PRECISION = 38;
    static final int TIME_PRECISION = 6;

    @Override
    public int getMaxPrecision(SqlTypeName type) {
        return switch (type) {
            case DECIMAL -> MAX_DECIMAL_PRECISION;
            case TIME, TIMESTAMP, TIMESTAMP_TZ, TIMESTAMP_WITH_LOCAL_TIME_ZONE -> TIME_PRECISION;
            default -> super.getMaxPrecision(type);
        };
    }

    @Override
    public int getMaxScale(SqlTypeName type) {
        return type == SqlTypeName.DECIMAL ? MAX_DECIMAL_PRECISION : super.getMaxScale(type);
    }

    @Override
    public int getDefaultPrecision(SqlTypeName type) {
        return switch (type) {
            case TIME, TIMESTAMP, TIMESTAMP_TZ, TIMESTAMP_WITH_LOCAL_TIME_ZONE -> TIME_PRECISION;
            // what CAST(x AS DECIMAL) means: whole numbers
            case DECIMAL -> 18;
            default -> super.getDefaultPrecision(type);
        };
    }

    @Override
    public RelDataType deriveSumType(RelDataTypeFactory types, RelDataType argument) {
        SqlTypeName sum =
                switch (argument.getSqlTypeName()) {
                    case TINYINT, SMALLINT, INTEGER, BIGINT -> SqlTypeName.BIGINT;
                    case REAL, FLOAT, DOUBLE -> SqlTypeName.DOUBLE;
                    default -> SqlTypeName.DECIMAL;
                };
        RelDataType type =
                sum == SqlTypeName.DECIMAL && SqlTypeUtil.isDecimal(argument)
                        ? types.createSqlType(sum, MAX_DECIMAL_PRECISION, argument.getScale())
                        : sum == SqlTypeName.DECIMAL ? argument : types.createSqlType(sum);
        return types.createTypeWithNullability(type, argument.isNullable());
    }

    @Override
    public RelDataType deriveAvgAggType(RelDataTypeFactory types, RelDataType argument) {
        return types.createTypeWithNullability(
                types.createSqlType(SqlTypeName.DOUBLE), argument.isNullable());
    }

    @Override
    public RelDataType deriveCovarType(
            RelDataTypeFactory types, RelDataType first, RelDataType second) {
        return types.createTypeWithNullability(
                types.createSqlType(SqlTypeName.DOUBLE), first.isNullable() || second.isNullable());
    }

    @Override
    public @Nullable RelDataType deriveDecimalDivideType(
            RelDataTypeFactory types, RelDataType dividend, RelDataType divisor) {
        return SqlTypeUtil.isExactNumeric(dividend)
                        && SqlTypeUtil.isExactNumeric(divisor)
                        && (SqlTypeUtil.isDecimal(dividend) || SqlTypeUtil.isDecimal(divisor))
                ? types.createTypeWithNullability(
                        types.createSqlType(SqlTypeName.DOUBLE),
                        dividend.isNullable() || divisor.isNullable())
                : super.deriveDecimalDivideType(types, dividend, divisor);
    }

    @Override
    public boolean shouldConvertRaggedUnionTypesToVarying() {
        return true;
    }
}
