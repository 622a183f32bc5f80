package org.tonle.pipeline;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/** What somebody asks of a dataset, besides that it follows its inputs. */
public sealed interface DatasetTask {
    /** {@code namespace.name}. */
    String dataset();

    /** Who asks. */
    String principal();

    /**
     * Judge rows in quarantine again, by the definition as it is now.
     *
     * @param where a condition over the quarantine table's columns; empty: all rows
     * @param fix an expression over these columns that gives the payload anew; empty: as it came
     */
    record Replay(String dataset, Optional<String> where, Optional<String> fix, String principal)
            implements DatasetTask {}

    /**
     * Compute the dataset anew; what was mended by hand is lost.
     *
     * @param from rows that were taken in earlier stay as they are, in quarantine too, and what
     *     they kept out stays out; to the microsecond; empty: it is computed from its whole input
     * @param downstream whether those that read the dataset as a stream do the same when they see
     *     it, whichever process runs them
     */
    record Refresh(String dataset, Optional<Instant> from, boolean downstream, String principal)
            implements DatasetTask {
        public Refresh {
            from = from.map(time -> time.truncatedTo(ChronoUnit.MICROS));
        }
    }

    /**
     * Do what a refresh of what it reads asked for, if that isn't done yet. The dataset does it
     * without being asked, too; who asks gets to know what came of it.
     *
     * @param seq the commit of the refresh
     */
    record Follow(String dataset, long seq, String principal) implements DatasetTask {}
}
