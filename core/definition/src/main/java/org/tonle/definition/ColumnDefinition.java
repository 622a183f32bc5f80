package org.tonle.definition;

/**
 * A schema-on-read column: a value that is parsed out of {@code payload} when the table is read.
 *
 * @param name not one of bronze's own columns, unique in its source without regard to case
 * @param path where the value is; {@code $.<name>} unless declared
 * @param required whether an event without the value (absent or JSON null) is malformed
 * @param place of its name in the source file
 */
public record ColumnDefinition(
        String name, ColumnType type, JsonPath path, boolean required, Place place) {}
