package org.tonle.files;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Brings whole files into the lake's storage, on from where an earlier attempt broke off: of the
 * same version, whether a connection broke or the lake was killed.
 */
final class FileFetch {
    /** How often in a row a read may bring nothing. */
    private static final int MOST_TRIES = 4;

    private final FileOrigin origin;
    private final ObjectFolder folder;

    FileFetch(FileOrigin origin, ObjectFolder folder) {
        this.origin = origin;
        this.folder = folder;
    }

    /**
     * A file that can be read on this machine as often as need be.
     *
     * @param part what holds it; empty if it lies where it was found
     */
    record Fetched(Path path, String sha256, Optional<ObjectFolder.Part> part)
            implements Closeable {
        static Fetched inPlace(Path path) throws IOException {
            return new Fetched(path, Checksum.of(path), Optional.empty());
        }

        /**
         * Reads it anew, to know whether its bytes were at fault.
         *
         * @throws IOException if they can't be read or are others now, and so weren't
         */
        void requireSame(IOException why) throws IOException {
            if (!Checksum.of(path).equals(sha256)) {
                throw why;
            }
        }

        /** What was fetched only to be read isn't needed any more. */
        @Override
        public void close() throws IOException {
            if (part.isPresent()) {
                part.get().delete();
            }
        }
    }

    /**
     * Fetches a file.
     *
     * @throws NoSuchFileException if it isn't there any more, or is another one now
     * @throws RefusedFileException if it may not be read
     */
    Fetched of(FileOrigin.Found found) throws IOException {
        ObjectFolder.Part part = folder.part(part(found), found.size());
        boolean whole = false;
        try {
            fill(part, found);
            whole = true;
            return new Fetched(part.path(), part.sha256(), Optional.of(part));
        } catch (NoSuchFileException | RefusedFileException e) {
            part.delete();
            throw e;
        } finally {
            if (!whole) {
                part.close();
            }
        }
    }

    /** The part that a file is written to: another one, if it is another file. */
    static String part(FileOrigin.Found found) {
        return Checksum.of(found.name() + "\n" + found.state());
    }

    private void fill(ObjectFolder.Part part, FileOrigin.Found found) throws IOException {
        byte[] buffer = new byte[Checksum.BUFFER];
        int tries = 0;
        while (part.size() < found.size()) {
            long before = part.size();
            IOException broken = null;
            try (InputStream in = origin.open(found, before)) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    if (part.size() + n > found.size()) {
                        throw new NoSuchFileException(found.name());
                    }
                    part.write(buffer, n);
                }
            } catch (NoSuchFileException | RefusedFileException e) {
                throw e;
            } catch (IOException e) {
                broken = e;
            }
            tries = part.size() > before ? 0 : tries + 1;
            if (tries >= MOST_TRIES) {
                throw new IOException(
                        "%s ends after %d of %d bytes"
                                .formatted(found.name(), part.size(), found.size()),
                        broken);
            }
        }
        if (!origin.isStill(found)) {
            throw new NoSuchFileException(found.name());
        }
    }
}
