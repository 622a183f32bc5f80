package org.tonle.sql;

import java.util.List;

/**
 * What a streaming run did. {@code input = malformed + filtered + duplicates + dropped + written},
 * where a duplicate that is malformed too counts as a duplicate.
 *
 * @param rows files for the dataset's table; none if no row came through
 * @param quarantine files for its quarantine table; none if no row was refused
 * @param input rows of the input files
 * @param filtered rows that WHERE left out
 * @param duplicates rows whose key was there already
 * @param malformed rows quarantined because of their values
 * @param dropped rows quarantined by an expectation
 * @param written rows written to the dataset's table
 * @param expectations in the order of their declaration
 */
public record StreamResult(
        List<WrittenFile> rows,
        List<WrittenFile> quarantine,
        long input,
        long filtered,
        long duplicates,
        long malformed,
        long dropped,
        long written,
        List<ExpectationResult> expectations) {
    /**
     * How an expectation fared over all rows that are neither malformed nor duplicates.
     *
     * @param passed rows for which its condition was true
     * @param failed rows for which it was false or NULL
     */
    public record ExpectationResult(String name, long passed, long failed) {}

    public StreamResult {
        rows = List.copyOf(rows);
        quarantine = List.copyOf(quarantine);
        expectations = List.copyOf(expectations);
    }
}
