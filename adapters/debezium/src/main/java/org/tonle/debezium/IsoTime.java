package org.tonle.debezium;

import java.time.LocalDate;

/**
 * Days and microseconds since 1970 as ISO 8601 writes them, in quotes. What PostgreSQL calls
 * infinity is called so.
 */
final class IsoTime {
    private static final long DAY = 86_400_000_000L;

    /** Beyond all that PostgreSQL has as a timestamp; its drivers mean infinity by it. */
    private static final long INFINITE = 9_223_371_331_200_000_000L;

    /** Before all that PostgreSQL has as a date; its driver and Debezium mean infinity by it. */
    private static final long INFINITE_DAYS = LocalDate.of(-10_000, 1, 1).toEpochDay();

    /** In a row that is there infinity is later than this, and minus infinity earlier. */
    private static final long BETWEEN = LocalDate.of(-1_706_000, 1, 1).toEpochDay();

    /** In a change that comes. */
    private static final long INFINITY = LocalDate.of(-5_877_611, 6, 21).toEpochDay();

    private IsoTime() {}

    static void date(long days, JsonBytes out) {
        if (days < INFINITE_DAYS) {
            infinity(days > BETWEEN || days == INFINITY, out);
            return;
        }
        out.raw('"');
        day(days, out);
        out.raw('"');
    }

    /**
     * @param zone what stands behind it
     */
    static void timestamp(long micros, String zone, JsonBytes out) {
        if (micros >= INFINITE || micros <= -INFINITE) {
            infinity(micros > 0, out);
            return;
        }
        out.raw('"');
        day(Math.floorDiv(micros, DAY), out);
        out.raw('T');
        clock(Math.floorMod(micros, DAY), out);
        out.raw(zone).raw('"');
    }

    static void time(long micros, JsonBytes out) {
        out.raw('"');
        clock(micros, out);
        out.raw('"');
    }

    private static void infinity(boolean positive, JsonBytes out) {
        out.raw(positive ? "\"infinity\"" : "\"-infinity\"");
    }

    private static void day(long days, JsonBytes out) {
        // Howard Hinnant's days_from_civil, turned around: years begin in March
        long shifted = days + 719_468;
        long era = Math.floorDiv(shifted, 146_097);
        long dayOfEra = shifted - era * 146_097;
        long yearOfEra =
                (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        long month = (5 * dayOfYear + 2) / 153;
        long day = dayOfYear - (153 * month + 2) / 5 + 1;
        long year = yearOfEra + era * 400 + (month < 10 ? 0 : 1);
        if (year < 0 || year > 9_999) {
            out.raw(LocalDate.ofEpochDay(days).toString());
            return;
        }
        out.digits(year, 4).raw('-').digits(month < 10 ? month + 3 : month - 9, 2);
        out.raw('-').digits(day, 2);
    }

    private static void clock(long micros, JsonBytes out) {
        out.digits(micros / 3_600_000_000L, 2).raw(':');
        out.digits(micros / 60_000_000 % 60, 2).raw(':');
        out.digits(micros / 1_000_000 % 60, 2);
        long fraction = micros % 1_000_000;
        if (fraction > 0) {
            out.raw('.').digits(fraction, 6);
        }
    }
}
