package org.tonle.query;

import java.time.Instant;

/**
 * A query that waits for its turn or runs.
 *
 * @param id by which it can be cancelled
 * @param principal the name of who asked
 * @param since when it was asked
 */
public record ActiveQuery(String id, String principal, String sql, Instant since) {}
