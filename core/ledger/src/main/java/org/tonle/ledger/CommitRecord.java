package org.tonle.ledger;

import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * A commit that happened.
 *
 * @param summary a JSON object
 */
public record CommitRecord(
        UUID id, long seq, String kind, String principal, Instant at, String summary) {
    /** A fact of the summary as text, if it is there. */
    public Optional<String> fact(String key) {
        return CommitJson.fact(summary, key);
    }
}
