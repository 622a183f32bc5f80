package org.tonle.sql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tonle.definition.DefinitionException;
import org.tonle.definition.PolicyDefinition;
import org.tonle.definition.PolicyDefinition.ColumnMask;
import org.tonle.definition.PolicyDefinition.ColumnName;
import org.tonle.definition.PolicyDefinition.Grant;
import org.tonle.definition.PolicyDefinition.RowFilter;
import org.tonle.definition.Problem;
import org.tonle.definition.SqlText;
import org.tonle.spi.ApiKey;
import org.tonle.spi.Principal;

/**
 * Who sees what, by the roles that every lake has and by those of its folder. Whoever has no role
 * that reads a table doesn't see it. Immutable.
 */
public final class Policies {
    /** The roles that every lake has, and no more. */
    public static final Policies BUILT_IN =
            new Policies(PolicyDefinition.NONE, Optional.empty(), List.of());

    private static final String SYSTEM = "system";

    /** Their tables have no definition of their own. */
    private static final Set<String> OF_THE_LAKE =
            Set.of(SYSTEM, "information_schema", "quarantine", Pipelines.DELETED);

    /** Those that read whole namespaces; {@code data_engineer} reads all but {@code system}. */
    private static final Map<String, List<String>> NAMESPACES =
            Map.of(
                    Principal.DATA_VIEWER,
                    List.of("gold"),
                    Principal.DATA_SCIENTIST,
                    List.of("silver", "gold"));

    /** Those that hold datasets only, even while there are none. */
    private static final Set<String> LAYERS = Set.of("silver", "gold");

    private final PolicyDefinition definition;
    private final Optional<Map<String, Set<String>>> defined;
    private final List<SqlTable> tables;

    /**
     * @param defined the columns of the tables that a policy could name, all in lower case; empty:
     *     that isn't known
     */
    private Policies(
            PolicyDefinition definition,
            Optional<Map<String, Set<String>>> defined,
            List<SqlTable> tables) {
        this.definition = definition;
        this.defined = defined;
        this.tables = tables;
    }

    /**
     * The policy of a lake.
     *
     * @throws DefinitionException if it doesn't fit the lake's tables
     */
    public static Policies of(PolicyDefinition definition, Pipelines pipelines) {
        List<Problem> problems = problems(definition, pipelines);
        if (!problems.isEmpty()) {
            throw new DefinitionException(problems);
        }
        Map<String, Set<String>> defined = new HashMap<>();
        for (SqlTable table : pipelines.tables()) {
            defined.put(
                    Guard.lower(table.name().toString()),
                    table.columns()
                            .map(column -> Guard.lower(column.name()))
                            .collect(Collectors.toSet()));
        }
        return new Policies(definition, Optional.of(defined), pipelines.tables());
    }

    /** What of a policy doesn't fit the lake's tables: names, conditions, masks. */
    static List<Problem> problems(PolicyDefinition definition, Pipelines pipelines) {
        return BigStack.call(() -> new PolicyValidation(definition, pipelines.tables()).problems());
    }

    /**
     * Masks that hide less than they seem to: what they hide can be read elsewhere by a role that
     * they hide it from. Nothing of this keeps a lake from running.
     *
     * @param pipelines those that the policy was checked against
     */
    public List<Problem> warnings(Pipelines pipelines) {
        return definition.masks().isEmpty()
                ? List.of()
                : BigStack.call(() ->
                        new MaskCheck(this, ColumnGraph.of(pipelines))
                                .warnings(definition.masks()));
    }

    /** What a principal sees, judged by its roles and attributes. */
    public AccessPolicy of(Principal principal) {
        return principal.isAdmin() ? AccessPolicy.ALL : table -> access(principal, table);
    }

    /**
     * Whoever holds an API key: its user with those of the key's roles that the user has now, or
     * nobody's user with the key's roles.
     */
    public Principal of(ApiKey key) {
        return key.user()
                .map(name -> user(name, key.roles()))
                .orElseGet(() -> new Principal("key " + key.id(), key.roles(), Map.of()));
    }

