package org.tonle.sql;

/**
 * How an engine would run a statement, for a person. It may name files, and tell how many rows
 * there are.
 *
 * @param sql the statement in the engine's words
 * @param plan what the engine makes of it
 */
public record EnginePlan(String sql, String plan) {}
