package org.tonle.pipeline;

import org.tonle.catalog.Pin;
import org.tonle.ledger.Lease;

/** The work of one dataset; one thread at a time. */
sealed interface DatasetRun permits StreamingRun, ChangesRun, ViewRun {
    /** Named points of every run at which a test can kill the process. */
    java.util.List<String> FAIL_POINTS =
            java.util.List.of("run.before-engine", "run.after-engine", "run.after-commit");

    /**
     * Reads what is new in the pinned state, if anything is, and commits it.
     *
     * @return how far this dataset is after it
     */
    Progress run(Pin pin, Lease lease);

    /**
     * Does what somebody asks, in a commit of its own or in none.
     *
     * @param task of one of its datasets
     * @throws org.tonle.spi.LakeException INVALID_REQUEST if it can't be asked of such a dataset
     */
    TaskResult perform(DatasetTask task, Pin pin, Lease lease);

    /** How long until it may run again; zero or less if it may now. */
    java.time.Duration rest();

    /** From now on it never rests. From any thread. */
    void drain();

    /** Forgets what was remembered of the dataset's own table: it may have changed since. */
    void reset();

    /**
     * How far a dataset is.
     *
     * @param seq everything up to this commit is in it
     * @param more whether the pinned state holds more, to be read by another run now
     */
    record Progress(long seq, boolean more) {}
}
