package org.tonle.sql;

import java.util.List;
import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.calcite.sql.SqlBasicTypeNameSpec;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.type.SqlTypeName;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Iceberg's types as Calcite's, and back. */
final class SqlTypes {
    private SqlTypes() {}

    static RelDataTypeFactory factory() {
        return new LakeTypeFactory();
    }

    static RelDataType toCalcite(RelDataTypeFactory types, Type type, boolean nullable) {
        RelDataType result =
                switch (type.typeId()) {
                    case BOOLEAN -> types.createSqlType(SqlTypeName.BOOLEAN);
                    case INTEGER -> types.createSqlType(SqlTypeName.INTEGER);
                    case LONG -> types.createSqlType(SqlTypeName.BIGINT);
                    case FLOAT -> types.createSqlType(SqlTypeName.REAL);
                    case DOUBLE -> types.createSqlType(SqlTypeName.DOUBLE);
                    case DATE -> types.createSqlType(SqlTypeName.DATE);
                    case TIME ->
                            types.createSqlType(SqlTypeName.TIME, LakeTypeSystem.TIME_PRECISION);
                    case TIMESTAMP ->
                            types.createSqlType(
                                    ((Types.TimestampType) type).shouldAdjustToUTC()
                                            ? SqlTypeName.TIMESTAMP_WITH_LOCAL_TIME_ZONE
                                            : SqlTypeName.TIMESTAMP,
                                    LakeTypeSystem.TIME_PRECISION);
                    case STRING -> types.createSqlType(SqlTypeName.VARCHAR);
                    case UUID -> types.createSqlType(SqlTypeName.UUID);
                    case FIXED, BINARY -> types.createSqlType(SqlTypeName.VARBINARY);
                    case DECIMAL -> {
                        Types.DecimalType decimal = (Types.DecimalType) type;
                        yield types.createSqlType(
                                SqlTypeName.DECIMAL, decimal.precision(), decimal.scale());
                    }
                    case LIST -> {
                        Types.ListType list = (Types.ListType) type;
                        yield types.createArrayType(
                                toCalcite(types, list.elementType(), list.isElementOptional()), -1);
                    }
                    case MAP -> {
                        Types.MapType map = (Types.MapType) type;
                        yield types.createMapType(
                                toCalcite(types, map.keyType(), false),
                                toCalcite(types, map.valueType(), map.isValueOptional()));
                    }
                    case STRUCT -> {
                        RelDataTypeFactory.Builder builder = types.builder();
                        for (Types.NestedField field : type.asStructType().fields()) {
                            builder.add(
                                    field.name(),
                                    toCalcite(types, field.type(), field.isOptional()));
                        }
                        yield builder.build();
                    }
                    default ->
                            throw new LakeException(
                                    ErrorCode.UNSUPPORTED_SQL,
                                    "Columns of type " + type + " can't be read in SQL");
                };
        return types.createTypeWithNullability(result, nullable);
    }

    /** VARCHAR, as a cast names it. */
    static SqlDataTypeSpec varchar(SqlParserPos pos) {
        return new SqlDataTypeSpec(new SqlBasicTypeNameSpec(SqlTypeName.VARCHAR, pos), pos);
    }

    /** The Iceberg type of an expression; {@code what} names it in the error. */
    static Type toIceberg(RelDataType type, String what, FieldIds ids) {
        return switch (type.getSqlTypeName()) {
            case BOOLEAN -> Types.BooleanType.get();
            case TINYINT, SMALLINT, INTEGER -> Types.IntegerType.get();
            case BIGINT -> Types.LongType.get();
            case REAL -> Types.FloatType.get();
            case FLOAT, DOUBLE -> Types.DoubleType.get();
            case DECIMAL -> Types.DecimalType.of(type.getPrecision(), type.getScale());
            case CHAR, VARCHAR -> Types.StringType.get();
            case DATE -> Types.DateType.get();
            case TIME -> Types.TimeType.get();
            case TIMESTAMP -> Types.TimestampType.withoutZone();
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> Types.TimestampType.withZone();
            case BINARY, VARBINARY -> Types.BinaryType.get();
            case UUID -> Types.UUIDType.get();
            // the type of a bare NULL: any will do
            case NULL -> Types.StringType.get();
            case ARRAY -> {
                int element = ids.next();
                RelDataType component = java.util.Objects.requireNonNull(type.getComponentType());
                yield Types.ListType.ofOptional(element, toIceberg(component, what, ids));
            }
            case MAP -> {
                int key = ids.next();
                int value = ids.next();
                RelDataType keyType = java.util.Objects.requireNonNull(type.getKeyType());
                RelDataType valueType = java.util.Objects.requireNonNull(type.getValueType());
                yield Types.MapType.ofOptional(
                        key, value, toIceberg(keyType, what, ids), toIceberg(valueType, what, ids));
            }
            case ROW -> {
                List<Types.NestedField> fields =
                        type.getFieldList().stream()
                                .map(field ->
                                        field(
                                                ids.next(),
                                                field.getType().isNullable(),
                                                field.getName(),
                                                toIceberg(field.getType(), what, ids)))
                                .toList();
                yield Types.StructType.of(fields);
            }
            default ->
                    throw new LakeException(
                            ErrorCode.UNSUPPORTED_SQL,
                            what
                                    + " is of type "
                                    + type
                                    + ", which no table can hold; cast it to another");
        };
    }

    static Types.NestedField field(int id, boolean optional, String name, Type type) {
        return optional
                ? Types.NestedField.optional(id, name, type)
                : Types.NestedField.required(id, name, type);
    }

    /** Hands out field ids: columns from 1 in order, what is nested in them after. */
    static final class FieldIds {
        private int last;

        FieldIds(int columns) {
            last = columns;
        }

        int next() {
            return ++last;
        }
    }
}
