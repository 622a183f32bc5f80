package org.tonle.catalog;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.FileIO;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Tables in an object store, with whole copies on this machine's disk of the files that are read or
 * were written here. Beside each copy stands its checksum; a copy that an earlier process left is
 * used if it still has it.
 */
public final class CachedFiles implements TableFiles, AutoCloseable {
    private static final int AT_ONCE = 8;
    private static final int BUFFER = 1 << 16;
    private static final long RESERVE_BYTES = 1L << 30;

    private final FileIO io;
    private final String root;
    private final Path folder;
    private final Copies copies;
    private final Semaphore transfers = new Semaphore(AT_ONCE);
    private final AtomicLong hits = new AtomicLong();
    private final AtomicLong misses = new AtomicLong();
    private final AtomicLong fetchedBytes = new AtomicLong();

    /**
     * Takes over what an earlier process left.
     *
     * @param io by which the store is reached; a stream of it ends early only with an exception
     * @param root where tables are made, without a slash at its end
     * @param folder of the copies alone: whatever else lies in it is removed
     * @param limitBytes how much room copies take that nobody holds; less while less than 1 GB, or
     *     a tenth of a smaller disk, is free
     */
    public CachedFiles(FileIO io, String root, Path folder, long limitBytes) {
        this(io, root, folder, limitBytes, () -> isShort(folder.toFile()));
    }

    /**
     * @param isShort whether the folder's disk has so little room left that copies should leave
     */
    CachedFiles(FileIO io, String root, Path folder, long limitBytes, BooleanSupplier isShort) {
        this.io = io;
        this.root = root;
        this.folder = folder.toAbsolutePath().normalize();
        LocalFileIO.createDirectories(this.folder);
        this.copies = Copies.open(this.folder, limitBytes, isShort);
    }

    /** The lake needs room too, to go on taking events: before it refuses them copies leave. */
    private static boolean isShort(File disk) {
        return disk.getUsableSpace() < Math.min(RESERVE_BYTES, disk.getTotalSpace() / 10);
    }

    /**
     * How the copies fared since the start.
     *
     * @param hits files that were asked for and here
     * @param misses files that were asked for and fetched
     * @param fetchedBytes of those
     * @param bytes that all copies take now
     * @param limitBytes that they may take while nobody holds them
     */
    public record Counts(long hits, long misses, long fetchedBytes, long bytes, long limitBytes) {}

    public Counts counts() {
        return new Counts(
                hits.get(), misses.get(), fetchedBytes.get(), copies.bytes(), copies.limitBytes());
    }

    @Override
    public FileIO io() {
        return io;
    }

    @Override
    public String root() {
        return root;
    }

    @Override
    public Path folder() {
        return folder;
    }

    @Override
    public Path path(String location) {
        if (location.startsWith(root + "/")) {
            Path path = folder.resolve(location.substring(root.length() + 1)).normalize();
            if (path.startsWith(folder) && location(path).equals(location)) {
                return path;
            }
        }
        throw new LakeException(
                ErrorCode.STORAGE,
                "%s doesn't lie below %s, where this lake's files are. Register the table again with files that do."
                        .formatted(location, root));
    }

    @Override
    public String location(Path path) {
        return root + "/" + folder.relativize(path.toAbsolutePath().normalize());
    }

    @Override
    public void store(Path path) {
        Copies.Copy copy = copies.hold(path);
        copy.making().lock();
        try {
            if (copy.isComplete()) {
                return;
            }
            upload(path, copy);
        } finally {
            copy.making().unlock();
            copies.release(copy);
        }
    }

    private void upload(Path path, Copies.Copy copy) {
        CRC32C sum = new CRC32C();
        String location = location(path);
        try (InputStream in = new CheckedInputStream(Files.newInputStream(path), sum)) {
            send(in, location);
        } catch (CompletionException e) {
            // of an upload in parts
            throw e.getCause() instanceof Exception cause ? cantBring(path, location, cause) : e;
        } catch (IOException | RuntimeException e) {
            throw cantBring(path, location, e);
        }
        try {
            copies.keep(copy, sum);
        } catch (IOException e) {
            discard(location, e);
            throw cantKeep(path, e);
        }
    }

    private void send(InputStream in, String location) throws IOException {
        OutputStream out = io.newOutputFile(location).createOrOverwrite();
        try {
            in.transferTo(out);
        } catch (IOException | RuntimeException e) {
            // whatever was taken is written when it is closed, unless that fails
            try {
                out.close();
                discard(location, e);
            } catch (IOException | RuntimeException unclosed) {
                e.addSuppressed(unclosed);
            }
            throw e;
        }
        out.close();
    }

    /** What isn't stored after all: it would be in the way of the next attempt. */
    private void discard(String location, Exception why) {
        try {
            io.deleteFile(location);
        } catch (RuntimeException e) {
            why.addSuppressed(e);
        }
    }

    private static RuntimeException cantBring(Path path, String location, Exception e) {
        if (e instanceof LakeException known) {
            return known;
        }
        if (e instanceof RuntimeException stopped && Thread.currentThread().isInterrupted()) {
            return stopped;
        }
        return new LakeException(
                ErrorCode.STORAGE,
                "Can't bring %s to %s: %s. It is tried again; see whether the server can be reached and takes more."
                        .formatted(path, location, e),
                e);
    }

    @Override
    public void delete(String location) {
        copies.forget(path(location));
        io.deleteFile(location);
    }

