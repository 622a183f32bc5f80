package org.tonle.definition;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The columns of changes of an outside table: those that are declared, which are read from the row,
 * and behind them what a change says of itself. Its event is one object with {@code table}, {@code
 * op}, {@code seq}, {@code tx}, {@code at}, {@code row}, {@code before} and {@code unchanged}.
 */
final class ChangeColumns {
    /** The field that no other change has. */
    static final String ID = "seq";

    /** The field that says when the change happened. */
    static final String TIME = "at";

    private static final String ROW = "row";

    private ChangeColumns() {}

    /** Where a column's value is unless its definition says so. */
    static JsonPath path(String column) {
        return new JsonPath(List.of(new JsonPath.Field(ROW), new JsonPath.Field(column)));
    }

    /** Whether no column may be declared under this name. */
    static boolean isOwn(String column) {
        String lower = column.toLowerCase(Locale.ROOT);
        return own(Place.startOf("")).stream().anyMatch(own -> own.name().equals(lower));
    }

    /** The declared columns with the others behind them. */
    static List<ColumnDefinition> behind(List<ColumnDefinition> declared, Place place) {
        List<ColumnDefinition> all = new ArrayList<>(declared);
        all.addAll(own(place));
        return all;
    }

    private static List<ColumnDefinition> own(Place place) {
        return List.of(
                // r: was there, c: came, u: changed, d: went, t: all went
                own("_op", ColumnType.Simple.STRING, "op", true, place),
                // sorts as the changes happened
                own("_seq", ColumnType.Simple.STRING, ID, true, place),
                own("_at", ColumnType.Simple.TIMESTAMPTZ, TIME, false, place),
                // a JSON array of the columns whose values the database didn't say
                own("_unchanged", ColumnType.Simple.STRING, "unchanged", false, place));
    }

    private static ColumnDefinition own(
            String name, ColumnType type, String field, boolean required, Place place) {
        return new ColumnDefinition(name, type, JsonPath.field(field), required, place);
    }
}
