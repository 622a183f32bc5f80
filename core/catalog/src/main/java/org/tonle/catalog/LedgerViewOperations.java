package org.tonle.catalog;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.CommitStateUnknownException;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.exceptions.NoSuchViewException;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.view.BaseViewOperations;
import org.apache.iceberg.view.ViewMetadata;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest.PointerMove;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** One view for Iceberg's API: its pointer is the ledger's. */
final class LedgerViewOperations extends BaseViewOperations {
    private final LedgerCatalog catalog;
    private final LakeCatalog lake;
    private final TableIdentifier identifier;

    LedgerViewOperations(LedgerCatalog catalog, LakeCatalog lake, TableIdentifier identifier) {
        this.catalog = catalog;
        this.lake = lake;
        this.identifier = identifier;
    }

    @Override
    protected String viewName() {
        return catalog.name() + "." + identifier;
    }

    @Override
    protected FileIO io() {
        return lake.io();
    }

    @Override
    protected void doRefresh() {
        Optional<Ref> live = catalog.ref(identifier, RefKind.VIEW);
        if (live.isEmpty()) {
            if (currentMetadataLocation() != null) {
                throw new NoSuchViewException("View does not exist: %s", identifier);
            }
            disableRefresh();
            return;
        }
        refreshFromMetadataLocation(live.get().metadataLocation(), null, 0);
    }

    @Override
    protected void doCommit(@Nullable ViewMetadata base, ViewMetadata metadata) {
        if (base == null) {
            catalog.requireNamespace(identifier.namespace());
            catalog.anyRef(identifier)
                    .ifPresent(taken -> {
                        throw LedgerCatalog.taken(RefKind.VIEW, taken.kind(), identifier);
                    });
        }
        String location = writeNewMetadataIfRequired(metadata);
        boolean keep = false;
        try {
            catalog.commit(
                    "iceberg",
                    new PointerMove(
                            UUID.fromString(metadata.uuid()),
                            RefKind.VIEW,
                            Names.encode(identifier.namespace()),
                            identifier.name(),
                            base == null ? null : base.metadataFileLocation(),
                            location,
                            base == null ? "create" : "replace",
                            OptionalLong.empty()));
            keep = true;
        } catch (CommitConflictException e) {
            throw switch (e.reason()) {
                case ALREADY_EXISTS -> LedgerCatalog.taken(RefKind.VIEW, RefKind.VIEW, identifier);
                case NOT_FOUND ->
                        new NoSuchNamespaceException(
                                "Namespace does not exist: %s", identifier.namespace());
                case POINTER, POSITION, REQUIREMENT, LEASE, CLOSED, NOT_EMPTY ->
                        new CommitFailedException(
                                e, "Cannot commit to view %s: it has moved", identifier);
            };
        } catch (LakeException e) {
            if (e.code() == ErrorCode.COMMIT_UNKNOWN) {
                keep = true;
                throw new CommitStateUnknownException(e);
            }
            throw e;
        } finally {
            if (!keep) {
                io().deleteFile(location);
            }
        }
    }
}
