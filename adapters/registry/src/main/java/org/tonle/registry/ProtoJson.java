package org.tonle.registry;

import com.fasterxml.jackson.core.JsonGenerator;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Protobuf's values by its JSON mapping, with whole numbers of 64 bits as numbers, since nobody
 * here reads them as doubles, and what has no presence written also when it is zero or empty: it
 * can't be told from what was set.
 */
final class ProtoJson {
    private static final int DEEPEST = 100;

    private final JsonGenerator json;

    private ProtoJson(JsonGenerator json) {
        this.json = json;
    }

    /**
     * Writes what the bytes from {@code from} hold.
     *
     * @throws IOException if they aren't of this type, and why
     */
    static void write(Descriptor type, byte[] bytes, int from, JsonGenerator json)
            throws IOException {
        CodedInputStream in = CodedInputStream.newInstance(bytes, from, bytes.length - from);
        in.setRecursionLimit(DEEPEST);
        new ProtoJson(json).message(DynamicMessage.parseFrom(type, in));
    }

    private void message(Message message) throws IOException {
        switch (message.getDescriptorForType().getFullName()) {
            case "google.protobuf.Timestamp" -> timestamp(message);
            case "google.protobuf.Duration" ->
                    json.writeString(seconds(whole(message, 1), whole(message, 2)));
            case "google.protobuf.FieldMask" -> json.writeString(mask(message));
            case "google.protobuf.Struct" -> values(message, field(message, 1));
            case "google.protobuf.ListValue" -> value(message, field(message, 1));
            case "google.protobuf.Value" -> choice(message);
            case "confluent.type.Decimal" -> decimal(message);
            case "google.protobuf.DoubleValue",
                    "google.protobuf.FloatValue",
                    "google.protobuf.Int64Value",
                    "google.protobuf.UInt64Value",
                    "google.protobuf.Int32Value",
                    "google.protobuf.UInt32Value",
                    "google.protobuf.BoolValue",
                    "google.protobuf.StringValue",
                    "google.protobuf.BytesValue" ->
                    value(message, field(message, 1));
            default -> fields(message);
        }
    }

    private void fields(Message message) throws IOException {
        json.writeStartObject();
        for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
            if (!field.hasPresence() || message.hasField(field)) {
                json.writeFieldName(field.getJsonName());
                value(message, field);
            }
        }
        json.writeEndObject();
    }

    private void value(Message message, FieldDescriptor field) throws IOException {
        if (field.isMapField()) {
            values(message, field);
        } else if (field.isRepeated()) {
            json.writeStartArray();
            for (Object element : (List<?>) message.getField(field)) {
                single(field, element);
            }
            json.writeEndArray();
        } else {
            single(field, message.getField(field));
        }
    }

    private void values(Message message, FieldDescriptor map) throws IOException {
        json.writeStartObject();
        for (Object each : (List<?>) message.getField(map)) {
            Message entry = (Message) each;
            FieldDescriptor key = field(entry, 1);
            json.writeFieldName(text(key, entry.getField(key)));
            FieldDescriptor value = field(entry, 2);
            single(value, entry.getField(value));
        }
        json.writeEndObject();
    }

    private static String text(FieldDescriptor field, Object key) {
        return switch (field.getType()) {
            case UINT32, FIXED32 -> Integer.toUnsignedString((Integer) key);
            case UINT64, FIXED64 -> Long.toUnsignedString((Long) key);
            default -> key.toString();
        };
    }

    private void single(FieldDescriptor field, Object value) throws IOException {
        switch (field.getType()) {
            case DOUBLE -> {
                double number = (Double) value;
                if (Double.isFinite(number)) {
                    json.writeNumber(number);
                } else {
                    json.writeString(Double.toString(number));
                }
            }
            case FLOAT -> {
                float number = (Float) value;
                if (Float.isFinite(number)) {
                    json.writeNumber(number);
                } else {
                    json.writeString(Float.toString(number));
                }
            }
            case INT32, SINT32, SFIXED32 -> json.writeNumber((Integer) value);
            case UINT32, FIXED32 -> json.writeNumber(Integer.toUnsignedLong((Integer) value));
            case INT64, SINT64, SFIXED64 -> json.writeNumber((Long) value);
            case UINT64, FIXED64 ->
                    json.writeNumber(new BigInteger(Long.toUnsignedString((Long) value)));
            case BOOL -> json.writeBoolean((Boolean) value);
            case STRING -> json.writeString((String) value);
            case BYTES -> json.writeString(base64((ByteString) value));
            case ENUM -> enumeration((EnumValueDescriptor) value);
            case MESSAGE, GROUP -> message((Message) value);
        }
    }

    private void enumeration(EnumValueDescriptor value) throws IOException {
        if (value.getType().getFullName().equals("google.protobuf.NullValue")) {
            json.writeNull();
        } else if (value.getIndex() < 0) {
            // a newer schema's, which this one doesn't name
            json.writeNumber(value.getNumber());
        } else {
            json.writeString(value.getName());
        }
    }

    private void timestamp(Message message) throws IOException {
        try {
            json.writeString(
                    Instant.ofEpochSecond(whole(message, 1), whole(message, 2)).toString());
        } catch (DateTimeException | ArithmeticException e) {
            throw new IOException("a timestamp is out of range", e);
        }
    }

    private static String seconds(long seconds, long nanos) {
        return BigDecimal.valueOf(seconds)
                        .add(BigDecimal.valueOf(nanos, 9))
                        .stripTrailingZeros()
                        .toPlainString()
                + "s";
    }

    private static String mask(Message message) {
        return ((List<?>) message.getField(field(message, 1)))
                .stream().map(Object::toString).collect(Collectors.joining(","));
    }

    /** The one field that is set; none: null. */
    private void choice(Message message) throws IOException {
        for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
            if (message.hasField(field)) {
                value(message, field);
                return;
            }
        }
        json.writeNull();
    }

    private void decimal(Message message) throws IOException {
        byte[] unscaled = ((ByteString) message.getField(field(message, 1))).toByteArray();
        long scale = whole(message, 3);
        if (unscaled.length == 0 || Math.abs(scale) > 1_000) {
            throw new IOException("a decimal has no digits, or its scale is " + scale);
        }
        json.writeString(new BigDecimal(new BigInteger(unscaled), (int) scale).toPlainString());
    }

    private static long whole(Message message, int number) {
        return ((Number) message.getField(field(message, number))).longValue();
    }

    private static FieldDescriptor field(Message message, int number) {
        FieldDescriptor field = message.getDescriptorForType().findFieldByNumber(number);
        if (field == null) {
            throw new IllegalStateException(
                    message.getDescriptorForType().getFullName() + " has no field " + number);
        }
        return field;
    }

    private static String base64(ByteString bytes) {
        return Base64.getEncoder().encodeToString(bytes.toByteArray());
    }
}
