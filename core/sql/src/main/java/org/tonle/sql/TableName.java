package org.tonle.sql;

import java.util.Optional;

/**
 * What a statement reads: a table's name, and perhaps a state of its own. Names keep their case and
 * are matched without regard to it.
 *
 * @param namespace for example {@code silver}
 * @param name the table in it
 * @param at the state that is read; empty: that of the whole statement
 */
public record TableName(String namespace, String name, Optional<AsOf> at) {
    public TableName(String namespace, String name) {
        this(namespace, name, Optional.empty());
    }

    /** The same table as it was then. */
    public TableName asOf(AsOf then) {
        return new TableName(namespace, name, Optional.of(then));
    }

    /** The same table in the state of the whole statement. */
    public TableName current() {
        return at.isEmpty() ? this : new TableName(namespace, name);
    }

    public boolean matches(TableName other) {
        return namespace.equalsIgnoreCase(other.namespace)
                && name.equalsIgnoreCase(other.name)
                && at.equals(other.at);
    }

    @Override
    public String toString() {
        return namespace + "." + name + at.map(then -> " as of " + then).orElse("");
    }
}
