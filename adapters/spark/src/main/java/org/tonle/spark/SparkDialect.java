package org.tonle.spark;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.apache.calcite.config.NullCollation;
import org.apache.calcite.rel.type.RelDataTypeSystem;
import org.apache.calcite.sql.SqlAbstractDateTimeLiteral;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlCharStringLiteral;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlNumericLiteral;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.SqlWindow;
import org.apache.calcite.sql.SqlWriter;
import org.jspecify.annotations.Nullable;
import org.tonle.sql.EngineDialect;

/**
 * Tonle's SQL as Spark 4.1 writes it, for a session in ANSI mode and UTC, as Tonle's is, and with
 * everything else as Spark has it by default.
 *
 * <p>What Spark hasn't is refused: QUALIFY, EXCLUDE, comparisons with SOME and ALL, UNNEST,
 * ARRAY(SELECT …), sorted ARRAY_AGG, TIME; so are JSON functions and TIMEZONE, which it has with
 * another meaning.
 */
public final class SparkDialect extends EngineDialect {
    public static final SparkDialect INSTANCE = new SparkDialect();

    private static final Set<String> WHOLE = Set.of("TINYINT", "SMALLINT", "INTEGER", "BIGINT");

    private SparkDialect() {
        super(
                "Spark",
                SqlDialect.EMPTY_CONTEXT
                        .withDatabaseProduct(DatabaseProduct.SPARK)
                        .withIdentifierQuoteString("`")
                        .withLiteralQuoteString("'")
                        .withLiteralEscapedQuoteString("\\'")
                        .withNullCollation(NullCollation.LAST)
                        .withDataTypeSystem(RelDataTypeSystem.DEFAULT));
    }

    /**
     * In a text of Spark's a backslash escapes, and before a statement is parsed {@code ${…}} is
     * replaced by settings and environment variables, in texts too.
     */
    @Override
    public void quoteStringLiteral(
            StringBuilder buffer, @Nullable String charsetName, String value) {
        buffer.append('\'')
                .append(
                        value.replace("\\", "\\\\")
                                .replace("'", "\\'")
                                .replace("\0", "\\0")
                                .replace("${", "\\u0024{"))
                .append('\'');
    }

    @Override
    public StringBuilder quoteIdentifier(StringBuilder buffer, String name) {
        if (name.contains("${")) {
            throw refused("the name " + name);
        }
        return super.quoteIdentifier(buffer, name);
    }

    @Override
    public void unparseOffsetFetch(
            SqlWriter writer, @Nullable SqlNode offset, @Nullable SqlNode fetch) {
        unparseFetchUsingLimit(writer, offset, fetch);
    }

    @Override
    protected void write(SqlWriter writer, SqlCall call, int left, int right) {
        switch (call.getKind()) {
            case SELECT, ORDER_BY, OVER -> standard(writer, ordered(call), left, right);
            case CAST -> cast(writer, call, "CAST");
            case SAFE_CAST -> cast(writer, call, "TRY_CAST");
            case VALUES -> values(writer, call);
            case ROW -> row(writer, call);
            // NULL where there is no such entry, which element_at takes for an error
            case ITEM -> named(writer, "try_element_at", call);
            case ARRAY_VALUE_CONSTRUCTOR -> named(writer, "array", call);
            case MAP_VALUE_CONSTRUCTOR -> named(writer, "map", call);
            case ARRAY_QUERY_CONSTRUCTOR -> throw refused("ARRAY(SELECT …)");
            case UNNEST -> throw refused("UNNEST");
            case SOME, ALL -> throw refused("a comparison with " + call.getKind());
            case LIKE -> like(writer, call);
            case BETWEEN ->
                    template(
                            writer,
                            call.getOperator().getName().startsWith("NOT")
                                    ? "({0} NOT BETWEEN {1} AND {2})"
                                    : "({0} BETWEEN {1} AND {2})",
                            call);
            case WITHIN_GROUP -> withinGroup(writer, call);
            case LISTAGG -> listagg(writer, call);
            default -> unparseOther(writer, call, left, right);
        }
    }

