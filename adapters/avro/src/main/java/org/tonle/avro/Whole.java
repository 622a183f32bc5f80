package org.tonle.avro;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;

/**
 * What a whole number means, by the name of its type: Avro's logical types, and those of Kafka
 * Connect and Debezium. Times are written as ISO 8601 does, with Z where they are instants.
 */
public enum Whole {
    NUMBER,
    /** Days since 1970-01-01. */
    DATE,
    TIME_MILLIS,
    TIME_MICROS,
    TIME_NANOS,
    INSTANT_MILLIS,
    INSTANT_MICROS,
    INSTANT_NANOS,
    LOCAL_MILLIS,
    LOCAL_MICROS,
    LOCAL_NANOS;

    /** Of a type's name; a name that isn't known is a number's. */
    public static Whole named(String name) {
        return switch (name) {
            case "date", "org.apache.kafka.connect.data.Date", "io.debezium.time.Date" -> DATE;
            case "time-millis", "org.apache.kafka.connect.data.Time", "io.debezium.time.Time" ->
                    TIME_MILLIS;
            case "time-micros", "io.debezium.time.MicroTime" -> TIME_MICROS;
            case "io.debezium.time.NanoTime" -> TIME_NANOS;
            case "timestamp-millis", "org.apache.kafka.connect.data.Timestamp" -> INSTANT_MILLIS;
            case "timestamp-micros" -> INSTANT_MICROS;
            case "timestamp-nanos" -> INSTANT_NANOS;
            case "local-timestamp-millis", "io.debezium.time.Timestamp" -> LOCAL_MILLIS;
            case "local-timestamp-micros", "io.debezium.time.MicroTimestamp" -> LOCAL_MICROS;
            case "local-timestamp-nanos", "io.debezium.time.NanoTimestamp" -> LOCAL_NANOS;
            default -> NUMBER;
        };
    }

    /** Writes a value; one that no clock or calendar shows as its number. */
    public void write(long value, JsonGenerator json) throws IOException {
        String text;
        try {
            text =
                    switch (this) {
                        case NUMBER -> "";
                        case DATE -> LocalDate.ofEpochDay(value).toString();
                        case TIME_MILLIS -> time(value, 1_000_000);
                        case TIME_MICROS -> time(value, 1_000);
                        case TIME_NANOS -> time(value, 1);
                        case INSTANT_MILLIS -> instant(value, ChronoUnit.MILLIS).toString();
                        case INSTANT_MICROS -> instant(value, ChronoUnit.MICROS).toString();
                        case INSTANT_NANOS -> instant(value, ChronoUnit.NANOS).toString();
                        case LOCAL_MILLIS -> local(value, ChronoUnit.MILLIS);
                        case LOCAL_MICROS -> local(value, ChronoUnit.MICROS);
                        case LOCAL_NANOS -> local(value, ChronoUnit.NANOS);
                    };
        } catch (DateTimeException | ArithmeticException e) {
            text = "";
        }
        if (text.isEmpty()) {
            json.writeNumber(value);
        } else {
            json.writeString(text);
        }
    }

    private static String time(long value, long nanos) {
        return LocalTime.ofNanoOfDay(Math.multiplyExact(value, nanos)).toString();
    }

    private static Instant instant(long value, ChronoUnit unit) {
        return Instant.EPOCH.plus(value, unit);
    }

    private static String local(long value, ChronoUnit unit) {
        return LocalDateTime.ofInstant(instant(value, unit), ZoneOffset.UTC).toString();
    }
}
