package org.tonle.catalog;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The copies in a folder and who holds them. What nobody holds leaves when there are too many bytes
 * or the disk has too little room, the one that was held longest ago first. Beside a copy stands
 * its CRC32C, in a file that is written last. Thread-safe.
 */
final class Copies {
    private static final Logger log = LoggerFactory.getLogger(Copies.class);
    private static final String SUM = ".crc32c";
    private static final String PART = ".part";
    private static final String FULL = "No space left";

    private final long limitBytes;
    private final BooleanSupplier isShort;
    private final Lock lock = new ReentrantLock();
    private final Map<Path, Copy> copies = new HashMap<>();

    /** Those that may leave, the one that was let go first at the front. */
    private final SequencedSet<Copy> idle = new LinkedHashSet<>();

    private long bytes;

    private enum State {
        ABSENT,
        /** An earlier process left it; perhaps it isn't whole. */
        LEFT,
        COMPLETE
    }

    /** One copy. Whoever makes it complete holds it, and its lock. */
    static final class Copy {
        private final Path path;
        private final Lock making = new ReentrantLock();
        private volatile State state = State.ABSENT;
        private long bytes;
        private int holders;

        private Copy(Path path) {
            this.path = path;
        }

        Path path() {
            return path;
        }

        Lock making() {
            return making;
        }

        boolean isComplete() {
            return state == State.COMPLETE;
        }
    }

    private Copies(long limitBytes, BooleanSupplier isShort) {
        this.limitBytes = limitBytes;
        this.isShort = isShort;
    }

    /** Takes over what has a checksum and removes the rest, as far as it can be removed. */
    static Copies open(Path folder, long limitBytes, BooleanSupplier isShort) {
        Copies copies = new Copies(limitBytes, isShort);
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> found =
                    files.filter(Files::isRegularFile)
                            .sorted(Comparator.comparing(Copies::written))
                            .toList();
            for (Path path : found) {
                copies.takeOver(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + folder, e);
        }
        copies.evict();
        return copies;
    }

    private static long written(Path path) {
        return path.toFile().lastModified();
    }

    private void takeOver(Path path) {
        String name = path.toString();
        if (name.endsWith(SUM)) {
            if (!Files.exists(Path.of(name.substring(0, name.length() - SUM.length())))) {
                delete(path);
            }
        } else if (Files.isRegularFile(sum(path))) {
            Copy copy = new Copy(path);
            copy.state = State.LEFT;
            copy.bytes = path.toFile().length();
            bytes += copy.bytes;
            copies.put(path, copy);
            idle.add(copy);
        } else {
            remove(path);
        }
    }

    private static Path sum(Path path) {
        return path.resolveSibling(path.getFileName() + SUM);
    }

    static Path part(Path path) {
        return path.resolveSibling(path.getFileName() + PART);
    }

    long bytes() {
        lock.lock();
        try {
            return bytes;
        } finally {
            lock.unlock();
        }
    }

    long limitBytes() {
        return limitBytes;
    }

    /** Whether there is a file at a path that is no copy of anything yet. */
    boolean isBeingWritten(Path path) {
        lock.lock();
        try {
            return !copies.containsKey(path) && Files.exists(path);
        } finally {
            lock.unlock();
        }
    }

    /** Keeps a copy, complete or not, from leaving until it is {@link #release released}. */
    Copy hold(Path path) {
        lock.lock();
        try {
            Copy copy = copies.computeIfAbsent(path, Copy::new);
            copy.holders++;
            idle.remove(copy);
            return copy;
        } finally {
            lock.unlock();
        }
    }

    void release(Copy copy) {
        lock.lock();
        try {
            copy.holders--;
            if (copy.holders == 0 && copies.get(copy.path) == copy) {
                if (copy.state == State.ABSENT) {
                    copies.remove(copy.path);
                } else {
                    idle.add(copy);
                }
            }
            evict();
        } finally {
            lock.unlock();
        }
    }

    /** Whether what an earlier process left is whole: it is complete then, else it is removed. */
    boolean isIntact(Copy copy) throws IOException {
        if (copy.state != State.LEFT) {
            return false;
        }
        if (hasItsSum(copy)) {
            copy.state = State.COMPLETE;
            return true;
        }
        log.warn("{} isn't what was written there; it is fetched again", copy.path);
        lock.lock();
        try {
            bytes -= copy.bytes;
            copy.bytes = 0;
            copy.state = State.ABSENT;
            remove(copy.path);
        } finally {
            lock.unlock();
        }
        return false;
    }

    private static boolean hasItsSum(Copy copy) throws IOException {
        CRC32C now = new CRC32C();
        try (InputStream in = new CheckedInputStream(Files.newInputStream(copy.path), now)) {
            in.transferTo(OutputStream.nullOutputStream());
            // as bytes: what is damaged needn't be text
            return Arrays.equals(
                    Files.readAllBytes(sum(copy.path)),
                    text(now, copy.bytes).getBytes(StandardCharsets.UTF_8));
        } catch (ClosedByInterruptException e) {
            // that tells nothing of the copy
            throw e;
        } catch (IOException e) {
            log.warn("{} or its checksum can't be read", copy.path, e);
            return false;
        }
    }

    private static String text(CRC32C sum, long bytes) {
        return "%08x %d%n".formatted(sum.getValue(), bytes);
    }

    /** Makes the file at the copy's path the copy; if that can't be, the file is left as it is. */
    void keep(Copy copy, CRC32C sum) throws IOException {
        long size = Files.size(copy.path);
        Path part = part(sum(copy.path));
        try {
            Files.writeString(part, text(sum, size));
            Files.move(part, sum(copy.path), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            delete(part);
            throw e;
        }
        lock.lock();
        try {
            copy.bytes = size;
            copy.state = State.COMPLETE;
            bytes += size;
            evict();
        } finally {
            lock.unlock();
        }
    }

    /** Removes a copy, and what is at its path without being one. */
    void forget(Path path) {
        lock.lock();
        try {
            Copy copy = copies.remove(path);
            if (copy != null) {
                bytes -= copy.bytes;
                idle.remove(copy);
            }
            remove(path);
        } finally {
            lock.unlock();
        }
    }

    /** Whether a file may be written that couldn't be: the disk was full, and copies left it. */
    boolean madeRoom(IOException failure) {
        lock.lock();
        try {
            // another one's failure may have made the room already
            boolean was =
                    isShort.getAsBoolean() || String.valueOf(failure.getMessage()).contains(FULL);
            evict();
            return was;
        } finally {
            lock.unlock();
        }
    }

    private void evict() {
        while (!idle.isEmpty() && !hasRoom()) {
            Copy copy = idle.removeFirst();
            copies.remove(copy.path);
            bytes -= copy.bytes;
            remove(copy.path);
        }
    }

    private boolean hasRoom() {
        return bytes <= limitBytes && !isShort.getAsBoolean();
    }

    /** First what says that it is whole. */
    static void remove(Path path) {
        delete(sum(path));
        delete(path);
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            log.warn("{} can't be removed, and takes room until the next start", path, e);
        }
    }
}
