package org.tonle.pipeline;

import java.util.Optional;

/**
 * How a dataset is doing.
 *
 * @param name {@code namespace.name}
 * @param kind {@code streaming table} or {@code materialized view}
 * @param reason why it is failing, for a person
 * @param seq everything up to this commit of the lake is in it
 * @param upToDate whether its inputs hold nothing that it hasn't read
 */
public record DatasetStatus(
        String name,
        String kind,
        State state,
        Optional<String> reason,
        long seq,
        boolean upToDate) {
    /** What a dataset is doing. */
    public enum State {
        /** It follows its inputs. */
        RUNNING,
        /** It can't go on; {@link DatasetStatus#reason()} says why. It keeps trying. */
        FAILING,
        /** Another process does it. */
        STANDBY
    }
}
