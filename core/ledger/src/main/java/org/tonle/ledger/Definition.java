package org.tonle.ledger;

/** A stored version of a named definition (a source, a dataset) and the commit it came with. */
public record Definition(String name, int version, String hash, String text, long seq) {}
