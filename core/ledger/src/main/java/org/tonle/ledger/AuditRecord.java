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
 * @param tables those it read, by name; none if it was refused before that was known
 * @param seq the commit whose tables it read; empty if it was refused before
 * @param rows that were sent
 * @param outcome {@code FINISHED}, {@code CANCELLED}, or the code of its error
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
        long rows,
        Duration took,
        String outcome,
        Optional<String> error) {
    public AuditRecord {
        tables = List.copyOf(tables);
    }
}
