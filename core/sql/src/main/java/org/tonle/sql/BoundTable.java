package org.tonle.sql;

import java.util.List;
import java.util.Optional;

/**
 * One reference to a table in a bound statement: {@code FROM silver.a AS x JOIN silver.a AS y} has
 * two of the same table.
 *
 * @param table what it refers to
 * @param stored the names of the stored columns that the statement may use, in the table's order;
 *     there may be none
 * @param onRead the schema-on-read columns that the statement may use, in the table's order; the
 *     others need not be parsed
 * @param guard what stands in its place if it isn't seen whole
 */
public record BoundTable(
        SqlTable table, List<String> stored, List<ReadColumn> onRead, Optional<BoundQuery> guard) {
    public BoundTable {
        stored = List.copyOf(stored);
        onRead = List.copyOf(onRead);
    }
}
