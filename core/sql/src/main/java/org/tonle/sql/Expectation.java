package org.tonle.sql;

/**
 * What a streaming table demands of its rows. It holds for a row only where its condition is true:
 * NULL breaks it, as false does.
 *
 * @param name as declared
 * @param condition its text, over the columns of the table
 * @param violation what becomes of a row that breaks it
 */
public record Expectation(String name, String condition, Violation violation) {
    /** What becomes of a row that breaks an expectation. */
    public enum Violation {
        /** It is counted and kept. */
        COUNT,
        /** It goes to quarantine. */
        DROP_ROW,
        /** The run fails, and nothing of it is committed. */
        FAIL_UPDATE
    }
}
