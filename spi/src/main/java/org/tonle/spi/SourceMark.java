package org.tonle.spi;

/**
 * How far something outside was taken. The lake takes a body only if it has the one before it: one
 * that comes again after a crash, or whose predecessor got lost, is left, and comes once more.
 *
 * @param item what has an order of its own: a file, a database's log
 * @param position how far, behind the body that carries it: ASCII without {@code /}, greater as a
 *     text the later it is, and never the beginning of another one
 * @param state what the source needs besides to go on from there; empty if nothing
 */
public record SourceMark(String item, String position, String state) {}
