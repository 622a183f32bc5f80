package org.tonle.trino;

import java.util.List;
import java.util.Locale;
import org.apache.calcite.config.NullCollation;
import org.apache.calcite.rel.type.RelDataTypeSystem;
import org.apache.calcite.sql.SqlAbstractDateTimeLiteral;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.SqlWindow;
import org.apache.calcite.sql.SqlWriter;
import org.apache.calcite.sql.type.SqlTypeName;
import org.jspecify.annotations.Nullable;
import org.tonle.sql.EngineDialect;

/**
 * Tonle's SQL as Trino writes it. Trino's session is in UTC, as Tonle's is.
 *
 * <p>What Trino hasn't is refused: QUALIFY, exact percentiles, REGR_COUNT.
 */
public final class TrinoDialect extends EngineDialect {
    public static final TrinoDialect INSTANCE = new TrinoDialect();

    private TrinoDialect() {
        super(
                "Trino",
                SqlDialect.EMPTY_CONTEXT
                        .withDatabaseProduct(DatabaseProduct.PRESTO)
                        .withIdentifierQuoteString("\"")
                        .withLiteralQuoteString("'")
                        .withLiteralEscapedQuoteString("''")
                        .withNullCollation(NullCollation.LAST)
                        .withDataTypeSystem(RelDataTypeSystem.DEFAULT));
    }

    /** Trino takes backslashes as they are, so only quotes are doubled. */
    @Override
    public void quoteStringLiteral(
            StringBuilder buffer, @Nullable String charsetName, String value) {
        buffer.append('\'').append(value.replace("'", "''")).append('\'');
    }

    @Override
    public void unparseOffsetFetch(
            SqlWriter writer, @Nullable SqlNode offset, @Nullable SqlNode fetch) {
        if (offset != null) {
            writer.keyword("OFFSET");
            offset.unparse(writer, -1, -1);
            writer.keyword("ROWS");
        }
        if (fetch != null) {
            writer.keyword("LIMIT");
            fetch.unparse(writer, -1, -1);
        }
    }

    @Override
    protected void write(SqlWriter writer, SqlCall call, int left, int right) {
        if (call instanceof SqlSelect select && select.getQualify() != null) {
            throw refused("QUALIFY");
        }
        if (call instanceof SqlSelect select) {
            select.getWindowList().forEach(this::window);
        }
        switch (call.getKind()) {
            case OVER -> {
                window(call.operand(1));
                standard(writer, call, left, right);
            }
            case CAST -> cast(writer, call, "CAST");
            case SAFE_CAST -> cast(writer, call, "TRY_CAST");
            case ITEM -> named(writer, "element_at", call);
            case MAP_VALUE_CONSTRUCTOR -> map(writer, call);
            case DIVIDE -> {
                if (isWholeDivision(call)) {
                    template(writer, "({0} / {1})", call);
                } else {
                    standard(writer, call, left, right);
                }
            }
            case MINUS -> {
                if (isDifference(call)) {
                    template(
                            writer,
                            "(CAST({0} AS TIMESTAMP(6)) - CAST({1} AS TIMESTAMP(6)))",
                            call);
                } else {
                    standard(writer, call, left, right);
                }
            }
            case LIKE -> like(writer, call, left, right);
            case WITHIN_GROUP -> {
                if (call.operand(0).getKind() != SqlKind.LISTAGG) {
                    throw refused(((SqlCall) call.operand(0)).getOperator().getName());
                }
                listagg(writer, call.operand(0));
                writer.literal(" WITHIN GROUP (ORDER BY ");
                call.operand(1).unparse(writer, 0, 0);
                writer.literal(")");
            }
            case LISTAGG -> throw refused("LISTAGG without WITHIN GROUP");
            default -> {
                if (call.getOperator().getName().contains(" JSON ")) {
                    throw refused("IS JSON");
                } else if (call.getOperator() instanceof SqlFunction function) {
                    function(writer, call, function, left, right);
                } else {
                    standard(writer, call, left, right);
                }
            }
        }
    }

    private void window(SqlNode node) {
        if (node instanceof SqlWindow window
                && window.getExclude() != null
                && !SqlWindow.isExcludeNoOthers(window.getExclude())) {
            throw refused("EXCLUDE");
        }
    }

    private void function(
            SqlWriter writer, SqlCall call, SqlFunction function, int left, int right) {
        switch (function.getName().toUpperCase(Locale.ROOT)) {
            case "CHAR_LENGTH", "CHARACTER_LENGTH" -> named(writer, "length", call);
            case "ARRAY_LENGTH" -> named(writer, "cardinality", call);
            case "ARRAY_CONTAINS" -> named(writer, "contains", call);
            case "STDDEV_SAMP", "VAR_SAMP", "STDDEV_POP", "VAR_POP" ->
                    standard(writer, call, left, right);
            case "SUBSTRING" -> substring(writer, call, "substr");
            case "LEFT" -> template(writer, "substr({0}, 1, {1})", call);
            case "RIGHT" -> template(writer, "reverse(substr(reverse({0}), 1, {1}))", call);
            case "REPEAT" -> template(writer, "array_join(repeat({0}, {1}), '')", call);
            case "CONCAT" -> concat(writer, call);
            case "GREATEST", "LEAST" -> extreme(writer, call, function.getName());
            case "EXTRACT" -> extract(writer, call);
            case "FLOOR" -> floor(writer, call);
            case "TIMESTAMPDIFF" ->
                    template(writer, "date_diff('" + evenUnit(call) + "', {1}, {2})", call);
            case "TIMESTAMPADD" ->
                    template(writer, "date_add('" + unit(call.operand(0)) + "', {1}, {2})", call);
            case "CURRENT_DATE" -> writer.literal("current_date");
            case "CURRENT_TIMESTAMP", "LOCALTIMESTAMP" -> writer.literal("localtimestamp(6)");
            case "JSON_VALUE" ->
                    json(
                            writer,
                            call,
                            "json_value",
                            " RETURNING "
                                    + (isReturning(call) ? typeName(call.operand(3)) : "varchar"));
            case "JSON_QUERY" -> json(writer, call, "json_query", " RETURNING varchar");
            case "JSON_EXISTS" -> json(writer, call, "json_exists", "");
            case "TIMEZONE", "REGR_COUNT", "JSON_OBJECT", "JSON_ARRAY" ->
                    throw refused(function.getName());
            default -> standard(writer, call, left, right);
        }
    }

