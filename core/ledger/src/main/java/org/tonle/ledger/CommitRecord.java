package org.tonle.ledger;

import java.time.Instant;
import java.util.UUID;

/**
 * A commit that happened.
 *
 * @param summary a JSON object
 */
public record CommitRecord(
        UUID id, long seq, String kind, String principal, Instant at, String summary) {}
