package org.tonle.ledger;

/**
 * The right to do one piece of work (a source's partition, a dataset). The epoch grows with every
 * change of hands; a commit fenced by an old epoch fails, however late it comes. A lease saves
 * wasted work; exactly-once rests on the compare-and-set of positions.
 */
public record Lease(String name, long epoch, String holder) {}
