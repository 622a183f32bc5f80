package org.tonle.ingest;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.tonle.definition.JsonPath;
import org.tonle.definition.ValueKinds;

/** The fields of an event, or of an object in it, one after the other. */
final class EventFields {
    /** What was taken once is read, however long its names and values are. */
    private static final JsonFactory JSON =
            JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNameLength(Integer.MAX_VALUE)
                                    .maxNumberLength(Integer.MAX_VALUE)
                                    .maxStringLength(Integer.MAX_VALUE)
                                    .build())
                    .build();

    private EventFields() {}

    /** Is told of each field. */
    interface Visitor {
        /**
         * One field.
         *
         * @param parser at its value; what is inside of it needn't be read
         */
        void field(String name, JsonParser parser) throws IOException;
    }

    /**
     * Visits the fields of one event that was read as JSON before; one that is no object, or has
     * none at the place, has no fields. Behind half of a surrogate pair, which is right by JSON's
     * grammar and no character, nothing is visited; datasets refuse such an event as a whole.
     *
     * @param under where the object is
     */
    static void visit(byte[] json, int from, int to, List<JsonPath.Step> under, Visitor visitor) {
        try (JsonParser parser = JSON.createParser(json, from, to - from)) {
            if (parser.nextToken() == JsonToken.START_OBJECT && enter(parser, under, 0)) {
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    parser.nextToken();
                    visitor.field(name, parser);
                    parser.skipChildren();
                }
            }
        } catch (JsonProcessingException e) {
            // what it is was judged before; to stop for it would stop the source
            return;
        } catch (IOException e) {
            throw new UncheckedIOException("bytes in memory can't be read", e);
        }
    }

    private static boolean enter(JsonParser parser, List<JsonPath.Step> under, int step)
            throws IOException {
        if (step == under.size()) {
            return true;
        }
        String wanted = under.get(step) instanceof JsonPath.Field(String name) ? name : "";
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            boolean found = parser.currentName().equals(wanted);
            if (parser.nextToken() == JsonToken.START_OBJECT && found) {
                return enter(parser, under, step + 1);
            }
            parser.skipChildren();
        }
        return false;
    }

    /** Adds the value at which a parser stands; nothing is known of what is null. */
    static void add(JsonParser parser, ValueKinds kinds) throws IOException {
        switch (java.util.Objects.requireNonNull(parser.currentToken())) {
            case START_OBJECT -> kinds.other("{…}");
            case START_ARRAY -> kinds.other("[…]");
            case VALUE_TRUE, VALUE_FALSE -> kinds.truth(parser.getText());
            case VALUE_NUMBER_INT -> kinds.whole(parser.getText());
            case VALUE_NUMBER_FLOAT -> kinds.real(parser.getText());
            case VALUE_STRING -> kinds.text(parser.getText());
            default -> {
                // null
            }
        }
    }
}
