package org.tonle.ingest;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tonle.definition.JsonPath;
import org.tonle.definition.ValueKinds;

/**
 * What columns events have, from the events: at each place the narrowest type that takes all values
 * there. Objects are gone into, arrays are one value. Bounded: what lies deeper than some levels is
 * one value, and columns beyond some hundreds are left. Used by one thread.
 */
public final class SchemaInference {
    private static final int DEEPEST = 6;
    private static final int MOST_COLUMNS = 300;
    private static final int LONGEST_NAME = 128;

    /** A place, and those below it while nothing but objects were found there. */
    private static final class Node {
        private final Map<String, Node> below = new LinkedHashMap<>();
        private final ValueKinds kinds = new ValueKinds();
        private long objects;
    }

    private final List<JsonPath.Step> under;
    private final Node root = new Node();
    private int nodes;

    /**
     * @param under where the columns are in an event; empty: at its top
     */
    public SchemaInference(List<JsonPath.Step> under) {
        this.under = List.copyOf(under);
    }

    /** Takes one event; one that is no object has no columns. */
    public void add(byte[] json, int from, int to) {
        EventFields.visit(json, from, to, under, (name, parser) -> field(name, parser, root, 0));
    }

    private void object(JsonParser parser, Node node, int depth) throws IOException {
        node.objects++;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            field(name, parser, node, depth);
        }
    }

    private void field(String name, JsonParser parser, Node node, int depth) throws IOException {
        Node below = node.below.get(name);
        if (below == null && nodes < MOST_COLUMNS && isName(name)) {
            below = new Node();
            node.below.put(name, below);
            nodes++;
        }
        if (below == null) {
            parser.skipChildren();
        } else {
            value(parser, below, depth + 1);
        }
    }

    private static boolean isName(String name) {
        return !name.isBlank()
                && name.length() <= LONGEST_NAME
                // no path can be written to it
                && !(name.contains("'") && name.contains("\""))
                && name.codePoints().noneMatch(Character::isISOControl);
    }

    private void value(JsonParser parser, Node node, int depth) throws IOException {
        if (parser.currentToken() == JsonToken.START_OBJECT && depth < DEEPEST) {
            object(parser, node, depth);
        } else {
            EventFields.add(parser, node.kinds);
            parser.skipChildren();
        }
    }

    /** In the order in which their places were found. */
    public List<InferredColumn> columns() {
        List<InferredColumn> columns = new ArrayList<>();
        root.below.forEach((name, node) -> collect(name, node, under, columns));
        return columns;
    }

    private static void collect(
            String name, Node node, List<JsonPath.Step> above, List<InferredColumn> columns) {
        List<JsonPath.Step> path = new ArrayList<>(above);
        path.add(new JsonPath.Field(name));
        if (node.objects > 0 && node.kinds.seen() == 0 && !node.below.isEmpty()) {
            node.below.forEach((inner, below) -> collect(inner, below, path, columns));
        } else {
            if (node.objects > 0) {
                node.kinds.other("{…}");
            }
            columns.add(
                    new InferredColumn(
                            new JsonPath(path),
                            node.kinds.type(),
                            node.kinds.seen(),
                            node.kinds.example()));
        }
    }
}
