package org.tonle.ingest;

import java.time.DateTimeException;
import java.time.LocalDate;

/**
 * The instant that an event says it happened at: ISO 8601 text (date, or date and time with up to
 * nine digits of a second; without an offset it is UTC) or a whole number of milliseconds since
 * 1970-01-01T00:00Z. Anything else has no event time; what to make of it is silver's decision.
 */
final class EventTime {
    /** There is none. Outside of what a timestamp can be. */
    static final long NONE = Long.MIN_VALUE;

    private static final long MICROS_PER_SECOND = 1_000_000L;
    private static final long MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND;

    /** The year 9999: far enough, and far from an overflow. */
    private static final long MAX_MILLIS = 253_402_300_799_999L;

    private final byte[] bytes;
    private final int end;
    private int at;

    private EventTime(byte[] bytes, int start, int end) {
        this.bytes = bytes;
        this.at = start;
        this.end = end;
    }

    /** Microseconds since 1970-01-01T00:00Z, or {@link #NONE}. */
    static long ofText(byte[] bytes, int start, int end) {
        return new EventTime(bytes, start, end).text();
    }

    /** Microseconds since 1970-01-01T00:00Z, or {@link #NONE}. */
    static long ofNumber(byte[] bytes, int start, int end) {
        long millis = 0;
        int i = bytes[start] == '-' ? start + 1 : start;
        if (end - i > 15 || i == end) {
            return NONE;
        }
        for (int k = i; k < end; k++) {
            if (bytes[k] < '0' || bytes[k] > '9') {
                return NONE;
            }
            millis = millis * 10 + (bytes[k] - '0');
        }
        return millis > MAX_MILLIS ? NONE : (i > start ? -millis : millis) * 1_000;
    }

    private long text() {
        int year = digits(4);
        if (year < 0 || !take('-')) {
            return NONE;
        }
        int month = digits(2);
        if (month < 0 || !take('-')) {
            return NONE;
        }
        int day = digits(2);
        long date = day < 0 ? NONE : date(year, month, day);
        if (date == NONE || at == end) {
            return date;
        }
        if (!take('T') && !take('t') && !take(' ')) {
            return NONE;
        }
        long time = time();
        long offset = time == NONE ? NONE : offset();
        return offset == NONE ? NONE : date + time - offset;
    }

    private static long date(int year, int month, int day) {
        try {
            return LocalDate.of(year, month, day).toEpochDay() * MICROS_PER_DAY;
        } catch (DateTimeException e) {
            return NONE;
        }
    }

    private long time() {
        int hour = digits(2);
        if (hour < 0 || hour > 23 || !take(':')) {
            return NONE;
        }
        int minute = digits(2);
        if (minute < 0 || minute > 59) {
            return NONE;
        }
        long micros = (hour * 60L + minute) * 60 * MICROS_PER_SECOND;
        if (!take(':')) {
            return micros;
        }
        int second = digits(2);
        // 60 is a leap second, which no clock of ours has
        if (second < 0 || second > 59) {
            return NONE;
        }
        micros += second * MICROS_PER_SECOND;
        if (take('.') || take(',')) {
            long fraction = fraction();
            return fraction == NONE ? NONE : micros + fraction;
        }
        return micros;
    }

    /** Micros of up to nine digits; what is finer is cut off. */
    private long fraction() {
        long micros = 0;
        int count = 0;
        while (at < end && isDigit(bytes[at])) {
            if (count < 6) {
                micros = micros * 10 + (bytes[at] - '0');
            }
            count++;
            at++;
        }
        if (count == 0 || count > 9) {
            return NONE;
        }
        for (int k = count; k < 6; k++) {
            micros *= 10;
        }
        return micros;
    }

    private long offset() {
        if (at == end) {
            return 0;
        }
        if (take('Z') || take('z')) {
            return at == end ? 0 : NONE;
        }
        boolean east = take('+');
        if (!east && !take('-')) {
            return NONE;
        }
        int hours = digits(2);
        if (hours < 0 || hours > 18) {
            return NONE;
        }
        int minutes = 0;
        if (at < end) {
            take(':');
            minutes = digits(2);
        }
        if (minutes < 0 || minutes > 59 || at != end) {
            return NONE;
        }
        long micros = (hours * 60L + minutes) * 60 * MICROS_PER_SECOND;
        return east ? micros : -micros;
    }

    private int digits(int count) {
        int value = 0;
        for (int k = 0; k < count; k++) {
            if (at == end || !isDigit(bytes[at])) {
                return -1;
            }
            value = value * 10 + (bytes[at++] - '0');
        }
        return value;
    }

    private boolean take(char c) {
        if (at < end && bytes[at] == c) {
            at++;
            return true;
        }
        return false;
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }
}
