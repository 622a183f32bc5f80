package org.tonle.sql;

import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.JsonPath;

/**
 * A schema-on-read column: parsed out of {@code payload} when a bronze table is scanned. Which JSON
 * values are of which type: {@code docs/types.md}.
 *
 * @param name as statements write it
 * @param path where in the JSON object the value stands
 * @param required whether an event without a value (absent, or JSON null) is malformed
 */
public record ReadColumn(String name, ColumnType type, JsonPath path, boolean required) {
    public static ReadColumn of(ColumnDefinition column) {
        return new ReadColumn(column.name(), column.type(), column.path(), column.required());
    }

    /** The type as tables have it. */
    public Type tableType() {
        return switch (type) {
            case ColumnType.Simple simple ->
                    switch (simple) {
                        case BOOLEAN -> Types.BooleanType.get();
                        case INT -> Types.IntegerType.get();
                        case BIGINT -> Types.LongType.get();
                        case DOUBLE -> Types.DoubleType.get();
                        case STRING -> Types.StringType.get();
                        case DATE -> Types.DateType.get();
                        case TIMESTAMP -> Types.TimestampType.withoutZone();
                        case TIMESTAMPTZ -> Types.TimestampType.withZone();
                    };
            case ColumnType.Decimal decimal ->
                    Types.DecimalType.of(decimal.precision(), decimal.scale());
        };
    }
}
