package org.tonle.ingest;

import org.tonle.definition.ColumnType;
import org.tonle.definition.JsonPath;

/**
 * What the values at one place of some events have in common.
 *
 * @param type the narrowest that takes all of them
 * @param seen events that have a value there
 * @param example the first value, as a text
 */
public record InferredColumn(JsonPath path, ColumnType type, long seen, String example) {}
