package org.tonle.registry;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.tonle.spi.TopicRecord;

/**
 * Where a change stands among the changes of its row, as a text that sorts so and that no other
 * change of the topic has: its place in the database's log, where the connector says one, else the
 * database's clock; behind it what tells apart those that share a place. A change that a connector
 * repeats has the same text again where the connector numbers them, and another one where only the
 * topic does.
 */
final class ChangeOrder {
    private static final ObjectMapper JSON = new ObjectMapper();

    private ChangeOrder() {}

    /**
     * @param change as the connector writes it, with its source and operation
     */
    static String of(JsonNode change, TopicRecord record) {
        JsonNode source = change.path("source");
        boolean read = change.path("op").asText().equals("r");
        JsonNode order = change.path("transaction").path("total_order");
        if (source.path("lsn").isNumber()) {
            return postgres(source)
                    + "-"
                    + (order.isNumber() && !read ? digits(order.longValue()) : inTopic(record));
        }
        if (source.path("commit_lsn").isTextual() && read) {
            // up to where the rows were read: what changed later stands behind it
            return source.path("commit_lsn").asText() + "-" + inTopic(record);
        }
        if (source.path("commit_lsn").isTextual()) {
            return "%s-%s-%s-%s"
                    .formatted(
                            source.path("commit_lsn").asText(),
                            source.path("change_lsn").asText(""),
                            digits(source.path("event_serial_no").asLong()),
                            half(change));
        }
        if (source.path("file").isTextual() && source.path("pos").isNumber()) {
            return "%s-%s-%s"
                    .formatted(
                            source.path("file").asText(),
                            digits(source.path("pos").longValue()),
                            read
                                    ? inTopic(record)
                                    : digits(source.path("row").asLong()) + "-" + half(change));
        }
        return digits(source.path("ts_ms").asLong()) + "-" + inTopic(record);
    }

    /** Of a row whose key changes, the old one goes before the new one comes. */
    private static int half(JsonNode change) {
        return change.path("op").asText().equals("d") ? 0 : 1;
    }

    /**
     * What was committed before comes first: the places of transactions that were open together lie
     * among each other. The rows of one COPY share one.
     */
    private static String postgres(JsonNode source) {
        long own = source.path("lsn").longValue();
        long committed;
        try {
            // a JSON array, as a text: behind the last commit, and its own
            JsonNode both = JSON.readTree(source.path("sequence").asText("[]"));
            committed = Long.parseLong(both.path(0).asText(""));
        } catch (JacksonException | NumberFormatException e) {
            committed = own;
        }
        return digits(committed) + "-" + digits(own);
    }

    private static String inTopic(TopicRecord record) {
        return "%08x-%016x".formatted(record.partition(), record.position());
    }

    private static String digits(long value) {
        return "%016x".formatted(value);
    }
}
