package org.tonle.catalog;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ManifestReader;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.deletes.PositionDeleteIndex;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.SeekableInputStream;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** The deletion vectors of tables. What was written never changes, so that it is read once. */
final class DeletionVectors {
    /** Of positions in memory; a row of a file that has deleted ones takes a bit. */
    private static final long MOST_BYTES = 32L << 20;

    private final FileIO io;
    private final Cache<String, List<DeleteFile>> manifests =
            Caffeine.newBuilder()
                    .maximumWeight(100_000)
                    .weigher((String location, List<DeleteFile> list) -> list.size() + 1)
                    .build();
    private final Cache<String, BitSet> positions =
            Caffeine.newBuilder()
                    .maximumWeight(MOST_BYTES)
                    .weigher((String name, BitSet bits) -> bits.size() / 8 + 100)
                    .build();

    DeletionVectors(FileIO io) {
        this.io = io;
    }

    /**
     * What the manifests say is deleted, by the location of the data file.
     *
     * @throws LakeException UNSUPPORTED_SQL if it is said in another way than by deletion vectors
     */
    Map<String, DeletedRows> of(List<ManifestFile> deletes, TableMetadata table) {
        Map<String, DeletedRows> deleted = new HashMap<>();
        for (ManifestFile manifest : deletes) {
            for (DeleteFile vector :
                    manifests.get(manifest.path(), path -> read(manifest, table))) {
                String name = vector.location() + "@" + vector.contentOffset();
                deleted.put(
                        String.valueOf(vector.referencedDataFile()),
                        DeletedRows.of(
                                name,
                                vector,
                                () -> positions.get(name, key -> positions(io, vector))));
            }
        }
        return deleted;
    }

    private List<DeleteFile> read(ManifestFile manifest, TableMetadata table) {
        List<DeleteFile> vectors = new ArrayList<>();
        try (ManifestReader<DeleteFile> reader =
                ManifestFiles.readDeleteManifest(manifest, io, table.specsById())) {
            for (DeleteFile file : reader) {
                if (file.format() != FileFormat.PUFFIN) {
                    throw new LakeException(
                            ErrorCode.UNSUPPORTED_SQL,
                            "The table at %s holds %s in %s files, which can't be read: only deletion vectors can. Rewrite it with the engine that wrote them."
                                    .formatted(table.location(), file.content(), file.format()));
                }
                vectors.add(file.copyWithoutStats());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + manifest.path(), e);
        }
        return List.copyOf(vectors);
    }

    private static BitSet positions(FileIO io, DeleteFile vector) {
        BitSet bits = new BitSet();
        index(io, vector).forEach(position -> bits.set(Math.toIntExact(position)));
        return bits;
    }

    /** A vector as Iceberg has it, which knows where it stood; its checksum is compared. */
    static PositionDeleteIndex index(FileIO io, DeleteFile vector) {
        byte[] bytes = new byte[Math.toIntExact(vector.contentSizeInBytes())];
        try (SeekableInputStream in = io.newInputFile(vector.location()).newStream()) {
            in.seek(vector.contentOffset());
            int read = in.readNBytes(bytes, 0, bytes.length);
            if (read < bytes.length) {
                throw new IOException("it ends after %d of %d bytes".formatted(read, bytes.length));
            }
            return PositionDeleteIndex.deserialize(bytes, vector);
        } catch (IOException | RuntimeException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "Can't read which rows %s deletes: %s. Restore that file; nothing of the table is read without it."
                            .formatted(vector.location(), e.getMessage()),
                    e);
        }
    }
}
