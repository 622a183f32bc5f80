package org.tonle.lake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Keeps a second process from the embedded state of a folder. The operating system gives the lock
 * back however the holder ends.
 */
final class FolderLock implements AutoCloseable {
    /**
     * What this process holds. A process that closes any channel of a file loses all its locks on
     * that file, so one that is held must not even be opened.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path state;
    private final FileChannel channel;
    private final FileLock lock;

    private FolderLock(Path state, FileChannel channel, FileLock lock) {
        this.state = state;
        this.channel = channel;
        this.lock = lock;
    }

    /**
     * Locks {@code state}, creating it if need be; it is its owner's only from then on.
     *
     * @throws LakeException IN_USE naming the process that holds it
     */
    static FolderLock take(Path state) {
        Path held;
        try {
            Files.createDirectories(state);
            // also when somebody made it: what is in it is nobody else's business
            Files.setPosixFilePermissions(state, PosixFilePermissions.fromString("rwx------"));
            held = state.toRealPath();
        } catch (IOException e) {
            throw new UncheckedIOException("can't make " + state, e);
        }
        if (!HELD.add(held)) {
            throw inUse(state, "process %d".formatted(ProcessHandle.current().pid()));
        }
        boolean taken = false;
        try {
            FolderLock lock = lock(held);
            taken = true;
            return lock;
        } finally {
            if (!taken) {
                HELD.remove(held);
            }
        }
    }

    private static LakeException inUse(Path state, String holder) {
        return new LakeException(
                ErrorCode.IN_USE,
                "The lake in %s is already open: %s. Stop that process, or use the lake it serves."
                        .formatted(state.getParent(), holder));
    }

    private static FolderLock lock(Path state) {
        Path file = state.resolve("lock");
        try {
            FileChannel channel =
                    FileChannel.open(
                            file,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            if (lock == null) {
                String holder = Files.readString(file).strip();
                channel.close();
                throw inUse(state, holder);
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
            return new FolderLock(state, channel, lock);
        } catch (IOException e) {
            throw new UncheckedIOException("can't lock " + file, e);
        }
    }

    @Override
    public void close() {
        try (channel) {
            lock.release();
        } catch (IOException e) {
            throw new UncheckedIOException("can't give the lock of the folder back", e);
        } finally {
            HELD.remove(state);
        }
    }
}
