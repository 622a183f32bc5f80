package org.tonle.debezium;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
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
    private static final String UNCHANGED_UUID = UUID.nameUUIDFromBytes(UNCHANGED_BYTES).toString();
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
            case ByteBuffer bytes -> bytes.equals(ByteBuffer.wrap(UNCHANGED_BYTES));
            case List<?> list -> isUnchanged(list);
            case Map<?, ?> map -> map.containsKey(UNCHANGED);
            default -> false;
        };
    }

    /** Of numbers it is the placeholder's bytes, each as a number. */
    private static boolean isUnchanged(List<?> list) {
        if (list.size() == 1 && list.getFirst() != null) {
            Object only = list.getFirst();
            return switch (only) {
                case byte[] bytes -> Arrays.equals(bytes, UNCHANGED_BYTES);
                case String text -> text.equals(UNCHANGED) || text.equals(UNCHANGED_UUID);
                default -> isUnchanged(only);
            };
        }
        if (list.size() != UNCHANGED_BYTES.length || !(list.getFirst() instanceof Number)) {
            return false;
        }
        for (int i = 0; i < UNCHANGED_BYTES.length; i++) {
            if (!(list.get(i) instanceof Number number)
                    || number.longValue() != UNCHANGED_BYTES[i]) {
                return false;
            }
        }
        return true;
    }

    private static Writer writer(Schema schema) {
        String name = schema.name() == null ? "" : schema.name();
        return switch (name) {
            case "io.debezium.time.Date" ->
                    (value, out) -> IsoTime.date(((Number) value).longValue(), out);
            case "io.debezium.time.MicroTimestamp" ->
                    (value, out) -> IsoTime.timestamp(((Number) value).longValue(), "", out);
            case "io.debezium.time.MicroTime" ->
                    (value, out) -> IsoTime.time(((Number) value).longValue(), out);
            case "io.debezium.data.Bits" ->
                    bits(Integer.parseInt(schema.parameters().getOrDefault("length", "0")));
            default -> plain(schema);
        };
    }

    private static Writer plain(Schema schema) {
        return switch (schema.type()) {
            case BOOLEAN -> (value, out) -> out.raw((Boolean) value ? "true" : "false");
            case INT8, INT16, INT32, INT64 ->
                    (value, out) -> out.number(((Number) value).longValue());
            case FLOAT32, FLOAT64 -> (value, out) -> real((Number) value, out);
            case STRING -> (value, out) -> out.text(value.toString());
            case BYTES -> bytes(schema);
            case ARRAY -> array(writer(schema.valueSchema()));
            case MAP -> map(writer(schema.valueSchema()));
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

    /** Values of types that Debezium doesn't know are their texts, as bytes. */
    private static Writer bytes(Schema schema) {
        Map<String, String> parameters = schema.parameters();
        String type = parameters == null ? "BYTEA" : parameters.getOrDefault(TYPE, "BYTEA");
        if (type.equalsIgnoreCase("BYTEA") || type.equalsIgnoreCase("_BYTEA")) {
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
