package org.tonle.debezium;

import io.debezium.connector.postgresql.UnchangedToastedReplicationMessageColumn;
import io.debezium.spi.converter.CustomConverter;
import io.debezium.spi.converter.RelationalColumn;
import java.util.Locale;
import java.util.Properties;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Arrays and bits as the texts that PostgreSQL has for them: of most kinds of these Debezium takes
 * a large value that didn't change, and arrays in arrays, for NULL. Debezium makes it.
 */
public final class TextConverter implements CustomConverter<SchemaBuilder, RelationalColumn> {
    /** Of an array's schema; what stands behind it is the type of its elements. */
    static final String ARRAY = "org.tonle.array.";

    @Override
    public void configure(Properties properties) {
        // there is nothing to choose
    }

    @Override
    public void converterFor(
            RelationalColumn column, ConverterRegistration<SchemaBuilder> registration) {
        String type = column.typeName().toLowerCase(Locale.ROOT);
        SchemaBuilder schema = SchemaBuilder.string();
        if (type.startsWith("_")) {
            schema.name(ARRAY + type.substring(1));
        } else if (!type.equals("varbit")
                && !(type.equals("bit") && column.length().orElse(1) > 1)) {
            return;
        }
        if (column.isOptional()) {
            schema.optional();
        }
        registration.register(schema, TextConverter::text);
    }

    private static @Nullable String text(@Nullable Object value) {
        if (value == null) {
            return null;
        }
        return UnchangedToastedReplicationMessageColumn.isUnchangedToastedValue(value)
                ? RowJson.UNCHANGED
                : value.toString();
    }
}
