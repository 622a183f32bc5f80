package org.tonle.definition;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * One mapping of a YAML file. Each reader reports what is wrong with its value and then goes on
 * with the default, so that one pass finds every problem.
 */
final class Section {
    /** A value as it was written. */
    record Scalar(String text, Tag tag, Place place) {}

    private final String file;
    private final Problems problems;
    private final Map<String, NodeTuple> entries = new LinkedHashMap<>();

    /** Any keys. */
    Section(String file, MappingNode mapping, Problems problems) {
        this.file = file;
        this.problems = problems;
        for (NodeTuple tuple : mapping.getValue()) {
            Place place = YamlFile.place(file, tuple.getKeyNode());
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                problems.add(place, "", "a key has to be a plain word");
            } else if (entries.putIfAbsent(key.getValue(), tuple) != null) {
                problems.add(place, key.getValue(), "this key stands twice; remove one");
            }
        }
    }

    /** These keys and no others. */
    Section(String file, MappingNode mapping, Problems problems, List<String> known) {
        this(file, mapping, problems);
        for (Map.Entry<String, NodeTuple> entry : Map.copyOf(entries).entrySet()) {
            if (!known.contains(entry.getKey())) {
                problems.add(
                        YamlFile.place(file, entry.getValue().getKeyNode()),
                        entry.getKey(),
                        "unknown key; " + Nearest.hint(entry.getKey(), known));
            }
        }
    }

    Map<String, NodeTuple> entries() {
        return entries;
    }

    String file() {
        return file;
    }

    boolean has(String key) {
        return entries.containsKey(key);
    }

    /** Whether a key has keys of its own. */
    boolean isMapping(String key) {
        NodeTuple tuple = entries.get(key);
        return tuple != null && tuple.getValueNode() instanceof MappingNode;
    }

    Place placeOf(String key) {
        NodeTuple tuple = entries.get(key);
        return tuple == null ? Place.startOf(file) : YamlFile.place(file, tuple.getKeyNode());
    }

    Optional<Scalar> scalar(String key) {
        NodeTuple tuple = entries.get(key);
        return tuple == null ? Optional.empty() : scalar(key, tuple.getValueNode());
    }

    /**
     * The entries of a list, each to be read by one of the methods below; empty if it is left out.
     */
    List<Node> items(String key) {
        NodeTuple tuple = entries.get(key);
        if (tuple == null) {
            return List.of();
        }
        if (tuple.getValueNode() instanceof SequenceNode list) {
            return list.getValue();
        }
        problems.add(
                YamlFile.place(file, tuple.getValueNode()),
                "",
                key + " takes a list: [a, b], or a line with - for each");
        return List.of();
    }

    /** The texts of a list. */
    List<Scalar> scalars(String key) {
        return items(key).stream().flatMap(node -> scalar(key, node).stream()).toList();
    }

    /** An entry of a list that has keys of its own. */
    Optional<Section> section(String key, Node node, List<String> known) {
        if (node instanceof MappingNode mapping) {
            return Optional.of(new Section(file, mapping, problems, known));
        }
        problems.add(
                YamlFile.place(file, node),
                "",
                key + " takes entries with keys: {" + String.join(": …, ", known) + ": …}");
        return Optional.empty();
    }

    Optional<Scalar> scalar(String key, Node node) {
        Place place = YamlFile.place(file, node);
        if (!(node instanceof ScalarNode scalar)) {
            problems.add(place, "", key + " takes one value, not a list or keys of its own");
            return Optional.empty();
        }
        if (scalar.getTag().equals(Tag.NULL) || scalar.getValue().isBlank()) {
            problems.add(placeOf(key), key, "has no value; write one or remove the key");
            return Optional.empty();
        }
        return Optional.of(new Scalar(scalar.getValue(), scalar.getTag(), place));
    }

    /** SQL, with the place of its first character. */
    Optional<SqlText> sql(String key) {
        Optional<Scalar> scalar = scalar(key);
        NodeTuple tuple = entries.get(key);
        if (scalar.isEmpty()
                || tuple == null
                || !(tuple.getValueNode() instanceof ScalarNode node)) {
            return Optional.empty();
        }
        Place start = scalar.get().place();
        Place place =
                switch (node.getScalarStyle()) {
                    case PLAIN, JSON_SCALAR_STYLE -> start;
                    case SINGLE_QUOTED, DOUBLE_QUOTED ->
                            new Place(file, start.line(), start.column() + 1);
                    // the text begins on the line after the | or >
                    case LITERAL, FOLDED -> new Place(file, start.line() + 1, 1);
                };
        return Optional.of(new SqlText(place, scalar.get().text()));
    }

    Optional<Section> section(String key, List<String> known) {
        return mapping(key).map(m -> new Section(file, m, problems, known));
    }

    Optional<Section> section(String key) {
        return mapping(key).map(m -> new Section(file, m, problems));
    }

    private Optional<MappingNode> mapping(String key) {
        NodeTuple tuple = entries.get(key);
        if (tuple == null) {
            return Optional.empty();
        }
        if (tuple.getValueNode() instanceof MappingNode mapping) {
            return Optional.of(mapping);
        }
        problems.add(
                YamlFile.place(file, tuple.getValueNode()),
                "",
                key + " takes keys of its own, indented under it");
        return Optional.empty();
    }

    Duration duration(String key, Duration otherwise) {
        Optional<Scalar> scalar = scalar(key);
        if (scalar.isEmpty()) {
            return otherwise;
        }
        Optional<Duration> value = Units.duration(scalar.get().text()).filter(Duration::isPositive);
        if (value.isEmpty()) {
            problems.add(
                    scalar.get().place(),
                    scalar.get().text(),
                    key + " takes a duration above zero, like 500ms, 5s, 10m, 24h or 7d");
        }
        return value.orElse(otherwise);
    }

    long bytes(String key, long otherwise, long least, long most) {
        Optional<Scalar> scalar = scalar(key);
        if (scalar.isEmpty()) {
            return otherwise;
        }
        Optional<Long> value =
                Units.bytes(scalar.get().text()).filter(b -> b >= least && b <= most);
        if (value.isEmpty()) {
            problems.add(
                    scalar.get().place(),
                    scalar.get().text(),
                    key
                            + " takes a size from "
                            + Units.text(least)
                            + " to "
                            + Units.text(most)
                            + ", like "
                            + Units.text(otherwise));
        }
        return value.orElse(otherwise);
    }

    /** One of these, as its {@code toString} writes it. */
    <T> Optional<T> choice(String key, List<T> known) {
        Optional<Scalar> scalar = scalar(key);
        Optional<T> found =
                scalar.flatMap(
                        s -> known.stream().filter(k -> k.toString().equals(s.text())).findFirst());
        scalar.filter(s -> found.isEmpty())
                .ifPresent(s ->
                        problems.add(
                                s.place(),
                                s.text(),
                                "unknown %s; %s"
                                        .formatted(
                                                key,
                                                Nearest.hint(
                                                        s.text(),
                                                        known.stream()
                                                                .map(Object::toString)
                                                                .toList()))));
        return found;
    }

    int count(String key, int otherwise, int most) {
        Optional<Scalar> scalar = scalar(key);
        if (scalar.isEmpty()) {
            return otherwise;
        }
        String text = scalar.get().text();
        int value = text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 0;
        if (value >= 1 && value <= most) {
            return value;
        }
        problems.add(
                scalar.get().place(),
                text,
                key + " takes a whole number from 1 to " + most + ", like " + otherwise);
        return otherwise;
    }

    boolean flag(String key) {
        Optional<Scalar> scalar = scalar(key);
        if (scalar.isEmpty()) {
            return false;
        }
        if (!scalar.get().tag().equals(Tag.BOOL)) {
            problems.add(scalar.get().place(), scalar.get().text(), key + " takes true or false");
            return false;
        }
        return scalar.get().text().equalsIgnoreCase("true");
    }
}
