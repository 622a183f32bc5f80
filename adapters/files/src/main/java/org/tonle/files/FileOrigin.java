package org.tonle.files;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.tonle.spi.LakeException;

/** Where files come from: what is there, and the bytes of each. Used by one thread. */
interface FileOrigin extends Closeable {
    /**
     * A file as it was when it was listed.
     *
     * @param name its path from the origin, parted by {@code /}
     * @param version what is another one when the bytes are; empty if the origin has no such thing
     */
    record Found(String name, long size, Instant changed, Optional<String> version) {
        /** By which it is known again without being read. */
        String state() {
            return size + " " + version.orElseGet(changed::toString);
        }
    }

    /**
     * Some of what is there.
     *
     * @param next from where there is more; empty if this was all
     * @param refused names of folders that may not be looked into
     */
    record Page(List<Found> files, Optional<String> next, List<String> refused) {}

    /**
     * Sees whether it is there.
     *
     * @throws LakeException STORAGE or FORBIDDEN, what keeps it from being read
     */
    void require();

    /**
     * Lists files.
     *
     * @param from of the page before; empty to begin anew
     * @throws LakeException STORAGE or FORBIDDEN, what keeps it from being listed
     */
    Page list(Optional<String> from) throws IOException;

    /** Where a file lies, if that is on this machine. */
    Optional<Path> local(Found file);

    /**
     * Opens a file.
     *
     * @param offset how many of its bytes are passed over
     * @throws NoSuchFileException if it isn't there any more, or is another one now
     * @throws RefusedFileException if this one may not be read
     * @throws LakeException STORAGE or FORBIDDEN, what else keeps it from being read
     */
    InputStream open(Found file, long offset) throws IOException;

    /** Whether a file is still the same, behind its last byte. */
    boolean isStill(Found file) throws IOException;
}
