package org.tonle.ingest;

import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.EnumSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tonle.definition.ColumnType;

/** What kinds of values one place has held, and the type that takes all of them. */
final class ValueKinds {
    private static final Pattern WHOLE = Pattern.compile("-?(0|[1-9][0-9]*)");
    private static final Pattern DECIMAL = Pattern.compile("-?(0|[1-9][0-9]*)\\.([0-9]+)");
    private static final Pattern REAL =
            Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?[eE][+-]?[0-9]{1,3}");
    private static final Pattern DATE = Pattern.compile("[0-9]{4}([-/])[0-9]{2}\\1[0-9]{2}");
    private static final Pattern TIME =
            Pattern.compile(
                    "([0-9]{4}([-/])[0-9]{2}\\2[0-9]{2})[T ]([01][0-9]|2[0-3]):[0-5][0-9]"
                            + "(:[0-5][0-9](\\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?");
    private static final int ZONE = 6;

    /** Digits that a double keeps for sure. */
    private static final int DOUBLE_DIGITS = 15;

    /** A decimal leaves room for larger values than were seen. */
    private static final int USUAL_PRECISION = 18;

    private static final int LONGEST_EXAMPLE = 40;
    private static final int LONGEST_NUMBER = 60;

    private enum Kind {
        BOOLEAN,
        INT,
        BIGINT,
        DECIMAL,
        DOUBLE,
        DATE,
        TIMESTAMP,
        TIMESTAMPTZ,
        STRING
    }

    private final Set<Kind> kinds = EnumSet.noneOf(Kind.class);
    private int scale = -1;
    private boolean scalesDiffer;
    private int beforePoint;
    private long seen;
    private String example = "";

    long seen() {
        return seen;
    }

    String example() {
        return example;
    }

    private void add(Kind kind, String value) {
        kinds.add(kind);
        if (seen++ == 0) {
            example =
                    value.length() <= LONGEST_EXAMPLE
                            ? value
                            : value.substring(
                                            0,
                                            value.offsetByCodePoints(
                                                    0,
                                                    Math.min(
                                                            LONGEST_EXAMPLE / 2,
                                                            value.codePointCount(
                                                                    0, value.length()))))
                                    + "…";
        }
    }

    void truth(String value) {
        add(Kind.BOOLEAN, value);
    }

    /** An array, or an object beside other values: its JSON text is what a string column has. */
    void other(String value) {
        add(Kind.STRING, value);
    }

    /** A number without point and exponent, of JSON or of a text. */
    void whole(String digits) {
        int length = digits.length() - (digits.startsWith("-") ? 1 : 0);
        beforePoint = Math.max(beforePoint, length);
        if (length > LONGEST_NUMBER) {
            add(Kind.STRING, digits);
            return;
        }
        int bits = new BigInteger(digits).bitLength();
        add(bits < Integer.SIZE ? Kind.INT : bits < Long.SIZE ? Kind.BIGINT : Kind.STRING, digits);
    }

    /** A number of JSON with point or exponent: it is read as a double. */
    void real(String number) {
        long digits = number.chars().filter(Character::isDigit).count();
        add(digits <= DOUBLE_DIGITS + 2 ? Kind.DOUBLE : Kind.STRING, number);
    }

    void text(String text) {
        Matcher decimal = DECIMAL.matcher(text);
        if (text.length() > LONGEST_NUMBER) {
            add(Kind.STRING, text);
        } else if (text.equals("true") || text.equals("false")) {
            add(Kind.BOOLEAN, text);
        } else if (WHOLE.matcher(text).matches()) {
            whole(text);
        } else if (decimal.matches()) {
            beforePoint = Math.max(beforePoint, decimal.group(1).length());
            int digits = decimal.group(2).length();
            scalesDiffer |= scale >= 0 && scale != digits;
            scale = Math.max(scale, digits);
            add(Kind.DECIMAL, text);
        } else if (REAL.matcher(text).matches()) {
            add(Kind.DOUBLE, text);
        } else {
            add(time(text), text);
        }
    }

    private static Kind time(String text) {
        if (DATE.matcher(text).matches()) {
            return isDay(text) ? Kind.DATE : Kind.STRING;
        }
        Matcher time = TIME.matcher(text);
        if (!time.matches() || !isDay(time.group(1))) {
            return Kind.STRING;
        }
        return time.group(ZONE) == null ? Kind.TIMESTAMP : Kind.TIMESTAMPTZ;
    }

    private static boolean isDay(String text) {
        try {
            var unused = LocalDate.parse(text.replace('/', '-'));
            return true;
        } catch (DateTimeException e) {
            return false;
        }
    }

    /** A string where nothing was seen, or what was has nothing else in common. */
    ColumnType type() {
        if (kinds.isEmpty()) {
            return ColumnType.Simple.STRING;
        }
        if (EnumSet.of(Kind.INT, Kind.BIGINT, Kind.DECIMAL, Kind.DOUBLE).containsAll(kinds)) {
            return number();
        }
        if (EnumSet.of(Kind.TIMESTAMP, Kind.TIMESTAMPTZ).containsAll(kinds)) {
            return kinds.contains(Kind.TIMESTAMPTZ)
                    ? ColumnType.Simple.TIMESTAMPTZ
                    : ColumnType.Simple.TIMESTAMP;
        }
        if (kinds.size() > 1) {
            return ColumnType.Simple.STRING;
        }
        return switch (kinds.iterator().next()) {
            case BOOLEAN -> ColumnType.Simple.BOOLEAN;
            case DATE -> ColumnType.Simple.DATE;
            default -> ColumnType.Simple.STRING;
        };
    }

    private ColumnType number() {
        if (kinds.contains(Kind.DOUBLE)) {
            return scale + beforePoint > DOUBLE_DIGITS
                    ? ColumnType.Simple.STRING
                    : ColumnType.Simple.DOUBLE;
        }
        if (!kinds.contains(Kind.DECIMAL)) {
            return kinds.contains(Kind.BIGINT) ? ColumnType.Simple.BIGINT : ColumnType.Simple.INT;
        }
        if (scalesDiffer && scale + beforePoint <= DOUBLE_DIGITS) {
            return ColumnType.Simple.DOUBLE;
        }
        int precision = Math.max(USUAL_PRECISION, beforePoint + scale);
        return precision <= ColumnType.Decimal.MAX_PRECISION
                ? new ColumnType.Decimal(precision, scale)
                : ColumnType.Simple.STRING;
    }
}
