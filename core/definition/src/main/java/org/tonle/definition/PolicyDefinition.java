package org.tonle.definition;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.tonle.spi.Principal;

/**
 * What {@code policies/*.yaml} says, of all files together; tags are replaced by their columns.
 *
 * @param roles those that the lake's folder defines, besides the built-in ones
 * @param users who is known by name
 * @param tagged every column that bears a tag, whether it is used or not
 * @param rowFilters all that name a table hold for it together
 * @param masks a column has one at most
 */
public record PolicyDefinition(
        List<Role> roles,
        List<User> users,
        List<TaggedColumn> tagged,
        List<RowFilter> rowFilters,
        List<ColumnMask> masks) {
    /** No policy of the folder's own. */
    public static final PolicyDefinition NONE =
            new PolicyDefinition(List.of(), List.of(), List.of(), List.of(), List.of());

    public PolicyDefinition {
        roles = List.copyOf(roles);
        users = List.copyOf(users);
        tagged = List.copyOf(tagged);
        rowFilters = List.copyOf(rowFilters);
        masks = List.copyOf(masks);
    }

    /** The names of all roles, the built-in ones too, in their order. */
    Set<String> knownRoles() {
        Set<String> names = new TreeSet<>(Principal.BUILT_IN_ROLES);
        roles.forEach(role -> names.add(role.name()));
        return names;
    }

    /** The user of that name. */
    public Optional<User> user(String name) {
        return users.stream().filter(user -> user.name().equals(name)).findFirst();
    }

    /**
     * What a role may do.
     *
     * @param grants what it may read
     * @param writes what it may read and write through the Iceberg catalog, never columns; their
     *     namespaces are outside clients': no dataset is there
     */
    public record Role(String name, List<Grant> grants, List<Grant> writes, Place place) {
        public Role {
            grants = List.copyOf(grants);
            writes = List.copyOf(writes);
        }
    }

    /**
     * A grant to read, or to write.
     *
     * @param namespace whose tables
     * @param table the one table; empty: all of the namespace
     * @param column of the table, one that is seen; empty: all
     * @param place of the namespace or the table
     */
    public record Grant(
            String namespace, Optional<String> table, Optional<ColumnName> column, Place place) {}

    /** A column's name, and where it stands. */
    public record ColumnName(String name, Place place) {}

    /**
     * Somebody known by name.
     *
     * @param trusted whether it is given the files of tables of which some is hidden from it
     */
    public record User(
            String name,
            List<String> roles,
            Map<String, String> attributes,
            boolean trusted,
            Place place) {
        public User {
            roles = List.copyOf(roles);
            attributes = Map.copyOf(attributes);
        }
    }

    /** A column that bears a tag. */
    public record TaggedColumn(
            String tag, String namespace, String table, String column, Place place) {}

    /**
     * The rows that are seen of a table.
     *
     * @param condition in SQL, over the table's columns; it may ask {@code
     *     principal_attribute('name')}
     * @param except roles that see all rows, besides admin
     * @param place of the table's name
     */
    public record RowFilter(
            String namespace, String table, SqlText condition, List<String> except, Place place) {
        public RowFilter {
            except = List.copyOf(except);
        }
    }

    /**
     * What is seen in the place of a column's values.
     *
     * @param value in SQL, over the table's columns; it is cast to the column's type
     * @param except roles that see the values themselves, besides admin
     * @param place of the column's name, perhaps where it is tagged
     */
    public record ColumnMask(
            String namespace,
            String table,
            String column,
            SqlText value,
            List<String> except,
            Place place) {
        public ColumnMask {
            except = List.copyOf(except);
        }
    }
}
