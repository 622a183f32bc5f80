package org.tonle.query;

import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;

/** Dates and times as ISO 8601 texts: seconds always, a fraction only where there is one. */
final class Times {
    private static final long MICROS = 1_000_000;

    private Times() {}

    static String date(int daysSince1970) {
        return LocalDate.ofEpochDay(daysSince1970).toString();
    }

    static String time(long micros) {
        return withSeconds(LocalTime.ofNanoOfDay(micros * 1000), micros);
    }

    static String timestamp(long micros) {
        LocalDateTime time =
                LocalDateTime.ofEpochSecond(
                        Math.floorDiv(micros, MICROS),
                        (int) Math.floorMod(micros, MICROS) * 1000,
                        ZoneOffset.UTC);
        return time.toLocalDate() + "T" + withSeconds(time.toLocalTime(), micros);
    }

    private static String withSeconds(LocalTime time, long micros) {
        StringBuilder text = new StringBuilder(15);
        two(text, time.getHour()).append(':');
        two(text, time.getMinute()).append(':');
        two(text, time.getSecond());
        int fraction = (int) Math.floorMod(micros, MICROS);
        if (fraction != 0) {
            String digits = Integer.toString((int) MICROS + fraction).substring(1);
            int end = digits.length();
            while (digits.charAt(end - 1) == '0') {
                end--;
            }
            text.append('.').append(digits, 0, end);
        }
        return text.toString();
    }

    private static StringBuilder two(StringBuilder text, int number) {
        return text.append((char) ('0' + number / 10)).append((char) ('0' + number % 10));
    }
}
