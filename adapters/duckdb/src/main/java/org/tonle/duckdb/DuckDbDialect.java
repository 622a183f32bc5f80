package org.tonle.duckdb;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.calcite.config.NullCollation;
import org.apache.calcite.rel.type.RelDataTypeSystem;
import org.apache.calcite.sql.SqlAbstractDateTimeLiteral;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlIntervalLiteral;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlWith;
import org.apache.calcite.sql.SqlWriter;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.EngineDialect;

/** Tonle's SQL as DuckDB writes it. */
public final class DuckDbDialect extends EngineDialect {
    public static final DuckDbDialect INSTANCE = new DuckDbDialect();

    /** Counted up when a text that is printed as before means something else. */
    static final int VERSION = 2;

    private DuckDbDialect() {
        super(
                "DuckDB",
                SqlDialect.EMPTY_CONTEXT
                        .withDatabaseProduct(DatabaseProduct.DUCKDB)
                        .withIdentifierQuoteString("\"")
                        .withLiteralQuoteString("'")
                        .withLiteralEscapedQuoteString("''")
                        .withNullCollation(NullCollation.LAST)
                        .withDataTypeSystem(RelDataTypeSystem.DEFAULT));
    }

    /** DuckDB takes backslashes as they are and reads UTF-8, so only quotes are doubled. */
    @Override
    public void quoteStringLiteral(
            StringBuilder buffer, @Nullable String charsetName, String value) {
        if (value.indexOf('\0') >= 0) {
            throw new LakeException(
                    ErrorCode.UNSUPPORTED_SQL, "A text can't hold the character U+0000");
        }
        buffer.append(DuckTypes.text(value));
    }

    @Override
    public void unparseOffsetFetch(
            SqlWriter writer, @Nullable SqlNode offset, @Nullable SqlNode fetch) {
        unparseFetchUsingLimit(writer, offset, fetch);
    }

    @Override
    protected void write(SqlWriter writer, SqlCall call, int left, int right) {
        switch (call.getKind()) {
            case CAST -> cast(writer, call, "CAST");
            case SAFE_CAST -> cast(writer, call, "TRY_CAST");
            case IGNORE_NULLS, RESPECT_NULLS -> DuckDbAggregates.nulls(writer, call);
            case LISTAGG -> DuckDbAggregates.list(writer, call, null);
            case WITHIN_GROUP -> DuckDbAggregates.withinGroup(writer, call, left, right);
            case WITH -> DuckDbWith.unparse(writer, (SqlWith) call);
            case MINUS -> {
                if (isDifference(call)) {
                    between(writer, call);
                } else {
                    standard(writer, call, left, right);
                }
            }
            default -> unparseOther(writer, call, left, right);
        }
    }

    /** The time between two others; between two dates DuckDB would count days. */
    private static void between(SqlWriter writer, SqlCall call) {
        writer.literal("(CAST(");
        call.operand(0).unparse(writer, 0, 0);
        writer.literal(" AS TIMESTAMP) - CAST(");
        call.operand(1).unparse(writer, 0, 0);
        writer.literal(" AS TIMESTAMP))");
    }

    private void unparseOther(SqlWriter writer, SqlCall call, int left, int right) {
        if (call.getOperator().getName().contains(" JSON ")) {
            DuckDbJson.is(writer, call);
        } else if (DuckDbJson.isFormat(call)) {
            call.operand(0).unparse(writer, left, right);
        } else if (call.getKind() == SqlKind.MAP_VALUE_CONSTRUCTOR) {
            unparseMap(writer, call);
        } else if (isWholeDivision(call)) {
            writer.literal("(");
            call.operand(0).unparse(writer, 100, 100);
            writer.literal(" // ");
            call.operand(1).unparse(writer, 100, 100);
            writer.literal(")");
        } else if (call.getOperator() instanceof SqlFunction function) {
            unparseFunction(writer, call, function, left, right);
        } else {
            standard(writer, call, left, right);
        }
    }

