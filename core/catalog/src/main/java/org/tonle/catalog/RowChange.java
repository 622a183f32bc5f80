package org.tonle.catalog;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.RowDelta;
import org.apache.iceberg.deletes.DVFileWriter;
import org.apache.iceberg.deletes.Deletes;
import org.apache.iceberg.encryption.EncryptionUtil;
import org.apache.iceberg.io.DeleteWriteResult;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.OutputFile;

/** Rows taken out of a table's files, as deletion vectors or, where all of a file go, with it. */
final class RowChange {
    private final String read;
    private final FileIO io;
    private final Map<String, DataFile> files;
    private final Map<String, DeletedRows> before;

    /**
     * @param read the state that the positions are of
     */
    RowChange(PinnedTable read, FileIO io) {
        this(
                "%s at %s".formatted(read.identifier(), read.metadataLocation()),
                read.files(),
                read.deleted(),
                io);
    }

    private RowChange(
            String read, List<DataFile> files, Map<String, DeletedRows> before, FileIO io) {
        this.read = read;
        this.io = io;
        this.files =
                files.stream().collect(Collectors.toMap(DataFile::location, Function.identity()));
        this.before = before;
    }

    /** The same of files that no state has yet, since they are added with the same change. */
    static RowChange ofAdded(List<DataFile> files, FileIO io) {
        return new RowChange("this commit", files, Map.of(), io);
    }

    /** Adds to {@code delta} that all files leave, and what is deleted of them. */
    void deleteAll(RowDelta delta) {
        files.values().forEach(delta::removeRows);
        before.values().forEach(known -> delta.removeDeletes(known.vector()));
    }

    /**
     * Adds the deletes to {@code delta}.
     *
     * @param vectors gives the file for new vectors, if there are any
     */
    void delete(
            Map<String, BitSet> deleted,
            RowDelta delta,
            Map<Integer, PartitionSpec> specs,
            Supplier<OutputFile> vectors) {
        Map<DataFile, BitSet> inPart = new LinkedHashMap<>();
        deleted.forEach((location, positions) -> {
            if (positions.isEmpty()) {
                return;
            }
            DataFile file = checked(location, positions);
            DeletedRows known = before.get(location);
            if (positions.cardinality() + (known == null ? 0 : known.count())
                    == file.recordCount()) {
                delta.removeRows(file);
                if (known != null) {
                    delta.removeDeletes(known.vector());
                }
            } else {
                inPart.put(file, positions);
            }
        });
        if (!inPart.isEmpty()) {
            DeleteWriteResult written = write(inPart, specs, vectors);
            written.deleteFiles().forEach(delta::addDeletes);
            written.rewrittenDeleteFiles().forEach(delta::removeDeletes);
        }
    }

    private DeleteWriteResult write(
            Map<DataFile, BitSet> deleted,
            Map<Integer, PartitionSpec> specs,
            Supplier<OutputFile> vectors) {
        DVFileWriter writer =
                Deletes.writeDVs(
                        EncryptionUtil.plainAsEncryptedOutput(vectors.get()),
                        location -> {
                            DeletedRows known = before.get(location);
                            return known == null ? null : DeletionVectors.index(io, known.vector());
                        });
        try (writer) {
            deleted.forEach((file, positions) -> {
                PartitionSpec spec = specs.get(file.specId());
                positions.stream()
                        .forEach(position ->
                                writer.delete(file.location(), position, spec, file.partition()));
            });
        } catch (IOException e) {
            throw new UncheckedIOException("can't write which rows are deleted", e);
        }
        return writer.result();
    }

    private DataFile checked(String location, BitSet positions) {
        DataFile file = files.get(location);
        if (file == null) {
            throw new IllegalArgumentException("%s is no file of %s".formatted(location, read));
        }
        if (positions.length() > file.recordCount()) {
            throw new IllegalArgumentException(
                    "%s has %d rows, so that none at position %d can be deleted"
                            .formatted(location, file.recordCount(), positions.length() - 1));
        }
        DeletedRows known = before.get(location);
        if (known != null) {
            BitSet twice = known.positions();
            twice.and(positions);
            if (!twice.isEmpty()) {
                throw new IllegalArgumentException(
                        "the row of %s at position %d was deleted before"
                                .formatted(location, twice.nextSetBit(0)));
            }
        }
        return file;
    }
}
