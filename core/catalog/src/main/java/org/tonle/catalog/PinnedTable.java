package org.tonle.catalog;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.ledger.Ref;

/** A table as it stood at one sequence number; what it reaches never changes. */
public final class PinnedTable {
    private final Ref ref;
    private final TableMetadata metadata;
    private final LakeCatalog catalog;

    PinnedTable(Ref ref, TableMetadata metadata, LakeCatalog catalog) {
        this.ref = ref;
        this.metadata = metadata;
        this.catalog = catalog;
    }

    public UUID uuid() {
        return ref.table();
    }

    public TableIdentifier identifier() {
        return Names.identifier(ref.namespace(), ref.name());
    }

    public Ref ref() {
        return ref;
    }

    public Schema schema() {
        return metadata.schema();
    }

    /** Whether its schema was ever another, so that files may hold other columns. */
    public boolean evolved() {
        return metadata.schemas().size() > 1;
    }

    public Map<String, String> properties() {
        return metadata.properties();
    }

    /** The folder of its files, as an URI or a path. */
    public String location() {
        return metadata.location();
    }

    /** Names the table's state; equal locations mean equal rows. */
    public String metadataLocation() {
        return ref.metadataLocation();
    }

    /** The table's own snapshots that its metadata still lists, the oldest first. */
    public List<Snapshot> snapshots() {
        return metadata.snapshots();
    }

    /** The snapshot whose rows it has; empty while it never had a row. */
    public Optional<Snapshot> snapshot() {
        return Optional.ofNullable(metadata.currentSnapshot());
    }

    /** The number of rows, from the metadata; of files without deletes it is exact. */
    public long records() {
        return files().stream().mapToLong(DataFile::recordCount).sum();
    }

    /**
     * All data files, in no order, without what is known of their columns.
     *
     * @throws org.tonle.spi.LakeException UNSUPPORTED_SQL if rows are deleted by delete files
     */
    public List<DataFile> files() {
        return catalog.files(metadata);
    }
}
