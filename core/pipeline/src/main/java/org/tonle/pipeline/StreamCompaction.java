package org.tonle.pipeline;

import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.Compaction;
import org.tonle.catalog.PinnedTable;
import org.tonle.ledger.Lease;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.TableName;

/**
 * Keeps the files of a streaming table and of its quarantine few, between the runs that write them:
 * nobody else writes there, so that no run is ever computed again for it.
 */
final class StreamCompaction {
    private static final Logger log = LoggerFactory.getLogger(StreamCompaction.class);

    private final List<TableName> tables;
    private final RunEnvironment lake;
    private final Compaction compaction;

    /** Files that nobody has looked at; at first nobody knows what an earlier process left. */
    private int unseen;

    StreamCompaction(List<TableName> tables, RunEnvironment lake) {
        this.tables = List.copyOf(tables);
        this.lake = lake;
        this.compaction =
                new Compaction(
                        lake.catalog(), lake.settings().compactionFanIn(), lake.failPoints());
        this.unseen = compaction.fanIn();
    }

    void added(int files) {
        unseen += files;
    }

    /**
     * Looks at the tables if enough was added, and compacts each of them once at most: what is
     * behind goes on with new rows first.
     *
     * @throws LakeException LEASE_LOST. Other failures only leave more files than there need be;
     *     they are warned of, and it is tried again after as many files as before.
     */
    void compact(Lease lease) {
        if (unseen < compaction.fanIn()) {
            return;
        }
        unseen = 0;
        PinnedTables pinned = new PinnedTables(lake.catalog().pin(), lake.sources());
        for (TableName table : tables) {
            try {
                if (compact(table, pinned, lease)) {
                    // there may be more to do
                    unseen = compaction.fanIn();
                }
            } catch (LakeException e) {
                if (e.code() == ErrorCode.LEASE_LOST) {
                    throw e;
                }
                log.warn("Files of {} could not be compacted now: {}", table, e.getMessage());
            }
        }
    }

    private boolean compact(TableName name, PinnedTables pinned, Lease lease) {
        PinnedTable table = pinned.pinned(name).orElseThrow();
        return compaction.compact(
                table,
                table.files(),
                Optional.of(lease),
                (staged, commit, small) ->
                        new RowCopy(name, pinned, table, lake.engine())
                                .copy(staged, commit, small, Optional.empty()));
    }
}
