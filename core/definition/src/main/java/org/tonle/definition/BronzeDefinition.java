package org.tonle.definition;

import java.util.List;
import java.util.Optional;

/**
 * One table of bronze, as a source declares it.
 *
 * @param name in namespace {@code bronze}
 * @param outside the table's name in the database that it comes from, {@code schema.table}; empty
 *     for a source that has but one table
 * @param columns in the order of the file
 * @param keyField the name of the column that deduplicates instead of the event's id
 */
public record BronzeDefinition(
        String name,
        Optional<String> outside,
        List<ColumnDefinition> columns,
        Optional<String> keyField) {
    public BronzeDefinition {
        columns = List.copyOf(columns);
    }
}
