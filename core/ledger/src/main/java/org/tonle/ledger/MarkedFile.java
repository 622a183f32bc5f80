package org.tonle.ledger;

import java.time.Instant;
import java.util.UUID;

/**
 * A file that nothing reaches.
 *
 * @param commit that wrote it, or would have
 * @param bytes its size
 * @param markedAt since when it is known that nothing reaches it
 * @param kept whether it stays though nothing reaches it, because somebody wants it to
 */
public record MarkedFile(
        String location, UUID commit, long bytes, Instant markedAt, boolean kept) {}