    /** A user with those of some roles that the policy gives; without any if it isn't known. */
    public Principal user(String name, Set<String> roles) {
        Set<String> held = new HashSet<>(roles);
        held.retainAll(definition.user(name).map(user -> user.roles()).orElse(List.of()));
        return new Principal(
                name, held, definition.user(name).map(user -> user.attributes()).orElse(Map.of()));
    }

    /** All roles of a user; empty if nobody of this name is known. */
    public Optional<Set<String>> rolesOf(String user) {
        return definition.user(user).map(known -> Set.copyOf(known.roles()));
    }

    /** The roles there are, by name. */
    public Set<String> roles() {
        Set<String> roles = new TreeSet<>(Principal.BUILT_IN_ROLES);
        definition.roles().forEach(role -> roles.add(role.name()));
        return roles;
    }

    private Optional<Access> access(Principal principal, TableName table) {
        // what hid a table or a column may have gone with its definition
        Optional<Set<String>> named = Optional.empty();
        if (defined.isPresent()
                && !OF_THE_LAKE.contains(Guard.lower(table.namespace()))
                && !principal.roles().contains(Principal.DATA_ENGINEER)) {
            named = Optional.ofNullable(defined.get().get(Guard.lower(table.current().toString())));
            if (named.isEmpty() && !isOutside(table.namespace())) {
                return Optional.empty();
            }
        }
        Set<String> columns = new HashSet<>();
        boolean whole = false;
        for (Granted granted : grants(principal, table)) {
            whole |= granted.column().isEmpty();
            granted.column().ifPresent(column -> columns.add(Guard.lower(column)));
        }
        if (!whole && columns.isEmpty()) {
            return Optional.empty();
        }
        if (table.at().isPresent() && named.isPresent()) {
            if (whole) {
                columns.addAll(named.get());
                whole = false;
            } else {
                columns.retainAll(named.get());
            }
        }
        Map<String, SqlText> masks = new HashMap<>();
        for (ColumnMask mask : masks(principal, table)) {
            masks.put(Guard.lower(mask.column()), mask.value());
        }
        masks.entrySet().stream()
                .findFirst()
                // the key may be made of what is masked, and so may what orders changes
                .ifPresent(any -> {
                    SqlText hidden = new SqlText(any.getValue().place(), "NULL");
                    masks.putIfAbsent(SqlTable.KEY, hidden);
                    masks.putIfAbsent(SqlTable.SEQUENCE, hidden);
                });
        Map<String, String> attributes = new HashMap<>(principal.attributes());
        attributes.put("name", principal.name());
        return Optional.of(
                new Access(
                        whole ? Optional.empty() : Optional.of(columns),
                        filters(principal, table).stream().map(RowFilter::condition).toList(),
                        masks,
                        attributes));
    }

    /**
     * A role of a principal that reads a table.
     *
     * @param column one that it reads; empty: all
     * @param by where it says so; for a person
     */
    public record Granted(String role, Optional<String> column, String by) {}

    /** Why a principal sees a table; empty if it doesn't. */
    public List<Granted> grants(Principal principal, TableName table) {
        List<Granted> granted = new ArrayList<>();
        for (String role : new TreeSet<>(principal.roles())) {
            if (readsNamespace(role, table.namespace())) {
                granted.add(new Granted(role, Optional.empty(), "built in"));
            }
        }
        for (PolicyDefinition.Role role : definition.roles()) {
            for (Grant grant : role.grants()) {
                if (principal.roles().contains(role.name()) && covers(grant, table)) {
                    granted.add(
                            new Granted(
                                    role.name(),
                                    grant.column().map(ColumnName::name),
                                    grant.place().toString()));
                }
            }
            for (Grant grant : role.writes()) {
                if (principal.roles().contains(role.name()) && covers(grant, table)) {
                    granted.add(
                            new Granted(role.name(), Optional.empty(), grant.place().toString()));
                }
            }
        }
        return granted;
    }

