package org.tonle.definition;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.tonle.spi.Principal;

/**
 * Reads {@code policies/*.yaml}: what stands in one file may be named in another, so all are read
 * before names are looked up.
 */
final class PolicyFiles {
    private static final List<String> KEYS =
            List.of("roles", "users", "tags", "row-filters", "masks");
    private static final Pattern ROLE = Pattern.compile("[a-z][a-z0-9_-]{0,62}");
    private static final Set<String> RESERVED_USERS =
            Set.of(Principal.ADMIN, Principal.LAKE.name());

    private static final String TABLE = "a table is written namespace.table";
    private static final String COLUMN = "a column is written namespace.table.column";

    private final Problems problems;
    private final Map<String, PolicyDefinition.Role> roles = new LinkedHashMap<>();
    private final List<Section.Scalar> namedRoles = new ArrayList<>();
    private final Map<String, PolicyDefinition.User> users = new LinkedHashMap<>();
    private final Map<String, List<PolicyDefinition.TaggedColumn>> tags = new LinkedHashMap<>();
    private final List<RoleSection> roleSections = new ArrayList<>();
    private final List<PolicyDefinition.RowFilter> filters = new ArrayList<>();
    private final List<Mask> masks = new ArrayList<>();

    private record RoleSection(String name, Section section, Place place) {}

    /** A mask of a column or a tag. */
    private record Mask(
            Optional<Section.Scalar> column,
            Optional<Section.Scalar> tag,
            SqlText value,
            List<String> except,
            Place place) {}

    PolicyFiles(Problems problems) {
        this.problems = problems;
    }

    void read(String file, MappingNode mapping) {
        Section top = new Section(file, mapping, problems, KEYS);
        top.section("roles").ifPresent(this::roles);
        top.section("users").ifPresent(this::users);
        top.section("tags").ifPresent(this::tags);
        for (Node node : top.items("row-filters")) {
            top.section("row-filters", node, List.of("table", "where", "except"))
                    .ifPresent(section -> filter(section, YamlFile.place(file, node)));
        }
        for (Node node : top.items("masks")) {
            top.section("masks", node, List.of("column", "tag", "value", "except"))
                    .ifPresent(section -> mask(section, YamlFile.place(file, node)));
        }
    }

    private void roles(Section section) {
        for (String name : section.entries().keySet()) {
            Place place = section.placeOf(name);
            if (Principal.BUILT_IN_ROLES.contains(name)) {
                problems.add(
                        place, name, "every lake has this role as it is; name yours otherwise");
            } else if (!ROLE.matcher(name).matches()) {
                problems.add(
                        place,
                        name,
                        "a role's name is made of a-z, 0-9, _ and -, starts with a letter and has"
                                + " at most 63 characters");
            }
            section.section(name, List.of("read", "write"))
                    .ifPresent(role -> roleSections.add(new RoleSection(name, role, place)));
        }
    }

    private void users(Section section) {
        for (String name : section.entries().keySet()) {
            Place place = section.placeOf(name);
            if (RESERVED_USERS.contains(name)
                    || name.isBlank()
                    || name.length() > 128
                    || name.codePoints().anyMatch(Character::isISOControl)) {
                problems.add(
                        place,
                        name,
                        "a user's name has 1 to 128 characters that can be seen, and is none of "
                                + String.join(", ", new TreeSet<>(RESERVED_USERS)));
            }
            Optional<Section> user =
                    section.section(name, List.of("roles", "attributes", "trusted"));
            if (user.isEmpty()) {
                continue;
            }
            List<Section.Scalar> held = user.get().scalars("roles");
            namedRoles.addAll(held);
            PolicyDefinition.User before =
                    users.putIfAbsent(
                            name,
                            new PolicyDefinition.User(
                                    name,
                                    held.stream().map(Section.Scalar::text).toList(),
                                    attributes(user.get()),
                                    trusted(user.get()),
                                    place));
            if (before != null) {
                problems.add(place, name, "this user stands at " + before.place() + " already");
            }
        }
    }

    private boolean trusted(Section user) {
        Optional<Section.Scalar> written = user.scalar("trusted");
        written.filter(word -> !List.of("true", "false").contains(word.text()))
                .ifPresent(word ->
                        problems.add(word.place(), word.text(), "trusted is true or false"));
        return written.filter(word -> word.text().equals("true")).isPresent();
    }

    private Map<String, String> attributes(Section user) {
        Map<String, String> attributes = new HashMap<>();
        Optional<Section> section = user.section("attributes");
        section.ifPresent(named -> {
            for (String name : named.entries().keySet()) {
                if (name.equals("name")) {
                    problems.add(
                            named.placeOf(name),
                            name,
                            "this attribute is the user's name already; choose another");
                }
                named.scalar(name).ifPresent(value -> attributes.put(name, value.text()));
            }
        });
        return attributes;
    }

