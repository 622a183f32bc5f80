package org.tonle.definition;

/**
 * One statement of {@code pipelines/**}{@code /*.sql}, or a condition or value of a policy, not
 * parsed yet.
 *
 * @param place of its first token; line and column inside {@code text} count from there
 * @param text from its first token to before its {@code ;}, comments inside kept, never blank
 */
public record SqlText(Place place, String text) {}
