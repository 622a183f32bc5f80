package org.tonle.sql;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.calcite.avatica.util.TimeUnit;
import org.apache.calcite.sql.SqlBasicTypeNameSpec;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlCollectionTypeNameSpec;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlIntervalQualifier;
import org.apache.calcite.sql.SqlJsonValueReturning;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlMapTypeNameSpec;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNumericLiteral;
import org.apache.calcite.sql.SqlRowTypeNameSpec;
import org.apache.calcite.sql.SqlTypeNameSpec;
import org.apache.calcite.sql.SqlWriter;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * How an engine writes Tonle's SQL: one class per engine, beside its adapter. It is given only what
 * the language has (see docs/sql.md); what its engine can't say with the same meaning it refuses
 * with UNSUPPORTED_SQL.
 */
public abstract class EngineDialect extends SqlDialect {
    private final String engine;

    /** {@code engine} is its name in errors. */
    protected EngineDialect(String engine, Context context) {
        super(context);
        this.engine = engine;
    }

    @Override
    public final void unparseCall(SqlWriter writer, SqlCall call, int left, int right) {
        try {
            write(writer, call, left, right);
        } catch (LakeException e) {
            throw writer instanceof EngineWriter engine ? engine.placed(e, call) : e;
        }
    }

    /**
     * Writes a call, with {@link #standard} where the engine says it as everybody does.
     *
     * @throws LakeException UNSUPPORTED_SQL if it can't say it
     */
    protected abstract void write(SqlWriter writer, SqlCall call, int left, int right);

    /**
     * What Calcite writes, apart from aggregates that it doesn't know for such: they would stand in
     * parentheses before OVER and FILTER.
     */
    protected final void standard(SqlWriter writer, SqlCall call, int left, int right) {
        boolean over = call.getKind() == SqlKind.OVER;
        if ((over || call.getKind() == SqlKind.FILTER)
                && call.operand(0) instanceof SqlCall aggregate
                && aggregate.getOperator() instanceof SqlFunction) {
            unparseCall(writer, aggregate, 0, 0);
            writer.keyword(over ? "OVER" : "FILTER (WHERE");
            call.operand(1).unparse(writer, 0, 0);
            writer.literal(over ? "" : ")");
        } else {
            super.unparseCall(writer, call, left, right);
        }
    }

    /** A function of another name with the same operands. */
    protected static void named(SqlWriter writer, String function, SqlCall call) {
        SqlWriter.Frame frame = writer.startFunCall(function);
        for (SqlNode operand : call.getOperandList()) {
            writer.sep(",");
            operand.unparse(writer, 0, 0);
        }
        writer.endFunCall(frame);
    }

    /**
     * Text with operands in it: {@code {0}} is the first of the call, whole in itself.
     *
     * @param template where a brace is nothing else
     */
    protected static void template(SqlWriter writer, String template, SqlCall call) {
        int from = 0;
        for (int at = template.indexOf('{'); at >= 0; at = template.indexOf('{', from)) {
            writer.literal(template.substring(from, at));
            int operand = template.charAt(at + 1) - '0';
            writer.literal("(");
            call.operand(operand).unparse(writer, 0, 0);
            writer.literal(")");
            from = at + 3;
        }
        writer.literal(template.substring(from));
    }

    protected static boolean isWholeDivision(SqlCall call) {
        return call.getOperator().equals(SqlStdOperatorTable.DIVIDE_INTEGER);
    }

    protected static boolean isDifference(SqlCall call) {
        return call.getOperator().equals(SqlStdOperatorTable.MINUS_DATE);
    }

    /** The name of a unit of time, one of those that every engine has. */
    protected static String unit(SqlNode node) {
        String unit =
                node instanceof SqlIntervalQualifier qualifier
                        ? qualifier.getUnit().name()
                        : String.valueOf(node);
        return switch (unit) {
            case "YEAR",
                    "QUARTER",
                    "MONTH",
                    "WEEK",
                    "DAY",
                    "DOW",
                    "DOY",
                    "HOUR",
                    "MINUTE",
                    "SECOND" ->
                    unit;
            default ->
                    throw new LakeException(
                            ErrorCode.UNSUPPORTED_SQL,
                            "The unit " + unit + " of time is not taken");
        };
    }

    /** Whether EXTRACT asks for the seconds since 1970. */
    protected static boolean isEpoch(SqlCall extract) {
        return extract.operand(0) instanceof SqlIntervalQualifier qualifier
                && qualifier.getUnit() == TimeUnit.EPOCH;
    }

    /** Whether JSON_VALUE says of which type its value is, and nothing else. */
    public static boolean isReturning(SqlCall call) {
        return call.operandCount() == 4
                && call.operand(2) instanceof SqlLiteral literal
                && literal.getValue() == SqlJsonValueReturning.RETURNING
                && call.operand(3) instanceof SqlDataTypeSpec;
    }

