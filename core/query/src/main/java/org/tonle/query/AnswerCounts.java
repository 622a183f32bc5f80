package org.tonle.query;

/**
 * Where answers came from since the service was made.
 *
 * @param run worked out by the engine
 * @param kept in the cache, or worked out for somebody who asked the same at that moment
 * @param unchanged the client held them already
 */
public record AnswerCounts(long run, long kept, long unchanged) {}
