package org.tonle.spi;

import java.util.Map;
import java.util.Set;

/**
 * Who asks. Doors make one from what they were shown; policy decides by it.
 *
 * @param name as it stands in the audit
 * @param roles all that hold now
 * @param attributes what row filters and masks may ask for, by name; texts only
 */
public record Principal(String name, Set<String> roles, Map<String, String> attributes) {
    /** The role that may see and do everything. */
    public static final String ADMIN = "admin";

    /** The role that reads every table of every namespace but {@code system}. */
    public static final String DATA_ENGINEER = "data_engineer";

    /** The role that reads silver and gold. */
    public static final String DATA_SCIENTIST = "data_scientist";

    /** The role that reads gold. */
    public static final String DATA_VIEWER = "data_viewer";

    /** The role that sends events and reads nothing. */
    public static final String INGEST = "ingest";

    /** The roles that every lake has. */
    public static final Set<String> BUILT_IN_ROLES =
            Set.of(ADMIN, DATA_ENGINEER, DATA_SCIENTIST, DATA_VIEWER, INGEST);

    /** The lake itself, which runs the datasets that its definition declares. */
    public static final Principal LAKE = new Principal("lake", Set.of(ADMIN), Map.of());

    public Principal {
        roles = Set.copyOf(roles);
        attributes = Map.copyOf(attributes);
    }

    /** The same with other roles. */
    public Principal withRoles(Set<String> others) {
        return new Principal(name, others, attributes);
    }

    public boolean isAdmin() {
        return roles.contains(ADMIN);
    }

    /** Whether it may send events. */
    public boolean mayIngest() {
        return isAdmin() || roles.contains(DATA_ENGINEER) || roles.contains(INGEST);
    }

    /** Whether it may see how the lake runs, of all of its tables. */
    public boolean mayOperate() {
        return isAdmin() || roles.contains(DATA_ENGINEER);
    }
}
