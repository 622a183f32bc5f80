package org.tonle.duckdb;

import java.util.List;
import java.util.stream.Collectors;
import org.tonle.sql.JsonPath;
import org.tonle.sql.ReadColumn;

/** How schema-on-read columns come out of {@code payload}. */
final class JsonScan {
    /** The column that holds the texts at all paths, or NULL where the payload is no JSON. */
    static final String TEXTS = "\"tonle_json\"";

    private JsonScan() {}

    /** A path as DuckDB's text literal. */
    static String path(JsonPath path) {
        return DuckTypes.text(path.toString());
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

    /** The value of a column given its text; NULL if the text isn't of its type. */
    static String value(ReadColumn column, int index) {
        String text = TEXTS + "[" + index + "]";
        return "TRY_CAST(" + text + " AS " + DuckTypes.type(column.type()) + ")";
    }
}
