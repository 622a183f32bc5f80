package org.tonle.duckdb;

import java.util.stream.Collectors;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Iceberg's types, names and texts as DuckDB writes them. */
final class DuckTypes {
    private DuckTypes() {}

    static String type(Type type) {
        return switch (type.typeId()) {
            case BOOLEAN -> "BOOLEAN";
            case INTEGER -> "INTEGER";
            case LONG -> "BIGINT";
            case FLOAT -> "FLOAT";
            case DOUBLE -> "DOUBLE";
            case DATE -> "DATE";
            case TIME -> "TIME";
            case TIMESTAMP ->
                    ((Types.TimestampType) type).shouldAdjustToUTC() ? "TIMESTAMPTZ" : "TIMESTAMP";
            case STRING -> "VARCHAR";
            case UUID -> "UUID";
            case FIXED, BINARY -> "BLOB";
            case DECIMAL -> {
                Types.DecimalType decimal = (Types.DecimalType) type;
                yield "DECIMAL(" + decimal.precision() + "," + decimal.scale() + ")";
            }
            case LIST -> type(type.asListType().elementType()) + "[]";
            case MAP ->
                    "MAP("
                            + type(type.asMapType().keyType())
                            + ","
                            + type(type.asMapType().valueType())
                            + ")";
            case STRUCT ->
                    type.asStructType().fields().stream()
                            .map(field -> name(field.name()) + " " + type(field.type()))
                            .collect(Collectors.joining(",", "STRUCT(", ")"));
            default ->
                    throw new LakeException(
                            ErrorCode.UNSUPPORTED_SQL, "DuckDB can't read columns of type " + type);
        };
    }

    static String name(String name) {
        return "\"" + name.replace("\"", "\"\"") + "\"";
    }

    static String text(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
