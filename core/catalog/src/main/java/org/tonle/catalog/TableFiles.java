package org.tonle.catalog;

import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.function.Supplier;
import org.apache.iceberg.io.FileIO;

/**
 * The files of the lake's tables: each lies at a location, where it stays as it is, and is read and
 * written on this machine by a path. Which path a location has never changes. Thread-safe.
 *
 * <p>What a storage refuses is {@link org.tonle.spi.LakeException} STORAGE.
 */
public interface TableFiles {
    /** All files by their location; what is written through it lies there when it is closed. */
    FileIO io();

    /** Where tables are made, without a slash at its end. */
    String root();

    /** The directory that all paths lie in. */
    Path folder();

    /**
     * The path that a location has; there may be nothing there yet.
     *
     * @throws org.tonle.spi.LakeException STORAGE if it has none
     */
    Path path(String location);

    /** The location of a path below {@link #folder}. */
    String location(Path path);

    /**
     * Puts a complete file that was written to its path where its location says, for good: whatever
     * names it may be committed when this returns. Done again, it makes no difference.
     */
    void store(Path path);

    /** Removes a file, if it is there. */
    void delete(String location);

    /**
     * Sees to it that the files are complete at their paths, until what is returned is closed.
     * Paths that lie elsewhere, and files that aren't stored yet, are whoever wrote them's.
     *
     * @param timeout how long that may take
     * @throws org.tonle.spi.LakeException TIMEOUT; CANCELLED as soon as the thread is interrupted.
     *     Nothing is held then.
     */
    Held hold(Collection<Path> paths, Duration timeout);

    /** The same, however long it takes. */
    default Held hold(Collection<Path> paths) {
        return hold(paths, ChronoUnit.FOREVER.getDuration());
    }

    /** Whether a file is complete at its path now, or needn't be brought there. */
    boolean isHere(Path path);

    /** Does what reads the files, {@link #hold held} meanwhile. */
    default <T> T with(Collection<Path> paths, Supplier<T> reading) {
        Held held = hold(paths);
        try {
            return reading.get();
        } finally {
            held.close();
        }
    }

    /** Files that stay at their paths. */
    interface Held extends AutoCloseable {
        @Override
        void close();
    }
}
