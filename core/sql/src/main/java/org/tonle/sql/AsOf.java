package org.tonle.sql;

import java.time.Instant;

/** The state of a table that {@code FOR SYSTEM_TIME AS OF} asks for. */
public sealed interface AsOf {
    /** As it was when commit {@code seq} was the newest. */
    record Commit(long seq) implements AsOf {
        @Override
        public String toString() {
            return Long.toString(seq);
        }
    }

    /** As it was at a time: what was committed until then, by the ledger's clock. */
    record Time(Instant at) implements AsOf {
        @Override
        public String toString() {
            return at.toString();
        }
    }
}
