package org.tonle.sql;

import java.util.List;

/**
 * One reference to a table in a bound statement: {@code FROM silver.a AS x JOIN silver.a AS y} has
 * two of the same table.
 *
 * @param table what it refers to
 * @param onRead the schema-on-read columns that the statement may use, in the table's order; the
 *     others need not be parsed
 */
public record BoundTable(SqlTable table, List<ReadColumn> onRead) {
    public BoundTable {
        onRead = List.copyOf(onRead);
    }
}
