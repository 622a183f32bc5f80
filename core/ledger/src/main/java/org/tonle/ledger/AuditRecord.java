package org.tonle.ledger;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * One statement and what became of it.
 *
 * @param started by the clock of the process that took it
 * @param statement its text, or the beginning of a long one
 * @param sha256 of the whole text in UTF-8, in hex, where {@code statement} is only its beginning
 * @param tables those it read, by name; none if it was refused or lost before that was known
 * @param seq the commit whose tables it read; empty if it was refused or lost before
 * @param rows that were sent; empty if it was lost
 * @param took from its begin to its end; empty if it was lost
 * @param outcome {@code FINISHED}, {@code CANCELLED}, the code of its error, or {@link #LOST}
 * @param error the error's message
 */
public record AuditRecord(
        UUID id,
        Instant started,
        String principal,
        String statement,
        Optional<String> sha256,
        List<String> tables,
        OptionalLong seq,
        OptionalLong rows,
        Optional<Duration> took,
        String outcome,
        Optional<String> error) {
    /** Its process was killed before it said what became of it. */
    public static final String LOST = "LOST";

    public AuditRecord {
        tables = List.copyOf(tables);
    }
}
