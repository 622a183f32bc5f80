package org.tonle.definition;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.NodeTuple;

/** Reads one {@code sources/<name>.yaml}. */
final class SourceFile {
    private static final List<String> KEYS =
            List.of("kind", "id", "event-time", "key", "columns", "drift");

    /** The keys of each kind besides those above, which all have but databases. */
    private static final Map<String, List<String>> KINDS =
            new TreeMap<>(
                    Map.of(
                            "http",
                            List.of("partitions", "retention", "max-body"),
                            "files",
                            FilesSection.KEYS,
                            "kafka",
                            List.of(
                                    "topic",
                                    "bootstrap-servers",
                                    "properties",
                                    "from",
                                    "format",
                                    "registry"),
                            "postgres",
                            PostgresSection.KEYS));

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,62}");
    private static final Pattern DECIMAL =
            Pattern.compile("decimal\\s*\\(\\s*([0-9]{1,3})\\s*,\\s*([0-9]{1,3})\\s*\\)");

    // what people write who come from elsewhere
    private static final Map<String, String> OTHER_NAMES =
            Map.ofEntries(
                    Map.entry("integer", "int"),
                    Map.entry("int32", "int"),
                    Map.entry("smallint", "int"),
                    Map.entry("long", "bigint"),
                    Map.entry("int64", "bigint"),
                    Map.entry("float", "double"),
                    Map.entry("real", "double"),
                    Map.entry("number", "double"),
                    Map.entry("text", "string"),
                    Map.entry("varchar", "string"),
                    Map.entry("bool", "boolean"),
                    Map.entry("datetime", "timestamp"),
                    Map.entry("decimal", "decimal(p,s)"),
                    Map.entry("numeric", "decimal(p,s)"));

    /**
     * The columns that every bronze table has. {@code core/catalog} owns them; it stands after this
     * module, so they are repeated here, and a test of the lake compares the two.
     */
    static final Set<String> BRONZE_COLUMNS =
            Set.of(
                    "event_id",
                    "event_time",
                    "ingest_time",
                    "source",
                    "topic",
                    "partition",
                    "position",
                    "index",
                    "key",
                    "headers",
                    "content_type",
                    "payload");

    /** The columns that every streaming table carries besides its own. */
    static final Set<String> HIDDEN_COLUMNS = Set.of("_key", "_ingest_time", "_sequence");

    /** What columns are called that exist only while something is computed. */
    static final String OWN_PREFIX = "tonle$";

    /**
     * What the doors, the producer and the embedded broker are made for: half of what each holds.
     */
    private static final long MOST_BODY_BYTES = 32L << 20;

    private final Path folder;
    private final String file;
    private final References references;
    private final Problems problems;

    /**
     * @param folder the lake's
     * @param file below it
     */
    SourceFile(Path folder, String file, References references, Problems problems) {
        this.folder = folder;
        this.file = file;
        this.references = references;
        this.problems = problems;
    }

    static boolean validName(String name) {
        return NAME.matcher(name).matches();
    }

    SourceDefinition read(String name, MappingNode mapping) {
        String kind = kind(new Section(file, mapping, new Problems()));
        if (kind.equals("postgres")) {
            return new PostgresSection(this, references, problems).read(name, mapping);
        }
        List<String> keys = new ArrayList<>(KEYS);
        keys.addAll(KINDS.getOrDefault(kind, List.of()));
        Section section = new Section(file, mapping, problems, keys);
        SourceKind read =
                switch (kind) {
                    case "files" -> new FilesSection(folder, references, problems).read(section);
                    case "kafka" -> new TopicSection(references, problems).read(section);
                    default -> http(section);
                };
        boolean changes =
                read instanceof SourceKind.Kafka kafka && kafka.format() == TopicFormat.DEBEZIUM;
        boolean objects = read instanceof SourceKind.Files files && files.areObjects();
        List<ColumnDefinition> columns =
                section.section("columns")
                        .map(c ->
                                changes
                                        ? columns(c, ChangeColumns::path, ChangeColumns.NAMES)
                                        : columns(c, JsonPath::field, Set.of()))
                        .orElse(List.of());
        Place place = YamlFile.place(file, mapping);
        if (objects) {
            columns = ObjectColumns.before(columns, place);
            section.scalar("drift")
                    .ifPresent(s ->
                            problems.add(
                                    s.place(),
                                    s.text(),
                                    "drift is of records; objects have the same fields always"));
        }
        return new SourceDefinition(
                name,
                place,
                field(section, "id")
                        .orElse(changes ? ChangeColumns.ID : SourceDefinition.DEFAULT_ID_FIELD),
                field(section, "event-time")
                        .or(() -> changes ? Optional.of(ChangeColumns.TIME) : Optional.empty())
                        .or(() -> objects ? Optional.of(ObjectColumns.TIME) : Optional.empty()),
                key(section, columns),
                changes ? ChangeColumns.behind(columns, place) : columns,
                section.count("partitions", SourceDefinition.DEFAULT_PARTITIONS, 1000),
                section.duration("retention", SourceDefinition.DEFAULT_RETENTION),
                read,
                drift(section));
    }

    static DriftPolicy drift(Section section) {
        return section.choice("drift", Arrays.asList(DriftPolicy.values()))
                .orElse(DriftPolicy.IGNORE);
    }

    /** The kind's name; reports one that isn't known. */
    private String kind(Section section) {
        Optional<Section.Scalar> kind = section.scalar("kind");
        if (kind.isEmpty()) {
            problems.add(Place.startOf(file), "", "kind is missing; write kind: http");
        }
        kind.filter(k -> !KINDS.containsKey(k.text()))
                .ifPresent(k ->
                        problems.add(
                                k.place(),
                                k.text(),
                                "unknown kind of source; there is "
                                        + String.join(", ", KINDS.keySet())));
        return kind.map(Section.Scalar::text).orElse("http");
    }

    private static SourceKind http(Section section) {
        return new SourceKind.Http(
                section.bytes(
                        "max-body",
                        SourceKind.Http.DEFAULT_MAX_BODY_BYTES,
                        1L << 10,
                        MOST_BODY_BYTES));
    }

    private Optional<String> field(Section section, String key) {
        Optional<Section.Scalar> scalar = section.scalar(key);
        scalar.filter(s -> s.text().startsWith("$"))
                .ifPresent(s ->
                        problems.add(
                                s.place(),
                                s.text(),
                                key
                                        + " takes the name of a field at the top of the"
                                        + " event, not a path"));
        return scalar.map(Section.Scalar::text);
    }

    private Optional<String> key(Section section, List<ColumnDefinition> columns) {
        Optional<Section.Scalar> key = section.scalar("key");
        List<String> names = columns.stream().map(ColumnDefinition::name).toList();
        key.filter(k -> !names.contains(k.text()))
                .ifPresent(k ->
                        problems.add(
                                k.place(),
                                k.text(),
                                "key names no column of this source; "
                                        + (names.isEmpty()
                                                ? "declare it under columns:"
                                                : Nearest.hint(k.text(), names))));
        return key.map(Section.Scalar::text);
    }

    String file() {
        return file;
    }

    /**
     * The entries of a section, each a column.
     *
     * @param otherwise where a column's value is whose entry doesn't say
     * @param taken names that the source's tables have besides, in lower case
     */
    List<ColumnDefinition> columns(
            Section columns, Function<String, JsonPath> otherwise, Set<String> taken) {
        List<ColumnDefinition> read = new ArrayList<>();
        Map<String, String> names = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (Map.Entry<String, NodeTuple> entry : columns.entries().entrySet()) {
            String name = entry.getKey();
            Place place = columns.placeOf(name);
            checkName(name, place, names.put(name, name), otherwise, taken);
            column(columns, name, place, entry.getValue(), otherwise.apply(name))
                    .ifPresent(read::add);
        }
        return read;
    }

    private void checkName(
            String name,
            Place place,
            @Nullable String before,
            Function<String, JsonPath> otherwise,
            Set<String> taken) {
        String lower = name.toLowerCase(Locale.ROOT);
        if (BRONZE_COLUMNS.contains(lower)
                || HIDDEN_COLUMNS.contains(lower)
                || taken.contains(lower)) {
            problems.add(
                    place,
                    name,
                    "every table has a column of this name already; choose another and point it"
                            + " at the field: {type: …, path: "
                            + otherwise.apply(name)
                            + "}");
        } else if (lower.startsWith(OWN_PREFIX)) {
            problems.add(
                    place,
                    name,
                    "names that begin with "
                            + OWN_PREFIX
                            + " are Tonle's own; choose another and point it at the field: {type: …,"
                            + " path: "
                            + otherwise.apply(name)
                            + "}");
        } else if (before != null) {
            problems.add(
                    place, name, "differs from " + before + " only in case; names ignore case");
        } else if (name.isBlank()
                || name.length() > 128
                || name.codePoints().anyMatch(Character::isISOControl)) {
            problems.add(
                    place,
                    name,
                    "a column's name has 1 to 128 characters and none that can't be seen");
        }
    }

    private Optional<ColumnDefinition> column(
            Section columns, String name, Place place, NodeTuple tuple, JsonPath otherwise) {
        if (!(tuple.getValueNode() instanceof MappingNode)) {
            return columns.scalar(name)
                    .flatMap(this::type)
                    .map(t -> new ColumnDefinition(name, t, otherwise, false, place));
        }
        Section section = columns.section(name, List.of("type", "path", "required")).orElseThrow();
        Optional<Section.Scalar> type = section.scalar("type");
        if (type.isEmpty() && !section.has("type")) {
            problems.add(place, name, "type is missing; write {type: string} or another type");
        }
        JsonPath path = path(section, otherwise);
        boolean required = section.flag("required");
        return type.flatMap(this::type)
                .map(t -> new ColumnDefinition(name, t, path, required, place));
    }

    private JsonPath path(Section section, JsonPath otherwise) {
        Optional<Section.Scalar> scalar = section.scalar("path");
        if (scalar.isPresent()) {
            try {
                return JsonPath.parse(scalar.get().text());
            } catch (IllegalArgumentException e) {
                problems.add(
                        scalar.get().place(),
                        scalar.get().text(),
                        "not a path: " + e.getMessage() + "; write one like $.a.b[0]");
            }
        }
        return otherwise;
    }

    private Optional<ColumnType> type(Section.Scalar scalar) {
        String text = scalar.text().strip().toLowerCase(Locale.ROOT);
        for (ColumnType.Simple simple : ColumnType.Simple.values()) {
            if (simple.toString().equals(text)) {
                return Optional.of(simple);
            }
        }
        Matcher decimal = DECIMAL.matcher(text);
        if (decimal.matches()) {
            int precision = Integer.parseInt(decimal.group(1));
            int scale = Integer.parseInt(decimal.group(2));
            if (precision >= 1
                    && precision <= ColumnType.Decimal.MAX_PRECISION
                    && scale <= precision) {
                return Optional.of(new ColumnType.Decimal(precision, scale));
            }
            problems.add(
                    scalar.place(),
                    scalar.text(),
                    "a decimal has 1 to 38 digits in all and at most as many after the point,"
                            + " like decimal(10,2)");
            return Optional.empty();
        }
        List<String> known = new ArrayList<>();
        for (ColumnType.Simple simple : ColumnType.Simple.values()) {
            known.add(simple.toString());
        }
        known.add("decimal(p,s)");
        String other = OTHER_NAMES.get(text);
        problems.add(
                scalar.place(),
                scalar.text(),
                "unknown type; "
                        + (other != null
                                ? "did you mean " + other + "?"
                                : Nearest.hint(text, known)));
        return Optional.empty();
    }
}
