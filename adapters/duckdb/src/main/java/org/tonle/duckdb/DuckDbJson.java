package org.tonle.duckdb;

import java.util.List;
import java.util.Set;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlLiteral;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlWriter;
import org.apache.calcite.sql.type.SqlTypeName;
import org.tonle.definition.JsonPath;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.EngineDialect;

/**
 * SQL's functions of JSON. A text that is no JSON has no value at any path, as the standard has it
 * where nothing else is said.
 */
final class DuckDbJson {
    private static final Set<String> MAKE_JSON = Set.of("JSON_ARRAY", "JSON_OBJECT", "JSON_QUERY");

    private DuckDbJson() {}

    /** Whether a text is said to be JSON already. */
    static boolean isFormat(SqlCall call) {
        return call.getOperator().getName().equals("FORMAT JSON");
    }

    /** A scalar as text; NULL for an object, an array, and what is no JSON. */
    static void value(SqlWriter writer, SqlCall call) {
        String path = path(call, EngineDialect.isReturning(call) ? 4 : 2);
        named(writer, call, "TRY(json_extract_string(TRY(json_value(v," + path + ")), '$'))");
    }

    /** An object or an array as text; NULL for all else. */
    static void query(SqlWriter writer, SqlCall call) {
        String path = path(call, 2);
        refuseIf(
                !EngineDialect.isPlainJson(call),
                "JSON_QUERY takes a text and a path, and nothing after");
        named(
                writer,
                call,
                "CASE WHEN TRY(json_type(v,"
                        + path
                        + ")) IN ('OBJECT', 'ARRAY') THEN CAST(json_extract(v,"
                        + path
                        + ") AS VARCHAR) END");
    }

    static void exists(SqlWriter writer, SqlCall call) {
        refuseIf(call.operandCount() > 2, "JSON_EXISTS takes a text and a path, and nothing after");
        String path = path(call, 2);
        named(
                writer,
                call,
                "CASE WHEN v IS NOT NULL THEN COALESCE(TRY(json_exists(v,"
                        + path
                        + ")), false) END");
    }

    static void object(SqlWriter writer, SqlCall call) {
        refuseIf(
                !call.operand(0).toString().equals("NULL_ON_NULL"),
                "JSON_OBJECT keeps NULLs; leave ABSENT ON NULL out");
        called(writer, "json_object", call.getOperandList().subList(1, call.operandCount()));
    }

    /** NULLs are left out if nothing else is said. */
    static void array(SqlWriter writer, SqlCall call) {
        List<SqlNode> values = call.getOperandList().subList(1, call.operandCount());
        if (call.operand(0).toString().equals("NULL_ON_NULL")) {
            called(writer, "json_array", values);
            return;
        }
        writer.literal("CAST(to_json(list_filter([");
        for (int i = 0; i < values.size(); i++) {
            writer.literal(i > 0 ? ", to_json(" : "to_json(");
            member(writer, values.get(i));
            writer.literal(")");
        }
        writer.literal("], lambda v : v IS NOT NULL)) AS VARCHAR)");
    }

    private static void called(SqlWriter writer, String function, List<SqlNode> operands) {
        writer.literal("CAST(" + function + "(");
        for (int i = 0; i < operands.size(); i++) {
            if (i > 0) {
                writer.literal(", ");
            }
            member(writer, operands.get(i));
        }
        writer.literal(") AS VARCHAR)");
    }

    /** A value inside JSON: what a JSON function made is JSON, and no text. */
    private static void member(SqlWriter writer, SqlNode value) {
        boolean json =
                value instanceof SqlCall call
                        && (isFormat(call) || MAKE_JSON.contains(call.getOperator().getName()));
        writer.literal(json ? "CAST(" : "");
        value.unparse(writer, 0, 0);
        writer.literal(json ? " AS JSON)" : "");
    }

    /** {@code IS [NOT] JSON [VALUE | OBJECT | ARRAY | SCALAR]}. */
    static void is(SqlWriter writer, SqlCall call) {
        String name = call.getOperator().getName();
        String kind = name.substring(name.lastIndexOf(' ') + 1);
        writer.literal(name.startsWith("IS NOT") ? "(NOT " : "(");
        named(
                writer,
                call,
                switch (kind) {
                    case "VALUE" -> "json_valid(v)";
                    case "SCALAR" ->
                            "json_valid(v) AND TRY(json_type(v)) NOT IN ('OBJECT', 'ARRAY')";
                    default -> "json_valid(v) AND TRY(json_type(v)) = '" + kind + "'";
                });
        writer.literal(")");
    }

    /**
     * A value of the text, which is called {@code v} in it. It is printed once, or nested ones
     * would double at each level; and it is outside of TRY, which forgives what isn't about JSON,
     * too.
     */
    private static void named(SqlWriter writer, SqlCall call, String value) {
        writer.literal("list_transform([");
        call.operand(0).unparse(writer, 0, 0);
        writer.literal("], lambda v : " + value + ")[1]");
    }

    private static String path(SqlCall call, int most) {
        String function = call.getOperator().getName();
        refuseIf(
                function.equals("JSON_VALUE") && call.operandCount() > most,
                function + " takes a text and a path, and nothing after; use CAST and COALESCE");
        if (!(call.operand(1) instanceof SqlLiteral literal)
                || literal.getTypeName() != SqlTypeName.CHAR) {
            throw new LakeException(
                    ErrorCode.UNSUPPORTED_SQL,
                    "The path of " + function + " is written as a text, such as '$.a.b'");
        }
        String text = String.valueOf(literal.getValueAs(String.class));
        try {
            // "lax", the only mode there is, may be written
            String own = text.startsWith("lax ") ? text.substring(4).strip() : text;
            if (own.equals("$")) {
                return DuckTypes.text(own);
            }
            return JsonScan.path(JsonPath.parse(own));
        } catch (IllegalArgumentException e) {
            throw new LakeException(
                    ErrorCode.INVALID_SQL,
                    "The path '" + text + "' of " + function + " can't be read: " + e.getMessage(),
                    e);
        }
    }

    private static void refuseIf(boolean wrong, String message) {
        if (wrong) {
            throw new LakeException(ErrorCode.UNSUPPORTED_SQL, message);
        }
    }
}
