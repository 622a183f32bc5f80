package org.tonle.files;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;

/**
 * Avro's values as JSON, nothing rounded: decimals as texts with all their digits, times as ISO
 * 8601 writes them (with Z where they are instants), bytes in Base64, what JSON has no number for
 * as a text.
 */
final class RecordJson {
    private static final JsonFactory JSON = new JsonFactory();

    /** What Parquet's INT96 is called by its reader. */
    private static final String INT96 = "INT96";

    /** Of 1970-01-01. */
    private static final long JULIAN_EPOCH = 2_440_588;

    private RecordJson() {}

    /** A record as one line, ended. */
    static byte[] line(GenericRecord record) throws IOException {
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
            case FIXED -> bytes(schema, ByteBuffer.wrap(((GenericFixed) value).bytes()), json);
            case BYTES -> bytes(schema, ((ByteBuffer) value).duplicate(), json);
            case INT, LONG -> whole(schema.getLogicalType(), ((Number) value).longValue(), json);
            case FLOAT -> {
                float number = (Float) value;
                if (Float.isFinite(number)) {
                    json.writeNumber(number);
                } else {
                    json.writeString(Float.toString(number));
                }
            }
            case DOUBLE -> {
                double number = (Double) value;
                if (Double.isFinite(number)) {
                    json.writeNumber(number);
                } else {
                    json.writeString(Double.toString(number));
                }
            }
            case BOOLEAN -> json.writeBoolean((Boolean) value);
            case STRING, ENUM -> json.writeString(value.toString());
            case NULL -> json.writeNull();
        }
    }

    private static void bytes(Schema schema, ByteBuffer bytes, JsonGenerator json)
            throws IOException {
        if (schema.getLogicalType() instanceof LogicalTypes.Decimal decimal) {
            byte[] unscaled = new byte[bytes.remaining()];
            bytes.get(unscaled);
            json.writeString(
                    new BigDecimal(new BigInteger(unscaled), decimal.getScale()).toPlainString());
        } else if (schema.getType() == Schema.Type.FIXED && schema.getName().equals(INT96)) {
            ByteBuffer little = bytes.order(ByteOrder.LITTLE_ENDIAN);
            long nanos = little.getLong();
            json.writeString(
                    Instant.EPOCH
                            .plus(little.getInt() - JULIAN_EPOCH, ChronoUnit.DAYS)
                            .plusNanos(nanos)
                            .toString());
        } else {
            byte[] plain = new byte[bytes.remaining()];
            bytes.get(plain);
            json.writeString(Base64.getEncoder().encodeToString(plain));
        }
    }

    private static void whole(@Nullable LogicalType type, long value, JsonGenerator json)
            throws IOException {
        if (type instanceof LogicalTypes.Decimal decimal) {
            json.writeString(BigDecimal.valueOf(value, decimal.getScale()).toPlainString());
            return;
        }
        switch (type == null ? "" : type.getName()) {
            case "date" -> json.writeString(LocalDate.ofEpochDay(value).toString());
            case "time-millis" ->
                    json.writeString(LocalTime.ofNanoOfDay(value * 1_000_000).toString());
            case "time-micros" -> json.writeString(LocalTime.ofNanoOfDay(value * 1_000).toString());
            case "timestamp-millis" ->
                    json.writeString(instant(value, ChronoUnit.MILLIS).toString());
            case "timestamp-micros" ->
                    json.writeString(instant(value, ChronoUnit.MICROS).toString());
            case "timestamp-nanos" -> json.writeString(instant(value, ChronoUnit.NANOS).toString());
            case "local-timestamp-millis" -> json.writeString(local(value, ChronoUnit.MILLIS));
            case "local-timestamp-micros" -> json.writeString(local(value, ChronoUnit.MICROS));
            case "local-timestamp-nanos" -> json.writeString(local(value, ChronoUnit.NANOS));
            default -> json.writeNumber(value);
        }
    }

    private static Instant instant(long value, ChronoUnit unit) {
        return Instant.EPOCH.plus(value, unit);
    }

    private static String local(long value, ChronoUnit unit) {
        return LocalDateTime.ofInstant(instant(value, unit), ZoneOffset.UTC).toString();
    }
}
