package org.tonle.query;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.DateDayVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.TimeMicroVector;
import org.apache.arrow.vector.TimeStampVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.complex.MapVector;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/**
 * Writes the values of one column as JSON: integers and finite doubles as numbers, decimals as
 * strings (a JSON reader would round them), dates and times as ISO 8601 strings (an instant ends in
 * Z), NaN and infinities as strings, bytes in Base64.
 */
final class JsonValue {
    private static final DateTimeFormatter TIME =
            new DateTimeFormatterBuilder()
                    .appendPattern("HH:mm:ss")
                    .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
                    .toFormatter();
    private static final DateTimeFormatter TIMESTAMP =
            new DateTimeFormatterBuilder()
                    .append(DateTimeFormatter.ISO_LOCAL_DATE)
                    .appendLiteral('T')
                    .append(TIME)
                    .toFormatter();

    private final Type type;
    private final FieldVector vector;

    private JsonValue(Type type, FieldVector vector) {
        this.type = type;
        this.vector = vector;
    }

    static JsonValue of(Type type, FieldVector vector) {
        return new JsonValue(type, vector);
    }

    boolean isNull(int row) {
        return vector.isNull(row);
    }

    /** The value of a text column, or what its JSON string holds. */
    String text(int row) {
        Object value = vector instanceof VarCharVector text ? text(text, row) : plain(row);
        return String.valueOf(value);
    }

    void write(JsonGenerator json, int row) throws IOException {
        if (vector.isNull(row)) {
            json.writeNull();
            return;
        }
        switch (vector) {
            case VarCharVector text -> json.writeString(text(text, row));
            case BitVector bit -> json.writeBoolean(bit.get(row) != 0);
            default -> writePlain(json, plain(row));
        }
    }

    private static String text(VarCharVector vector, int row) {
        return new String(vector.get(row), StandardCharsets.UTF_8);
    }

    /** A number, a boolean, a string, or a collection of these. */
    private @Nullable Object plain(int row) {
        return switch (vector) {
            case TimeStampVector timestamps -> timestamp(timestamps, row);
            case DateDayVector days -> LocalDate.ofEpochDay(days.get(row)).toString();
            case TimeMicroVector times -> LocalTime.ofNanoOfDay(times.get(row) * 1000).format(TIME);
            case Float8Vector doubles -> finite(doubles.get(row));
            case Float4Vector floats -> finite(floats.get(row));
            case VarBinaryVector bytes -> Base64.getEncoder().encodeToString(bytes.get(row));
            case MapVector map -> entries(map, row);
            default -> plain(type, vector.getObject(row));
        };
    }

    /** Keys are written as text, as JSON has no others. */
    private static Map<String, @Nullable Object> entries(MapVector map, int row) {
        Map<String, @Nullable Object> entries = new LinkedHashMap<>();
        for (Object entry : map.getObject(row)) {
            Map<?, ?> pair = (Map<?, ?>) entry;
            entries.put(
                    String.valueOf(pair.get(MapVector.KEY_NAME)), pair.get(MapVector.VALUE_NAME));
        }
        return entries;
    }

    private String timestamp(TimeStampVector vector, int row) {
        TimeUnit unit = ((ArrowType.Timestamp) vector.getField().getType()).getUnit();
        long perSecond =
                switch (unit) {
                    case SECOND -> 1L;
                    case MILLISECOND -> 1_000L;
                    case MICROSECOND -> 1_000_000L;
                    case NANOSECOND -> 1_000_000_000L;
                };
        long value = vector.get(row);
        LocalDateTime time =
                LocalDateTime.ofEpochSecond(
                        Math.floorDiv(value, perSecond),
                        (int) (Math.floorMod(value, perSecond) * (1_000_000_000L / perSecond)),
                        ZoneOffset.UTC);
        boolean instant =
                type instanceof Types.TimestampType timestamp && timestamp.shouldAdjustToUTC();
        return TIMESTAMP.format(time) + (instant ? "Z" : "");
    }

    private static Object finite(double value) {
        return Double.isFinite(value) ? (Object) value : Double.toString(value);
    }

    private static @Nullable Object plain(Type type, @Nullable Object value) {
        return switch (value) {
            case null -> null;
            case BigDecimal decimal -> decimal.toPlainString();
            case Double number -> finite(number);
            case Float number -> finite(number);
            case byte[] bytes -> Base64.getEncoder().encodeToString(bytes);
            case Number number -> number;
            case Boolean bool -> bool;
            case LocalDateTime time ->
                    TIMESTAMP.format(time)
                            + (type instanceof Types.TimestampType timestamp
                                            && timestamp.shouldAdjustToUTC()
                                    ? "Z"
                                    : "");
            case Instant instant -> instant.toString();
            case Collection<?> list -> list;
            case Map<?, ?> map -> map;
            default -> value.toString();
        };
    }

    private static void writePlain(JsonGenerator json, @Nullable Object value) throws IOException {
        switch (value) {
            case null -> json.writeNull();
            case Double number -> json.writeNumber(number);
            case Number number -> json.writeNumber(number.toString());
            case Boolean bool -> json.writeBoolean(bool);
            case Collection<?> list -> {
                json.writeStartArray();
                for (Object each : list) {
                    writePlain(json, plain(Types.StringType.get(), each));
                }
                json.writeEndArray();
            }
            case Map<?, ?> map -> {
                json.writeStartObject();
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    json.writeFieldName(String.valueOf(entry.getKey()));
                    writePlain(json, plain(Types.StringType.get(), entry.getValue()));
                }
                json.writeEndObject();
            }
            default -> json.writeString(value.toString());
        }
    }
}
