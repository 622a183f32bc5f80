package org.tonle.catalog;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import org.apache.iceberg.BaseTransaction;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.Transactions;
import org.apache.iceberg.catalog.TableIdentifier;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.CommitRequest.PointerMove;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;

/**
 * One table's part of a {@link StagedCommit}. Changes are made through {@link #transaction()},
 * whose {@code commitTransaction()} must not be called: {@link StagedCommit#publish} does what is
 * needed. At most one of them may make a snapshot.
 */
public final class StagedTable {
    /**
     * Of the snapshots of a table, as many are listed in its metadata; the ledger knows the rest.
     */
    static final int LISTED_SNAPSHOTS = 100;

    /** What is done when the table moved before the commit. */
    public enum OnConflict {
        /** Apply the same changes to the newer table; Iceberg's own validations decide. */
        REAPPLY,
        /** Refuse: the change depends on what was read of the table. */
        FAIL
    }

    private final UUID commit;
    private final TableIdentifier identifier;
    private final OnConflict onConflict;
    private final StagingOperations operations;
    private final RecordingFileIO io;
    private final BaseTransaction transaction;
    private @Nullable Ref base;
    private @Nullable TableMetadata baseMetadata;
    private int dataFiles;
    private boolean rebased;

    StagedTable(
            UUID commit,
            TableIdentifier identifier,
            OnConflict onConflict,
            RecordingFileIO io,
            Ref base,
            TableMetadata metadata) {
        this.commit = commit;
        this.identifier = identifier;
        this.onConflict = onConflict;
        this.io = io;
        this.base = base;
        this.baseMetadata = metadata;
        this.operations = new StagingOperations(commit, io, metadata, metadata.location());
        this.transaction =
                (BaseTransaction) Transactions.newTransaction(identifier.toString(), operations);
    }

    /** A table that the commit creates. */
    StagedTable(
            UUID commit, TableIdentifier identifier, RecordingFileIO io, TableMetadata metadata) {
        this.commit = commit;
        this.identifier = identifier;
        this.onConflict = OnConflict.FAIL;
        this.io = io;
        this.operations = new StagingOperations(commit, io, null, metadata.location());
        this.transaction =
                (BaseTransaction)
                        Transactions.createTableTransaction(
                                identifier.toString(), operations, metadata);
    }

    public TableIdentifier identifier() {
        return identifier;
    }

    public UUID uuid() {
        return UUID.fromString(transaction.currentMetadata().uuid());
    }

    public Schema schema() {
        return transaction.currentMetadata().schema();
    }

    public Table table() {
        return transaction.table();
    }

    public Transaction transaction() {
        return transaction;
    }

    OnConflict onConflict() {
        return onConflict;
    }

    RecordingFileIO io() {
        return io;
    }

    /**
     * A new file's place in the table's data folder. It is the commit's from now on: put on the
     * disk before it commits, deleted if it can't.
     *
     * @param partition the partition's path, or empty
     */
    public Path newDataFile(String partition) {
        String folder =
                transaction.currentMetadata().location()
                        + "/data"
                        + (partition.isEmpty() ? "" : "/" + partition);
        String location = "%s/%s-%d.parquet".formatted(folder, commit, dataFiles++);
        LocalFileIO.createDirectories(LocalFileIO.path(folder));
        io.record(location);
        return LocalFileIO.path(location);
    }

    /** What the table is to become, its list of snapshots bounded. */
    TableMetadata prepared() {
        if (rebased) {
            transaction.commitTransaction();
        }
        return bounded(rebased ? operations.current() : transaction.currentMetadata());
    }

    /** Takes the newer base; the next {@link #prepared()} applies the changes to it. */
    void rebase(Ref newer, TableMetadata metadata) {
        base = newer;
        baseMetadata = metadata;
        operations.rebase(metadata);
        rebased = true;
    }

    @Nullable TableMetadata baseMetadata() {
        return baseMetadata;
    }

    long nextVersion() {
        return base == null ? 0 : base.version();
    }

    PointerMove move(TableMetadata metadata, String location) {
        Snapshot before = baseMetadata == null ? null : baseMetadata.currentSnapshot();
        Snapshot after = metadata.currentSnapshot();
        boolean snapshot =
                after != null && (before == null || after.snapshotId() != before.snapshotId());
        if (snapshot) {
            Long parent = before == null ? null : Long.valueOf(before.snapshotId());
            if (!java.util.Objects.equals(after.parentId(), parent)) {
                throw new IllegalStateException(
                        "one commit makes one snapshot of " + identifier + " at most");
            }
        }
        String operation =
                snapshot ? after.operation() : baseMetadata == null ? "create" : "schema";
        return new PointerMove(
                UUID.fromString(metadata.uuid()),
                RefKind.TABLE,
                Names.encode(identifier.namespace()),
                identifier.name(),
                base == null ? null : base.metadataLocation(),
                location,
                operation,
                snapshot ? OptionalLong.of(after.snapshotId()) : OptionalLong.empty());
    }

    private static TableMetadata bounded(TableMetadata metadata) {
        int surplus = metadata.snapshots().size() - LISTED_SNAPSHOTS;
        if (surplus <= 0) {
            return metadata;
        }
        List<Long> oldest =
                metadata.snapshots().stream()
                        .sorted(java.util.Comparator.comparingLong(Snapshot::sequenceNumber))
                        .limit(surplus)
                        .map(Snapshot::snapshotId)
                        .toList();
        return TableMetadata.buildFrom(metadata).removeSnapshots(oldest).build();
    }
}
