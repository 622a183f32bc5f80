package org.tonle.duckdb;

import java.util.List;
import java.util.stream.Collectors;
import org.tonle.definition.ColumnType;
import org.tonle.definition.JsonPath;
import org.tonle.sql.ReadColumn;
import org.tonle.sql.SqlTable;

/** How schema-on-read columns come out of {@code payload}. */
final class JsonScan {
    /** The column that they come out of. */
    static final String PAYLOAD = "payload";

    /** The column that holds the texts at all paths, or NULL where the payload is no JSON. */
    static final String TEXTS = "\"tonle_json\"";

    private static final String NUMBER = "[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?";
    private static final String DATE = "[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}";
    private static final String TIME =
            "[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?";
    private static final String ZONE = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)?";

    /** From it on a JSON number with a point or an exponent may have lost its last digits. */
    private static final String EXACT = "9007199254740992";

    private JsonScan() {}

    /** A path as DuckDB's text literal. */
    static String path(JsonPath path) {
        StringBuilder text = new StringBuilder("$");
        for (JsonPath.Step step : path.steps()) {
            switch (step) {
                case JsonPath.Field(String name) ->
                        text.append(".\"")
                                .append(name.replace("\\", "\\\\").replace("\"", "\\\""))
                                .append('"');
                case JsonPath.Index(int at) -> text.append('[').append(at).append(']');
            }
        }
        return DuckTypes.text(text.toString());
    }

    /** All texts in one pass; TRY since one payload that is no JSON would end the whole query. */
    static String texts(List<JsonPath> paths) {
        return "TRY(json_extract_string(\"payload\",["
                + paths.stream().map(JsonScan::path).collect(Collectors.joining(","))
                + "]))";
    }

    /** Whether a payload that is JSON is an object: no other value begins with a brace. */
    static String isObject(String payload) {
        return "(starts_with("
                + payload
                + ", '{') OR starts_with(ltrim("
                + payload
                + ", e' \\t\\n\\r'), '{'))";
    }

    /**
     * A sentence about the first field of an event that isn't one of some, if it has one; a field
     * that is null is none. NULL, too, where the payload is no JSON.
     */
    static String otherField(SqlTable.Fields only) {
        String under =
                only.under().stream()
                        .map(step ->
                                switch (step) {
                                    case JsonPath.Field(String name) ->
                                            "/" + name.replace("~", "~0").replace("/", "~1");
                                    case JsonPath.Index(int at) -> "/" + at;
                                })
                        .collect(Collectors.joining());
        String type =
                "json_type(\"payload\", "
                        + DuckTypes.text(under + "/")
                        + " || replace(replace(k, '~', '~0'), '/', '~1'))";
        String names =
                only.names().stream()
                        .sorted()
                        .map(DuckTypes::text)
                        .collect(Collectors.joining(",", "[", "]"));
        return "TRY(list_transform(list_filter(json_keys(\"payload\""
                + (under.isEmpty() ? "" : ", " + DuckTypes.text(under))
                + "), lambda k : NOT list_contains(CAST("
                + names
                + " AS VARCHAR[]), k) AND "
                + type
                + " <> 'NULL'), lambda k : 'the field ' || left(k, 200) || ', ' || CASE "
                + type
                + " WHEN 'VARCHAR' THEN 'a text' WHEN 'BOOLEAN' THEN 'a boolean' WHEN 'OBJECT' THEN"
                + " 'an object' WHEN 'ARRAY' THEN 'an array' WHEN 'DOUBLE' THEN 'a number' ELSE"
                + " 'a whole number' END || ', has no column')[1])";
    }

    /**
     * The value of a column given its text; NULL if the text isn't of its type. DuckDB's own casts
     * take more than a type has ("1.5" and "0x1F" as whole numbers, "epoch" as a date) or change
     * what they take, so each type's texts are checked; {@code docs/types.md} says which they are.
     */
    static String value(ReadColumn column, int index) {
        String text = TEXTS + "[" + index + "]";
        String type = DuckTypes.type(column.tableType());
        String cast = "TRY_CAST(" + text + " AS " + type + ")";
        return switch (column.type()) {
            case ColumnType.Simple simple ->
                    switch (simple) {
                        case STRING -> text;
                        case BOOLEAN ->
                                "CASE "
                                        + text
                                        + " WHEN 'true' THEN true WHEN 'false' THEN false END";
                        case INT, BIGINT -> whole(text, cast);
                        case DOUBLE ->
                                "CASE WHEN "
                                        + matches(text, NUMBER)
                                        + " AND isfinite("
                                        + cast
                                        + ") THEN "
                                        + cast
                                        + " END";
                        case DATE -> guarded(text, DATE, cast);
                        case TIMESTAMP -> guarded(text, DATE + TIME, cast);
                        case TIMESTAMPTZ -> guarded(text, DATE + TIME + ZONE, cast);
                    };
            case ColumnType.Decimal decimal -> decimal(column, decimal, text, cast);
        };
    }

    private static String matches(String text, String pattern) {
        return "regexp_full_match(" + text + ", " + DuckTypes.text(pattern) + ")";
    }

    private static String guarded(String text, String pattern, String cast) {
        return "CASE WHEN " + matches(text, pattern) + " THEN " + cast + " END";
    }

    /** Nearly all are as the type prints them, which is the cheapest test. */
    private static String whole(String text, String cast) {
        return "CASE WHEN CAST("
                + cast
                + " AS VARCHAR) = "
                + text
                + " THEN "
                + cast
                + " WHEN "
                + matches(text, "[+-]?[0-9]+")
                + " OR ("
                + matches(text, "[+-]?[0-9]+(\\.0+)?([eE]\\+?[0-9]+)?")
                + " AND abs(TRY_CAST("
                + text
                + " AS DOUBLE)) < "
                + EXACT
                + ") THEN "
                + cast
                + " END";
    }

    /**
     * Digits beyond the scale are refused, not rounded. DuckDB's JSON reader makes a double of a
     * number with a point, which keeps 15 digits for sure: longer ones are taken as texts only.
     */
    private static String decimal(
            ReadColumn column, ColumnType.Decimal decimal, String text, String cast) {
        String fraction =
                decimal.scale() == 0 ? "(\\.0+)?" : "(\\.[0-9]{1," + decimal.scale() + "}0*)?";
        return "CASE WHEN ("
                + matches(text, "[+-]?[0-9]+" + fraction)
                + " OR ("
                + matches(text, NUMBER)
                + " AND CAST("
                + cast
                + " AS DOUBLE) = TRY_CAST("
                + text
                + " AS DOUBLE))) AND (length(ltrim("
                + text
                + ", '+-')) <= 16 OR "
                + matches(text, "[+-]?[0-9]+")
                + " OR json_type(\"payload\", "
                + path(column.path())
                + ") = 'VARCHAR') THEN "
                + cast
                + " END";
    }
}
