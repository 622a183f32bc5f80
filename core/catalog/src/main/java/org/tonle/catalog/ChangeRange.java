package org.tonle.catalog;

import java.util.List;
import org.apache.iceberg.DataFile;

/**
 * What happened to a table in a range of sequence numbers, as an incremental reader must see it.
 */
public sealed interface ChangeRange {
    /**
     * A range ends with the commit that brings the files added to this size or so many rows, or
     * that is the last of so many that changed the table.
     */
    record Limit(long bytes, long rows, int commits) {
        public static final Limit NONE =
                new Limit(Long.MAX_VALUE, Long.MAX_VALUE, Integer.MAX_VALUE);

        private static final int MOST_COMMITS = 1_000;

        /** With a thousand commits: what is known of their files fits into memory. */
        public Limit(long bytes, long rows) {
            this(bytes, rows, MOST_COMMITS);
        }
    }

    /**
     * Rows were only added.
     *
     * @param upTo the range ends here, inclusive; earlier than asked for where a limit was reached
     * @param files the files that hold the added rows, in commit order
     */
    record Appended(long upTo, List<DataFile> files) implements ChangeRange {
        public Appended {
            files = List.copyOf(files);
        }
    }

    /** The commit {@code seq} overwrote or deleted rows, so that there are no "new rows". */
    record Rewritten(long seq, String operation) implements ChangeRange {
        static final String EXPIRED = "expired";

        /** Whether what it did isn't known any more: its state has expired. */
        public boolean isExpired() {
            return operation.equals(EXPIRED);
        }

        /** What became of the table, for people. */
        public String told() {
            return isExpired()
                    ? "gained rows by commit " + seq + ", which nobody read before it expired"
                    : "was changed by commit %d (%s)".formatted(seq, operation);
        }
    }
}