    /** Whether a JSON function says nothing behind its path but what holds anyway. */
    public static boolean isPlainJson(SqlCall call) {
        return call.getOperandList().stream()
                .skip(2)
                .allMatch(behaviour ->
                        behaviour instanceof SqlLiteral literal
                                && literal.getValue() instanceof Enum<?> chosen
                                && List.of("NULL", "WITHOUT_ARRAY").contains(chosen.name()));
    }

    /** FLOOR of a number, or of a time to a unit. */
    protected static void floor(SqlWriter writer, SqlCall call) {
        if (call.operandCount() == 1) {
            named(writer, "floor", call);
        } else {
            template(writer, "date_trunc('" + unit(call.operand(1)) + "', {0})", call);
        }
    }

    /**
     * The unit of a TIMESTAMPDIFF that is as long as any other; engines count the rest by turns.
     */
    protected String evenUnit(SqlCall call) {
        String unit = unit(call.operand(0));
        if (List.of("YEAR", "QUARTER", "MONTH").contains(unit)) {
            throw refused("TIMESTAMPDIFF in " + unit);
        }
        return unit;
    }

    /** For engines that count from the end where the start is negative; SQL doesn't. */
    protected void substring(SqlWriter writer, SqlCall call, String function) {
        if (!(call.operand(1) instanceof SqlNumericLiteral start)
                || start.getValueAs(BigDecimal.class).signum() < 1) {
            throw refused("SUBSTRING from a place that isn't a number from 1");
        }
        named(writer, function, call);
    }

    /** LISTAGG with its separator, which is a comma where none is said; without its order. */
    protected static void listagg(SqlWriter writer, SqlCall call) {
        writer.literal("listagg(");
        if (call.getFunctionQuantifier() != null) {
            writer.literal(call.getFunctionQuantifier() + " ");
        }
        call.operand(0).unparse(writer, 0, 0);
        writer.literal(", ");
        if (call.operandCount() > 1) {
            call.operand(1).unparse(writer, 0, 0);
        } else {
            writer.literal("','");
        }
        writer.literal(")");
    }

    /** An error for what the engine can't say. */
    protected LakeException refused(String what) {
        return new LakeException(ErrorCode.UNSUPPORTED_SQL, what + " can't be said to " + engine);
    }

    /** {@code CAST(x AS type)}, or another function of that form. */
    protected void cast(SqlWriter writer, SqlCall call, String function) {
        SqlWriter.Frame frame = writer.startFunCall(function);
        call.operand(0).unparse(writer, 0, 0);
        writer.sep("AS");
        writer.literal(typeName(call.operand(1)));
        writer.endFunCall(frame);
    }

    /** A type as the engine calls it. */
    protected String typeName(SqlNode type) {
        if (!(type instanceof SqlDataTypeSpec spec)) {
            throw refused("CAST to " + type);
        }
        return typeName(spec.getTypeNameSpec());
    }

    private String typeName(SqlTypeNameSpec type) {
        return switch (type) {
            case SqlBasicTypeNameSpec basic ->
                    scalar(
                            basic.getTypeName().getSimple().toUpperCase(Locale.ROOT),
                            basic.getPrecision() < 0 ? 18 : basic.getPrecision(),
                            Math.max(0, basic.getScale()));
            case SqlCollectionTypeNameSpec list
                    when list.getTypeName().getSimple().equals("ARRAY") ->
                    array(typeName(list.getElementTypeName()));
            case SqlMapTypeNameSpec map ->
                    map(
                            typeName(map.getKeyType().getTypeNameSpec()),
                            typeName(map.getValType().getTypeNameSpec()));
            case SqlRowTypeNameSpec row ->
                    row(
                            IntStream.range(0, row.getFieldNames().size())
                                    .mapToObj(i -> row.getFieldNames().get(i).getSimple())
                                    .toList(),
                            row.getFieldTypes().stream()
                                    .map(field -> typeName(field.getTypeNameSpec()))
                                    .toList());
            default -> throw refused("CAST to " + type);
        };
    }

    /**
     * A type that has no parts.
     *
     * @param name Calcite's, such as {@code TIMESTAMP_WITH_LOCAL_TIME_ZONE}
     * @param precision of a DECIMAL
     * @param scale of a DECIMAL
     */
    protected abstract String scalar(String name, int precision, int scale);

    protected abstract String array(String element);

    protected abstract String map(String key, String value);

    protected abstract String row(List<String> names, List<String> types);

    /** {@code a b, c d}: fields with their types, names quoted. */
    protected String fields(List<String> names, List<String> types, String between) {
        return IntStream.range(0, names.size())
                .mapToObj(i -> quoteIdentifier(names.get(i)) + between + types.get(i))
                .collect(Collectors.joining(", "));
    }
}
