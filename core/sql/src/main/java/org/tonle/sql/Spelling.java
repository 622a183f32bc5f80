package org.tonle.sql;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.calcite.sql.SqlBasicTypeNameSpec;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.SqlIntervalQualifier;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNumericLiteral;
import org.apache.calcite.sql.SqlUnknownLiteral;
import org.apache.calcite.sql.SqlUnresolvedFunction;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.type.SqlTypeName;
import org.apache.calcite.sql.util.SqlShuttle;
import org.jspecify.annotations.Nullable;

/**
 * One spelling for what a parsed statement may say in several ways. TIMESTAMP WITH TIME ZONE is an
 * instant, like TIMESTAMP WITH LOCAL TIME ZONE; a literal of either may end in Z or an offset and
 * means UTC without; a T may stand between date and time, as ISO 8601 has it.
 */
final class Spelling extends SqlShuttle {
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

    private final Position position;

    Spelling(Position position) {
        this.position = position;
    }

    @Override
    public @Nullable SqlNode visit(SqlCall call) {
        if (call.getOperator().equals(SqlStdOperatorTable.INTERVAL)
                && call.operand(0) instanceof SqlNumericLiteral number
                && call.operand(1) instanceof SqlIntervalQualifier unit) {
            BigDecimal count = Objects.requireNonNull(number.bigDecimalValue());
            return SqlLiteral.createInterval(
                    count.signum(), count.abs().toPlainString(), unit, call.getParserPosition());
        }
        if (call.getOperator() instanceof SqlUnresolvedFunction function
                && function.getName().equalsIgnoreCase("SUBSTR")) {
            return SqlStdOperatorTable.SUBSTRING
                    .createCall(call.getParserPosition(), call.getOperandList())
                    .accept(this);
        }
        return super.visit(call);
    }

    @Override
    public @Nullable SqlNode visit(SqlLiteral literal) {
        if (!(literal instanceof SqlUnknownLiteral unknown)
                || !unknown.tag.startsWith("TIMESTAMP")) {
            return literal;
        }
        Matcher time = TIME.matcher(String.valueOf(unknown.getValue()));
        if (!time.matches()) {
            return literal;
        }
        String plain = time.group(1) + " " + time.group(2);
        String zone = time.group(3);
        boolean instant = !unknown.tag.equals("TIMESTAMP");
        if (!instant) {
            if (zone != null) {
                throw SqlErrors.invalid(
                        position,
                        unknown.getParserPosition(),
                        "a TIMESTAMP has no zone; leave " + zone + " out, or write " + INSTANT);
            }
            return SqlLiteral.createUnknown(unknown.tag, plain, unknown.getParserPosition());
        }
        try {
            ZoneOffset offset =
                    zone == null || zone.equals("UTC") ? ZoneOffset.UTC : ZoneOffset.of(zone);
            LocalDateTime utc =
                    LocalDateTime.ofInstant(
                            LocalDateTime.parse(plain, PLAIN).toInstant(offset), ZoneOffset.UTC);
            return SqlLiteral.createUnknown(
                    INSTANT, PLAIN.format(utc), unknown.getParserPosition());
        } catch (DateTimeException e) {
            // no such time: left for the validator to refuse with its place
            return literal;
        }
    }

    @Override
    public @Nullable SqlNode visit(SqlDataTypeSpec type) {
        if (type.getTypeNameSpec() instanceof SqlBasicTypeNameSpec basic
                && basic.getTypeName().getSimple().equals(SqlTypeName.TIMESTAMP_TZ.name())) {
            return new SqlDataTypeSpec(
                    new SqlBasicTypeNameSpec(
                            SqlTypeName.TIMESTAMP_WITH_LOCAL_TIME_ZONE,
                            basic.getPrecision(),
                            type.getParserPosition()),
                    type.getParserPosition());
        }
        return type;
    }
}
