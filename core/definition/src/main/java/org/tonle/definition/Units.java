package org.tonle.definition;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations ({@code 500ms}, {@code 5s}, {@code 7d}, {@code 3y} of 365 days) and sizes ({@code
 * 64MB}) as people write them.
 */
public final class Units {
    private static final Pattern FORM =
            Pattern.compile("([0-9]{1,9}(?:\\.[0-9]{1,3})?) ?([A-Za-z]+)");
    private static final BigDecimal MOST = BigDecimal.valueOf(Long.MAX_VALUE);
    private static final Map<String, Long> MILLIS =
            Map.of(
                    "ms", 1L,
                    "s", 1_000L,
                    "m", 60_000L,
                    "h", 3_600_000L,
                    "d", 86_400_000L,
                    "y", 365 * 86_400_000L);
    // as PostgreSQL reads them: 1 MB is 1,024 kB
    private static final Map<String, Long> BYTES =
            Map.of("b", 1L, "kb", 1L << 10, "mb", 1L << 20, "gb", 1L << 30, "tb", 1L << 40);

    private Units() {}

    /** A duration; empty if the text is none. */
    public static Optional<Duration> duration(String text) {
        return amount(text, MILLIS, false).map(Duration::ofMillis);
    }

    static Optional<Long> bytes(String text) {
        return amount(text, BYTES, true);
    }

    private static Optional<Long> amount(String text, Map<String, Long> units, boolean anyCase) {
        Matcher form = FORM.matcher(text.strip());
        if (!form.matches()) {
            return Optional.empty();
        }
        String unit = anyCase ? form.group(2).toLowerCase(Locale.ROOT) : form.group(2);
        Long factor = units.get(unit);
        if (factor == null) {
            return Optional.empty();
        }
        BigDecimal amount =
                new BigDecimal(form.group(1))
                        .multiply(BigDecimal.valueOf(factor))
                        .setScale(0, RoundingMode.DOWN);
        return amount.compareTo(MOST) > 0 ? Optional.empty() : Optional.of(amount.longValueExact());
    }

    /** A size in the largest unit that it is a whole number of. */
    static String text(long bytes) {
        if (bytes >= 1L << 40 && bytes % (1L << 40) == 0) {
            return (bytes >> 40) + "TB";
        }
        if (bytes >= 1L << 30 && bytes % (1L << 30) == 0) {
            return (bytes >> 30) + "GB";
        }
        if (bytes >= 1L << 20 && bytes % (1L << 20) == 0) {
            return (bytes >> 20) + "MB";
        }
        return bytes >= 1L << 10 && bytes % (1L << 10) == 0 ? (bytes >> 10) + "kB" : bytes + "B";
    }
}
