package org.tonle.ingest;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.JsonPath;

/**
 * Says what of an event a table has no column for, where that is to stop the source. Immutable.
 *
 * <p>Of values it is judged whether their columns' types take them; where that hangs on how an
 * engine rounds, they are let by, and datasets refuse them.
 */
final class FieldCheck {
    private final BronzeDefinition table;
    private final Set<String> known;

    /** By their field, the columns that are read from just that field. */
    private final Map<String, ColumnType> types = new HashMap<>();

    /**
     * @param properties the table's, which say what columns events have brought
     */
    FieldCheck(BronzeDefinition table, Map<String, String> properties) {
        this.table = table;
        this.known = table.fields(properties);
        List<JsonPath.Step> under = table.drift().under();
        for (ColumnDefinition column : table.columns(properties)) {
            List<JsonPath.Step> steps = column.path().steps();
            if (steps.size() == under.size() + 1
                    && steps.subList(0, under.size()).equals(under)
                    && steps.getLast() instanceof JsonPath.Field(String field)) {
                types.put(field, column.type());
            }
        }
    }

    /** A sentence about the first field of an event that isn't as it should be. */
    Optional<String> problem(byte[] json, int from, int to) {
        List<String> found = new java.util.ArrayList<>();
        EventFields.visit(
                json,
                from,
                to,
                table.drift().under(),
                (name, parser) -> {
                    if (found.isEmpty()) {
                        problem(name, parser).ifPresent(found::add);
                    }
                });
        return found.stream().findFirst();
    }

    private Optional<String> problem(String name, JsonParser parser) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return Optional.empty();
        }
        if (!known.contains(name)) {
            return Optional.of(
                    "the field %s, %s, has no column"
                            .formatted(shown(name), kind(parser.currentToken())));
        }
        ColumnType type = types.get(name);
        return type == null || ValueFit.fits(type, parser)
                ? Optional.empty()
                : Optional.of(
                        "the field %s is %s, which is no %s"
                                .formatted(
                                        shown(name),
                                        parser.currentToken().isScalarValue()
                                                ? shown(parser.getText())
                                                : kind(parser.currentToken()),
                                        type));
    }

    private static String kind(JsonToken token) {
        return switch (token) {
            case VALUE_STRING -> "a text";
            case VALUE_TRUE, VALUE_FALSE -> "a boolean";
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            case VALUE_NUMBER_INT -> "a whole number";
            default -> "a number";
        };
    }

    private static String shown(String text) {
        return text.length() <= 200
                ? text
                : text.substring(0, text.offsetByCodePoints(0, 100)) + "…";
    }
}