    private void unparseFunction(
            SqlWriter writer, SqlCall call, SqlFunction function, int left, int right) {
        switch (function.getName().toUpperCase(Locale.ROOT)) {
            case "JSON_VALUE" -> jsonValue(writer, call);
            case "JSON_QUERY" -> DuckDbJson.query(writer, call);
            case "JSON_EXISTS" -> DuckDbJson.exists(writer, call);
            case "JSON_OBJECT" -> DuckDbJson.object(writer, call);
            case "JSON_ARRAY" -> DuckDbJson.array(writer, call);
            case "EVERY" -> named(writer, "bool_and", call);
            case "MAX_BY" -> named(writer, "arg_max_null", call);
            case "MIN_BY" -> named(writer, "arg_min_null", call);
            case "REGEXP_LIKE" -> named(writer, "regexp_matches", call);
            case "ARRAY_LENGTH" -> named(writer, "len", call);
            case "ARRAY_DISTINCT" -> named(writer, "list_distinct", call);
            case "CHAR_LENGTH", "CHARACTER_LENGTH" -> named(writer, "length", call);
            case "SUBSTRING" -> DuckDbTexts.substring(writer, call);
            case "LEFT", "RIGHT" -> DuckDbTexts.end(writer, call, function.getName());
            case "REPEAT" -> DuckDbTexts.repeat(writer, call);
            case "LPAD", "RPAD" -> DuckDbTexts.pad(writer, call);
            case "REPLACE" -> DuckDbTexts.replace(writer, call);
            case "EXTRACT" -> extract(writer, call);
            case "FLOOR" -> floor(writer, call);
            case "TIMESTAMPDIFF" -> timestampDiff(writer, call);
            case "TIMESTAMPADD" -> timestampAdd(writer, call);
            // called as a function: a bare current_timestamp is taken for a column of that name
            case "CURRENT_DATE" -> writer.literal("CAST(now() AS DATE)");
            case "CURRENT_TIMESTAMP", "LOCALTIMESTAMP" ->
                    writer.literal("CAST(now() AS TIMESTAMP)");
            default -> standard(writer, call, left, right);
        }
    }

    /** A value that isn't of the type that is asked for is NULL, as the standard has it. */
    private void jsonValue(SqlWriter writer, SqlCall call) {
        if (isReturning(call)) {
            writer.literal("TRY_CAST(");
            DuckDbJson.value(writer, call);
            writer.literal(" AS " + typeName(call.operand(3)) + ")");
        } else {
            DuckDbJson.value(writer, call);
        }
    }

    /** Sunday is day 1 of a week in SQL and day 0 here. */
    private static void extract(SqlWriter writer, SqlCall call) {
        if (isEpoch(call)) {
            template(writer, "CAST(floor(epoch({1})) AS BIGINT)", call);
            return;
        }
        String unit = unit(call.operand(0));
        writer.literal(
                unit.equals("DOW") ? "(1 + extract(DOW FROM " : "(extract(" + unit + " FROM ");
        call.operand(1).unparse(writer, 0, 0);
        writer.literal("))");
    }

    /** Whole units between two times. */
    private static void timestampDiff(SqlWriter writer, SqlCall call) {
        String unit = unit(call.operand(0));
        if (Set.of("YEAR", "QUARTER", "MONTH").contains(unit)) {
            // engines disagree on the month from the 31st to the 28th
            throw new LakeException(
                    ErrorCode.UNSUPPORTED_SQL,
                    "TIMESTAMPDIFF counts in WEEK, DAY, HOUR, MINUTE or SECOND, not in " + unit);
        }
        writer.literal("date_sub(" + DuckTypes.text(unit) + ", ");
        call.operand(1).unparse(writer, 0, 0);
        writer.literal(", ");
        call.operand(2).unparse(writer, 0, 0);
        writer.literal(")");
    }

