package org.tonle.registry;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.UUID;

/**
 * What a connector writes for a value that the database didn't say, since it lies apart from its
 * row and didn't change: a text that nobody writes, in the form of the column's type.
 */
final class Unavailable {
    private static final String TEXT = "__debezium_unavailable_value";
    private static final byte[] BYTES = TEXT.getBytes(StandardCharsets.UTF_8);
    private static final String BASE64 = Base64.getEncoder().encodeToString(BYTES);
    private static final String ID = UUID.nameUUIDFromBytes(BYTES).toString();

    private Unavailable() {}

    static boolean is(JsonNode value) {
        if (value.isTextual()) {
            return value.asText().equals(TEXT) || value.asText().equals(BASE64);
        }
        if (value.isObject()) {
            return value.size() == 1 && value.has(TEXT);
        }
        return value.isArray() && (isOne(value) || isNumbers(value));
    }

    private static boolean isOne(JsonNode array) {
        String only = array.size() == 1 ? array.get(0).asText("") : "";
        return only.equals(TEXT) || only.equals(BASE64) || only.equals(ID);
    }

    /** An array of numbers has the text's characters. */
    private static boolean isNumbers(JsonNode array) {
        if (array.size() != BYTES.length) {
            return false;
        }
        for (int i = 0; i < BYTES.length; i++) {
            if (!array.get(i).isNumber() || array.get(i).asInt() != BYTES[i]) {
                return false;
            }
        }
        return true;
    }
}
