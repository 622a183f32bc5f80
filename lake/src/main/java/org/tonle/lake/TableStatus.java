package org.tonle.lake;

import java.util.Optional;

/**
 * How a table that the lake feeds is doing.
 *
 * @param name {@code namespace.name}
 * @param kind {@code source}, {@code streaming table} or {@code materialized view}
 * @param reason why it isn't running as it should, for a person
 * @param seq the commit that wrote it last; 0 if none has
 * @param lag what it hasn't taken in yet: requests for a source, commits for a dataset
 */
public record TableStatus(
        String name,
        String kind,
        State state,
        Optional<String> reason,
        long rows,
        long files,
        long seq,
        long lag) {
    /** What it is doing. */
    public enum State {
        RUNNING,
        /** It can't go on; the reason says why. It never skips. */
        FAILING,
        /** Another process does this work. */
        STANDBY,
        STARTING,
        STOPPED
    }
}