    private void tags(Section section) {
        for (String tag : section.entries().keySet()) {
            List<PolicyDefinition.TaggedColumn> columns =
                    tags.computeIfAbsent(tag, name -> new ArrayList<>());
            for (Section.Scalar column : section.scalars(tag)) {
                parts(column, 3, COLUMN)
                        .ifPresent(parts ->
                                columns.add(
                                        new PolicyDefinition.TaggedColumn(
                                                tag,
                                                parts.get(0),
                                                parts.get(1),
                                                parts.get(2),
                                                column.place())));
            }
            if (section.items(tag).isEmpty()) {
                problems.add(section.placeOf(tag), tag, "a tag has columns; write them in a list");
            }
        }
    }

    private void filter(Section section, Place place) {
        Optional<Section.Scalar> table = needed(section, "table", place);
        Optional<SqlText> condition = section.sql("where");
        if (condition.isEmpty() && !section.has("where")) {
            problems.add(place, "", "where is missing; write the condition of rows that are seen");
        }
        List<String> except = except(section);
        table.flatMap(t -> parts(t, 2, TABLE))
                .ifPresent(parts ->
                        condition.ifPresent(where ->
                                filters.add(
                                        new PolicyDefinition.RowFilter(
                                                parts.get(0),
                                                parts.get(1),
                                                where,
                                                except,
                                                table.get().place()))));
    }

    private void mask(Section section, Place place) {
        Optional<Section.Scalar> column = section.scalar("column");
        Optional<Section.Scalar> tag = section.scalar("tag");
        if (section.has("column") == section.has("tag")) {
            problems.add(place, "", "a mask is of a column or of a tag: write one of the two");
        }
        Optional<SqlText> value = section.sql("value");
        if (value.isEmpty() && !section.has("value")) {
            problems.add(
                    place, "", "value is missing; write what is seen instead, such as \"NULL\"");
        }
        List<String> except = except(section);
        value.ifPresent(text -> masks.add(new Mask(column, tag, text, except, place)));
    }

    private Optional<Section.Scalar> needed(Section section, String key, Place place) {
        if (!section.has(key)) {
            problems.add(place, "", key + " is missing");
        }
        return section.scalar(key);
    }

    private List<String> except(Section section) {
        List<Section.Scalar> except = section.scalars("except");
        namedRoles.addAll(except);
        return except.stream().map(Section.Scalar::text).toList();
    }

    /** Looks up everything that is named. */
    PolicyDefinition resolve() {
        for (RoleSection section : roleSections) {
            PolicyDefinition.Role before =
                    roles.putIfAbsent(
                            section.name(),
                            new PolicyDefinition.Role(
                                    section.name(),
                                    grants(section.section()),
                                    writes(section.section()),
                                    section.place()));
            if (before != null) {
                problems.add(
                        section.place(),
                        section.name(),
                        "this role stands at " + before.place() + " already");
            }
        }
        PolicyDefinition policy =
                new PolicyDefinition(
                        List.copyOf(roles.values()),
                        List.copyOf(users.values()),
                        tags.values().stream().flatMap(List::stream).toList(),
                        filters,
                        columnMasks());
        Set<String> known = policy.knownRoles();
        for (Section.Scalar role : namedRoles) {
            if (!known.contains(role.text())) {
                problems.add(
                        role.place(),
                        role.text(),
                        "unknown role; " + Nearest.hint(role.text(), known));
            }
        }
        return policy;
    }

    private List<PolicyDefinition.Grant> grants(Section role) {
        Map<String, PolicyDefinition.Grant> grants = new LinkedHashMap<>();
        for (Node node : role.items("read")) {
            for (PolicyDefinition.Grant grant : grants(role, node)) {
                PolicyDefinition.Grant before =
                        grants.putIfAbsent(
                                key(
                                        grant.namespace(),
                                        grant.table().orElse(""),
                                        grant.column().map(c -> c.name()).orElse("")),
                                grant);
                if (before != null) {
                    problems.add(
                            grant.column().map(c -> c.place()).orElse(grant.place()),
                            "",
                            "the role may read this by " + before.place() + " already");
                }
            }
            // a column may bear two tags, and be granted by name besides
            for (PolicyDefinition.TaggedColumn tagged : granted(role, node)) {
                PolicyDefinition.Grant grant =
                        new PolicyDefinition.Grant(
                                tagged.namespace(),
                                Optional.of(tagged.table()),
                                Optional.of(
                                        new PolicyDefinition.ColumnName(
                                                tagged.column(), tagged.place())),
                                tagged.place());
                grants.putIfAbsent(key(tagged.namespace(), tagged.table(), tagged.column()), grant);
            }
        }
        return List.copyOf(grants.values());
    }

