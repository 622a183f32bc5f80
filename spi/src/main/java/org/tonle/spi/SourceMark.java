package org.tonle.spi;

/**
 * How far something outside was taken. A source may give a body again after a crash; what is not
 * beyond the mark that the lake has of its item is dropped on the way to bronze.
 *
 * @param item what has an order of its own: a file, a database's log
 * @param position how far, behind the body that carries it: ASCII without {@code /}, greater as a
 *     text the later it is, and never the beginning of another one
 * @param state what the source needs besides to go on from there; empty if nothing
 */
public record SourceMark(String item, String position, String state) {}
