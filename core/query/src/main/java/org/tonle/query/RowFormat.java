package org.tonle.query;

/** How rows are written as text, in UTF-8; which value is written how: {@code docs/types.md}. */
public enum RowFormat {
    /** One array of objects, whose keys stand in the order of the columns. */
    JSON,
    /** One object a line. */
    NDJSON,
    /** RFC 4180 with a header line and LF; NULL is an empty field, an empty string is "". */
    CSV
}
