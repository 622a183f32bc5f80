package org.tonle.query;

import java.util.List;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.Pin;

/**
 * A table of namespace {@code system}: rows about the lake, made when a statement reads them.
 *
 * @param name in lower case
 * @param stated whether it has past states, so that it can be read as of one
 */
public record SystemTable(String name, Schema schema, boolean stated, Rows rows) {
    /** Gives the rows; values are String, Long, Double, Boolean, Instant or null. */
    @FunctionalInterface
    public interface Rows {
        /**
         * The rows of a state.
         *
         * @param state that is read
         * @param limit the most rows, the newest
         */
        List<@Nullable Object[]> of(Pin state, int limit);
    }

    /** Columns in order, all of which may be NULL: {@code "seq bigint", "kind varchar"}. */
    public static Schema columns(String... columns) {
        List<Types.NestedField> fields = new java.util.ArrayList<>();
        for (String column : columns) {
            int space = column.indexOf(' ');
            fields.add(
                    Types.NestedField.optional(
                            fields.size() + 1,
                            column.substring(0, space),
                            type(column.substring(space + 1))));
        }
        return new Schema(fields);
    }

    private static Type type(String name) {
        return switch (name) {
            case "bigint" -> Types.LongType.get();
            case "varchar" -> Types.StringType.get();
            case "double" -> Types.DoubleType.get();
            case "boolean" -> Types.BooleanType.get();
            case "timestamptz" -> Types.TimestampType.withZone();
            default -> throw new IllegalArgumentException("no system table has a " + name);
        };
    }
}
