package org.tonle.catalog;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.apache.iceberg.MetadataUpdate;
import org.apache.iceberg.RetryableValidationException;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.UpdateRequirement;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.TableRequirement;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;

/**
 * Changes of tables as Iceberg's REST protocol sends them: what has to hold, and what to change.
 * All of it is one commit of the ledger, the tables that are only asked about included, and it is
 * never prepared again: if one of the tables has moved meanwhile, nothing has happened.
 */
public final class TableUpdates {
    /** Properties by which a table or a view says that files of its lie elsewhere. */
    public static final List<String> PLACES =
            List.of(
                    TableProperties.WRITE_METADATA_LOCATION,
                    TableProperties.WRITE_DATA_LOCATION,
                    // older names of the same, which are read still
                    "write.object-storage.path",
                    "write.folder-storage.path");

    private final LakeCatalog lake;
    private final LedgerCatalog catalog;
    private final Confinement confinement;

    /** What is to happen to one table. */
    public record Update(
            TableIdentifier table,
            List<UpdateRequirement> requirements,
            List<MetadataUpdate> updates) {
        public Update {
            requirements = List.copyOf(requirements);
            updates = List.copyOf(updates);
        }

        boolean creates() {
            return requirements.stream()
                    .anyMatch(UpdateRequirement.AssertTableDoesNotExist.class::isInstance);
        }
    }

    /**
     * @param confined whether tables may only name files of their own folders, and the lake says
     *     where these are
     */
    public TableUpdates(LakeCatalog lake, LedgerCatalog catalog, boolean confined) {
        this.lake = lake;
        this.catalog = catalog;
        this.confinement = confined ? new Confinement(lake) : Confinement.NONE;
    }

    /**
     * Does all of it, or nothing.
     *
     * @return what the tables are afterwards, in the same order
     * @throws CommitFailedException if a requirement doesn't hold, or a table moved meanwhile
     * @throws IllegalArgumentException for what can't be asked
     */
    public List<TableMetadata> commit(List<Update> updates) {
        Set<TableIdentifier> named = new HashSet<>();
        for (Update update : updates) {
            if (!named.add(update.table())) {
                throw new IllegalArgumentException(
                        "one commit changes %s twice; send its changes together"
                                .formatted(update.table()));
            }
        }
        CommitRequest.Builder commit = catalog.begin("update");
        List<String> written = new ArrayList<>();
        List<TableMetadata> after = new ArrayList<>();
        boolean prepared = false;
        try {
            for (Update update : updates) {
                after.add(prepare(update, commit, written));
            }
            prepared = true;
        } finally {
            if (!prepared) {
                written.forEach(lake.io()::deleteFile);
            }
        }
        // one table that is as it is asked to be needs no commit
        if (!written.isEmpty() || updates.size() > 1) {
            catalog.publish(commit.build(), updates.getFirst().table(), written);
        }
        return List.copyOf(after);
    }

    private TableMetadata prepare(
            Update update, CommitRequest.Builder commit, List<String> written) {
        TableIdentifier table = update.table();
        @Nullable Ref ref = catalog.ref(table, RefKind.TABLE).orElse(null);
        @Nullable TableMetadata base =
                ref == null ? null : lake.metadata().read(ref.metadataLocation());
        TableMetadata updated = update.creates() ? created(update, base) : changed(update, base);
        if (base != null && updated.changes().isEmpty()) {
            commit.require(
                    new TableRequirement(
                            Names.encode(table.namespace()),
                            table.name(),
                            base.metadataFileLocation()));
            return base;
        }
        confinement.check(table, base, updated);
        String location =
                MetadataFiles.location(
                        updated, ref == null ? 0 : ref.version(), UUID.randomUUID(), 0);
        written.add(location);
        TableMetadata stored = lake.metadata().write(updated, lake.io(), location);
        commit.move(LedgerTableOperations.move(table, ref, base, updated, location));
        return stored;
    }

    private TableMetadata created(Update update, @Nullable TableMetadata base) {
        List<UpdateRequirement> others =
                update.requirements().stream()
                        .filter(r -> !(r instanceof UpdateRequirement.AssertTableDoesNotExist))
                        .toList();
        if (!others.isEmpty()) {
            throw new IllegalArgumentException(
                    "what doesn't exist can't be asked for anything else: " + update.table());
        }
        validate(update, base);
        catalog.requireFree(update.table(), RefKind.TABLE);
        TableMetadata.Builder builder =
                update.updates().stream()
                        .filter(MetadataUpdate.UpgradeFormatVersion.class::isInstance)
                        .map(MetadataUpdate.UpgradeFormatVersion.class::cast)
                        .findFirst()
                        .map(version -> TableMetadata.buildFromEmpty(version.formatVersion()))
                        .orElseGet(TableMetadata::buildFromEmpty);
        update.updates().forEach(one -> one.applyTo(builder));
        return builder.build();
    }

    private static TableMetadata changed(Update update, @Nullable TableMetadata base) {
        if (base == null) {
            throw new NoSuchTableException("Table does not exist: %s", update.table());
        }
        validate(update, base);
        TableMetadata.Builder builder = TableMetadata.buildFrom(base);
        try {
            update.updates().forEach(one -> one.applyTo(builder));
        } catch (RetryableValidationException e) {
            throw new CommitFailedException(e, "Validation failed: %s", e.getMessage());
        }
        return builder.build();
    }

    @SuppressWarnings("NullAway") // null stands for a table that isn't there yet, as Iceberg has it
    private static void validate(Update update, @Nullable TableMetadata base) {
        update.requirements().forEach(requirement -> requirement.validate(base));
    }
}
