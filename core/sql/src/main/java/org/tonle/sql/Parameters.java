package org.tonle.sql;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Objects;
import org.apache.calcite.sql.SqlDynamicParam;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.util.SqlShuttle;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Puts values in the place of a statement's {@code ?}: as nodes of the parsed tree, so that none of
 * what a value holds is ever read as SQL. A text that stands where a date, a time or a number is
 * wanted is taken for one, as a literal would be.
 */
final class Parameters extends SqlShuttle {
    private final List<? extends @Nullable Object> values;
    private final Position position;
    private int used;

    private Parameters(List<? extends @Nullable Object> values, Position position) {
        this.values = values;
        this.position = position;
    }

    /**
     * The statement with its values.
     *
     * @param values texts, numbers, booleans, or null, in the order of the {@code ?}
     * @throws LakeException INVALID_SQL if there are more or fewer than the statement has
     */
    static SqlNode put(
            SqlNode statement, List<? extends @Nullable Object> values, Position position) {
        Parameters parameters = new Parameters(values, position);
        SqlNode put = Objects.requireNonNull(statement.accept(parameters));
        if (parameters.used < values.size()) {
            throw new LakeException(
                    ErrorCode.INVALID_SQL,
                    "The statement has "
                            + parameters.used
                            + " parameters, and "
                            + values.size()
                            + " values were given");
        }
        return put;
    }

    @Override
    public SqlNode visit(SqlDynamicParam parameter) {
        SqlParserPos pos = parameter.getParserPosition();
        int index = parameter.getIndex();
        if (index >= values.size()) {
            throw SqlErrors.invalid(
                    position,
                    pos,
                    "parameter " + (index + 1) + " has no value; " + values.size() + " were given");
        }
        used = Math.max(used, index + 1);
        Object value = values.get(index);
        return switch (value) {
            case null -> SqlLiteral.createNull(pos);
            case String text -> SqlLiteral.createCharString(text, pos);
            case Boolean truth -> SqlLiteral.createBoolean(truth, pos);
            case Integer number -> SqlLiteral.createExactNumeric(number.toString(), pos);
            case Long number -> SqlLiteral.createExactNumeric(number.toString(), pos);
            case BigInteger number -> SqlLiteral.createExactNumeric(number.toString(), pos);
            case BigDecimal number when Math.abs((long) number.scale()) > Spelling.MOST_DIGITS ->
                    throw SqlErrors.invalid(
                            position, pos, "parameter " + (index + 1) + " is out of range");
            case BigDecimal number -> SqlLiteral.createExactNumeric(number.toPlainString(), pos);
            case Double number when Double.isFinite(number) ->
                    SqlLiteral.createApproxNumeric(number.toString(), pos);
            default ->
                    throw SqlErrors.invalid(
                            position,
                            pos,
                            "parameter "
                                    + (index + 1)
                                    + " is of a kind that isn't taken; give a text, a number,"
                                    + " true, false or null");
        };
    }
}