    private List<PolicyDefinition.Grant> writes(Section role) {
        return role.items("write").stream()
                .flatMap(node -> role.scalar("write", node).stream())
                .flatMap(name -> {
                    List<String> parts = DottedName.parts(name.text());
                    if (parts.isEmpty() || parts.size() > 2) {
                        problems.add(
                                name.place(),
                                name.text(),
                                "write a namespace, or a table as namespace.table");
                        return Stream.empty();
                    }
                    return grant(name).stream();
                })
                .toList();
    }

    /** What is granted by a tag. */
    private List<PolicyDefinition.TaggedColumn> granted(Section role, Node node) {
        return entry(role, node)
                .flatMap(section -> section.scalar("tag"))
                .map(this::tagged)
                .orElse(List.of());
    }

    private static Optional<Section> entry(Section role, Node node) {
        return node instanceof MappingNode
                ? role.section("read", node, List.of("table", "columns", "tag"))
                : Optional.empty();
    }

    /** What is granted by name. */
    private List<PolicyDefinition.Grant> grants(Section role, Node node) {
        Optional<Section> entry = entry(role, node);
        if (entry.isEmpty()) {
            return role.scalar("read", node).flatMap(this::grant).stream().toList();
        }
        Section section = entry.get();
        Place place = YamlFile.place(section.file(), node);
        if (section.has("tag")) {
            if (section.has("table") || section.has("columns")) {
                problems.add(place, "", "a tag says its columns itself; leave the rest out");
            }
            return List.of();
        }
        List<Section.Scalar> columns = section.scalars("columns");
        if (columns.isEmpty()) {
            problems.add(place, "", "columns is missing; for the whole table write its name alone");
        }
        Optional<Section.Scalar> table = needed(section, "table", place);
        Optional<List<String>> parts = table.flatMap(t -> parts(t, 2, TABLE));
        return parts.isEmpty()
                ? List.of()
                : columns.stream()
                        .map(column ->
                                new PolicyDefinition.Grant(
                                        parts.get().get(0),
                                        Optional.of(parts.get().get(1)),
                                        Optional.of(
                                                new PolicyDefinition.ColumnName(
                                                        column.text(), column.place())),
                                        table.get().place()))
                        .toList();
    }

    private Optional<PolicyDefinition.Grant> grant(Section.Scalar name) {
        List<String> parts = DottedName.parts(name.text());
        if (parts.isEmpty() || parts.size() > 2) {
            problems.add(
                    name.place(),
                    name.text(),
                    "write a namespace, a table as namespace.table, {table: …, columns: […]} or"
                            + " {tag: …}");
            return Optional.empty();
        }
        return Optional.of(
                new PolicyDefinition.Grant(
                        parts.getFirst(),
                        parts.size() == 1 ? Optional.empty() : Optional.of(parts.get(1)),
                        Optional.empty(),
                        name.place()));
    }

    private List<PolicyDefinition.TaggedColumn> tagged(Section.Scalar tag) {
        List<PolicyDefinition.TaggedColumn> columns = tags.get(tag.text());
        if (columns == null) {
            problems.add(
                    tag.place(),
                    tag.text(),
                    "unknown tag; " + Nearest.hint(tag.text(), tags.keySet()));
            return List.of();
        }
        return columns;
    }

    private List<PolicyDefinition.ColumnMask> columnMasks() {
        List<PolicyDefinition.ColumnMask> found = new ArrayList<>();
        Map<String, Place> places = new HashMap<>();
        for (Mask mask : masks) {
            List<PolicyDefinition.ColumnMask> those = new ArrayList<>();
            mask.column()
                    .flatMap(c -> parts(c, 3, COLUMN))
                    .ifPresent(parts ->
                            those.add(
                                    new PolicyDefinition.ColumnMask(
                                            parts.get(0),
                                            parts.get(1),
                                            parts.get(2),
                                            mask.value(),
                                            mask.except(),
                                            mask.column().get().place())));
            mask.tag().stream()
                    .flatMap(tag -> tagged(tag).stream())
                    .forEach(t ->
                            those.add(
                                    new PolicyDefinition.ColumnMask(
                                            t.namespace(),
                                            t.table(),
                                            t.column(),
                                            mask.value(),
                                            mask.except(),
                                            t.place())));
            for (PolicyDefinition.ColumnMask one : those) {
                Place before =
                        places.putIfAbsent(
                                key(one.namespace(), one.table(), one.column()), mask.place());
                if (before != null) {
                    problems.add(
                            mask.place(),
                            one.namespace() + "." + one.table() + "." + one.column(),
                            "a column has one mask, and this one's is at " + before);
                }
            }
            found.addAll(those);
        }
        return found;
    }

    private static String key(String... parts) {
        return String.join("\0", parts).toLowerCase(Locale.ROOT);
    }

    private Optional<List<String>> parts(Section.Scalar name, int count, String otherwise) {
        List<String> parts = DottedName.parts(name.text());
        if (parts.size() != count) {
            problems.add(name.place(), name.text(), otherwise);
            return Optional.empty();
        }
        return Optional.of(parts);
    }
}
