package org.tonle.sql;

import org.apache.iceberg.types.Type;

/**
 * A schema-on-read column: parsed out of {@code payload} when a bronze table is scanned.
 *
 * @param name as statements write it
 * @param type one of boolean, int, long, double, decimal, string, date, timestamp, timestamptz
 * @param path where in the JSON object the value stands
 * @param required whether an event without a value (absent, or JSON null) is malformed
 */
public record ReadColumn(String name, Type type, JsonPath path, boolean required) {}
