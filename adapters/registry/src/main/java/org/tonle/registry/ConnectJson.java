package org.tonle.registry;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.tonle.avro.Whole;

/**
 * What Kafka Connect's converter of JSON wrote together with its schema, by the meaning that the
 * schema gives it: decimals as texts, times as ISO 8601 writes them.
 */
final class ConnectJson {
    private static final String DECIMAL = "org.apache.kafka.connect.data.Decimal";
    private static final String VARIABLE_DECIMAL = "io.debezium.data.VariableScaleDecimal";
    private static final int MOST_SCALE = 1_000;

    private ConnectJson() {}

    /** The schemas of a struct's fields, by name. */
    static Map<String, JsonNode> fields(JsonNode schema) {
        Map<String, JsonNode> fields = new HashMap<>();
        for (JsonNode field : schema.path("fields")) {
            fields.put(field.path("field").asText(), field);
        }
        return fields;
    }

    /**
     * Writes a value.
     *
     * @param schema as the converter wrote it; of a missing one the value is written as it is
     * @throws IOException if a decimal is none
     */
    static void write(JsonNode schema, JsonNode value, JsonGenerator json) throws IOException {
        String name = schema.path("name").asText("");
        switch (schema.path("type").asText("")) {
            case "struct" -> {
                if (name.equals(VARIABLE_DECIMAL) && value.isObject()) {
                    json.writeString(decimal(value.path("value"), value.path("scale").asInt()));
                } else if (value.isObject()) {
                    Map<String, JsonNode> fields = fields(schema);
                    json.writeStartObject();
                    for (Map.Entry<String, JsonNode> field : value.properties()) {
                        json.writeFieldName(field.getKey());
                        write(
                                fields.getOrDefault(field.getKey(), MissingNode.getInstance()),
                                field.getValue(),
                                json);
                    }
                    json.writeEndObject();
                } else {
                    json.writeTree(value);
                }
            }
            case "array" -> {
                if (value.isArray()) {
                    json.writeStartArray();
                    for (JsonNode element : value) {
                        write(schema.path("items"), element, json);
                    }
                    json.writeEndArray();
                } else {
                    json.writeTree(value);
                }
            }
            case "int8", "int16", "int32", "int64" -> {
                if (value.isIntegralNumber() && value.canConvertToLong()) {
                    Whole.named(name).write(value.longValue(), json);
                } else {
                    json.writeTree(value);
                }
            }
            case "bytes" -> {
                if (name.equals(DECIMAL) && !value.isNull()) {
                    int scale = schema.path("parameters").path("scale").asInt();
                    json.writeString(decimal(value, scale));
                } else {
                    json.writeTree(value);
                }
            }
            default -> json.writeTree(value);
        }
    }

    /** The unscaled digits in Base64, or what the converter was told to write: the number. */
    private static String decimal(JsonNode value, int scale) throws IOException {
        if (Math.abs((long) scale) > MOST_SCALE) {
            throw new IOException("a decimal has the scale " + scale);
        }
        if (value.isNumber()) {
            BigDecimal number = value.decimalValue();
            if (Math.abs((long) number.scale()) > MOST_SCALE) {
                throw new IOException("a decimal has the scale " + number.scale());
            }
            return number.toPlainString();
        }
        try {
            byte[] unscaled = Base64.getDecoder().decode(value.asText());
            return new BigDecimal(new BigInteger(unscaled), scale).toPlainString();
        } catch (IllegalArgumentException e) {
            throw new IOException("a decimal is neither a number nor Base64", e);
        }
    }
}
