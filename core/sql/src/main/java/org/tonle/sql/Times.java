package org.tonle.sql;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNumericLiteral;
import org.apache.calcite.sql.SqlSnapshot;
import org.apache.calcite.sql.SqlUnknownLiteral;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.util.DateString;

/** Times as statements write them. */
final class Times {
    private static final String INSTANT = "TIMESTAMP WITH LOCAL TIME ZONE";

    private static final Pattern TIME =
            Pattern.compile(
                    "\\s*(\\d{4}-\\d{2}-\\d{2})[T ](\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,9})?)"
                            + "\\s*(Z|UTC|[+-]\\d{2}(?::?\\d{2})?)?\\s*");

    private static final DateTimeFormatter PLAIN =
            new DateTimeFormatterBuilder()
                    .appendPattern("uuuu-MM-dd HH:mm:ss")
                    .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
                    .toFormatter(Locale.ROOT)
                    .withResolverStyle(ResolverStyle.STRICT);

    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("uuuu-M-d", Locale.ROOT)
                    .withResolverStyle(ResolverStyle.STRICT);

    private Times() {}

    /**
     * A TIMESTAMP literal in the spelling that Calcite reads. TIMESTAMP WITH TIME ZONE is an
     * instant, like TIMESTAMP WITH LOCAL TIME ZONE; a literal of either may end in Z or an offset
     * and means UTC without; a T may stand between date and time, as ISO 8601 has it.
     */
    static SqlLiteral spelled(SqlUnknownLiteral literal, Position position) {
        Matcher time = TIME.matcher(String.valueOf(literal.getValue()));
        if (!time.matches()) {
            return literal;
        }
        String plain = time.group(1) + " " + time.group(2);
        String zone = time.group(3);
        boolean instant = !literal.tag.equals("TIMESTAMP");
        if (!instant) {
            if (zone != null) {
                throw SqlErrors.invalid(
                        position,
                        literal.getParserPosition(),
                        "a TIMESTAMP has no zone; leave " + zone + " out, or write " + INSTANT);
            }
            return SqlLiteral.createUnknown(literal.tag, plain, literal.getParserPosition());
        }
        try {
            ZoneOffset offset =
                    zone == null || zone.equals("UTC") ? ZoneOffset.UTC : ZoneOffset.of(zone);
            LocalDateTime utc =
                    LocalDateTime.ofInstant(
                            LocalDateTime.parse(plain, PLAIN).toInstant(offset), ZoneOffset.UTC);
            return SqlLiteral.createUnknown(
                    INSTANT, PLAIN.format(utc), literal.getParserPosition());
        } catch (DateTimeException e) {
            // no such time: left for the validator to refuse with its place
            return literal;
        }
    }

    /** A DATE literal. Calcite's own reader jumps from 4 to 15 October 1582. */
    static SqlLiteral date(SqlUnknownLiteral literal, Position position) {
        String text = String.valueOf(literal.getValue()).strip();
        try {
            LocalDate date = LocalDate.parse(text, DAY);
            if (date.getYear() > 0) {
                return SqlLiteral.createDate(
                        new DateString(date.getYear(), date.getMonthValue(), date.getDayOfMonth()),
                        literal.getParserPosition());
            }
        } catch (DateTimeException e) {
            // told below
        }
        throw SqlErrors.invalid(
                position,
                literal.getParserPosition(),
                "there is no DATE '" + text + "'; one is written DATE '2026-01-31'");
    }

    /** A table in a state of its own, as a statement says it. */
    static SqlNode snapshot(SqlNode table, AsOf at) {
        SqlNode state =
                switch (at) {
                    case AsOf.Commit(long seq) ->
                            SqlLiteral.createExactNumeric(Long.toString(seq), SqlParserPos.ZERO);
                    case AsOf.Time(Instant time) ->
                            SqlLiteral.createUnknown(
                                    INSTANT,
                                    PLAIN.format(LocalDateTime.ofInstant(time, ZoneOffset.UTC)),
                                    SqlParserPos.ZERO);
                };
        return new SqlSnapshot(SqlParserPos.ZERO, table, state);
    }

    /** What stands after AS OF: a time (in UTC), or the number of a commit. */
    static AsOf asOf(SqlNode node, Position position) {
        if (node instanceof SqlNumericLiteral number && number.isInteger()) {
            BigDecimal seq = java.util.Objects.requireNonNull(number.bigDecimalValue());
            if (seq.signum() >= 0 && seq.toBigInteger().bitLength() < Long.SIZE) {
                return new AsOf.Commit(seq.longValueExact());
            }
        }
        if (node instanceof SqlUnknownLiteral literal) {
            try {
                Instant at =
                        LocalDateTime.parse(String.valueOf(literal.getValue()), PLAIN)
                                .toInstant(ZoneOffset.UTC);
                return new AsOf.Time(at);
            } catch (DateTimeException e) {
                throw SqlErrors.invalid(
                        position, node.getParserPosition(), "there is no such time as " + node);
            }
        }
        throw SqlErrors.unsupported(
                position,
                node.getParserPosition(),
                "AS OF takes a time, such as TIMESTAMP '2026-01-31 12:00:00', or the number of a"
                        + " commit");
    }
}
