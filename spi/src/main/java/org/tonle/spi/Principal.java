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

    /** The lake itself, which runs the datasets that its definition declares. */
    public static final Principal LAKE = new Principal("lake", Set.of(ADMIN), Map.of());

    public Principal {
        roles = Set.copyOf(roles);
        attributes = Map.copyOf(attributes);
    }

    public boolean isAdmin() {
        return roles.contains(ADMIN);
    }
}
