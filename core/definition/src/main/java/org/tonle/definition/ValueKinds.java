package org.tonle.definition;

import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What kinds of values one place has held, and the type that takes all of them. It depends on which
 * values those are only, not on their order or how often they came. Used by one thread.
 */
public final class ValueKinds {
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

    /** How the facts begin that say how long numbers are. */
    private static final String DIGITS = "digits-";

    private static final String SCALE = "scale-";
    private static final int DIGITS_STEP = 3;

    private enum Kind {
        BOOLEAN,
        INT,
        BIGINT,
        DECIMAL,
        DOUBLE,
        DATE,
        TIMESTAMP,
        TIMESTAMPTZ,
        STRING;

        private String fact() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final Set<Kind> kinds = EnumSet.noneOf(Kind.class);
    private final TreeSet<Integer> scales = new TreeSet<>();
    private int beforePoint;
    private long seen;
    private String example = "";

    /** Those of the values of which these are the {@link #facts}. */
    public static ValueKinds of(Collection<String> facts) {
        ValueKinds kinds = new ValueKinds();
        for (String fact : facts) {
            if (fact.startsWith(DIGITS)) {
                kinds.beforePoint = Math.max(kinds.beforePoint, number(fact, DIGITS));
            } else if (fact.startsWith(SCALE)) {
                kinds.scales.add(number(fact, SCALE));
            } else {
                // a newer Tonle may know kinds that this one doesn't: as a text it can be read
                kinds.kinds.add(
                        Arrays.stream(Kind.values())
                                .filter(kind -> kind.fact().equals(fact))
                                .findFirst()
                                .orElse(Kind.STRING));
            }
        }
        return kinds;
    }

    private static int number(String fact, String behind) {
        try {
            return Integer.parseInt(fact.substring(behind.length()));
        } catch (NumberFormatException e) {
            return LONGEST_NUMBER;
        }
    }

    /**
     * What is known of the values, in words without a colon. What is known of the values of two
     * places together are the words of both; the lengths of numbers are rounded up.
     */
    public Set<String> facts() {
        Set<String> facts = new TreeSet<>();
        kinds.forEach(kind -> facts.add(kind.fact()));
        scales.forEach(scale -> facts.add(SCALE + scale));
        if (beforePoint > 0) {
            facts.add(DIGITS + (beforePoint + DIGITS_STEP - 1) / DIGITS_STEP * DIGITS_STEP);
        }
        return facts;
    }

    /** Whether nothing but a text takes them, whatever follows. */
    public boolean isText() {
        return kinds.contains(Kind.STRING);
    }

    public long seen() {
        return seen;
    }

    public String example() {
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

    public void truth(String value) {
        add(Kind.BOOLEAN, value);
    }

    /** An array, or an object beside other values: its JSON text is what a string column has. */
    public void other(String value) {
        add(Kind.STRING, value);
    }

    /** A number without point and exponent, of JSON or of a text. */
    public void whole(String digits) {
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
    public void real(String number) {
        long digits = number.chars().filter(Character::isDigit).count();
        add(digits <= DOUBLE_DIGITS + 2 ? inRange(number) : Kind.STRING, number);
    }

    private static Kind inRange(String number) {
        return Double.isFinite(Double.parseDouble(number)) ? Kind.DOUBLE : Kind.STRING;
    }

    public void text(String text) {
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
            scales.add(digits);
            add(Kind.DECIMAL, text);
        } else if (REAL.matcher(text).matches()) {
            add(inRange(text), text);
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
    public ColumnType type() {
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
        int scale = scales.isEmpty() ? -1 : scales.last();
        if (kinds.contains(Kind.DOUBLE)) {
            return scale + beforePoint > DOUBLE_DIGITS
                    ? ColumnType.Simple.STRING
                    : ColumnType.Simple.DOUBLE;
        }
        if (!kinds.contains(Kind.DECIMAL)) {
            return kinds.contains(Kind.BIGINT) ? ColumnType.Simple.BIGINT : ColumnType.Simple.INT;
        }
        if (scales.size() > 1 && scale + beforePoint <= DOUBLE_DIGITS) {
            return ColumnType.Simple.DOUBLE;
        }
        int precision = Math.max(USUAL_PRECISION, beforePoint + scale);
        return precision <= ColumnType.Decimal.MAX_PRECISION
                ? new ColumnType.Decimal(precision, scale)
                : ColumnType.Simple.STRING;
    }
}
