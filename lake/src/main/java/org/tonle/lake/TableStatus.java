package org.tonle.lake;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.tonle.sql.TableName;

/**
 * How a table that the lake feeds is doing.
 *
 * @param kind {@code source}, {@code streaming table} or {@code materialized view}
 * @param reason why it isn't running as it should, for a person
 * @param seq the commit that wrote it last; 0 if none has
 * @param quarantined rows of its quarantine table; 0 if it has none
 * @param expectations those with a result, by name
 * @param lag what it hasn't taken in yet: requests for a source, commits for a dataset
 * @param retention how far a source is from losing what it hasn't taken in; empty for a dataset
 * @param whole whether its figures are told: they count rows that not everybody sees, and can't be
 *     read while the tables' storage is away
 */
public record TableStatus(
        TableName name,
        String kind,
        State state,
        Optional<String> reason,
        long rows,
        long files,
        long seq,
        long lag,
        Optional<Retention> retention,
        long quarantined,
        List<Expectation> expectations,
        boolean whole) {
    /** Instead of a reason. */
    static final String UNTOLD =
            "the reason isn't told here, since it may name hidden values; the lake's log says it";

    public TableStatus {
        expectations = List.copyOf(expectations);
    }

    TableStatus because(Optional<String> why) {
        return new TableStatus(
                name,
                kind,
                state,
                why,
                rows,
                files,
                seq,
                lag,
                retention,
                quarantined,
                expectations,
                whole);
    }

    TableStatus at(long commit) {
        return new TableStatus(
                name,
                kind,
                state,
                reason,
                rows,
                files,
                commit,
                lag,
                retention,
                quarantined,
                expectations,
                whole);
    }

    /** That it is there, and what it is doing. A reason may hold values. */
    TableStatus withoutFigures() {
        return new TableStatus(
                name,
                kind,
                state,
                Optional.empty(),
                0,
                0,
                seq,
                lag,
                retention,
                0,
                List.of(),
                false);
    }

    /**
     * For whoever doesn't see all tables: why something can't go on may hold values of any of them.
     * What should be done with a dataset that runs holds none.
     */
    TableStatus withoutReason() {
        return because(
                reason.map(
                        text -> !kind.equals("source") && state != State.FAILING ? text : UNTOLD));
    }

    /**
     * What the event log forgets.
     *
     * @param left until it forgets the oldest request that waits; the whole of a source's retention
     *     if none waits
     * @param alarm whether less than half of that is left: somebody should act
     */
    public record Retention(Duration left, boolean alarm) {}

    /**
     * How many rows, of all runs so far, held to an expectation and broke it.
     *
     * @param action what becomes of a row that breaks it
     */
    public record Expectation(String name, String action, long passed, long failed) {}

    /** What it is doing. */
    public enum State {
        RUNNING,
        /** It runs, and something has been waiting to be taken in for too long. */
        LAGGING,
        /** Somebody paused it. */
        PAUSED,
        /** It can't go on; the reason says why. It never skips. */
        FAILING,
        /** Another process does this work. */
        STANDBY,
        STARTING,
        STOPPED
    }
}
