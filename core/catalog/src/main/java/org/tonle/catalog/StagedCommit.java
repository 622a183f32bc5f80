package org.tonle.catalog;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.Lock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.ValidationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.PointerMove;
import org.tonle.ledger.Ref;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/**
 * Changes to several tables that become visible together. Everything is written before the ledger
 * is asked, under names that carry the commit's id; used by one thread.
 *
 * <p>{@code close()} before {@link #publish} succeeded deletes all that was written, unless the
 * outcome is unknown.
 */
public final class StagedCommit implements AutoCloseable {
    /** Reached while a commit is prepared and after it happened. */
    public static final List<String> FAIL_POINTS =
            List.of("stage.after-metadata", "stage.after-sync", "stage.after-publish");

    private static final Logger log = LoggerFactory.getLogger(StagedCommit.class);

    /** How often a commit is prepared again because a table moved. */
    private static final int ATTEMPTS = 20;

    private final LakeCatalog catalog;
    private final UUID id;
    private final FailPoints failPoints;
    private final Consumer<UUID> ended;
    private final List<StagedTable> tables = new ArrayList<>();
    private boolean decided;

    /** A staged table with the metadata that this attempt made of it. */
    private record Prepared(StagedTable table, TableMetadata metadata, PointerMove move) {
        String location() {
            return String.valueOf(move.after());
        }
    }

    StagedCommit(LakeCatalog catalog, UUID id, FailPoints failPoints, Consumer<UUID> ended) {
        this.catalog = catalog;
        this.id = id;
        this.failPoints = failPoints;
        this.ended = ended;
    }

    public UUID id() {
        return id;
    }

    /**
     * Stages changes to a table as it is now.
     *
     * @throws LakeException NOT_FOUND
     */
    public StagedTable table(TableIdentifier identifier, StagedTable.OnConflict onConflict) {
        return table(catalog.liveRef(identifier), onConflict);
    }

    /** Stages changes to a table as {@code base} says it is; a newer one is a conflict. */
    public StagedTable table(Ref base, StagedTable.OnConflict onConflict) {
        return add(
                StagedTable.changing(
                        id,
                        Names.identifier(base.namespace(), base.name()),
                        onConflict,
                        new RecordingFileIO(catalog.files()),
                        base,
                        catalog.metadata().read(base.metadataLocation())));
    }

    /**
     * Stages a new table; its namespace must exist when the commit happens.
     *
     * @param properties Iceberg's, {@link StagedTable#ROWS_CHANGE} among them where rows will be
     *     deleted
     */
    public StagedTable create(
            TableIdentifier identifier,
            Schema schema,
            PartitionSpec spec,
            Map<String, String> properties) {
        return create(
                identifier,
                location -> TableMetadata.newTableMetadata(schema, spec, location, properties));
    }

    /**
     * The same of a table that has a form already, ids of its columns and partitions among it.
     *
     * @param form given the table's place, without snapshots
     */
    public StagedTable create(TableIdentifier identifier, Function<String, TableMetadata> form) {
        return add(
                StagedTable.creating(
                        id,
                        identifier,
                        new RecordingFileIO(catalog.files()),
                        form.apply(catalog.newLocation(identifier))));
    }

    /**
     * Stages the table anew: other columns, no rows, the same identity and history. What reads its
     * changes sees an overwrite.
     */
    public StagedTable replace(TableIdentifier identifier, Schema schema, PartitionSpec spec) {
        Ref base = catalog.liveRef(identifier);
        return add(
                StagedTable.replacing(
                        id,
                        identifier,
                        new RecordingFileIO(catalog.files()),
                        base,
                        catalog.metadata().read(base.metadataLocation()),
                        schema,
                        spec));
    }

    private StagedTable add(StagedTable table) {
        tables.add(table);
        return table;
    }

