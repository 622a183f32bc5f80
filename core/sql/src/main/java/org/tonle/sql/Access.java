package org.tonle.sql;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tonle.definition.SqlText;

/**
 * What a principal sees of one table.
 *
 * @param columns the only columns, in lower case; empty: all
 * @param filters conditions of which each has to be true for a row to be seen
 * @param masks what is seen in the place of a column, by its name in lower case
 * @param attributes what {@code principal_attribute('name')} gives
 */
public record Access(
        Optional<Set<String>> columns,
        List<SqlText> filters,
        Map<String, SqlText> masks,
        Map<String, String> attributes) {
    /** Everything, as it is. */
    public static final Access FULL = new Access(Optional.empty(), List.of(), Map.of(), Map.of());

    public Access {
        columns = columns.map(Set::copyOf);
        filters = List.copyOf(filters);
        masks = Map.copyOf(masks);
        attributes = Map.copyOf(attributes);
    }

    /** The columns of a table that are shown, in order; those that {@code *} leaves out aren't. */
    public List<String> columnsOf(SqlTable table) {
        return Guard.shown(table, this)
                .columns()
                .map(column -> column.name())
                .filter(name -> !SqlTable.isHidden(name))
                .toList();
    }

    /** Whether some of it is hidden. */
    public boolean isRestricted() {
        return columns.isPresent() || !filters.isEmpty() || !masks.isEmpty();
    }
}
