package org.tonle.pipeline;

import java.util.OptionalLong;

/**
 * What became of a {@link DatasetTask}.
 *
 * @param seq the commit that it made, the last one where it made several; empty if there was
 *     nothing to change
 * @param read rows that were judged
 * @param written rows that entered the table
 * @param quarantined of those that were judged, rows that are in quarantine now
 * @param filtered rows that WHERE left out
 * @param duplicates rows whose key was there already
 */
public record TaskResult(
        OptionalLong seq,
        long read,
        long written,
        long quarantined,
        long filtered,
        long duplicates) {
    /** This and what was done after it. */
    TaskResult and(TaskResult next) {
        return new TaskResult(
                next.seq.isPresent() ? next.seq : seq,
                read + next.read,
                written + next.written,
                quarantined + next.quarantined,
                filtered + next.filtered,
                duplicates + next.duplicates);
    }

    /** This if it is of a commit behind another; else that nothing was done. */
    TaskResult since(long other) {
        return seq.orElse(0) > other ? this : NOTHING;
    }

    static final TaskResult NOTHING = new TaskResult(OptionalLong.empty(), 0, 0, 0, 0, 0);
}
