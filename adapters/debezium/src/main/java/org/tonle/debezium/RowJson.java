package org.tonle.debezium;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.jspecify.annotations.Nullable;

/**
 * Rows of one table as JSON, nothing rounded: what JSON has no number for as a text, times as ISO
 * 8601 writes them, bytes in Base64, {@code json} as the text that it is.
 */
final class RowJson {
    /** What Debezium writes where the database left out a large value that didn't change. */
    static final String UNCHANGED = "\u0001tonle: as it was\u0001";

    private static final byte[] UNCHANGED_BYTES = UNCHANGED.getBytes(StandardCharsets.UTF_8);
    private static final String TYPE = "__debezium.source.column.type";

    /** Writes one value that isn't null. */
    private interface Writer {
        void write(Object value, JsonBytes out);
    }

    @SuppressWarnings("ArrayRecordComponent") // never copied, never compared
    private record Column(Field field, byte[] key, Writer writer) {
        @Nullable Object of(Struct row) {
            // get() would put the column's default where there is none
            return field.schema().defaultValue() == null
                    ? row.get(field)
                    : row.getWithoutDefault(field.name());
        }
    }

    private final List<Column> columns = new ArrayList<>();

    RowJson(Schema row) {
        for (Field field : row.fields()) {
            JsonBytes key = new JsonBytes();
            key.text(field.name()).raw(':');
            columns.add(new Column(field, key.take(), writer(field.schema())));
        }
    }

    /**
     * Writes the row.
     *
     * @param nulls whether a column that has no value is there; else it is left out
     * @return the columns whose value didn't come, which are left out; null if all came
     */
    @Nullable List<String> write(Struct row, boolean nulls, JsonBytes out) {
        List<String> unchanged = null;
        char separator = '{';
        for (Column column : columns) {
            Object value = column.of(row);
            if (value == null) {
                if (nulls) {
                    out.raw(separator).raw(column.key).raw("null");
                    separator = ',';
                }
            } else if (isUnchanged(value)) {
                unchanged = unchanged == null ? new ArrayList<>() : unchanged;
                unchanged.add(column.field.name());
            } else {
                out.raw(separator).raw(column.key);
                column.writer.write(value, out);
                separator = ',';
            }
        }
        if (separator == '{') {
            out.raw('{');
        }
        out.raw('}');
        return unchanged;
    }

    private static boolean isUnchanged(Object value) {
        return switch (value) {
            case String text -> text.equals(UNCHANGED);
            case byte[] bytes -> Arrays.equals(bytes, UNCHANGED_BYTES);
            case ByteBuffer bytes -> bytes.equals(ByteBuffer.wrap(UNCHANGED_BYTES));
            default -> false;
        };
    }

    private static Writer writer(Schema schema) {
        return writer(schema, parameter(schema, TYPE));
    }

    private static String parameter(Schema schema, String name) {
        return schema.parameters() == null ? "" : schema.parameters().getOrDefault(name, "");
    }

    /**
     * @param type what the database calls it
     */
    private static Writer writer(Schema schema, String type) {
        String name = schema.name() == null ? "" : schema.name();
        if (name.startsWith(TextConverter.ARRAY)) {
            String element = name.substring(TextConverter.ARRAY.length());
            return (value, out) -> ArrayJson.write((String) value, element, out);
        }
        return switch (name) {
            case "io.debezium.time.Date" ->
                    (value, out) -> IsoTime.date(((Number) value).longValue(), out);
            case "io.debezium.time.MicroTimestamp" ->
                    (value, out) -> IsoTime.timestamp(((Number) value).longValue(), "", out);
            case "io.debezium.time.MicroTime" ->
                    (value, out) -> IsoTime.time(((Number) value).longValue(), out);
            case "io.debezium.data.Bits" ->
                    bits(Integer.parseInt("0" + parameter(schema, "length")));
            default -> plain(schema, type);
        };
    }

    private static Writer plain(Schema schema, String type) {
        return switch (schema.type()) {
            case BOOLEAN -> (value, out) -> out.raw((Boolean) value ? "true" : "false");
            case INT8, INT16, INT32, INT64 ->
                    (value, out) -> out.number(((Number) value).longValue());
            case FLOAT32, FLOAT64 -> (value, out) -> real((Number) value, out);
            case STRING ->
                    type.regionMatches(true, 0, "numeric", 0, 7)
                            ? (value, out) -> out.text(number((String) value))
                            : (value, out) -> out.text((String) value);
            case BYTES -> bytes(type);
            case ARRAY -> array(writer(schema.valueSchema(), type));
            case MAP -> map(writer(schema.valueSchema(), type));
            case STRUCT -> struct(new RowJson(schema));
        };
    }

    private static void real(Number value, JsonBytes out) {
        String text = value.toString();
        if (Double.isFinite(value.doubleValue())) {
            out.raw(text);
        } else {
            out.text(text);
        }
    }

    /** Debezium has names of its own for what isn't finite. */
    private static String number(String text) {
        return switch (text) {
            case "NAN" -> "NaN";
            case "POSITIVE_INFINITY" -> "Infinity";
            case "NEGATIVE_INFINITY" -> "-Infinity";
            default -> text;
        };
    }

    /** Values of types that Debezium doesn't know are their texts, as bytes. */
    private static Writer bytes(String type) {
        if (type.isEmpty() || type.equalsIgnoreCase("bytea")) {
            return (value, out) -> base64(value, out);
        }
        return (value, out) -> out.text(StandardCharsets.UTF_8.decode(buffer(value)).toString());
    }

    private static ByteBuffer buffer(Object value) {
        return value instanceof byte[] array
                ? ByteBuffer.wrap(array)
                : ((ByteBuffer) value).duplicate();
    }

    private static void base64(Object value, JsonBytes out) {
        ByteBuffer buffer = buffer(value);
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        out.raw('"').raw(Base64.getEncoder().encode(bytes)).raw('"');
    }

    /** The lowest bits stand in the first byte. */
    private static Writer bits(int length) {
        return (value, out) -> {
            ByteBuffer buffer = buffer(value);
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            int count = length > 0 && length <= bytes.length * 8 ? length : bytes.length * 8;
            out.raw('"');
            for (int i = count - 1; i >= 0; i--) {
                out.raw(((bytes[i / 8] >> (i % 8)) & 1) == 0 ? '0' : '1');
            }
            out.raw('"');
        };
    }

    private static Writer array(Writer element) {
        return (value, out) -> {
            char separator = '[';
            for (Object each : (List<?>) value) {
                out.raw(separator);
                orNull(each, element, out);
                separator = ',';
            }
            out.raw(separator == '[' ? "[]" : "]");
        };
    }

    private static Writer map(Writer element) {
        return (value, out) -> {
            char separator = '{';
            for (Map.Entry<?, ?> each : ((Map<?, ?>) value).entrySet()) {
                out.raw(separator).text(String.valueOf(each.getKey())).raw(':');
                orNull(each.getValue(), element, out);
                separator = ',';
            }
            out.raw(separator == '{' ? "{}" : "}");
        };
    }

    private static void orNull(@Nullable Object value, Writer writer, JsonBytes out) {
        if (value == null) {
            out.raw("null");
        } else {
            writer.write(value, out);
        }
    }

    private static Writer struct(RowJson row) {
        return (value, out) -> {
            var unused = row.write((Struct) value, true, out);
        };
    }
}