    /** The same with what Spark puts in another order, or can't say, in view. */
    private SqlCall ordered(SqlCall call) {
        if (call instanceof SqlSelect select && select.getQualify() != null) {
            throw refused("QUALIFY");
        }
        SparkOrder.windows(call)
                .forEach(window -> {
                    if (window.getExclude() != null
                            && !SqlWindow.isExcludeNoOthers(window.getExclude())) {
                        throw refused("EXCLUDE");
                    }
                });
        return SparkOrder.nullsLast(call);
    }

    private void unparseOther(SqlWriter writer, SqlCall call, int left, int right) {
        String name = call.getOperator().getName();
        if (isWholeDivision(call)) {
            template(writer, "({0} DIV {1})", call);
        } else if (isDifference(call)) {
            template(writer, "(CAST({0} AS TIMESTAMP_NTZ) - CAST({1} AS TIMESTAMP_NTZ))", call);
        } else if (name.contains(" JSON ")) {
            throw refused("IS JSON");
        } else if (call.getOperator() instanceof SqlFunction) {
            function(writer, call, name.toUpperCase(Locale.ROOT), left, right);
        } else {
            standard(writer, call, left, right);
        }
    }

    private void function(SqlWriter writer, SqlCall call, String name, int left, int right) {
        switch (name) {
            case "ARRAY_LENGTH" -> named(writer, "cardinality", call);
            case "STARTS_WITH" -> named(writer, "startswith", call);
            case "ENDS_WITH" -> named(writer, "endswith", call);
            case "WEEK" -> named(writer, "weekofyear", call);
            case "PI" -> writer.literal("pi()");
            case "SUBSTRING" -> substring(writer, call, "substring");
            case "CONCAT" -> concat(writer, call);
            // the first that isn't NULL
            case "ANY_VALUE" -> template(writer, "any_value({0}, true)", call);
            case "ARRAY_AGG" -> {
                if (call.getOperandList().stream().anyMatch(SqlNodeList.class::isInstance)) {
                    throw refused("a sorted ARRAY_AGG");
                }
                standard(writer, call, left, right);
            }
            case "GROUPING" -> {
                if (call.operandCount() > 1) {
                    throw refused("GROUPING of several columns");
                }
                named(writer, "grouping", call);
            }
            case "EXTRACT" -> extract(writer, call);
            case "FLOOR" -> floor(writer, call);
            case "TIMESTAMPDIFF" ->
                    template(writer, "timestampdiff(" + evenUnit(call) + ", {1}, {2})", call);
            case "TIMESTAMPADD" ->
                    template(writer, "timestampadd(" + unit(call.operand(0)) + ", {1}, {2})", call);
            case "CURRENT_DATE" -> writer.literal("current_date()");
            case "CURRENT_TIMESTAMP", "LOCALTIMESTAMP" -> writer.literal("localtimestamp()");
            // Spark's counts round after 255
            case "CHR",
                    "TIMEZONE",
                    "JSON_VALUE",
                    "JSON_QUERY",
                    "JSON_EXISTS",
                    "JSON_OBJECT",
                    "JSON_ARRAY" ->
                    throw refused(name);
            default -> standard(writer, call, left, right);
        }
    }

    /** Spark cuts where SQL rounds, except on the way to a decimal. */
    @Override
    protected void cast(SqlWriter writer, SqlCall call, String function) {
        if (call.operand(1) instanceof SqlDataTypeSpec spec
                && WHOLE.contains(spec.getTypeName().getSimple().toUpperCase(Locale.ROOT))
                && !isWholeNumber(call.operand(0))) {
            writer.literal(function + "(" + function + "(");
            call.operand(0).unparse(writer, 0, 0);
            writer.literal(
                    " AS DECIMAL(38,0)) AS "
                            + scalar(spec.getTypeName().getSimple().toUpperCase(Locale.ROOT), 0, 0)
                            + ")");
        } else {
            super.cast(writer, call, function);
        }
    }

    private static boolean isWholeNumber(SqlNode node) {
        return node instanceof SqlNumericLiteral number && number.isInteger();
    }

    /** Rows without a word before them: {@code struct(…)} would be one column. */
    private static void values(SqlWriter writer, SqlCall call) {
        writer.literal("VALUES ");
        for (int i = 0; i < call.operandCount(); i++) {
            writer.literal(i == 0 ? "(" : ", (");
            list(writer, ((SqlCall) call.operand(i)).getOperandList());
            writer.literal(")");
        }
    }

