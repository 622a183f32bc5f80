package org.tonle.ingest;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.SeenFields;
import org.tonle.definition.ValueKinds;

/**
 * Finds out which columns the events of one commit bring to a table of bronze. Used by one thread.
 */
final class FieldWatch {
    private final BronzeDefinition table;
    private final Map<String, String> properties;
    private final SeenFields seen;
    private final Set<String> declared;

    /** What columns are called, in lower case. */
    private final Set<String> taken;

    /** Fields that can't be columns, as many as there can be columns. */
    private final Set<String> left = new LinkedHashSet<>();

    private @Nullable String why;

    /**
     * @param properties the table's, on which the commit is based
     */
    FieldWatch(BronzeDefinition table, Map<String, String> properties) {
        this.table = table;
        this.properties = properties;
        this.seen = SeenFields.of(properties);
        this.declared = table.fields(Map.of());
        this.taken = table.takenNames();
        seen.fields().forEach(field -> taken.add(field.name().toLowerCase(Locale.ROOT)));
    }

    /** Takes one event; one that is no object has no fields. */
    void add(byte[] json, int from, int to) {
        EventFields.visit(json, from, to, table.drift().under(), this::field);
    }

    private void field(String name, JsonParser parser) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NULL
                || declared.contains(name)
                || left.contains(name)) {
            return;
        }
        ValueKinds kinds = seen.kinds(name);
        if (kinds == null) {
            Optional<String> no = notAColumn(name);
            if (no.isPresent()) {
                if (left.size() < SeenFields.MOST) {
                    left.add(name);
                }
                why = why == null ? no.get() : why;
                return;
            }
            taken.add(name.toLowerCase(Locale.ROOT));
            kinds = seen.add(name);
        }
        if (!kinds.isText()) {
            EventFields.add(parser, kinds);
        }
    }

    private Optional<String> notAColumn(String name) {
        if (!SeenFields.isName(name)) {
            return Optional.of("its name isn't one that a column can have");
        }
        if (taken.contains(name.toLowerCase(Locale.ROOT))) {
            return Optional.of(
                    "bronze.%s has another column of that name, or one that differs in case only"
                            .formatted(table.name()));
        }
        return seen.size() < SeenFields.MOST
                ? Optional.empty()
                : Optional.of(
                        "bronze.%s has %d columns that came with events, and gets no more"
                                .formatted(table.name(), SeenFields.MOST));
    }

    /** The properties that the table is to have besides. */
    Map<String, String> news() {
        return seen.missingIn(properties);
    }

    /** What stays in the payload, and why; empty if nothing does. */
    Optional<String> warning() {
        return left.stream()
                .findFirst()
                .map(name ->
                        "Events have fields that stay in the payload, such as '%s': %s. Declare it under columns:, with another name and its path."
                                .formatted(shown(name), why));
    }

    private static String shown(String name) {
        String visible =
                name.codePoints()
                        .limit(60)
                        .collect(
                                StringBuilder::new,
                                (text, c) -> {
                                    if (Character.isISOControl(c)) {
                                        text.append("\\u%04x".formatted(c));
                                    } else {
                                        text.appendCodePoint(c);
                                    }
                                },
                                StringBuilder::append)
                        .toString();
        return visible;
    }
}
