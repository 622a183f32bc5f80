package org.tonle.catalog;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NoSuchViewException;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.view.BaseViewOperations;
import org.apache.iceberg.view.ViewMetadata;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.CommitRequest.PointerMove;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;

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
            catalog.requireFree(identifier, RefKind.VIEW);
        }
        String location = writeNewMetadataIfRequired(metadata);
        catalog.publish(
                identifier,
                new PointerMove(
                        UUID.fromString(metadata.uuid()),
                        RefKind.VIEW,
                        Names.encode(identifier.namespace()),
                        identifier.name(),
                        base == null ? null : base.metadataFileLocation(),
                        location,
                        base == null ? "create" : "replace",
                        OptionalLong.empty()));
    }
}