    private static boolean readsNamespace(String role, String namespace) {
        return switch (role) {
            case Principal.ADMIN -> true;
            case Principal.DATA_ENGINEER -> !namespace.equalsIgnoreCase(SYSTEM);
            default ->
                    NAMESPACES.getOrDefault(role, List.of()).stream()
                            .anyMatch(namespace::equalsIgnoreCase);
        };
    }

    /** Whether a principal sees that a namespace is there: some grant of it is in it. */
    public boolean seesNamespace(Principal principal, String namespace) {
        return principal.roles().stream().anyMatch(role -> readsNamespace(role, namespace))
                || definition.roles().stream()
                        .filter(role -> principal.roles().contains(role.name()))
                        .flatMap(role ->
                                Stream.concat(role.grants().stream(), role.writes().stream()))
                        .anyMatch(grant -> grant.namespace().equalsIgnoreCase(namespace));
    }

    /**
     * Whether a principal may write through the Iceberg catalog, where that isn't {@link
     * #reserved}.
     *
     * @param table which table; empty: the namespace itself, with whatever is made in it
     */
    public boolean mayWrite(Principal principal, String namespace, Optional<String> table) {
        return principal.isAdmin()
                || definition.roles().stream()
                        .filter(role -> principal.roles().contains(role.name()))
                        .flatMap(role -> role.writes().stream())
                        .anyMatch(grant ->
                                grant.namespace().equalsIgnoreCase(namespace)
                                        && (grant.table().isEmpty()
                                                || table.filter(
                                                                grant.table().get()
                                                                        ::equalsIgnoreCase)
                                                        .isPresent()));
    }

    /** Why outside clients write nothing in a namespace, whoever they are; empty if they may. */
    public Optional<String> reserved(String namespace) {
        return reserved(namespace, tables);
    }

    static Optional<String> reserved(String namespace, List<SqlTable> tables) {
        String lower = Guard.lower(namespace);
        boolean own = Pipelines.OWN_NAMESPACES.contains(lower);
        boolean datasets =
                LAYERS.contains(lower)
                        || tables.stream()
                                .anyMatch(t -> Guard.lower(t.name().namespace()).equals(lower));
        return own || datasets
                ? Optional.of(
                        "the tables of %s are written by %s only; write into a namespace of your own"
                                .formatted(
                                        namespace,
                                        own ? "the lake itself" : "the datasets of pipelines/"))
                : Optional.empty();
    }

    /** Whether a principal is given the files of what it reads, though some of it be hidden. */
    public boolean isTrusted(Principal principal) {
        return principal.isAdmin()
                || definition.user(principal.name()).filter(user -> user.trusted()).isPresent();
    }

    /** Whether a namespace is outside clients': no dataset's table was ever hidden there. */
    private boolean isOutside(String namespace) {
        return definition.roles().stream()
                .flatMap(role -> role.writes().stream())
                .anyMatch(grant -> grant.namespace().equalsIgnoreCase(namespace));
    }

    private static boolean covers(Grant grant, TableName table) {
        return grant.namespace().equalsIgnoreCase(table.namespace())
                && grant.table().map(table.name()::equalsIgnoreCase).orElse(true);
    }

    /** The row filters of a table that hold for a principal. */
    public List<RowFilter> filters(Principal principal, TableName table) {
        return definition.rowFilters().stream()
                .filter(filter -> holds(principal, filter.except()))
                .filter(filter ->
                        new TableName(filter.namespace(), filter.table()).matches(table.current()))
                .toList();
    }

    /** The masks of a table that hold for a principal. */
    public List<ColumnMask> masks(Principal principal, TableName table) {
        return definition.masks().stream()
                .filter(mask -> holds(principal, mask.except()))
                .filter(mask ->
                        new TableName(mask.namespace(), mask.table()).matches(table.current()))
                .toList();
    }

    private static boolean holds(Principal principal, List<String> except) {
        return !principal.isAdmin() && except.stream().noneMatch(principal.roles()::contains);
    }
}
