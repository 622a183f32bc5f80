package org.tonle.ledger;

import java.time.Instant;

/**
 * What somebody said last of a source.
 *
 * @param paused whether nothing is to be taken from it; otherwise it was resumed
 * @param at by the ledger's clock
 */
public record SourceSwitch(String source, boolean paused, String by, Instant at) {}
