package org.tonle.sql;

import java.util.List;
import java.util.Optional;

/**
 * Finds the tables a statement names, all of one pinned state of the lake. Asked once for each
 * table that a statement reads, and for no other.
 */
public interface TableResolver {
    /** The namespace of tables that are named without one; empty if they can't be. */
    default Optional<String> namespace() {
        return Optional.empty();
    }

    /** The table of that name, whatever its case, or empty if there is none. */
    Optional<SqlTable> table(TableName name);

    /** Every table there is: asked only when one was not found, to name the nearest. */
    List<TableName> names();
}
