package org.tonle.files;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Source;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/**
 * The files of a folder, each once: a file is known by its path and the SHA-256 of its bytes, so
 * that one with new bytes is another one. Its mark counts the pieces that were taken of it; the
 * state beside it is the file's size and time of change, by which one that was read to its end is
 * known again without being read.
 */
public final class FolderSource implements Source {
    private static final Logger log = LoggerFactory.getLogger(FolderSource.class);

    private static final Duration LIST_EVERY = Duration.ofSeconds(1);
    private static final int BODIES = 64;
    private static final long BYTES = 8 << 20;

    /** A file as it was when the folder was listed. */
    private record Found(Path file, String name, long size, Instant changed) {
        String state() {
            return size + " " + changed;
        }
    }

    private final SourceKind.Files kind;
    private final Clock clock;
    private final List<PathMatcher> matchers = new ArrayList<>();
    private final Map<String, SourceMark> taken = new HashMap<>();

    /** By path, the state of the file that was last read to its end. */
    private final Map<String, String> done = new HashMap<>();

    /** Files that changed while they were looked at, by path, with what they looked like. */
    private final Map<String, String> settling = new HashMap<>();

    private final Deque<Found> waiting = new ArrayDeque<>();
    private long listedNanos = System.nanoTime() - LIST_EVERY.toNanos();
    private @Nullable FileBodies reading;

    /** Reads nothing yet. */
    public FolderSource(SourceKind.Files kind, Clock clock) {
        this.kind = kind;
        this.clock = clock;
        matchers.add(matcher(kind.pattern()));
        if (kind.pattern().startsWith("**/")) {
            // Java's own pattern wants a folder there
            matchers.add(matcher(kind.pattern().substring(3)));
        }
    }

    private static PathMatcher matcher(String pattern) {
        return FileSystems.getDefault().getPathMatcher("glob:" + pattern);
    }

    @Override
    public void begin(Map<String, SourceMark> marks) {
        taken.putAll(marks);
        marks.forEach((item, mark) -> {
            if (mark.position().equals(FileBodies.END)) {
                done.put(item.substring(item.indexOf(' ') + 1), mark.state());
            }
        });
        requireFolder();
    }

    private void requireFolder() {
        if (!Files.isDirectory(kind.folder())) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "There is no folder %s. Make it, or change path: in the source's file."
                            .formatted(kind.folder()));
        }
    }

    @Override
    public List<SourceBody> poll(Duration wait) throws InterruptedException {
        try {
            List<SourceBody> bodies = new ArrayList<>();
            long bytes = 0;
            while (bodies.size() < BODIES && bytes < BYTES && (reading != null || open())) {
                bytes += read(bodies);
            }
            if (bodies.isEmpty()) {
                TimeUnit.NANOSECONDS.sleep(Math.min(wait.toNanos(), LIST_EVERY.toNanos()));
            }
            return bodies;
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "The files of %s can't be read: %s".formatted(kind.folder(), e),
                    e);
        }
    }

    /** Opens the next file that isn't read yet; false if there is none now. */
    private boolean open() throws IOException {
        if (waiting.isEmpty() && System.nanoTime() - listedNanos >= LIST_EVERY.toNanos()) {
            list();
            listedNanos = System.nanoTime();
        }
        while (!waiting.isEmpty()) {
            Found found = waiting.poll();
            try {
                if (begin(found)) {
                    return true;
                }
            } catch (NoSuchFileException e) {
                log.info("{} went away before it was read", found.file());
            }
        }
        return false;
    }

    private boolean begin(Found found) throws IOException {
        String item = sha256(found.file()) + " " + found.name();
        SourceMark known = taken.get(item);
        if (known != null && known.position().equals(FileBodies.END)) {
            done.put(found.name(), found.state());
            return false;
        }
        reading =
                new FileBodies(
                        found.name(),
                        item,
                        found.state(),
                        pieces(found.file()),
                        known == null ? 0 : Long.parseLong(known.position()));
        return true;
    }

    private PieceReader pieces(Path file) throws NoSuchFileException {
        try {
            return OpenFile.of(file, kind.format())
                    .orElseGet(() ->
                            PieceReader.broken(
                                    "nothing reads files of this kind; say what it is by format:"));
        } catch (NoSuchFileException e) {
            throw e;
        } catch (IOException e) {
            return PieceReader.broken(String.valueOf(e.getMessage()));
        }
    }

    private void list() throws IOException {
        requireFolder();
        List<Found> found = new ArrayList<>();
        Map<String, String> unsettled = new HashMap<>();
        Instant before = clock.instant().minus(kind.settle());
        Files.walkFileTree(
                kind.folder(),
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                        String name = name(file);
                        Found seen =
                                new Found(
                                        file,
                                        name,
                                        attributes.size(),
                                        attributes.lastModifiedTime().toInstant());
                        if (!attributes.isRegularFile()
                                || !wanted(file)
                                || seen.state().equals(done.get(name))) {
                            return FileVisitResult.CONTINUE;
                        }
                        // a clock of another machine may have set the time: it must stay, too
                        boolean settled =
                                seen.changed().isBefore(before)
                                        && seen.state()
                                                .equals(settling.getOrDefault(name, seen.state()));
                        if (settled) {
                            found.add(seen);
                        } else {
                            unsettled.put(name, seen.state());
                        }
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException e)
                            throws IOException {
                        if (e instanceof NoSuchFileException) {
                            return FileVisitResult.CONTINUE;
                        }
                        throw e;
                    }
                });
        settling.clear();
        settling.putAll(unsettled);
        found.sort(Comparator.comparing(Found::changed).thenComparing(Found::name));
        waiting.addAll(found);
    }

    private String name(Path file) {
        return kind.folder().relativize(file).toString().replace('\\', '/');
    }

    /** Names with which others begin what they haven't written to its end are left alone. */
    private boolean wanted(Path file) {
        String name = file.getFileName().toString();
        Path path = kind.folder().relativize(file);
        return !name.startsWith(".")
                && !name.startsWith("_")
                && !name.endsWith("~")
                && !name.endsWith(".tmp")
                && !name.endsWith(".part")
                && matchers.stream().anyMatch(matcher -> matcher.matches(path));
    }

    private static String sha256(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[64 << 10];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new LakeException(ErrorCode.INTERNAL, "This JDK lacks SHA-256.", e);
        }
    }

    /** Adds the next body of the open file, and closes the file behind its last one. */
    private long read(List<SourceBody> bodies) throws IOException {
        FileBodies file = requireNonNull(reading);
        SourceBody body = file.next();
        taken.put(body.mark().item(), body.mark());
        bodies.add(body);
        if (body.mark().position().equals(FileBodies.END)) {
            done.put(file.name(), body.mark().state());
            file.close();
            reading = null;
        }
        return body.bytes().length;
    }

    @Override
    public void committed(Map<String, SourceMark> marks) {
        // files stay where they are
    }

    @Override
    public void close() {
        FileBodies open = reading;
        reading = null;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                log.warn("{} can't be closed", open.name(), e);
            }
        }
    }
}
