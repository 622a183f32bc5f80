package org.tonle.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The keys of records as texts: JSON, or the text itself where the key is one. */
final class Keys {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Optional<WireFormat> format;

    /**
     * @param format of keys that name a schema; empty if there is no registry
     */
    Keys(Optional<WireFormat> format) {
        this.format = format;
    }

    /**
     * Of a record's key.
     *
     * @return empty where there is none, or its bytes are all that is known: a number of Kafka's
     *     own serializers may look as if it named a schema, so that isn't a problem of the record
     */
    Optional<String> text(byte @Nullable [] key) {
        if (key == null || format.isEmpty() || !WireFormat.is(key)) {
            return Optional.empty();
        }
        if (!(format.get().read(key)
                instanceof WireFormat.Read.Value(byte[] json, var id, var type))) {
            return Optional.empty();
        }
        try {
            JsonNode node = JSON.readTree(json);
            return Optional.of(node.isTextual() ? node.asText() : node.toString());
        } catch (IOException e) {
            // a schema of JSON says nothing of what stands behind its id
            return Optional.empty();
        }
    }
}
