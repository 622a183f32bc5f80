package org.tonle.definition;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The text of a {@code sources/<name>.yaml}: read before it is a file, and written. */
public final class SourceText {
    /** What YAML takes for something else than a text. */
    private static final Set<String> WORDS =
            Set.of("true", "false", "null", "yes", "no", "on", "off", "y", "n");

    private SourceText() {}

    /**
     * Reads a source that isn't in the lake's folder yet.
     *
     * @param folder the lake's
     * @throws DefinitionException with every problem of the text
     */
    public static SourceDefinition read(
            Path folder, String name, String text, Map<String, String> env) {
        String file = file(name);
        Problems problems = new Problems();
        if (!SourceFile.validName(name)) {
            problems.add(
                    Place.startOf(file),
                    name,
                    "a source's name has a-z, 0-9 and _ and begins with a letter");
        }
        Optional<SourceDefinition> read =
                new YamlFile(file, problems)
                        .read(text)
                        .map(mapping ->
                                new SourceFile(
                                                folder,
                                                file,
                                                new References(folder, env, problems),
                                                problems)
                                        .read(name, mapping));
        problems.throwIfAny();
        return read.orElseThrow();
    }

    /** The file of a source, below the lake's folder. */
    public static String file(String name) {
        return "sources/" + name + ".yaml";
    }

    /** A source's name that is like something else's. */
    public static String name(String like) {
        String name =
                like.toLowerCase(Locale.ROOT)
                        .replaceAll("[^a-z0-9]+", "_")
                        .replaceAll("^[^a-z]+|_+$", "");
        return name.isEmpty() ? "source" : name.substring(0, Math.min(name.length(), 63));
    }

    /** A value as YAML takes it for a text, also between braces. */
    public static String quoted(String text) {
        if (text.matches("[A-Za-z_./][\\w./@-]*")
                && !WORDS.contains(text.toLowerCase(Locale.ROOT))) {
            return text;
        }
        StringBuilder quoted = new StringBuilder("\"");
        text.codePoints()
                .forEach(c -> {
                    if (c == '"' || c == '\\') {
                        quoted.append('\\').appendCodePoint(c);
                    } else if (Character.isISOControl(c)) {
                        quoted.append("\\x%02x".formatted(c));
                    } else {
                        quoted.appendCodePoint(c);
                    }
                });
        return quoted.append('"').toString();
    }

    /** Where columns are in the events of a source, unless they say so. */
    public static List<JsonPath.Step> under(SourceDefinition source) {
        return isOfChanges(source) ? ChangeColumns.UNDER : List.of();
    }

    private static boolean isOfObjects(SourceDefinition source) {
        return source.kind() instanceof SourceKind.Files files && files.areObjects();
    }

    private static boolean isOfChanges(SourceDefinition source) {
        return source.kind() instanceof SourceKind.Kafka kafka
                && kafka.format() == TopicFormat.DEBEZIUM;
    }

    /**
     * The section of a source's columns, with a name for each that no other one has.
     *
     * @param columns where each is, and of which type
     */
    public static String columns(
            SourceDefinition source, List<Map.Entry<JsonPath, ColumnType>> columns) {
        // those of files that are kept as they are needn't be declared
        return columns.isEmpty() || isOfObjects(source)
                ? ""
                : "columns:\n"
                        + (isOfChanges(source)
                                ? entries(columns, ChangeColumns.UNDER, ChangeColumns.NAMES, "  ")
                                : entries(columns, List.of(), Set.of(), "  "));
    }

    /**
     * The section of a database's tables.
     *
     * @param tables by their names there, {@code schema.table}, the types of their columns
     */
    public static String tables(Map<String, Map<String, ColumnType>> tables) {
        StringBuilder text = new StringBuilder("tables:\n");
        tables.forEach((table, columns) -> {
            List<Map.Entry<JsonPath, ColumnType>> placed = new ArrayList<>();
            columns.forEach((name, type) -> placed.add(Map.entry(ChangeColumns.path(name), type)));
            text.append("  ")
                    .append(quoted(table.replaceFirst("^public\\.", "")))
                    .append(":\n")
                    .append(entries(placed, ChangeColumns.UNDER, ChangeColumns.NAMES, "    "));
        });
        return text.toString();
    }

    private static String entries(
            List<Map.Entry<JsonPath, ColumnType>> columns,
            List<JsonPath.Step> under,
            Set<String> taken,
            String indent) {
        Set<String> names = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
        names.addAll(SourceFile.BRONZE_COLUMNS);
        names.addAll(SourceFile.HIDDEN_COLUMNS);
        names.addAll(taken);
        StringBuilder text = new StringBuilder();
        for (Map.Entry<JsonPath, ColumnType> column : columns) {
            JsonPath path = column.getKey();
            String name = name(path.steps().subList(under.size(), path.steps().size()));
            if (name.toLowerCase(Locale.ROOT).startsWith(SourceFile.OWN_PREFIX)) {
                name = "_" + name;
            }
            while (!names.add(name)) {
                name += "_";
            }
            List<JsonPath.Step> usual = new ArrayList<>(under);
            usual.add(new JsonPath.Field(name));
            text.append(indent).append(quoted(name)).append(": ");
            if (path.steps().equals(usual)) {
                text.append(column.getValue()).append('\n');
            } else {
                text.append("{type: ")
                        .append(quoted(column.getValue().toString()))
                        .append(", path: ")
                        .append(quoted(path.toString()))
                        .append("}\n");
            }
        }
        return text.toString();
    }

    private static String name(List<JsonPath.Step> steps) {
        StringBuilder name = new StringBuilder();
        for (JsonPath.Step step : steps) {
            name.append(name.isEmpty() ? "" : "_")
                    .append(
                            switch (step) {
                                case JsonPath.Field(String field) -> field;
                                case JsonPath.Index(int at) -> Integer.toString(at);
                            });
        }
        return name.substring(0, Math.min(name.length(), 120));
    }
}
