package org.tonle.catalog;

import java.util.BitSet;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DeleteFile;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one data file that a table's state no longer has. What they are is read when it is
 * asked for. Thread-safe.
 */
public final class DeletedRows {
    private final String name;
    private final long count;
    private final Supplier<BitSet> positions;
    private final Optional<DeleteFile> vector;

    private DeletedRows(
            String name, long count, Supplier<BitSet> positions, Optional<DeleteFile> vector) {
        this.name = name;
        this.count = count;
        this.positions = positions;
        this.vector = vector;
    }

    /** Those that a deletion vector names. */
    static DeletedRows of(String name, DeleteFile vector, Supplier<BitSet> positions) {
        return new DeletedRows(name, vector.recordCount(), positions, Optional.of(vector));
    }

    /** Those at {@code positions}, counted from 0 in the file's order. */
    public static DeletedRows of(BitSet positions) {
        BitSet own = (BitSet) positions.clone();
        return new DeletedRows(
                UUID.randomUUID().toString(), own.cardinality(), () -> own, Optional.empty());
    }

    /** How many rows of a file are left. */
    public static long left(DataFile file, @Nullable DeletedRows deleted) {
        return file.recordCount() - (deleted == null ? 0 : deleted.count());
    }

    /** The same name is of the same rows of the same file. */
    public String name() {
        return name;
    }

    /** How many there are, at least one. */
    public long count() {
        return count;
    }

    /**
     * Their positions in the file, counted from 0; the caller's own.
     *
     * @throws org.tonle.spi.LakeException STORAGE if they can't be read
     */
    public BitSet positions() {
        return (BitSet) positions.get().clone();
    }

    /** What names them in the table. */
    DeleteFile vector() {
        return vector.orElseThrow(() ->
                new IllegalStateException("the rows deleted by " + name + " are of no table"));
    }

    @Override
    public String toString() {
        return count + " rows deleted by " + name;
    }
}
