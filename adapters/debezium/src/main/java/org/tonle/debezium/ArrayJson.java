package org.tonle.debezium;

import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.Base64;
import java.util.HexFormat;

/**
 * PostgreSQL's text of an array, <code>{1,NULL,"a b"}</code>, as a JSON array; arrays in it as
 * arrays in that. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
final class ArrayJson {
    private static final DateTimeFormatter INSTANT =
            new DateTimeFormatterBuilder()
                    .append(DateTimeFormatter.ISO_LOCAL_DATE_TIME)
                    .appendPattern("[XXXXX][XXX][X]")
                    .toFormatter();

    private final String text;
    private final String type;
    private final JsonBytes out;
    private int at;

    private ArrayJson(String text, String type, JsonBytes out) {
        this.text = text;
        this.type = type;
        this.out = out;
        // bounds that don't begin with 1 stand before it: [0:2]={…}
        this.at = text.startsWith("[") ? text.indexOf('=') + 1 : 0;
    }

    static void write(String text, String type, JsonBytes out) {
        new ArrayJson(text, type, out).array();
    }

    private void array() {
        out.raw('[');
        at++;
        boolean first = true;
        while (text.charAt(at) != '}') {
            if (!first) {
                out.raw(',');
                // a comma, but a semicolon between boxes
                at++;
            }
            first = false;
            switch (text.charAt(at)) {
                case '{' -> array();
                case '"' -> element(quoted());
                default -> {
                    String plain = plain();
                    if (plain.equalsIgnoreCase("NULL")) {
                        out.raw("null");
                    } else {
                        element(plain);
                    }
                }
            }
        }
        at++;
        out.raw(']');
    }

    private String plain() {
        int from = at;
        while (text.charAt(at) != ','
                && text.charAt(at) != '}'
                && !(type.equals("box") && text.charAt(at) == ';')) {
            at++;
        }
        return text.substring(from, at);
    }

    private String quoted() {
        StringBuilder unquoted = new StringBuilder();
        at++;
        while (text.charAt(at) != '"') {
            if (text.charAt(at) == '\\') {
                at++;
            }
            unquoted.append(text.charAt(at++));
        }
        at++;
        return unquoted.toString();
    }

    private void element(String element) {
        switch (type) {
            case "int2", "int4", "int8", "oid" -> out.raw(element);
            case "float4", "float8" -> {
                if (Double.isFinite(Double.parseDouble(element))) {
                    out.raw(element);
                } else {
                    out.text(element);
                }
            }
            case "bool" -> out.raw(element.equals("t") ? "true" : "false");
            case "timestamp" -> out.text(element.replace(' ', 'T'));
            case "timestamptz" -> out.text(instant(element));
            case "bytea" ->
                    out.text(
                            element.startsWith("\\x")
                                    ? Base64.getEncoder()
                                            .encodeToString(
                                                    HexFormat.of().parseHex(element.substring(2)))
                                    : element);
            default -> out.text(element);
        }
    }

    private static String instant(String element) {
        if (element.endsWith("infinity") || element.endsWith("BC")) {
            return element;
        }
        return OffsetDateTime.parse(element.replace(' ', 'T'), INSTANT)
                .withOffsetSameInstant(ZoneOffset.UTC)
                .toString();
    }
}
