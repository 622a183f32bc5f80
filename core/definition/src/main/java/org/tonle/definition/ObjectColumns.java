package org.tonle.definition;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The columns of files that are kept as they are, one row each: these are there without being
 * declared. Its event is one object with {@code name}, {@code media_type}, {@code size}, {@code
 * sha256}, {@code location}, {@code modified}, {@code metadata}, {@code text}, {@code
 * text_truncated} and {@code error}.
 */
public final class ObjectColumns {
    /** The field that says when the file last changed. */
    static final String TIME = "modified";

    private ObjectColumns() {}

    /** The declared columns, behind those of the others that aren't declared. */
    static List<ColumnDefinition> before(List<ColumnDefinition> declared, Place place) {
        var names =
                declared.stream()
                        .map(column -> column.name().toLowerCase(Locale.ROOT))
                        .collect(Collectors.toSet());
        List<ColumnDefinition> all = new ArrayList<>();
        own("name", ColumnType.Simple.STRING, true, place, all);
        own("media_type", ColumnType.Simple.STRING, true, place, all);
        own("size", ColumnType.Simple.BIGINT, true, place, all);
        own("sha256", ColumnType.Simple.STRING, true, place, all);
        own("location", ColumnType.Simple.STRING, true, place, all);
        own("text", ColumnType.Simple.STRING, false, place, all);
        own("error", ColumnType.Simple.STRING, false, place, all);
        all.removeIf(column -> names.contains(column.name()));
        all.addAll(declared);
        return all;
    }

    private static void own(
            String name,
            ColumnType type,
            boolean required,
            Place place,
            List<ColumnDefinition> all) {
        all.add(new ColumnDefinition(name, type, JsonPath.field(name), required, place));
    }
}
