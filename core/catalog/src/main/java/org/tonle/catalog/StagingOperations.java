package org.tonle.catalog;

import java.util.UUID;
import org.apache.iceberg.LocationProviders;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.LocationProvider;
import org.jspecify.annotations.Nullable;

/** Table operations that only capture what would be committed, for somebody else to commit. */
public final class StagingOperations implements TableOperations {
    private final UUID commit;
    private final FileIO io;
    private final String location;
    private @Nullable TableMetadata current;

    /**
     * @param commit with which the names of new metadata begin
     * @param base what the change starts from; null for a table that this commit creates
     * @param location where the table lies
     */
    public StagingOperations(
            UUID commit, FileIO io, @Nullable TableMetadata base, String location) {
        this.commit = commit;
        this.io = io;
        this.current = base;
        this.location = location;
    }

    void rebase(TableMetadata base) {
        current = base;
    }

    @Override
    @SuppressWarnings("NullAway") // null stands for a table that isn't there yet, as Iceberg has it
    public TableMetadata current() {
        return current;
    }

    @Override
    public TableMetadata refresh() {
        return current();
    }

    @Override
    public void commit(@Nullable TableMetadata base, TableMetadata metadata) {
        current = metadata;
    }

    @Override
    public FileIO io() {
        return io;
    }

    @Override
    public String metadataFileLocation(String filename) {
        return (current == null ? location + "/metadata" : MetadataFiles.folder(current))
                + "/"
                + commit
                + "-"
                + filename;
    }

    @Override
    public LocationProvider locationProvider() {
        return LocationProviders.locationsFor(
                location, current == null ? java.util.Map.of() : current.properties());
    }
}
