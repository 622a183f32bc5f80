package org.tonle.definition;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

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

    /** Where the row is in the event. */
    static final List<JsonPath.Step> UNDER = List.of(new JsonPath.Field("row"));

    /** Those that stand behind the declared ones, under which none may be declared. */
    static final Set<String> NAMES = Set.of("_op", "_seq", "_at", "_unchanged");

    private ChangeColumns() {}

    /** Where a column's value is unless its definition says so. */
    static JsonPath path(String column) {
        List<JsonPath.Step> steps = new ArrayList<>(UNDER);
        steps.add(new JsonPath.Field(column));
        return new JsonPath(steps);
    }

    /** The declared columns with the others behind them. */
    static List<ColumnDefinition> behind(List<ColumnDefinition> declared, Place place) {
        List<ColumnDefinition> all = new ArrayList<>(declared);
        // r: was there, c: came, u: changed, d: went, t: all went
        all.add(own("_op", ColumnType.Simple.STRING, "op", true, place));
        // sorts as the changes happened
        all.add(own("_seq", ColumnType.Simple.STRING, ID, true, place));
        all.add(own("_at", ColumnType.Simple.TIMESTAMPTZ, TIME, false, place));
        // a JSON array of the columns whose values the database didn't say
        all.add(own("_unchanged", ColumnType.Simple.STRING, "unchanged", false, place));
        return all;
    }

    private static ColumnDefinition own(
            String name, ColumnType type, String field, boolean required, Place place) {
        return new ColumnDefinition(name, type, JsonPath.field(field), required, place);
    }
}
