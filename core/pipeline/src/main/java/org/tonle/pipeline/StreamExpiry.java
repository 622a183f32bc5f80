package org.tonle.pipeline;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.RowExpiry;
import org.tonle.ledger.Lease;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.TableName;

/**
 * Lets rows of a streaming table and of quarantines go that they have kept for long enough, between
 * the runs that write there, so that neither a run nor a refresh is ever in its way.
 */
final class StreamExpiry {
    private static final Logger log = LoggerFactory.getLogger(StreamExpiry.class);

    private final List<TableName> tables;
    private final RunEnvironment lake;
    private final RowExpiry expiry;
    private Instant next = Instant.MIN;

    StreamExpiry(List<TableName> tables, RunEnvironment lake) {
        this.tables =
                tables.stream()
                        .filter(table -> lake.settings().rows().containsKey(table.namespace()))
                        .toList();
        this.lake = lake;
        this.expiry = new RowExpiry(lake.catalog(), lake.clock());
    }

    /**
     * Looks at the tables if it is time, and takes out what is over in one commit of each at most;
     * if there was something, the next call looks again.
     *
     * @throws LakeException LEASE_LOST. After other failures rows stay until the next time.
     */
    void expire(Lease lease) {
        Instant now = lake.clock().instant();
        if (tables.isEmpty() || now.isBefore(next)) {
            return;
        }
        next = now.plus(lake.settings().rowsInterval());
        PinnedTables pinned = new PinnedTables(lake.catalog().pin(), lake.sources());
        for (TableName table : tables) {
            try {
                if (expire(table, pinned, lease)) {
                    next = now;
                }
            } catch (LakeException e) {
                if (e.code() == ErrorCode.LEASE_LOST) {
                    throw e;
                }
                log.warn("Old rows of {} stay for now: {}", table, e.getMessage());
            }
        }
    }

    private boolean expire(TableName name, PinnedTables pinned, Lease lease) {
        PinnedTable table = pinned.pinned(name).orElseThrow();
        Duration limit = lake.settings().rows().get(name.namespace());
        return limit != null
                && expiry.expire(
                        table,
                        limit,
                        Optional.of(lease),
                        Optional.of((staged, commit, files, since) -> {
                            RowCopy rows = new RowCopy(name, pinned, table, lake.engine());
                            return new RowExpiry.Kept(
                                    rows.copy(staged, commit, files, Optional.of(since)),
                                    rows.before(files, since));
                        }));
    }
}
