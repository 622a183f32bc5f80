package org.tonle.registry;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tonle.avro.JsonBytes;
import org.tonle.spi.RecordDecoder;
import org.tonle.spi.TopicRecord;

/**
 * Change events of Debezium's connectors, in JSON with or without a schema, or in a form that names
 * a schema of the registry. Each becomes one object: the table, what happened, where it stands
 * among the others, and the row. What a connector says twice, in a record without a value, is left.
 */
final class DebeziumRecords implements RecordDecoder {
    private static final List<String> OPERATIONS = List.of("r", "c", "u", "d", "t");

    private static final JsonMapper JSON =
            JsonMapper.builder()
                    // digits stay as they are
                    .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
                    .build();

    private final Optional<Schemas> schemas;
    private final Optional<WireFormat> format;
    private final Keys keys;

    /**
     * @param schemas closed with this; empty if no record names one
     */
    DebeziumRecords(Optional<Schemas> schemas) {
        this.schemas = schemas;
        this.format = schemas.map(WireFormat::new);
        this.keys = new Keys(format);
    }

    @Override
    public Decoded decode(TopicRecord record) {
        byte[] value = record.value();
        if (value == null) {
            return new Decoded.Nothing();
        }
        Optional<String> key = keys.text(record.key()).or(() -> plainKey(record));
        if (format.isEmpty() || !WireFormat.is(value)) {
            return event(value, key, Map.of(), record);
        }
        return switch (format.get().read(value)) {
            case WireFormat.Read.Value(byte[] json, int id, Optional<String> type) ->
                    event(json, key, RegistryRecords.headers(Optional.of(id), type), record);
            case WireFormat.Read.Problem(String why, Optional<Integer> id) ->
                    new Decoded.Unreadable(why, key, RegistryRecords.headers(id, Optional.empty()));
        };
    }

    /** A key that was written with its schema, without it. */
    private static Optional<String> plainKey(TopicRecord record) {
        byte[] key = record.key();
        if (key == null || key.length == 0 || key[0] != '{') {
            return Optional.empty();
        }
        try {
            JsonNode node = JSON.readTree(key);
            return hasSchema(node)
                    ? Optional.of(node.path("payload").toString())
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static boolean hasSchema(JsonNode node) {
        return node.size() == 2 && node.has("schema") && node.has("payload");
    }

    private static Decoded event(
            byte[] json, Optional<String> key, Map<String, String> headers, TopicRecord record) {
        try {
            JsonNode all = JSON.readTree(json);
            return hasSchema(all)
                    ? event(all.path("payload"), all.path("schema"), key, headers, record)
                    : event(all, MissingNode.getInstance(), key, headers, record);
        } catch (IOException e) {
            return new Decoded.Unreadable("no change event: " + said(e), key, headers);
        }
    }

    /** Without the place in a text that nobody else has. */
    private static String said(IOException e) {
        return e instanceof JacksonException json
                ? "not JSON: " + json.getOriginalMessage()
                : String.valueOf(e.getMessage());
    }

    private static Decoded event(
            JsonNode change,
            JsonNode schema,
            Optional<String> key,
            Map<String, String> headers,
            TopicRecord record)
            throws IOException {
        if (change.isNull()) {
            return new Decoded.Nothing();
        }
        JsonNode source = change.path("source");
        String op = change.path("op").asText("");
        if (!source.isObject() || !OPERATIONS.contains(op)) {
            throw new IOException(
                    change.isObject() && !change.has("op")
                            ? "it has no op. Have the connector write whole events, without unwrapping them"
                            : "its op is '%s'".formatted(op));
        }
        JsonBytes out = new JsonBytes();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            new Change(change, ConnectJson.fields(schema), json).write(op, source, record);
        }
        return new Decoded.Event(out.toByteArray(), key, headers);
    }

    /** One event on its way. */
    private record Change(JsonNode change, Map<String, JsonNode> schemas, JsonGenerator json) {
        void write(String op, JsonNode source, TopicRecord record) throws IOException {
            JsonNode before = change.path("before");
            JsonNode row = op.equals("d") ? before : change.path("after");
            List<String> unchanged = new ArrayList<>();
            json.writeStartObject();
            json.writeStringField("table", table(source));
            json.writeStringField("op", op);
            json.writeStringField("seq", ChangeOrder.of(change, record));
            transaction(source);
            json.writeStringField("at", at(source));
            row("row", row, op.equals("d") ? "before" : "after", unchanged);
            if (!op.equals("d")) {
                row("before", before, "before", new ArrayList<>());
            }
            if (!unchanged.isEmpty()) {
                json.writeStringField("unchanged", JSON.writeValueAsString(unchanged));
            }
            json.writeEndObject();
        }

        private static String table(JsonNode source) {
            String schema = source.path("schema").asText("");
            return (schema.isEmpty() ? source.path("db").asText("") : schema)
                    + "."
                    + source.path("table").asText(source.path("collection").asText(""));
        }

        private void transaction(JsonNode source) throws IOException {
            JsonNode own = source.path("txId");
            JsonNode id = own.isValueNode() && !own.isNull() ? own : change.at("/transaction/id");
            json.writeFieldName("tx");
            if (id.isValueNode()) {
                json.writeTree(id);
            } else {
                json.writeNull();
            }
        }

        private static String at(JsonNode source) {
            if (source.path("ts_us").isNumber()) {
                return Instant.EPOCH
                        .plus(source.path("ts_us").longValue(), ChronoUnit.MICROS)
                        .toString();
            }
            return Instant.ofEpochMilli(source.path("ts_ms").longValue()).toString();
        }

        private void row(String name, JsonNode row, String of, List<String> unchanged)
                throws IOException {
            if (!row.isObject()) {
                return;
            }
            json.writeFieldName(name);
            Map<String, JsonNode> columns =
                    ConnectJson.fields(schemas.getOrDefault(of, MissingNode.getInstance()));
            json.writeStartObject();
            for (Map.Entry<String, JsonNode> column : row.properties()) {
                if (Unavailable.is(column.getValue())) {
                    unchanged.add(column.getKey());
                    continue;
                }
                json.writeFieldName(column.getKey());
                ConnectJson.write(
                        columns.getOrDefault(column.getKey(), MissingNode.getInstance()),
                        column.getValue(),
                        json);
            }
            json.writeEndObject();
        }
    }

    @Override
    public void close() {
        schemas.ifPresent(Schemas::close);
    }
}
