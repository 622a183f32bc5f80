package org.tonle.ingest;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tonle.definition.ColumnType;

/** Whether a type takes a JSON value, as {@code docs/types.md} says. */
final class ValueFit {
    private static final Pattern NUMBER =
            Pattern.compile("[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]{1,4})?");
    private static final String DAY = "([0-9]{4}[-/][0-9]{2}[-/][0-9]{2})";
    private static final String CLOCK =
            "[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?";
    private static final Pattern DATE = Pattern.compile(DAY);
    private static final Pattern TIMESTAMP = Pattern.compile(DAY + CLOCK);
    private static final Pattern TIMESTAMPTZ =
            Pattern.compile(DAY + CLOCK + "(Z|[+-][0-9]{2}(:?[0-9]{2})?)?");
    private static final int LONGEST_NUMBER = 400;

    private ValueFit() {}

    /** The value is one at which a parser stands, and isn't null. */
    static boolean fits(ColumnType type, JsonParser parser) throws IOException {
        if (type == ColumnType.Simple.STRING) {
            return true;
        }
        return parser.currentToken().isScalarValue() && fits(type, parser.getText());
    }

    private static boolean fits(ColumnType type, String text) {
        return switch (type) {
            case ColumnType.Decimal decimal -> isDecimal(text, decimal);
            case ColumnType.Simple simple ->
                    switch (simple) {
                        case STRING -> true;
                        case BOOLEAN -> text.equals("true") || text.equals("false");
                        case INT -> isWhole(text, Integer.SIZE);
                        case BIGINT -> isWhole(text, Long.SIZE);
                        case DOUBLE -> isNumber(text) && Double.isFinite(Double.parseDouble(text));
                        case DATE -> isTime(text, DATE);
                        case TIMESTAMP -> isTime(text, TIMESTAMP);
                        case TIMESTAMPTZ -> isTime(text, TIMESTAMPTZ);
                    };
        };
    }

    private static boolean isNumber(String text) {
        return text.length() <= LONGEST_NUMBER && NUMBER.matcher(text).matches();
    }

    private static boolean isWhole(String text, int bits) {
        if (!isNumber(text)) {
            return false;
        }
        BigDecimal number = new BigDecimal(text).stripTrailingZeros();
        // an exponent may stand for more digits than there is memory for
        return number.scale() <= 0
                && number.precision() - (long) number.scale() <= 20
                && number.toBigInteger().bitLength() < bits;
    }

    private static boolean isDecimal(String text, ColumnType.Decimal decimal) {
        if (!isNumber(text)) {
            return false;
        }
        BigDecimal number = new BigDecimal(text).stripTrailingZeros();
        return number.signum() == 0
                || (number.scale() <= decimal.scale()
                        && number.precision() - (long) number.scale()
                                <= decimal.precision() - decimal.scale());
    }

    private static boolean isTime(String text, Pattern pattern) {
        Matcher time = pattern.matcher(text);
        if (!time.matches()) {
            return false;
        }
        try {
            var unused = LocalDate.parse(time.group(1).replace('/', '-'));
            return true;
        } catch (DateTimeException e) {
            return false;
        }
    }
}
