package org.tonle.definition;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The fields that events of a table brought and no column is declared for, with what is known of
 * their values. They stand in the table's properties, one for each fact of each field: what several
 * processes found out at once is all of their properties, in whatever order they come, however
 * often. Used by one thread.
 */
public final class SeenFields {
    /** The most fields of a table that become columns. */
    public static final int MOST = 1000;

    /** The most UTF-16 units of a name. */
    private static final int LONGEST_NAME = 255;

    private static final String PREFIX = "tonle.seen.";

    /**
     * One field.
     *
     * @param order those with a lower one were seen earlier
     */
    public record Field(String name, ValueKinds kinds, int order) {}

    private final Map<String, Field> fields = new HashMap<>();

    private SeenFields() {}

    /** What a table's properties say; others than those of fields are left. */
    public static SeenFields of(Map<String, String> properties) {
        SeenFields seen = new SeenFields();
        Map<String, List<String>> facts = new TreeMap<>();
        Map<String, Integer> orders = new HashMap<>();
        properties.forEach((key, value) -> {
            int colon = key.indexOf(':');
            if (key.startsWith(PREFIX) && colon > 0) {
                String name = key.substring(colon + 1);
                facts.computeIfAbsent(name, n -> new ArrayList<>())
                        .add(key.substring(PREFIX.length(), colon));
                orders.merge(name, order(value), Math::min);
            }
        });
        facts.forEach((name, known) ->
                seen.fields.put(
                        name, new Field(name, ValueKinds.of(known), orders.getOrDefault(name, 0))));
        return seen;
    }

    private static int order(String value) {
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            return Integer.MAX_VALUE;
        }
    }

    /** In the order in which they were seen. */
    public List<Field> fields() {
        return fields.values().stream()
                .sorted(Comparator.comparingInt(Field::order).thenComparing(Field::name))
                .toList();
    }

    /** What a field's values are, to be added to; null if it wasn't seen. */
    public @org.jspecify.annotations.Nullable ValueKinds kinds(String name) {
        Field field = fields.get(name);
        return field == null ? null : field.kinds();
    }

    public int size() {
        return fields.size();
    }

    /** A field that wasn't seen before. */
    public ValueKinds add(String name) {
        int last = fields.values().stream().mapToInt(Field::order).max().orElse(0);
        Field field = new Field(name, new ValueKinds(), last + 1);
        fields.put(name, field);
        return field.kinds();
    }

    /**
     * What there is to be set.
     *
     * @param known the table's properties
     */
    public Map<String, String> missingIn(Map<String, String> known) {
        Map<String, String> missing = new TreeMap<>();
        for (Field field : fields.values()) {
            for (String fact : field.kinds().facts()) {
                String key = PREFIX + fact + ":" + field.name();
                if (!known.containsKey(key)) {
                    missing.put(key, Integer.toString(field.order()));
                }
            }
        }
        return missing;
    }

    /** Whether a field of this name can be a column: one can be written, and stored as UTF-8. */
    public static boolean isName(String name) {
        return !name.isBlank()
                && name.length() <= LONGEST_NAME
                && !name.toLowerCase(Locale.ROOT).startsWith(SourceFile.OWN_PREFIX)
                // what has no name in a statement is called like that
                && !name.startsWith("EXPR$")
                && name.codePoints()
                        .noneMatch(c ->
                                Character.isISOControl(c)
                                        || Character.getType(c) == Character.SURROGATE);
    }
}
