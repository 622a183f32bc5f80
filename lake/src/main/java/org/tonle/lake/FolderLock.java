package org.tonle.lake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Keeps a second process from the embedded state of a folder. The operating system gives the lock
 * back however the holder ends.
 */
final class FolderLock implements AutoCloseable {
    private final FileChannel channel;
    private final FileLock lock;

    private FolderLock(FileChannel channel, FileLock lock) {
        this.channel = channel;
        this.lock = lock;
    }

    /**
     * Locks {@code state}, creating it if need be; it is its owner's only from then on.
     *
     * @throws LakeException IN_USE naming the process that holds it
     */
    static FolderLock take(Path state) {
        Path file = state.resolve("lock");
        try {
            Files.createDirectories(state);
            // also when somebody made it: what is in it is nobody else's business
            Files.setPosixFilePermissions(state, PosixFilePermissions.fromString("rwx------"));
            FileChannel channel =
                    FileChannel.open(
                            file,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE);
            FileLock lock = tryLock(channel);
            if (lock == null) {
                String holder = Files.readString(file).strip();
                channel.close();
                throw new LakeException(
                        ErrorCode.IN_USE,
                        "The lake in %s is already open: %s. Stop that process, or use the lake it serves."
                                .formatted(state.getParent(), holder));
            }
            channel.truncate(0);
            channel.write(
                    ByteBuffer.wrap(
                            "process %d, since %s%n"
                                    .formatted(
                                            ProcessHandle.current().pid(),
                                            Instant.now()
                                                    .truncatedTo(
                                                            java.time.temporal.ChronoUnit.SECONDS))
                                    .getBytes(StandardCharsets.UTF_8)));
            return new FolderLock(channel, lock);
        } catch (IOException e) {
            throw new UncheckedIOException("can't lock " + file, e);
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // another lake of this process
        }
    }

    @Override
    public void close() {
        try (channel) {
            lock.release();
        } catch (IOException e) {
            throw new UncheckedIOException("can't give the lock of the folder back", e);
        }
    }
}
