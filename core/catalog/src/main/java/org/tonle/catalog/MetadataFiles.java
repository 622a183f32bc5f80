package org.tonle.catalog;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.UncheckedIOException;
import java.util.UUID;
import java.util.function.Supplier;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.FileIO;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Reads and writes {@code metadata.json}. A location is unique and what lies there never changes,
 * so what was written or read once needn't be read again.
 */
final class MetadataFiles {
    private final FileIO io;
    private final Cache<String, TableMetadata> cache =
            Caffeine.newBuilder().maximumSize(200).build();

    MetadataFiles(FileIO io) {
        this.io = io;
    }

    FileIO io() {
        return io;
    }

    /** Errors as of {@link #reading}. */
    TableMetadata read(String location) {
        return reading(() -> remembered(location));
    }

    private TableMetadata remembered(String location) {
        return cache.get(location, key -> TableMetadataParser.read(io, key));
    }

    /**
     * Reads of tables' metadata, whatever Iceberg throws for what can't be.
     *
     * @throws LakeException STORAGE
     */
    static <T> T reading(Supplier<T> step) {
        try {
            return step.get();
        } catch (NotFoundException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "A file that says what a table holds is gone: %s. Restore it: somebody else removed it, or the bucket's lifecycle rules did."
                            .formatted(e.getMessage()),
                    e);
        } catch (UncheckedIOException e) {
            throw LakeException.storage(e);
        }
    }

    /** Like {@link #read}; NotFoundException if the file is gone, though it is remembered. */
    TableMetadata readExisting(String location) {
        if (!io.newInputFile(location).exists()) {
            cache.invalidate(location);
        }
        return remembered(location);
    }

    /** {@code <version>-<commit>-<attempt>.metadata.json} in the table's metadata folder. */
    static String location(TableMetadata metadata, long version, UUID commit, int attempt) {
        return folder(metadata) + "/%05d-%s-%d.metadata.json".formatted(version, commit, attempt);
    }

    static String folder(TableMetadata metadata) {
        return metadata.property(
                TableProperties.WRITE_METADATA_LOCATION, metadata.location() + "/metadata");
    }

    /** Writes to {@code out}'s io; what is returned knows its own location, and is cached. */
    TableMetadata write(TableMetadata metadata, FileIO out, String location) {
        TableMetadataParser.write(metadata, out.newOutputFile(location));
        TableMetadata written =
                TableMetadata.buildFrom(metadata)
                        .withMetadataLocation(location)
                        .discardChanges()
                        .build();
        cache.put(location, written);
        return written;
    }

    void forget(String location) {
        cache.invalidate(location);
    }
}
