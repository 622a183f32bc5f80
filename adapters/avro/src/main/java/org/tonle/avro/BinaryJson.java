package org.tonle.avro;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.avro.Schema;

/**
 * Avro's binary form as JSON, read with the schema that it was written with. Neither is trusted:
 * nothing is made before the bytes for it are there, and what is nested too deep or becomes too
 * large is given up. Of the schema nothing but the form is used; no class is loaded for it.
 */
public final class BinaryJson {
    /** A little less than what the lake reads as JSON. */
    private static final int DEEPEST = 500;

    private static final JsonFactory JSON = new JsonFactory();

    /** A struct with a decimal and its scale, as Kafka Connect names it for Debezium. */
    private static final String VARIABLE_DECIMAL = "io.debezium.data.VariableScaleDecimal";

    private final ByteBuffer in;
    private final JsonGenerator json;

    private BinaryJson(ByteBuffer in, JsonGenerator json) {
        this.in = in;
        this.json = json;
    }

    /**
     * One value, which has to fill all the bytes.
     *
     * @param from where in {@code bytes} it begins
     * @throws IOException if they aren't of this schema, and why
     */
    public static byte[] read(Schema schema, byte[] bytes, int from) throws IOException {
        ByteBuffer in =
                ByteBuffer.wrap(bytes, from, bytes.length - from).order(ByteOrder.LITTLE_ENDIAN);
        JsonBytes out = new JsonBytes();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            new BinaryJson(in, json).value(schema, 0);
        }
        if (in.hasRemaining()) {
            throw new IOException(
                    "%d bytes are left behind what its schema describes".formatted(in.remaining()));
        }
        return out.toByteArray();
    }

    private void value(Schema schema, int depth) throws IOException {
        if (depth > DEEPEST) {
            throw new IOException("it is nested more than " + DEEPEST + " levels deep");
        }
        switch (schema.getType()) {
            case RECORD -> record(schema, depth);
            case ARRAY -> {
                json.writeStartArray();
                for (long left = block(); left > 0; left = block()) {
                    for (long i = 0; i < left; i++) {
                        value(schema.getElementType(), depth + 1);
                    }
                }
                json.writeEndArray();
            }
            case MAP -> {
                json.writeStartObject();
                for (long left = block(); left > 0; left = block()) {
                    for (long i = 0; i < left; i++) {
                        json.writeFieldName(text());
                        value(schema.getValueType(), depth + 1);
                    }
                }
                json.writeEndObject();
            }
            case UNION -> value(schema.getTypes().get(index(schema.getTypes().size())), depth + 1);
            case ENUM -> {
                List<String> symbols = schema.getEnumSymbols();
                json.writeString(symbols.get(index(symbols.size())));
            }
            case FIXED -> Leaves.bytes(schema, bytes(schema.getFixedSize()), json);
            case BYTES -> Leaves.bytes(schema, bytes(whole()), json);
            case STRING -> json.writeString(text());
            case INT -> {
                long value = whole();
                if (value != (int) value) {
                    throw new IOException(value + " stands where an int is due");
                }
                Leaves.whole(schema, value, json);
            }
            case LONG -> Leaves.whole(schema, whole(), json);
            case FLOAT -> Leaves.real(require(Float.BYTES).getFloat(), json);
            case DOUBLE -> Leaves.real(require(Double.BYTES).getDouble(), json);
            case BOOLEAN -> {
                byte value = require(1).get();
                if (value != 0 && value != 1) {
                    throw new IOException("the byte " + value + " stands where a boolean is due");
                }
                json.writeBoolean(value == 1);
            }
            case NULL -> json.writeNull();
        }
    }

    private void record(Schema schema, int depth) throws IOException {
        List<Schema.Field> fields = schema.getFields();
        if (VARIABLE_DECIMAL.equals(schema.getProp(Leaves.MEANING))
                && fields.size() == 2
                && fields.get(0).schema().getType() == Schema.Type.INT
                && fields.get(1).schema().getType() == Schema.Type.BYTES) {
            long scale = whole();
            byte[] unscaled = bytes(whole());
            if (unscaled.length == 0) {
                throw new IOException("a decimal has no bytes");
            }
            Leaves.decimal(new BigInteger(unscaled), (int) scale, json);
            return;
        }
        json.writeStartObject();
        for (Schema.Field field : fields) {
            json.writeFieldName(field.name());
            value(field.schema(), depth + 1);
        }
        json.writeEndObject();
    }

    /** How many elements follow; a negative count has the size of its block behind it. */
    private long block() throws IOException {
        long count = whole();
        if (count < 0) {
            long unused = whole();
            count = -count;
        }
        if (count < 0) {
            throw new IOException("an array or map has no such count");
        }
        return count;
    }

    private int index(int size) throws IOException {
        long index = whole();
        if (index < 0 || index >= size) {
            throw new IOException("there are %d choices, and it takes %d".formatted(size, index));
        }
        return (int) index;
    }

    private String text() throws IOException {
        byte[] bytes = bytes(whole());
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (text.indexOf('\uFFFD') >= 0) {
            try {
                var unused = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            } catch (CharacterCodingException e) {
                throw new IOException("a text isn't UTF-8", e);
            }
        }
        return text;
    }

    private byte[] bytes(long length) throws IOException {
        ByteBuffer enough = require(length);
        byte[] bytes = new byte[(int) length];
        enough.get(bytes);
        return bytes;
    }

    private ByteBuffer require(long length) throws IOException {
        if (length < 0 || length > in.remaining()) {
            throw new IOException(
                    "%d bytes are due at byte %d and %d are left"
                            .formatted(length, in.position(), in.remaining()));
        }
        return in;
    }

    /** Seven bits a byte, the lowest first; even ones are positive. */
    private long whole() throws IOException {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            byte next = require(1).get();
            value |= (next & 0x7fL) << shift;
            if (next >= 0) {
                return (value >>> 1) ^ -(value & 1);
            }
        }
        throw new IOException("a number doesn't end");
    }
}
