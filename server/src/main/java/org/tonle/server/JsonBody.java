package org.tonle.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;

/** A request's body: one JSON object of texts, flags and lists of texts. */
final class JsonBody {
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

    private final JsonNode node;
    private final String action;

    private JsonBody(JsonNode node, String action) {
        this.node = node;
        this.action = action;
    }

    /**
     * Reads a body that may have some fields and no others; an empty one has none.
     *
     * @param action what to send
     */
    static JsonBody read(AggregatedHttpRequest request, List<String> fields, String action) {
        JsonNode node;
        try {
            node = JSON.readTree(request.content().array());
        } catch (JsonProcessingException e) {
            // Jackson adds where in its own input something began
            throw refused(
                    "the body isn't JSON: "
                            + e.getOriginalMessage().replaceFirst(" ?\\(start marker.*", ""),
                    null,
                    action);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (node == null || node.isMissingNode()) {
            node = JSON.createObjectNode();
        } else if (!node.isObject()) {
            throw refused("the body is no JSON object", null, action);
        }
        JsonBody body = new JsonBody(node, action);
        for (Iterator<String> names = body.node.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!fields.contains(name)) {
                throw refused("this field isn't known", name, action);
            }
        }
        return body;
    }

    private static DoorException refused(String message, @Nullable String value, String action) {
        return new DoorException(ErrorCode.INVALID_REQUEST, message, value, action);
    }

    /** A text that has to be there. */
    String needed(String field) {
        return text(field)
                .orElseThrow(() -> refused("the field " + field + " is missing", null, action));
    }

    Optional<String> text(String field) {
        if (!node.has(field)) {
            return Optional.empty();
        }
        return Optional.of(text(field, node.get(field)));
    }

    /** A yes or no; no if it isn't there. */
    boolean flag(String field) {
        JsonNode value = node.path(field);
        if (!value.isMissingNode() && !value.isBoolean()) {
            throw refused("the field " + field + " is neither true nor false", null, action);
        }
        return value.booleanValue();
    }

    private String text(String field, JsonNode value) {
        if (!value.isTextual()) {
            throw refused("the field " + field + " is no text", null, action);
        }
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(value.textValue())) {
            throw refused(
                    "the field " + field + " holds half of a surrogate pair, which is no character",
                    null,
                    "send whole characters");
        }
        return value.textValue();
    }

    /** The scalars of a list: texts, whole numbers, decimals, booleans, null. */
    List<@Nullable Object> scalars(String field) {
        JsonNode list = node.path(field);
        if (!list.isMissingNode() && !list.isArray()) {
            throw refused("the field " + field + " is no list", null, action);
        }
        List<@Nullable Object> values = new ArrayList<>();
        for (JsonNode value : list) {
            values.add(
                    switch (value.getNodeType()) {
                        case NULL -> null;
                        case BOOLEAN -> value.booleanValue();
                        case STRING -> text(field, value);
                        // as it was written: 1.10 is no double
                        case NUMBER -> value.decimalValue();
                        default ->
                                throw refused(
                                        "a value of the field "
                                                + field
                                                + " is no text, number, true, false or null",
                                        null,
                                        action);
                    });
        }
        return values;
    }

    /** The texts of a list; none if it isn't there. */
    List<String> texts(String field) {
        JsonNode list = node.path(field);
        if (!list.isMissingNode() && !list.isArray()) {
            throw refused("the field " + field + " is no list", null, action);
        }
        return list.valueStream().map(value -> text(field, value)).toList();
    }
}