    private static void timestampAdd(SqlWriter writer, SqlCall call) {
        writer.literal("(");
        call.operand(2).unparse(writer, 0, 0);
        writer.literal(" + INTERVAL (");
        call.operand(1).unparse(writer, 0, 0);
        writer.literal(") " + unit(call.operand(0)) + ")");
    }

    /** An instant is written in UTC. */
    @Override
    public void unparseDateTimeLiteral(
            SqlWriter writer, SqlAbstractDateTimeLiteral literal, int left, int right) {
        switch (literal.getTypeName()) {
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
                    writer.literal("TIMESTAMPTZ '" + literal.toFormattedString() + "+00'");
            case DATE, TIME, TIMESTAMP ->
                    super.unparseDateTimeLiteral(writer, literal, left, right);
            default ->
                    throw new LakeException(
                            ErrorCode.UNSUPPORTED_SQL,
                            literal.getTypeName()
                                    + " can't be written; an instant is TIMESTAMP WITH LOCAL TIME"
                                    + " ZONE '2026-01-31 12:00:00', in UTC");
        }
    }

    /** Months, or microseconds: DuckDB doesn't take literals of several units. */
    @Override
    public void unparseSqlIntervalLiteral(
            SqlWriter writer, SqlIntervalLiteral literal, int left, int right) {
        SqlIntervalLiteral.IntervalValue value =
                literal.getValueAs(SqlIntervalLiteral.IntervalValue.class);
        if (value.getIntervalQualifier().isYearMonth()) {
            writer.literal("to_months(" + literal.getValueAs(BigDecimal.class) + ")");
            return;
        }
        BigDecimal millis = literal.getValueAs(BigDecimal.class);
        BigDecimal days = millis.divideToIntegralValue(BigDecimal.valueOf(86_400_000));
        BigDecimal rest = millis.subtract(days.multiply(BigDecimal.valueOf(86_400_000)));
        writer.literal(
                rest.signum() == 0
                        ? "to_days(" + days.toBigInteger() + ")"
                        : "(to_days("
                                + days.toBigInteger()
                                + ") + to_microseconds("
                                + rest.movePointRight(3).toBigInteger()
                                + "))");
    }

    private static void unparseMap(SqlWriter writer, SqlCall call) {
        SqlWriter.Frame frame = writer.startList("MAP {", "}");
        for (int i = 0; i + 1 < call.operandCount(); i += 2) {
            writer.sep(",");
            call.operand(i).unparse(writer, 0, 0);
            writer.literal(":");
            call.operand(i + 1).unparse(writer, 0, 0);
        }
        writer.endList(frame);
    }

    @Override
    protected String scalar(String name, int precision, int scale) {
        return switch (name) {
            case "BOOLEAN",
                    "TINYINT",
                    "SMALLINT",
                    "INTEGER",
                    "BIGINT",
                    "DOUBLE",
                    "DATE",
                    "TIME",
                    "TIMESTAMP",
                    "UUID" ->
                    name;
            case "DECIMAL" -> "DECIMAL(" + precision + "," + scale + ")";
            // in SQL a FLOAT without precision is as exact as a DOUBLE
            case "FLOAT" -> "DOUBLE";
            case "REAL" -> "FLOAT";
            case "CHAR", "VARCHAR" -> "VARCHAR";
            case "VARBINARY", "BINARY" -> "BLOB";
            case "TIMESTAMP_WITH_LOCAL_TIME_ZONE", "TIMESTAMP_TZ" -> "TIMESTAMPTZ";
            default -> throw refused("CAST to " + name);
        };
    }

    @Override
    protected String array(String element) {
        return element + "[]";
    }

    @Override
    protected String map(String key, String value) {
        return "MAP(" + key + "," + value + ")";
    }

    @Override
    protected String row(List<String> names, List<String> types) {
        return "STRUCT(" + fields(names, types, " ") + ")";
    }
}
