package org.tonle.maintenance;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.ledger.Change;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitIds;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;
import org.tonle.spi.LakeException;

/**
 * Takes snapshots of expired states off the lists of tables, so that nothing reaches what only they
 * name. Of tables that the lake wrote last: outside clients look after theirs. A table that is
 * written to lists its newest ones anyway; this is for those that rest.
 */
final class SnapshotExpiry {
    /** The {@code kind} of its commits. */
    static final String KIND = "expire-snapshots";

    private static final Logger log = LoggerFactory.getLogger(SnapshotExpiry.class);

    private final LakeCatalog catalog;
    private final int least;

    /** Tables of which all that can leave has left, by the metadata that they had then. */
    private final Map<UUID, String> done = new HashMap<>();

    /**
     * @param least of a table with fewer that can go they stay for now
     */
    SnapshotExpiry(LakeCatalog catalog, int least) {
        this.catalog = catalog;
        this.least = least;
    }

    /** Does so for all tables; one that moves meanwhile is left for the next time. */
    void run() {
        long floor = catalog.ledger().retention().floor();
        Pin pin = catalog.pin();
        for (Ref ref : catalog.ledger().refsAt(pin.seq())) {
            if (ref.kind() == RefKind.TABLE
                    && isOurs(ref)
                    && !ref.metadataLocation().equals(done.get(ref.table()))) {
                try {
                    pin.table(TableIdentifier.of(Namespace.of(ref.namespace()), ref.name()))
                            .ifPresent(table -> expire(table, pin, floor));
                } catch (LakeException e) {
                    log.warn(
                            "Old snapshots of {}.{} stay listed: {}",
                            ref.namespace(),
                            ref.name(),
                            e.getMessage());
                }
            }
        }
    }

    /** Whether the lake wrote it last: outside clients have refs and rules of their own. */
    private boolean isOurs(Ref ref) {
        return OwnFiles.folder(ref.metadataLocation())
                .flatMap(folder -> OwnFiles.commit(folder, ref.metadataLocation()))
                .filter(id -> CommitIds.isOf(catalog.ledger().id(), id))
                .isPresent();
    }

    private void expire(PinnedTable table, Pin pin, long floor) {
        Set<Long> gone = expired(table, pin, floor);
        if (gone.size() < Math.max(1, least)) {
            if (table.ref().fromSeq() <= floor) {
                done.put(table.uuid(), table.metadataLocation());
            }
            return;
        }
        try (StagedCommit commit = catalog.stage()) {
            StagedTable staged = commit.table(table.ref(), StagedTable.OnConflict.FAIL);
            staged.unlistSnapshots(gone);
            var unused =
                    commit.publish(
                            CommitRequest.builder(commit.id(), KIND, "tonle")
                                    .summary("namespace", table.ref().namespace())
                                    .summary("name", table.ref().name())
                                    .summary("snapshots", gone.size()));
        } catch (CommitConflictException e) {
            log.debug("{} was changed while its snapshots were to leave", table.identifier());
        }
    }

    /** The snapshots that a table lists, and none of its states that are kept has. */
    private Set<Long> expired(PinnedTable table, Pin pin, long floor) {
        List<Snapshot> listed = table.snapshots();
        Set<Long> gone = listed.stream().map(Snapshot::snapshotId).collect(Collectors.toSet());
        table.snapshot().ifPresent(current -> gone.remove(current.snapshotId()));
        if (gone.isEmpty()) {
            return gone;
        }
        Optional<PinnedTable> oldest = catalog.pinAt(floor).table(table.identifier());
        if (oldest.isEmpty() || !oldest.get().uuid().equals(table.uuid())) {
            // it is new, or had another name
            return Set.of();
        }
        oldest.get().snapshot().ifPresent(kept -> gone.remove(kept.snapshotId()));
        List<Change> since =
                catalog.ledger().changes(table.uuid(), floor, pin.seq(), listed.size());
        since.forEach(change -> change.snapshotId().ifPresent(gone::remove));
        return since.size() == listed.size() ? Set.of() : gone;
    }
}
