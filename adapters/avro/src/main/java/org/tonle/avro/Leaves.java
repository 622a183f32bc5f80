package org.tonle.avro;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Objects;
import java.util.UUID;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;

/**
 * Avro's values without parts as JSON, nothing rounded: decimals as texts with all their digits,
 * times as ISO 8601 writes them, bytes in Base64, what JSON has no number for as a text.
 */
final class Leaves {
    /** Under which Kafka Connect says what a value means. */
    static final String MEANING = "connect.name";

    /** What Parquet's INT96 is called by its reader. */
    private static final String INT96 = "INT96";

    /** Of 1970-01-01. */
    private static final long JULIAN_EPOCH = 2_440_588;

    /** Beyond these a decimal's digits would be zeros that somebody made up. */
    private static final int MOST_SCALE = 1_000;

    private Leaves() {}

    static void whole(Schema schema, long value, JsonGenerator json) throws IOException {
        LogicalType type = schema.getLogicalType();
        if (type instanceof LogicalTypes.Decimal decimal) {
            decimal(BigInteger.valueOf(value), decimal.getScale(), json);
            return;
        }
        String meaning = schema.getProp(MEANING);
        Whole whole = meaning == null ? Whole.NUMBER : Whole.named(meaning);
        if (whole == Whole.NUMBER && type != null) {
            whole = Whole.named(type.getName());
        }
        whole.write(value, json);
    }

    /** An unscaled value with a scale that may be negative. */
    static void decimal(BigInteger unscaled, int scale, JsonGenerator json) throws IOException {
        if (Math.abs((long) scale) > MOST_SCALE) {
            throw new IOException("a decimal has the scale " + scale);
        }
        json.writeString(new BigDecimal(unscaled, scale).toPlainString());
    }

    static void real(double number, JsonGenerator json) throws IOException {
        if (Double.isFinite(number)) {
            json.writeNumber(number);
        } else {
            json.writeString(Double.toString(number));
        }
    }

    static void real(float number, JsonGenerator json) throws IOException {
        if (Float.isFinite(number)) {
            json.writeNumber(number);
        } else {
            json.writeString(Float.toString(number));
        }
    }

    static void bytes(Schema schema, byte[] bytes, JsonGenerator json) throws IOException {
        LogicalType type = schema.getLogicalType();
        boolean fixed = schema.getType() == Schema.Type.FIXED;
        if (type instanceof LogicalTypes.Decimal decimal) {
            if (bytes.length == 0) {
                throw new IOException("a decimal has no bytes");
            }
            decimal(new BigInteger(bytes), decimal.getScale(), json);
        } else if (fixed && type != null && type.getName().equals("uuid")) {
            ByteBuffer big = ByteBuffer.wrap(bytes);
            json.writeString(new UUID(big.getLong(), big.getLong()).toString());
        } else if (fixed && Objects.equals(schema.getName(), INT96) && bytes.length == 12) {
            ByteBuffer little = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            long nanos = little.getLong();
            json.writeString(
                    Instant.EPOCH
                            .plus(little.getInt() - JULIAN_EPOCH, ChronoUnit.DAYS)
                            .plusNanos(nanos)
                            .toString());
        } else {
            json.writeString(Base64.getEncoder().encodeToString(bytes));
        }
    }
}
