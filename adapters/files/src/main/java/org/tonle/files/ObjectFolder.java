package org.tonle.files;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Where a source's objects are kept, each under the SHA-256 of its bytes and therefore once. A file
 * under that name is complete and on the disk. Beside them lie the parts that are being written,
 * each locked by the process that writes it.
 */
final class ObjectFolder {
    private static final String PART = ".part";

    private final Path folder;

    /**
     * @param folder absolute; it is made when it is needed
     */
    ObjectFolder(Path folder) {
        this.folder = folder;
    }

    /** Bytes on their way here, counted and summed. */
    static final class Part implements Closeable {
        private final Path path;
        private final FileChannel channel;
        private final MessageDigest digest = Checksum.sha256();
        private long size;

        private Part(Path path, FileChannel channel) {
            this.path = path;
            this.channel = channel;
        }

        Path path() {
            return path;
        }

        long size() {
            return size;
        }

        /** Of all its bytes; asked once. */
        String sha256() {
            return HexFormat.of().formatHex(digest.digest());
        }

        /** Counts what an earlier process left, up to as many bytes; the rest is cut off. */
        private void resume(long most) throws IOException {
            channel.truncate(Math.min(channel.size(), most));
            channel.position(0);
            byte[] buffer = new byte[Checksum.BUFFER];
            InputStream in = Channels.newInputStream(channel);
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
                size += n;
            }
        }

        void write(byte[] bytes, int length) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length);
            while (buffer.hasRemaining()) {
                var unused = channel.write(buffer);
            }
            digest.update(bytes, 0, length);
            size += length;
        }

        /** Lets go of it; what was written stays, to be gone on with. */
        @Override
        public void close() throws IOException {
            channel.close();
        }

        void delete() throws IOException {
            Files.deleteIfExists(path);
            close();
        }
    }

    /** Removes what processes left that were killed, but for what is gone on with. */
    private void sweep(Path but) throws IOException {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder, "*" + PART)) {
            for (Path path : parts) {
                if (path.equals(but)) {
                    continue;
                }
                try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                    if (lock(channel) != null) {
                        Files.deleteIfExists(path);
                    }
                } catch (NoSuchFileException e) {
                    // whoever wrote it has ended
                }
            }
        }
    }

    private static @Nullable FileLock lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    /**
     * Begins to write, or goes on; a process writes one at a time.
     *
     * @param name of the part: the same bytes have the same
     * @param most how many bytes it is to get
     * @throws LakeException IN_USE while another process writes it
     */
    Part part(String name, long most) throws IOException {
        createDirectories(folder);
        Path path = folder.resolve(name + PART);
        sweep(path);
        FileChannel channel =
                FileChannel.open(
                        path,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        try {
            if (lock(channel) == null) {
                throw new LakeException(
                        ErrorCode.IN_USE,
                        "Another process writes %s; it is tried again until that ended."
                                .formatted(path));
            }
            Part part = new Part(path, channel);
            part.resume(most);
            return part;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** Puts a part under its name, on the disk with all that leads to it, and closes it. */
    Path keep(Part part, String sha256) throws IOException {
        Path kept = folder.resolve(sha256);
        try (part) {
            if (Files.exists(kept) && Files.size(kept) == part.size()) {
                Files.delete(part.path());
                return kept;
            }
            part.channel.force(true);
            Files.move(part.path(), kept, StandardCopyOption.ATOMIC_MOVE);
        }
        sync(folder);
        return kept;
    }

    private static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void createDirectories(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        Path parent = directory.toAbsolutePath().getParent();
        if (parent != null) {
            createDirectories(parent);
        }
        Files.createDirectories(directory);
        if (parent != null) {
            sync(parent);
        }
    }
}
