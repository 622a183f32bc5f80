package org.tonle.definition;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The columns of changes of an outside table: those that are declared, which are read from the row,
 * and behind them what a change says of itself. Its event is one object with {@code table}, {@code
 * op}, {@code seq}, {@code tx}, {@code at}, {@code row}, {@code before} and {@code unchanged}.
 */
public final class ChangeColumns {
    /**
     * What happened: {@code r} was there, {@code c} came, {@code u} changed, {@code d}, {@code t}.
     */
    public static final String OP = "_op";

    /** Sorts as the changes happened. */
    public static final String SEQUENCE = "_seq";

    /** When it happened. */
    public static final String AT = "_at";

    /** A JSON array of the columns whose values the database didn't say. */
    public static final String UNCHANGED = "_unchanged";

    /** {@link #OP} of a row that went. */
    public static final String DELETE = "d";

    /** {@link #OP} where all rows went. */
    public static final String TRUNCATE = "t";

    /** Those that stand behind the declared ones, under which none may be declared. */
    public static final Set<String> NAMES = Set.of(OP, SEQUENCE, AT, UNCHANGED);

    /** The field that no other change has. */
    static final String ID = "seq";

    /** The field that says when the change happened. */
    static final String TIME = "at";

    /** Where the row is in the event. */
    public static final List<JsonPath.Step> UNDER = List.of(new JsonPath.Field("row"));

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
        all.add(own(OP, ColumnType.Simple.STRING, "op", true, place));
        all.add(own(SEQUENCE, ColumnType.Simple.STRING, ID, true, place));
        all.add(own(AT, ColumnType.Simple.TIMESTAMPTZ, TIME, false, place));
        all.add(own(UNCHANGED, ColumnType.Simple.STRING, "unchanged", false, place));
        return all;
    }

    private static ColumnDefinition own(
            String name, ColumnType type, String field, boolean required, Place place) {
        return new ColumnDefinition(name, type, JsonPath.field(field), required, place);
    }
}
