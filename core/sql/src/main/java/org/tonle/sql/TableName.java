package org.tonle.sql;

/**
 * A table's name. Names keep their case and are matched without regard to it.
 *
 * @param namespace for example {@code silver}
 * @param name the table in it
 */
public record TableName(String namespace, String name) {
    public boolean matches(TableName other) {
        return namespace.equalsIgnoreCase(other.namespace) && name.equalsIgnoreCase(other.name);
    }

    @Override
    public String toString() {
        return namespace + "." + name;
    }
}