    private static void concat(SqlWriter writer, SqlCall call) {
        for (int i = 0; i < call.operandCount(); i++) {
            writer.literal(i == 0 ? "(" : " || ");
            template(writer, "coalesce(CAST({" + i + "} AS varchar), '')", call);
        }
        writer.literal(")");
    }

    /** NULLs are left out, unless all are. */
    private static void extreme(SqlWriter writer, SqlCall call, String function) {
        writer.literal(
                function.equalsIgnoreCase("GREATEST")
                        ? "array_max(filter(ARRAY["
                        : "array_min(filter(ARRAY[");
        for (int i = 0; i < call.operandCount(); i++) {
            if (i > 0) {
                writer.literal(", ");
            }
            call.operand(i).unparse(writer, 0, 0);
        }
        writer.literal("], x -> x IS NOT NULL))");
    }

    /** Monday is day 1 of a week in Trino, Sunday in SQL. */
    private static void extract(SqlWriter writer, SqlCall call) {
        if (isEpoch(call)) {
            template(writer, "CAST(floor(to_unixtime(CAST({1} AS TIMESTAMP(6)))) AS BIGINT)", call);
            return;
        }
        String unit = unit(call.operand(0));
        template(
                writer,
                unit.equals("DOW")
                        ? "(extract(DOW FROM {1}) % 7 + 1)"
                        : "extract(" + unit + " FROM {1})",
                call);
    }

    private static void like(SqlWriter writer, SqlCall call, int left, int right) {
        String name = call.getOperator().getName();
        if (name.endsWith("ILIKE")) {
            template(
                    writer,
                    name.startsWith("NOT")
                            ? "(lower({0}) NOT LIKE lower({1}))"
                            : "(lower({0}) LIKE lower({1}))",
                    call);
        } else {
            call.getOperator().unparse(writer, call, left, right);
        }
    }

    private void json(SqlWriter writer, SqlCall call, String function, String returning) {
        if (!isReturning(call) && !isPlainJson(call)) {
            throw refused("what stands behind the path of " + call.getOperator().getName());
        }
        if (!(call.operand(1) instanceof SqlLiteral path)
                || path.getTypeName() != SqlTypeName.CHAR) {
            throw refused("a path that isn't a text");
        }
        String text = path.getValueAs(String.class);
        StringBuilder quoted = new StringBuilder();
        quoteStringLiteral(quoted, null, text.startsWith("lax ") ? text : "lax " + text);
        writer.literal(function + "(");
        call.operand(0).unparse(writer, 0, 0);
        writer.literal(", " + quoted + returning + ")");
    }

    private static void map(SqlWriter writer, SqlCall call) {
        writer.literal("MAP(ARRAY[");
        for (int i = 0; i + 1 < call.operandCount(); i += 2) {
            writer.literal(i > 0 ? ", " : "");
            call.operand(i).unparse(writer, 0, 0);
        }
        writer.literal("], ARRAY[");
        for (int i = 1; i < call.operandCount(); i += 2) {
            writer.literal(i > 1 ? ", " : "");
            call.operand(i).unparse(writer, 0, 0);
        }
        writer.literal("])");
    }

    @Override
    public void unparseDateTimeLiteral(
            SqlWriter writer, SqlAbstractDateTimeLiteral literal, int left, int right) {
        if (literal.getTypeName() == SqlTypeName.TIMESTAMP_WITH_LOCAL_TIME_ZONE) {
            writer.literal("TIMESTAMP '" + literal.toFormattedString() + " UTC'");
        } else {
            super.unparseDateTimeLiteral(writer, literal, left, right);
        }
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
                    "REAL",
                    "DATE",
                    "UUID" ->
                    name;
            case "DECIMAL" -> "DECIMAL(" + precision + "," + scale + ")";
            // in SQL a FLOAT without precision is as exact as a DOUBLE
            case "FLOAT" -> "DOUBLE";
            case "CHAR", "VARCHAR" -> "VARCHAR";
            case "VARBINARY", "BINARY" -> "VARBINARY";
            case "TIME", "TIMESTAMP" -> name + "(6)";
            case "TIMESTAMP_WITH_LOCAL_TIME_ZONE", "TIMESTAMP_TZ" -> "TIMESTAMP(6) WITH TIME ZONE";
            default -> throw refused("CAST to " + name);
        };
    }

    @Override
    protected String array(String element) {
        return "ARRAY(" + element + ")";
    }

    @Override
    protected String map(String key, String value) {
        return "MAP(" + key + ", " + value + ")";
    }

    @Override
    protected String row(List<String> names, List<String> types) {
        return "ROW(" + fields(names, types, " ") + ")";
    }
}
