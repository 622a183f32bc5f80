package org.tonle.definition;

/**
 * What the embedded SQL engine may use.
 *
 * @param memoryBytes at most, all its statements together; beyond, it spills to disk or refuses
 * @param threads at most, at least 1
 */
public record EngineDefinition(long memoryBytes, int threads) {}