    @Override
    public Held hold(Collection<Path> paths, Duration timeout) {
        List<Copies.Copy> held = new ArrayList<>();
        try {
            for (Path path : paths.stream().distinct().toList()) {
                if (path.startsWith(folder) && !copies.isBeingWritten(path)) {
                    held.add(copies.hold(path));
                }
            }
            fetch(held.stream().filter(copy -> !isHere(copy)).toList(), timeout);
        } catch (RuntimeException | Error e) {
            held.forEach(copies::release);
            throw e;
        }
        AtomicBoolean closed = new AtomicBoolean();
        return () -> {
            if (!closed.getAndSet(true)) {
                held.forEach(copies::release);
            }
        };
    }

    @Override
    public boolean isHere(Path path) {
        return !path.startsWith(folder) || Files.exists(path);
    }

    private boolean isHere(Copies.Copy copy) {
        if (copy.isComplete()) {
            hits.incrementAndGet();
            return true;
        }
        return false;
    }

    /** All of them; if one can't be, those that are under way and no more. */
    private void fetch(List<Copies.Copy> missing, Duration timeout) {
        if (missing.isEmpty()) {
            return;
        }
        Fetch fetch = new Fetch(missing.size());
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        try {
            for (Copies.Copy copy : missing) {
                // its own hold: who waits for it may go before it is here
                Copies.Copy own = copies.hold(copy.path());
                threads.execute(() -> fetch.one(own));
            }
            fetch.await(timeout);
        } finally {
            // nobody waits for what is under way now
            threads.shutdownNow();
        }
    }

    /** Files that somebody waits for. */
    private final class Fetch {
        private final CountDownLatch left;
        private final AtomicReference<@Nullable Throwable> failed = new AtomicReference<>();

        Fetch(int files) {
            left = new CountDownLatch(files);
        }

        void one(Copies.Copy copy) {
            try {
                if (failed.get() == null) {
                    complete(copy);
                }
            } catch (RuntimeException | Error e) {
                failed.compareAndSet(null, e);
            } finally {
                copies.release(copy);
                left.countDown();
            }
        }

        void await(Duration timeout) {
            boolean all;
            try {
                all = left.await(nanos(timeout), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw stopped(e);
            }
            if (!all) {
                throw new LakeException(
                        ErrorCode.TIMEOUT,
                        "%d files of %s weren't here within %s; ask again, when more of them will be, or allow more time"
                                .formatted(left.getCount(), root, timeout));
            }
            switch (failed.get()) {
                case null -> {}
                case RuntimeException e -> throw e;
                case Throwable e ->
                        throw new LakeException(
                                ErrorCode.INTERNAL, "Files weren't fetched: " + e, e);
            }
        }
    }

    private static long nanos(Duration timeout) {
        return timeout.compareTo(Duration.ofNanos(Long.MAX_VALUE)) < 0
                ? timeout.toNanos()
                : Long.MAX_VALUE;
    }

    private static LakeException stopped(InterruptedException e) {
        return new LakeException(ErrorCode.CANCELLED, "Stopped while files were fetched.", e);
    }

    private void complete(Copies.Copy copy) {
        try {
            // first the lock: who waits for a file that another one brings takes no turn
            copy.making().lockInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw stopped(e);
        }
        try {
            transfers.acquire();
            try {
                if (copy.isComplete() || copies.isIntact(copy)) {
                    hits.incrementAndGet();
                } else {
                    downloadWithRoom(copy);
                    misses.incrementAndGet();
                }
            } finally {
                transfers.release();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw stopped(e);
        } catch (IOException e) {
            throw cantKeep(copy.path(), e);
        } finally {
            copy.making().unlock();
        }
    }

    private void downloadWithRoom(Copies.Copy copy) throws IOException {
        try {
            download(copy);
        } catch (IOException e) {
            if (!copies.madeRoom(e)) {
                throw e;
            }
            download(copy);
        }
    }

    private void download(Copies.Copy copy) throws IOException {
        String location = location(copy.path());
        CRC32C sum = new CRC32C();
        LocalFileIO.createDirectories(copy.path().resolveSibling(""));
        Path part = Copies.part(copy.path());
        try {
            try (OutputStream out = new CheckedOutputStream(Files.newOutputStream(part), sum)) {
                fetch(location, out);
            }
            Files.move(part, copy.path(), StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
        try {
            copies.keep(copy, sum);
        } catch (IOException e) {
            // a file that is no copy would never leave
            Copies.remove(copy.path());
            throw e;
        }
    }

    /**
     * All bytes of it.
     *
     * @throws LakeException for what goes wrong there
     * @throws IOException for what goes wrong here
     */
    private void fetch(String location, OutputStream out) throws IOException {
        byte[] buffer = new byte[BUFFER];
        InputStream in = reading(location, () -> io.newInputFile(location).newStream());
        try (in) {
            while (true) {
                // some open only now
                int n = reading(location, () -> in.read(buffer));
                if (n < 0) {
                    return;
                }
                out.write(buffer, 0, n);
                fetchedBytes.addAndGet(n);
            }
        }
    }

    private static <T> T reading(String location, Callable<T> step) {
        try {
            return step.call();
        } catch (LakeException e) {
            throw e;
        } catch (NotFoundException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "%s is gone, and the lake has rows in it. Restore it: somebody else removed it, or the bucket's lifecycle rules did."
                            .formatted(location),
                    e);
        } catch (Exception e) {
            if (e instanceof RuntimeException stopped && Thread.currentThread().isInterrupted()) {
                throw stopped;
            }
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "%s can't be read now: %s. See whether its server can be reached; what needs it is tried again."
                            .formatted(location, e.getMessage()),
                    e);
        }
    }

    private LakeException cantKeep(Path path, IOException e) {
        return new LakeException(
                ErrorCode.STORAGE,
                "Can't keep a copy at %s: %s. Free space on its disk, or write a smaller cache: in storage: of lake.yaml."
                        .formatted(path, e),
                e);
    }

    @Override
    public void close() {
        io.close();
    }
}
