package org.tonle.duckdb;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.iceberg.types.Types;
import org.tonle.sql.BoundChanges;
import org.tonle.sql.BoundStream;
import org.tonle.sql.ChangeTarget;
import org.tonle.sql.DataFile;
import org.tonle.sql.Inputs;
import org.tonle.sql.SqlTable;

/**
 * What a run of a change table computes, as SQL: over the temporary tables that {@link ChangeRun}
 * makes of it in turn.
 *
 * <p>The columns of the table are called {@code v0}, {@code v1} … in between, and {@code s} is the
 * sequence, {@code d} whether the event deletes, {@code t} whether it truncates, {@code u} the
 * columns that it doesn't tell, {@code o} when it was taken.
 *
 * <p>Values may be megabytes each. What becomes of an event is found out by its key and sequence
 * alone, with the number of its row among the new ones ({@code rn}) or the old ones ({@code ro}),
 * and the values are fetched by these when the rows are written.
 */
final class ChangeSql {
    static final String RUN = "temp.main.tonle_run";
    static final String NEW = "temp.main.tonle_new";
    static final String TRUNCATED = "temp.main.tonle_truncated";
    static final String OLD = "temp.main.tonle_old";

    /** Rows of the old ones that the table had lost before. */
    static final String DEAD = "temp.main.tonle_dead";

    static final String KEYS = "temp.main.tonle_keys";
    static final String EVENTS = "temp.main.tonle_events";

    /** Of events with the same key and sequence, which one counts: the greater. */
    private static final int IS_NEW = 3;

    private static final int IS_OLD = 2;

    /** Of the delete that a version of the table ends with. */
    private static final int IS_END = 1;

    /** Of a delete that the table of deletes holds, for all keys or for this one. */
    private static final int IS_DELETE = 0;

    private final BoundChanges changes;
    private final BoundStream.Printed sql;
    private final Inputs inputs;
    private final ChangeTarget target;
    private final StreamInput input;
    private final List<String> columns;
    private final List<Integer> keys;
    private final int sequence;

    ChangeSql(BoundChanges changes, Inputs inputs, ChangeTarget target) {
        this.changes = changes;
        this.sql = changes.stream().print(DuckDbDialect.INSTANCE);
        this.inputs = inputs;
        this.target = target;
        this.columns = changes.columns();
        this.keys = changes.keys().stream().map(columns::indexOf).toList();
        this.sequence = columns.size();
        this.input =
                StreamInput.of(
                        changes.stream(),
                        sql,
                        inputs.of(changes.stream().input().table().name()),
                        demands());
    }

    /** What it reads. */
    StreamInput input() {
        return input;
    }

    /** Every change has a sequence, and a key, unless it is of all keys. */
    private List<StreamInput.Demand> demands() {
        List<StreamInput.Demand> demands = new ArrayList<>();
        demands.add(
                new StreamInput.Demand(
                        "SEQUENCE BY",
                        "(" + sql.columns().get(sequence) + ") IS NULL",
                        "nothing says where it stands in the order of changes"));
        for (int key : keys) {
            demands.add(
                    new StreamInput.Demand(
                            columns.get(key),
                            "("
                                    + sql.columns().get(key)
                                    + ") IS NULL AND NOT coalesce("
                                    + sql.columns().get(sequence + 2)
                                    + ", false)",
                            columns.get(key) + " is a key and missing"));
        }
        return demands;
    }

    /** Something for each key, called as in between. */
    String keys(String each, String separator) {
        return keys.stream()
                .map(key -> "v" + key + " " + each)
                .collect(Collectors.joining(separator));
    }

