package org.tonle.lake;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import org.tonle.ingest.SourceStatus;

/**
 * How a source is doing at this process, for those who operate it.
 *
 * @param kind as its file says it: {@code http}, {@code files}, …
 * @param reason why it isn't running as it should, for a person
 * @param since for how long that has been so
 * @param pausedBy who paused it
 * @param lag bodies that bronze doesn't have yet, of those that lie in the log or the topic
 * @param behind for how long the oldest of them has waited
 * @param counts since this process began
 * @param repeats bodies that were dropped since they had come before
 * @param committedAt when bronze got its last rows from this process
 * @param heldBytes what lies outside for nobody but the lake
 */
public record SourceReport(
        String name,
        String kind,
        SourceStatus.State state,
        Optional<String> reason,
        Optional<Instant> since,
        Optional<String> pausedBy,
        long lag,
        Duration behind,
        SourceStatus.Counts counts,
        long repeats,
        Optional<Instant> committedAt,
        OptionalLong heldBytes,
        Optional<TableStatus.Retention> retention) {
    /** For whoever doesn't see all tables: a reason may hold values of any of them. */
    SourceReport withoutReason() {
        return new SourceReport(
                name,
                kind,
                state,
                reason.map(text -> TableStatus.UNTOLD),
                since,
                pausedBy,
                lag,
                behind,
                counts,
                repeats,
                committedAt,
                heldBytes,
                retention);
    }
}
