package org.tonle.avro;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;

/** Records that Avro's or Parquet's own reader gives, as JSON. */
public final class RecordJson {
    private static final JsonFactory JSON = new JsonFactory();

    private RecordJson() {}

    /** A record as one line, ended. */
    public static byte[] line(GenericRecord record) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream(512);
        try (JsonGenerator json = JSON.createGenerator(out)) {
            write(record.getSchema(), record, json);
        }
        out.write('\n');
        return out.toByteArray();
    }

    private static void write(Schema schema, @Nullable Object value, JsonGenerator json)
            throws IOException {
        if (value == null) {
            json.writeNull();
            return;
        }
        switch (schema.getType()) {
            case RECORD -> {
                json.writeStartObject();
                IndexedRecord record = (IndexedRecord) value;
                for (Schema.Field field : schema.getFields()) {
                    json.writeFieldName(field.name());
                    write(field.schema(), record.get(field.pos()), json);
                }
                json.writeEndObject();
            }
            case ARRAY -> {
                json.writeStartArray();
                for (Object element : (Collection<?>) value) {
                    write(schema.getElementType(), element, json);
                }
                json.writeEndArray();
            }
            case MAP -> {
                json.writeStartObject();
                for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                    json.writeFieldName(entry.getKey().toString());
                    write(schema.getValueType(), entry.getValue(), json);
                }
                json.writeEndObject();
            }
            case UNION ->
                    write(
                            schema.getTypes().get(GenericData.get().resolveUnion(schema, value)),
                            value,
                            json);
            case FIXED -> Leaves.bytes(schema, ((GenericFixed) value).bytes(), json);
            case BYTES -> Leaves.bytes(schema, plain((ByteBuffer) value), json);
            case INT, LONG -> Leaves.whole(schema, ((Number) value).longValue(), json);
            case FLOAT -> Leaves.real((Float) value, json);
            case DOUBLE -> Leaves.real((Double) value, json);
            case BOOLEAN -> json.writeBoolean((Boolean) value);
            case STRING, ENUM -> json.writeString(value.toString());
            case NULL -> json.writeNull();
        }
    }

    private static byte[] plain(ByteBuffer buffer) {
        ByteBuffer from = buffer.duplicate();
        byte[] bytes = new byte[from.remaining()];
        from.get(bytes);
        return bytes;
    }
}
