package org.tonle.ledger;

import java.util.OptionalLong;
import java.util.UUID;

/**
 * What a table or view pointed to for a time, on one branch.
 *
 * @param fromSeq the commit that made it so
 * @param snapshotId the snapshot that this commit made, if it made one
 * @param held how much of it may still be asked for
 */
public record Pointer(
        int branch,
        UUID table,
        RefKind kind,
        long fromSeq,
        String metadataLocation,
        OptionalLong snapshotId,
        Held held) {
    /** How much of a state may still be asked for. */
    public enum Held {
        /** Nothing: it has expired. */
        NOTHING,
        /** The rows that the table had. */
        STATE,
        /** All that its metadata lists: the branch, or one that began there, points to it now. */
        ALL
    }
}
