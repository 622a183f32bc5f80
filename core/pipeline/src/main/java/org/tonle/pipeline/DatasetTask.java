package org.tonle.pipeline;

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

    /** Compute the dataset anew from its whole input; what was mended by hand is lost. */
    record Refresh(String dataset, String principal) implements DatasetTask {}
}
