package org.tonle.definition;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

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
        Optional<String> keyField,
        Drift drift) {
    public BronzeDefinition {
        columns = List.copyOf(columns);
    }

    /** A table that leaves fields without a column in the payload. */
    public BronzeDefinition(
            String name,
            Optional<String> outside,
            List<ColumnDefinition> columns,
            Optional<String> keyField) {
        this(name, outside, columns, keyField, Drift.IGNORED);
    }

    /**
     * The fields, by their exact names, that the columns of a table that is there are for.
     *
     * @param properties the table's
     */
    public Set<String> fields(Map<String, String> properties) {
        Set<String> fields = new HashSet<>(drift.known());
        List<JsonPath.Step> under = drift.under();
        for (ColumnDefinition column : columns(properties)) {
            List<JsonPath.Step> steps = column.path().steps();
            if (steps.size() > under.size()
                    && steps.subList(0, under.size()).equals(under)
                    && steps.get(under.size()) instanceof JsonPath.Field(String field)) {
                fields.add(field);
            }
        }
        return fields;
    }

    /** What its columns are called, in lower case; a field of such a name can't be another one. */
    public Set<String> takenNames() {
        Set<String> taken = new HashSet<>(SourceFile.BRONZE_COLUMNS);
        taken.addAll(SourceFile.HIDDEN_COLUMNS);
        // of tables of changes
        taken.addAll(Set.of("__start_at", "__end_at"));
        columns.forEach(column -> taken.add(column.name().toLowerCase(Locale.ROOT)));
        return taken;
    }

    /**
     * The columns of a table that is there: the declared ones, and behind them those that its
     * events brought, whose names aren't taken.
     *
     * @param properties the table's, see {@link SeenFields}
     */
    public List<ColumnDefinition> columns(Map<String, String> properties) {
        List<ColumnDefinition> all = new ArrayList<>(columns);
        Set<String> taken = takenNames();
        for (SeenFields.Field field : SeenFields.of(properties).fields()) {
            if (taken.add(field.name().toLowerCase(Locale.ROOT))) {
                List<JsonPath.Step> path = new ArrayList<>(drift.under());
                path.add(new JsonPath.Field(field.name()));
                all.add(
                        new ColumnDefinition(
                                field.name(),
                                field.kinds().type(),
                                new JsonPath(path),
                                false,
                                Place.startOf("")));
            }
        }
        return all;
    }
}
