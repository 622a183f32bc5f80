package org.tonle.lake;

/**
 * What became of the events about runs, since the lake started.
 *
 * @param dropped those that found no room, or that weren't taken
 */
public record LineageEvents(long sent, long dropped, int waiting) {}
