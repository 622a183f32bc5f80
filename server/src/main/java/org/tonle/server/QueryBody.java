package org.tonle.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import org.tonle.spi.ErrorCode;

/** The body of a query: <code>{"sql": "SELECT …"}</code>. */
final class QueryBody {
    private static final ObjectMapper JSON = new ObjectMapper();

    private QueryBody() {}

    /** Its statement. */
    static String sql(byte[] body) {
        String action = "send {\"sql\": \"SELECT …\"}";
        JsonNode node;
        try {
            node = JSON.readTree(body);
        } catch (JsonProcessingException e) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    // Jackson adds where in its own input something began
                    "the body isn't JSON: "
                            + e.getOriginalMessage().replaceFirst(" ?\\(start marker.*", ""),
                    null,
                    action);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (node == null || !node.isObject() || !node.path("sql").isTextual()) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    node != null && node.has("sql")
                            ? "the field sql is no text"
                            : "the field sql is missing",
                    null,
                    action);
        }
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(node.path("sql").textValue())) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    "the statement holds half of a surrogate pair, which is no character",
                    null,
                    "send whole characters");
        }
        for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!name.equals("sql")) {
                throw new DoorException(
                        ErrorCode.INVALID_REQUEST, "this field isn't known", name, action);
            }
        }
        return node.get("sql").textValue();
    }
}