    /** The SELECT of the new events. */
    String newEvents() {
        List<Types.NestedField> fields = changes.stream().schema().columns();
        List<String> select = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            select.add(typed(i, fields) + " AS v" + i);
        }
        select.add(typed(sequence, fields) + " AS s");
        select.add("coalesce(" + sql.columns().get(sequence + 1) + ", false) AS d");
        select.add("coalesce(" + sql.columns().get(sequence + 2) + ", false) AS t");
        select.add(
                "TRY_CAST(TRY_CAST("
                        + sql.columns().get(sequence + 3)
                        + " AS JSON) AS VARCHAR[]) AS u");
        select.add("row(" + input.order() + ") AS o");
        return "SELECT "
                + String.join(", ", select)
                + " FROM "
                + RUN
                + " AS "
                + DuckTypes.name(sql.inputAlias())
                + " WHERE \"tonle$problem\" IS NULL";
    }

    private String typed(int column, List<Types.NestedField> fields) {
        return "CAST("
                + sql.columns().get(column)
                + " AS "
                + DuckTypes.type(fields.get(column).type())
                + ")";
    }

    /** What the table of deletes holds, called as in between. */
    String deletes() {
        List<Types.NestedField> fields = changes.deleted().columns();
        List<String> select = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            select.add(DuckTypes.name(fields.get(i).name()) + " AS v" + keys.get(i));
        }
        select.add(DuckTypes.name(SqlTable.SEQUENCE) + " AS s");
        return "SELECT "
                + String.join(", ", select)
                + " FROM ("
                + Scan.files(fields, inputs.of(target.deletes()))
                + ")";
    }

    /** The columns that some of the new events don't tell. */
    List<Integer> untold(Set<String> names) {
        return IntStream.range(0, columns.size())
                .filter(i -> !keys.contains(i) && names.contains(changes.outside().get(i)))
                .boxed()
                .toList();
    }

    /**
     * Of the keys that change, all rows of the table, those that it has lost before too; with the
     * values that may have to be written again.
     */
    String old(boolean all, List<Integer> untold) {
        List<DataFile> files = inputs.of(target.dataset());
        List<String> names = new ArrayList<>();
        List<Types.NestedField> fields = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            if (changes.history() || keys.contains(i) || untold.contains(i)) {
                fields.add(target.schema().caseInsensitiveFindField(columns.get(i)));
                names.add("v" + i);
            }
        }
        fields.add(
                target.schema()
                        .findField(changes.history() ? BoundChanges.START : SqlTable.SEQUENCE));
        names.add("s");
        if (changes.history()) {
            fields.add(target.schema().findField(BoundChanges.END));
            names.add("e");
        }
        String found = Scan.places(target.schema(), fields, names, files);
        String ended = changes.history() ? "" : ", CAST(NULL AS INTEGER) AS e";
        return "SELECT *"
                + ended
                + " FROM ("
                + found
                + ") AS r"
                + (all
                        ? ""
                        : " WHERE EXISTS (SELECT 1 FROM "
                                + KEYS
                                + " AS k WHERE "
                                + keys.stream()
                                        .map(key -> "k.v" + key + " = r.v" + key)
                                        .collect(Collectors.joining(" AND "))
                                + ")");
    }

    /**
     * The SELECT of all events of the keys that change, with what becomes of each; and of each
     * column that some don't tell, the row that has its value ({@code a0}, {@code a1} …).
     */
    String events(List<Integer> untold) {
        return changes.history() ? versions(untold) : latest(untold);
    }

    /** The SELECT of the places of rows that the table loses. */
    String removed() {
        String kept = changes.history() ? "counts AND e IS NOT DISTINCT FROM n" : "counts";
        return "SELECT f, p FROM " + EVENTS + " WHERE f IS NOT NULL AND NOT (" + kept + ")";
    }

    /**
     * Every event of the keys that change: the key, s, d, u, o, what it is (w), f, p, e, rn, ro.
     */
    private String all() {
        String own = keys("", ", ");
        String nowhere =
                ", CAST(NULL AS VARCHAR) AS f, CAST(NULL AS BIGINT) AS p, NULL AS e, CAST(NULL AS"
                        + " BIGINT) AS rn, CAST(NULL AS BIGINT) AS ro";
        List<String> parts = new ArrayList<>();
        parts.add(
                "SELECT "
                        + own
                        + ", s, d, u, o, "
                        + IS_NEW
                        + " AS w, CAST(NULL AS VARCHAR) AS f, CAST(NULL AS BIGINT) AS p, NULL AS e,"
                        + " rowid AS rn, CAST(NULL AS BIGINT) AS ro FROM "
                        + NEW
                        + " WHERE NOT t");
        parts.add(
                "SELECT "
                        + own
                        + ", s, false AS d, NULL AS u, NULL AS o, "
                        + IS_OLD
                        + " AS w, f, p, e, CAST(NULL AS BIGINT) AS rn, ro FROM "
                        + live());
        String delete = ", s, true AS d, NULL AS u, NULL AS o, ";
        String deleted = delete + IS_DELETE + " AS w" + nowhere;
        if (changes.history()) {
            parts.add(
                    "SELECT "
                            + own
                            + delete
                            + IS_END
                            + " AS w"
                            + nowhere
                            + " FROM (SELECT * REPLACE (e AS s) FROM "
                            + live()
                            + " WHERE e IS NOT NULL)");
        }
        parts.add(
                "SELECT "
                        + own
                        + deleted
                        + " FROM (SELECT g.* FROM ("
                        + deletes()
                        + ") AS g SEMI JOIN "
                        + KEYS
                        + " USING ("
                        + own
                        + "))");
        parts.add("SELECT " + own + deleted + " FROM (" + ends() + ")");
        return parts.stream().collect(Collectors.joining(" UNION ALL ", "(", ")"));
    }

    /** The old rows that the table still has. */
    String live() {
        return "(SELECT *, rowid AS ro FROM "
                + OLD
                + " WHERE rowid NOT IN (SELECT r FROM "
                + DEAD
                + "))";
    }

    /** Of each row the first truncation behind it: there may be very many of both. */
    private String ends() {
        String own = keys("", ", ");
        return "SELECT "
                + keys.stream().map(key -> "r.v" + key).collect(Collectors.joining(", "))
                + ", t.s FROM (SELECT "
                + own
                + ", s FROM "
                + NEW
                + " WHERE NOT t AND NOT d UNION ALL SELECT "
                + own
                + ", s FROM "
                + live()
                + ") AS r ASOF JOIN "
                + TRUNCATED
                + " AS t ON r.s < t.s";
    }

    /** A key's events in order; of those at the same place in it, the one that counts last. */
    private String order() {
        return "PARTITION BY " + keys("", ", ") + " ORDER BY s, w, o NULLS FIRST";
    }

    /** The events, each with the rows that have the values that it may not tell itself. */
    private String filled(List<Integer> untold) {
        if (untold.isEmpty()) {
            return all();
        }
        String fills =
                untold.stream()
                        .map(i ->
                                "last_value(CASE WHEN NOT d AND NOT coalesce(list_contains(u, "
                                        + DuckTypes.text(changes.outside().get(i))
                                        + "), false) THEN struct_pack(rn := rn, ro := ro) END"
                                        + " IGNORE NULLS) OVER ("
                                        + order()
                                        + " ROWS UNBOUNDED PRECEDING) AS a"
                                        + i)
                        .collect(Collectors.joining(", "));
        return "(SELECT *, " + fills + " FROM " + all() + ")";
    }

    /** The event that each key ends with, and the rows of the table beside it. */
    private String latest(List<Integer> untold) {
        return "SELECT *, lead(1) OVER ("
                + order()
                + ") IS NULL AS counts, CAST(NULL AS INTEGER) AS n, false AS known FROM "
                + filled(untold);
    }

    /** Each event of a key that counts, with the sequence of the next one that does (n). */
    private String versions(List<Integer> untold) {
        return "SELECT *, lead(s) OVER (PARTITION BY "
                + keys("", ", ")
                + ", counts ORDER BY s) AS n, coalesce(NOT lag(d) OVER (PARTITION BY "
                + keys("", ", ")
                + ", counts ORDER BY s), false) AS known FROM (SELECT *, lead(1) OVER (PARTITION BY "
                + keys("", ", ")
                + ", s ORDER BY w, o NULLS FIRST) IS NULL AS counts FROM "
                + filled(untold)
                + ")";
    }

    /** Whether an event's row is to be written. */
    private String written() {
        return changes.history()
                ? "counts AND NOT d AND (w <> " + IS_OLD + " OR e IS DISTINCT FROM n)"
                : "counts AND NOT d AND w = " + IS_NEW;
    }

    /** The SELECT of the rows that the table gains. */
    String rows(List<Integer> untold) {
        List<String> select = new ArrayList<>();
        for (Types.NestedField field : target.schema().columns()) {
            int own = columns.indexOf(field.name());
            String value =
                    switch (field.name()) {
                        case SqlTable.SEQUENCE, BoundChanges.START -> "x.s";
                        case BoundChanges.END -> "x.n";
                        default -> own < 0 ? "NULL" : value(own, untold.contains(own));
                    };
            select.add(cast(value, field));
        }
        StringBuilder from = new StringBuilder();
        if (changes.history()) {
            from.append(fetched("", "x"));
        } else {
            from.append(" JOIN ").append(NEW).append(" AS n ON n.rowid = x.rn");
        }
        untold.forEach(i -> from.append(fetched(String.valueOf(i), "x.a" + i)));
        return "SELECT "
                + String.join(", ", select)
                + " FROM (SELECT * FROM "
                + EVENTS
                + " WHERE "
                + written()
                + ") AS x"
                + from;
    }

    /** Where a row's values are: among the new ones or the old ones. */
    private static String fetched(String name, String row) {
        return " LEFT JOIN %1$s AS n%3$s ON n%3$s.rowid = %4$s.rn LEFT JOIN %2$s AS o%3$s ON o%3$s.rowid = %4$s.ro"
                .formatted(NEW, OLD, name, row);
    }

    private String value(int column, boolean elsewhere) {
        String name = elsewhere ? String.valueOf(column) : "";
        if (!elsewhere && !changes.history()) {
            return "n.v" + column;
        }
        return "CASE WHEN %1$s.rn IS NULL THEN o%2$s.v%3$d ELSE n%2$s.v%3$d END"
                .formatted(elsewhere ? "x.a" + column : "x", name, column);
    }

    private static String cast(String value, Types.NestedField field) {
        return "CAST("
                + value
                + " AS "
                + DuckTypes.type(field.type())
                + ") AS "
                + DuckTypes.name(field.name());
    }

    /** New deletes that no row shows: later changes of their keys may be earlier ones. */
    String newDeletes() {
        List<Types.NestedField> fields = changes.deleted().columns();
        String own =
                IntStream.range(0, keys.size())
                        .mapToObj(i -> cast("v" + keys.get(i), fields.get(i)))
                        .collect(Collectors.joining(", "));
        String none =
                fields.subList(0, keys.size()).stream()
                        .map(field -> cast("NULL", field))
                        .collect(Collectors.joining(", "));
        String at = ", " + cast("s", fields.getLast());
        return "SELECT "
                + own
                + at
                + " FROM "
                + EVENTS
                + " WHERE counts AND d AND NOT known AND w <> "
                + IS_DELETE
                + " UNION ALL SELECT DISTINCT "
                + none
                + at
                + " FROM "
                + NEW
                + " WHERE t";
    }
}