    private static void row(SqlWriter writer, SqlCall call) {
        writer.literal(call.operandCount() == 1 ? "struct(" : "(");
        list(writer, call.getOperandList());
        writer.literal(")");
    }

    private static void list(SqlWriter writer, List<? extends @Nullable SqlNode> nodes) {
        String before = "";
        for (SqlNode node : nodes) {
            writer.literal(before);
            Objects.requireNonNull(node).unparse(writer, 0, 0);
            before = ", ";
        }
    }

    private static void concat(SqlWriter writer, SqlCall call) {
        writer.literal("concat(");
        for (int i = 0; i < call.operandCount(); i++) {
            writer.literal(i == 0 ? "" : ", ");
            template(writer, "coalesce(CAST({" + i + "} AS STRING), '')", call);
        }
        writer.literal(")");
    }

    /** Spark's seconds have a fraction. */
    private static void extract(SqlWriter writer, SqlCall call) {
        if (isEpoch(call)) {
            template(writer, "unix_seconds(CAST({1} AS TIMESTAMP_LTZ))", call);
            return;
        }
        String unit = unit(call.operand(0));
        template(
                writer,
                unit.equals("SECOND")
                        ? "CAST(floor(extract(SECOND FROM {1})) AS BIGINT)"
                        : "extract(" + unit + " FROM {1})",
                call);
    }

    /** A backslash escapes in Spark unless another character is said to. */
    private static void like(SqlWriter writer, SqlCall call) {
        template(writer, "({0} " + call.getOperator().getName() + " {1}", call);
        if (call.operandCount() == 3) {
            writer.literal(" ESCAPE ");
            call.operand(2).unparse(writer, 0, 0);
        } else if (!(call.operand(1) instanceof SqlCharStringLiteral pattern)
                || pattern.getValueAs(String.class).indexOf('\\') >= 0) {
            writer.literal(" ESCAPE '\\u0001'");
        }
        writer.literal(")");
    }

    private void withinGroup(SqlWriter writer, SqlCall call) {
        SqlCall aggregate = call.operand(0);
        SqlNodeList order = call.operand(1);
        if (aggregate.getKind() == SqlKind.LISTAGG) {
            listagg(writer, aggregate);
            order = SparkOrder.nullsLast(order);
        } else {
            // percentiles pass over NULLs
            named(writer, aggregate.getOperator().getName().toLowerCase(Locale.ROOT), aggregate);
        }
        writer.literal(" WITHIN GROUP (ORDER BY ");
        list(writer, order);
        writer.literal(")");
    }

    @Override
    public void unparseDateTimeLiteral(
            SqlWriter writer, SqlAbstractDateTimeLiteral literal, int left, int right) {
        switch (literal.getTypeName()) {
            case DATE -> super.unparseDateTimeLiteral(writer, literal, left, right);
            case TIMESTAMP -> writer.literal("TIMESTAMP_NTZ '" + literal.toFormattedString() + "'");
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
                    writer.literal("TIMESTAMP_LTZ '" + literal.toFormattedString() + " UTC'");
            default -> throw refused(literal.getTypeName().getName());
        }
    }

    @Override
    protected String scalar(String name, int precision, int scale) {
        return switch (name) {
            case "BOOLEAN", "TINYINT", "SMALLINT", "BIGINT", "DOUBLE", "DATE" -> name;
            case "INTEGER" -> "INT";
            case "REAL" -> "FLOAT";
            // in SQL a FLOAT without precision is as exact as a DOUBLE
            case "FLOAT" -> "DOUBLE";
            case "DECIMAL" -> "DECIMAL(" + precision + "," + scale + ")";
            case "CHAR", "VARCHAR" -> "STRING";
            case "VARBINARY", "BINARY" -> "BINARY";
            case "TIMESTAMP" -> "TIMESTAMP_NTZ";
            case "TIMESTAMP_WITH_LOCAL_TIME_ZONE", "TIMESTAMP_TZ" -> "TIMESTAMP_LTZ";
            default -> throw refused("CAST to " + name);
        };
    }

    @Override
    protected String array(String element) {
        return "ARRAY<" + element + ">";
    }

    @Override
    protected String map(String key, String value) {
        return "MAP<" + key + ", " + value + ">";
    }

    @Override
    protected String row(List<String> names, List<String> types) {
        return "STRUCT<" + fields(names, types, ": ") + ">";
    }
}
