package org.tonle.catalog;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.apache.iceberg.BaseMetastoreTableOperations;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.io.FileIO;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.CommitRequest.PointerMove;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;

/** One table for Iceberg's API: its pointer is the ledger's. */
final class LedgerTableOperations extends BaseMetastoreTableOperations {
    private final LedgerCatalog catalog;
    private final LakeCatalog lake;
    private final TableIdentifier identifier;
    private @Nullable Ref ref;

    LedgerTableOperations(LedgerCatalog catalog, LakeCatalog lake, TableIdentifier identifier) {
        this.catalog = catalog;
        this.lake = lake;
        this.identifier = identifier;
    }

    @Override
    protected String tableName() {
        return catalog.name() + "." + identifier;
    }

    @Override
    public FileIO io() {
        return lake.io();
    }

    @Override
    protected void doRefresh() {
        Optional<Ref> live = catalog.ref(identifier, RefKind.TABLE);
        if (live.isEmpty()) {
            if (currentMetadataLocation() != null) {
                throw new NoSuchTableException("Table does not exist: %s", identifier);
            }
            disableRefresh();
            return;
        }
        ref = live.get();
        refreshFromMetadataLocation(
                live.get().metadataLocation(), null, 0, lake.metadata()::readExisting);
    }

    @Override
    protected void doCommit(@Nullable TableMetadata base, TableMetadata metadata) {
        if (base == null) {
            catalog.requireFree(identifier, RefKind.TABLE);
        }
        String location = writeNewMetadataIfRequired(base == null, metadata);
        catalog.publish(identifier, move(identifier, ref, base, metadata, location));
    }

    /** What a change of a table is to the ledger; without a base it is made. */
    static PointerMove move(
            TableIdentifier identifier,
            @Nullable Ref ref,
            @Nullable TableMetadata base,
            TableMetadata metadata,
            String location) {
        Snapshot before = base == null ? null : base.currentSnapshot();
        Snapshot after = metadata.currentSnapshot();
        boolean appended =
                after != null && (before == null || after.snapshotId() != before.snapshotId());
        // a replaced or rolled back table is no continuation of what its readers know
        boolean continues =
                !appended
                        || java.util.Objects.equals(
                                after.parentId(), before == null ? null : before.snapshotId());
        String operation =
                !appended
                        ? (before != null && after == null
                                ? "overwrite"
                                : base == null ? "create" : "schema")
                        : continues ? after.operation() : "overwrite";
        return new PointerMove(
                base == null || ref == null ? UUID.fromString(metadata.uuid()) : ref.table(),
                RefKind.TABLE,
                Names.encode(identifier.namespace()),
                identifier.name(),
                base == null ? null : base.metadataFileLocation(),
                location,
                operation,
                after != null && appended
                        ? OptionalLong.of(after.snapshotId())
                        : OptionalLong.empty());
    }
}
