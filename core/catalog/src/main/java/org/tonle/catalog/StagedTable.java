package org.tonle.catalog;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.BaseTransaction;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.DataOperations;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.OverwriteFiles;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.RewriteFiles;
import org.apache.iceberg.RowDelta;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotRef;
import org.apache.iceberg.SortOrder;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.Transaction;
import org.apache.iceberg.Transactions;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.parquet.ParquetUtil;
import org.apache.iceberg.util.DataFileSet;
import org.apache.iceberg.util.DeleteFileSet;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.CommitRequest.PointerMove;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

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

    /** Properties of a table whose rows can be deleted: its format has deletion vectors. */
    public static final Map<String, String> ROWS_CHANGE =
            Map.of(TableProperties.FORMAT_VERSION, "3");

    /** How files of rows end, which engines write without putting them on the disk. */
    static final String DATA = ".parquet";

    private static final String VECTORS = ".puffin";

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
    private @Nullable Path engineDirectory;
    private int contentFiles;
    private Set<Long> unlisted = Set.of();
    private boolean rebased;
    private boolean replaced;

    private StagedTable(
            UUID commit,
            TableIdentifier identifier,
            OnConflict onConflict,
            RecordingFileIO io,
            @Nullable Ref base,
            @Nullable TableMetadata baseMetadata,
            StagingOperations operations,
            Transaction transaction) {
        this.commit = commit;
        this.identifier = identifier;
        this.onConflict = onConflict;
        this.io = io;
        this.base = base;
        this.baseMetadata = baseMetadata;
        this.operations = operations;
        this.transaction = (BaseTransaction) transaction;
    }

    static StagedTable changing(
            UUID commit,
            TableIdentifier identifier,
            OnConflict onConflict,
            RecordingFileIO io,
            Ref base,
            TableMetadata metadata) {
        StagingOperations operations =
                new StagingOperations(commit, io, metadata, metadata.location());
        return new StagedTable(
                commit,
                identifier,
                onConflict,
                io,
                base,
                metadata,
                operations,
                Transactions.newTransaction(identifier.toString(), operations));
    }

    static StagedTable creating(
            UUID commit, TableIdentifier identifier, RecordingFileIO io, TableMetadata metadata) {
        StagingOperations operations = new StagingOperations(commit, io, null, metadata.location());
        return new StagedTable(
                commit,
                identifier,
                OnConflict.FAIL,
                io,
                null,
                null,
                operations,
                Transactions.createTableTransaction(identifier.toString(), operations, metadata));
    }

    static StagedTable replacing(
            UUID commit,
            TableIdentifier identifier,
            RecordingFileIO io,
            Ref base,
            TableMetadata metadata,
            Schema schema,
            PartitionSpec spec) {
        StagingOperations operations =
                new StagingOperations(commit, io, metadata, metadata.location());
        TableMetadata replacement =
                metadata.buildReplacement(
                        schema, spec, SortOrder.unsorted(), metadata.location(), Map.of());
        StagedTable table =
                new StagedTable(
                        commit,
                        identifier,
                        OnConflict.FAIL,
                        io,
                        base,
                        metadata,
                        operations,
                        Transactions.replaceTableTransaction(
                                identifier.toString(), operations, replacement));
        table.replaced = true;
        return table;
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
     * A new file's place in the table's data folder. It is the commit's from now on: put where it
     * stays before it commits, deleted if it can't.
     *
     * @param partition the partition's path, or empty
     */
    public Path newDataFile(String partition) {
        String folder = dataFolder() + (partition.isEmpty() ? "" : "/" + partition);
        String location = newContent(folder, DATA);
        LocalFileIO.createDirectories(io.files().path(folder));
        io.record(location);
        return io.files().path(location);
    }

    private String dataFolder() {
        return transaction.currentMetadata().location() + "/data";
    }

    private String newContent(String folder, String ending) {
        return "%s/%s-%d%s".formatted(folder, commit, contentFiles++, ending);
    }

    /** Whether a file holds rows or says which are deleted, and is no metadata. */
    static boolean isContent(String location) {
        return location.endsWith(DATA) || location.endsWith(VECTORS);
    }

    /**
     * The folder for files that an engine names itself; each name begins with the commit's id, and
     * each file is then {@link #adopt adopted}.
     */
    public Path dataDirectory() {
        Path folder = io.files().path(dataFolder());
        LocalFileIO.createDirectories(folder);
        engineDirectory = folder;
        return folder;
    }

    /** Deletes all that the commit wrote here, files of an engine that weren't adopted too. */
    void discard() {
        if (engineDirectory != null) {
            try (DirectoryStream<Path> files =
                    Files.newDirectoryStream(engineDirectory, commit + "*")) {
                files.forEach(file -> io.record(io.files().location(file)));
            } catch (IOException e) {
                throw new UncheckedIOException("can't list " + engineDirectory, e);
            }
        }
        io.discardExcept(Set.of());
    }

    /**
     * Takes over a complete Parquet file of an unpartitioned table, as if it had been written to
     * {@link #newDataFile}; its metrics are read from its footer.
     */
    public DataFile adopt(Path file) {
        String location = location(file);
        io.record(location);
        InputFile input = new LocalFileIO().newInputFile(file.toString());
        return DataFiles.builder(PartitionSpec.unpartitioned())
                .withPath(location)
                .withFileSizeInBytes(input.getLength())
                .withFormat(FileFormat.PARQUET)
                .withMetrics(
                        ParquetUtil.fileMetrics(input, MetricsConfig.forTable(transaction.table())))
                .build();
    }

    /** What names a file of {@link #newDataFile} in the table. */
    public String location(Path file) {
        return io.files().location(file);
    }

    /** Adds files. */
    public void append(List<DataFile> files) {
        AppendFiles append = transaction.newAppend();
        files.forEach(append::appendFile);
        append.scanManifestsWith(Direct.EXECUTOR).writeManifestsWith(Direct.EXECUTOR, 1).commit();
    }

    /** Makes {@code files} all that the table holds. */
    public void replaceAll(List<DataFile> files) {
        OverwriteFiles overwrite =
                transaction.newOverwrite().overwriteByRowFilter(Expressions.alwaysTrue());
        files.forEach(overwrite::addFile);
        overwrite
                .scanManifestsWith(Direct.EXECUTOR)
                .writeManifestsWith(Direct.EXECUTOR, 1)
                .commit();
    }

    /**
     * Makes what is left of {@code files} all that the table holds. Of a table with {@link
     * #ROWS_CHANGE}, staged with {@link OnConflict#FAIL}.
     *
     * @param read the state that the table has now
     * @param deleted by the location of one of the files, positions of some of its rows, but not
     *     all, that it is without
     * @throws LakeException COMMIT_CONFLICT if the table is in another state
     */
    public void replaceAll(PinnedTable read, List<DataFile> files, Map<String, BitSet> deleted) {
        requireChangeable(read);
        RowDelta delta = transaction.newRowDelta();
        new RowChange(read, io).deleteAll(delta);
        files.forEach(delta::addRows);
        RowChange.ofAdded(files, io)
                .delete(
                        deleted,
                        delta,
                        transaction.currentMetadata().specsById(),
                        () -> io.newOutputFile(newContent(dataFolder(), VECTORS)));
        delta.scanManifestsWith(Direct.EXECUTOR).writeManifestsWith(Direct.EXECUTOR, 1).commit();
    }

    private void requireChangeable(PinnedTable read) {
        if (onConflict != OnConflict.FAIL || transaction.currentMetadata().formatVersion() < 3) {
            throw new IllegalStateException(
                    "rows can be deleted only of a table of format version 3, staged to fail on conflicts: "
                            + identifier);
        }
        if (base == null || !base.metadataLocation().equals(read.metadataLocation())) {
            throw new LakeException(
                    ErrorCode.COMMIT_CONFLICT,
                    "%s was changed since the rows to delete were found".formatted(identifier));
        }
    }

    /** Makes the table one with {@link #ROWS_CHANGE}, if it isn't; its files stay as they are. */
    public void letRowsLeave() {
        if (transaction.currentMetadata().formatVersion() < 3) {
            transaction.updateProperties().set(TableProperties.FORMAT_VERSION, "3").commit();
        }
    }

    /**
     * Adds files and deletes rows of others, in one snapshot; a file all of whose rows are deleted
     * leaves the table. Of a table with {@link #ROWS_CHANGE}, staged with {@link OnConflict#FAIL}.
     *
     * @param read the state that the positions are of, in which the table must still be
     * @param deleted by a file's location, positions of its rows, counted from 0
     * @throws IllegalArgumentException if a file isn't the table's, has no row at a position, or
     *     that row was deleted before
     * @throws LakeException COMMIT_CONFLICT if the table is in another state
     */
    public void change(PinnedTable read, List<DataFile> added, Map<String, BitSet> deleted) {
        if (deleted.values().stream().allMatch(BitSet::isEmpty)) {
            append(added);
            return;
        }
        Snapshot snapshot = transaction.currentMetadata().currentSnapshot();
        requireChangeable(read);
        if (snapshot == null) {
            throw new IllegalStateException("there are no rows to delete: " + identifier);
        }
        RowDelta delta =
                transaction
                        .newRowDelta()
                        .validateFromSnapshot(snapshot.snapshotId())
                        .validateDeletedFiles();
        added.forEach(delta::addRows);
        new RowChange(read, io)
                .delete(
                        deleted,
                        delta,
                        transaction.currentMetadata().specsById(),
                        () -> io.newOutputFile(newContent(dataFolder(), VECTORS)));
        delta.scanManifestsWith(Direct.EXECUTOR).writeManifestsWith(Direct.EXECUTOR, 1).commit();
    }

    /**
     * Puts files with the same rows in the place of others; readers of changes skip it.
     *
     * @param read the state whose rows were copied
     * @throws LakeException COMMIT_CONFLICT if a row that was copied was deleted since
     */
    public void rewrite(PinnedTable read, List<DataFile> replaced, List<DataFile> files) {
        RewriteFiles rewrite = transaction.newRewrite();
        read.snapshot().ifPresent(known -> rewrite.validateFromSnapshot(known.snapshotId()));
        Map<String, DeletedRows> deleted = read.deleted();
        for (DataFile file : replaced) {
            rewrite.deleteFile(file);
            DeletedRows rows = deleted.get(file.location());
            if (rows != null) {
                rewrite.deleteFile(rows.vector());
            }
        }
        files.forEach(rewrite::addFile);
        try {
            rewrite.scanManifestsWith(Direct.EXECUTOR)
                    .writeManifestsWith(Direct.EXECUTOR, 1)
                    .commit();
        } catch (ValidationException e) {
            throw excluded(identifier, e);
        }
    }

    /**
     * Takes files out of the table, with what says which of their rows are deleted, and puts some
     * of their rows in their place.
     *
     * @param read the state of which the files are
     * @throws LakeException COMMIT_CONFLICT if one of them has left the table or a row of it was
     *     deleted since
     */
    public void withdraw(PinnedTable read, List<DataFile> gone, List<DataFile> files) {
        OverwriteFiles overwrite = transaction.newOverwrite().validateNoConflictingDeletes();
        read.snapshot().ifPresent(known -> overwrite.validateFromSnapshot(known.snapshotId()));
        Map<String, DeletedRows> deleted = read.deleted();
        DeleteFileSet vectors = DeleteFileSet.create();
        for (DataFile file : gone) {
            DeletedRows rows = deleted.get(file.location());
            if (rows != null) {
                vectors.add(rows.vector());
            }
        }
        overwrite.deleteFiles(DataFileSet.of(gone), vectors);
        files.forEach(overwrite::addFile);
        try {
            overwrite
                    .scanManifestsWith(Direct.EXECUTOR)
                    .writeManifestsWith(Direct.EXECUTOR, 1)
                    .commit();
        } catch (ValidationException e) {
            throw excluded(identifier, e);
        }
    }

    static LakeException excluded(TableIdentifier table, ValidationException why) {
        return new LakeException(
                ErrorCode.COMMIT_CONFLICT,
                table + " was changed in a way that excludes this commit: " + why.getMessage(),
                why);
    }

    /**
     * Leaves snapshots out of those that the table's metadata lists; their files stay. Not the one
     * whose rows the table has.
     */
    public void unlistSnapshots(Set<Long> snapshots) {
        unlisted = Set.copyOf(snapshots);
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
        Long parent = before == null ? null : Long.valueOf(before.snapshotId());
        boolean continues = !snapshot || java.util.Objects.equals(after.parentId(), parent);
        if (!continues && !replaced) {
            throw new IllegalStateException(
                    "one commit makes one snapshot of " + identifier + " at most");
        }
        String operation =
                replaced
                        ? DataOperations.OVERWRITE
                        : snapshot ? after.operation() : baseMetadata == null ? "create" : "schema";
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

    private TableMetadata bounded(TableMetadata all) {
        TableMetadata metadata =
                unlisted.isEmpty()
                        ? all
                        : TableMetadata.buildFrom(all).removeSnapshots(unlisted).build();
        int surplus = metadata.snapshots().size() - LISTED_SNAPSHOTS;
        if (surplus <= 0) {
            return metadata;
        }
        Set<Long> named =
                metadata.refs().values().stream()
                        .map(SnapshotRef::snapshotId)
                        .collect(Collectors.toSet());
        List<Long> oldest =
                metadata.snapshots().stream()
                        .filter(snapshot -> !named.contains(snapshot.snapshotId()))
                        .sorted(java.util.Comparator.comparingLong(Snapshot::sequenceNumber))
                        .limit(surplus)
                        .map(Snapshot::snapshotId)
                        .toList();
        return TableMetadata.buildFrom(metadata).removeSnapshots(oldest).build();
    }
}
