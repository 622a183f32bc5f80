package org.tonle.sql;

import java.util.List;
import org.apache.iceberg.Schema;

/**
 * The clauses of {@code AUTO CDC INTO}, bound. Only this module makes one; it is immutable.
 *
 * @param stream each event of the input as a row: the table's columns, then {@link #SEQUENCE},
 *     {@link #DELETE} (boolean), {@link #TRUNCATE} (boolean) and {@link #UNCHANGED} (string: a JSON
 *     array of the columns that an update doesn't tell, since they stay as they are)
 * @param schema the table's: its columns, then {@link SqlTable#SEQUENCE} or, where it keeps
 *     history, {@link #START} and {@link #END}
 * @param deleted the schema of the table of deletes that no row of the table shows: the keys, all
 *     NULL for a truncation, and {@link SqlTable#SEQUENCE}
 * @param keys the columns that tell rows apart, in order
 * @param outside of each of the table's columns, in order, what {@link #UNCHANGED} calls it: the
 *     field of the row that it is read from
 * @param history whether every version of a row is kept
 */
public record BoundChanges(
        BoundStream stream,
        Schema schema,
        Schema deleted,
        List<String> keys,
        List<String> outside,
        boolean history) {
    /** The column of {@link #stream} that orders changes. */
    public static final String SEQUENCE = SqlTable.SEQUENCE;

    public static final String DELETE = "tonle$delete";
    public static final String TRUNCATE = "tonle$truncate";
    public static final String UNCHANGED = "tonle$unchanged";

    /** From which change on a version holds. */
    public static final String START = "__start_at";

    /** The change with which a version ended; NULL while it holds. */
    public static final String END = "__end_at";

    public BoundChanges {
        keys = List.copyOf(keys);
        outside = List.copyOf(outside);
    }

    /** The names of the columns that are the table's own. */
    public List<String> columns() {
        return stream.schema().columns().stream()
                .map(org.apache.iceberg.types.Types.NestedField::name)
                .filter(name -> !List.of(SEQUENCE, DELETE, TRUNCATE, UNCHANGED).contains(name))
                .toList();
    }
}