    /**
     * Commits the staged changes and the parts of {@code request}, all or nothing.
     *
     * @return the commit's sequence number
     * @throws CommitConflictException if it did not happen because something had moved
     * @throws LakeException COMMIT_UNKNOWN if it may have happened; what was written stays
     */
    public long publish(CommitRequest.Builder request) {
        List<Lock> locks = catalog.locks(tables.stream().map(StagedTable::uuid).toList());
        locks.forEach(Lock::lock);
        try {
            CommitRequest parts = request.build();
            if (!parts.id().equals(id)) {
                throw new IllegalArgumentException("the request is of another commit");
            }
            for (int attempt = 0; ; attempt++) {
                List<Prepared> prepared = prepare(attempt);
                try {
                    long seq =
                            catalog.ledger()
                                    .commit(
                                            parts.withPointers(
                                                    prepared.stream()
                                                            .map(Prepared::move)
                                                            .toList()));
                    decided = true;
                    failPoints.reach("stage.after-publish");
                    prepared.forEach(this::tidy);
                    return seq;
                } catch (CommitConflictException conflict) {
                    prepared.forEach(each -> catalog.metadata().forget(each.location()));
                    if (conflict.reason() != CommitConflictException.Reason.POINTER
                            || attempt == ATTEMPTS
                            || !rebase()) {
                        throw conflict;
                    }
                } catch (RuntimeException | Error e) {
                    // what wasn't refused may have happened: what was written stays
                    decided = true;
                    throw e;
                }
            }
        } finally {
            locks.reversed().forEach(Lock::unlock);
        }
    }

    private List<Prepared> prepare(int attempt) {
        List<Prepared> prepared = new ArrayList<>();
        for (StagedTable table : tables) {
            TableMetadata metadata = prepareMetadata(table);
            String location = MetadataFiles.location(metadata, table.nextVersion(), id, attempt);
            TableMetadata written = catalog.metadata().write(metadata, table.io(), location);
            prepared.add(new Prepared(table, written, table.move(written, location)));
        }
        failPoints.reach("stage.after-metadata");
        if (attempt == 0) {
            // metadata is there for good once it is written; engines write data files themselves
            for (StagedTable table : tables) {
                for (String created : table.io().created()) {
                    if (created.endsWith(StagedTable.DATA)) {
                        catalog.files().store(catalog.files().path(created));
                    }
                }
            }
        }
        failPoints.reach("stage.after-sync");
        return prepared;
    }

    private static TableMetadata prepareMetadata(StagedTable table) {
        try {
            return table.prepared();
        } catch (ValidationException e) {
            throw StagedTable.excluded(table.identifier(), e);
        }
    }

    /** Takes newer bases where tables moved; false if one may not be re-applied. */
    private boolean rebase() {
        for (StagedTable table : tables) {
            TableMetadata base = table.baseMetadata();
            if (base == null) {
                continue;
            }
            Ref live = catalog.liveRef(table.identifier());
            if (live.metadataLocation().equals(base.metadataFileLocation())) {
                continue;
            }
            TableMetadata newer = catalog.metadata().read(live.metadataLocation());
            if (table.onConflict() == StagedTable.OnConflict.FAIL
                    || !live.table().equals(table.uuid())
                    || newer.currentSchemaId() != base.currentSchemaId()
                    || newer.defaultSpecId() != base.defaultSpecId()) {
                return false;
            }
            table.rebase(live, newer);
        }
        return true;
    }

    /** The commit has happened: whatever goes wrong now costs some files, and is no failure. */
    private void tidy(Prepared prepared) {
        try {
            discardUnreached(prepared);
        } catch (RuntimeException e) {
            log.warn("files of commit {} that nothing names may be left: {}", id, e.toString());
        }
    }

    /** Earlier attempts leave metadata, and merging appends leave manifests, that nothing names. */
    private void discardUnreached(Prepared prepared) {
        RecordingFileIO io = prepared.table().io();
        List<String> created = io.created();
        Set<String> kept = new HashSet<>();
        kept.add(prepared.location());
        Snapshot snapshot = prepared.metadata().currentSnapshot();
        if (snapshot != null) {
            kept.add(snapshot.manifestListLocation());
        }
        List<String> doubtful =
                created.stream()
                        .filter(location -> !StagedTable.isContent(location))
                        .filter(location -> !kept.contains(location))
                        .toList();
        created.stream().filter(StagedTable::isContent).forEach(kept::add);
        if (doubtful.size() == 1 && !doubtful.getFirst().endsWith(".json")) {
            kept.addAll(doubtful); // the one manifest of an append
        } else if (snapshot != null && !doubtful.isEmpty()) {
            snapshot.allManifests(catalog.io()).stream().map(ManifestFile::path).forEach(kept::add);
        }
        io.discardExcept(kept);
    }

    @Override
    public void close() {
        try {
            if (!decided) {
                decided = true;
                tables.forEach(StagedTable::discard);
            }
        } finally {
            ended.accept(id);
        }
    }
}
