package org.tonle.files;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystems;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.definition.FileLocation;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Source;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/**
 * The files of a folder or bucket, each once: a file is known by its name and the SHA-256 of its
 * bytes, so that one with new bytes is another one. Its mark counts the pieces that were taken of
 * it; the state beside it is its size and its version or time of change, by which one that was read
 * to its end is known again without being read.
 */
public final class FilesSource implements Source {
    private static final Logger log = LoggerFactory.getLogger(FilesSource.class);

    private static final Duration LIST_EVERY = Duration.ofSeconds(1);
    private static final Duration DOCUMENT_LIMIT = Duration.ofSeconds(60);
    private static final int NAMED = 3;
    private static final int BODIES = 64;
    private static final long BYTES = 8 << 20;

    private final SourceKind.Files kind;
    private final Clock clock;
    private final boolean keeps;
    private final FileOrigin origin;
    private final FileFetch fetch;
    private final ObjectReader objects;
    private final List<PathMatcher> matchers = new ArrayList<>();
    private final Map<String, SourceMark> taken = new HashMap<>();

    /** By name, the state of the file that was last read to its end. */
    private final Map<String, String> done = new HashMap<>();

    /** Files that changed while they were looked at, by name, with what they looked like. */
    private final Map<String, String> settling = new HashMap<>();

    /** The same of the listing that goes on. */
    private final Map<String, String> unsettled = new HashMap<>();

    /** What may not be read, each file or folder with the reason: of the last listing. */
    private final Map<String, String> refused = new TreeMap<>();

    /** The same of the listing that goes on. */
    private final Map<String, String> refusing = new TreeMap<>();

    private final Deque<FileOrigin.Found> waiting = new ArrayDeque<>();

    /** From where the listing goes on; empty between two. */
    private Optional<String> listed = Optional.empty();

    private long listedNanos = System.nanoTime() - LIST_EVERY.toNanos();
    private @Nullable FileBodies reading;

    /** What the next poll throws: this one had read something before. */
    private @Nullable RuntimeException failed;

    /**
     * Reads nothing yet.
     *
     * @param storage the folder for what is kept as it is, and for what is being fetched
     */
    public FilesSource(SourceKind.Files kind, Path storage, Clock clock) {
        this(kind, origin(kind), storage, true, DOCUMENT_LIMIT, clock);
    }

    /**
     * A source whose files are only looked at: those of this machine stay where they are.
     *
     * @param temporary for what is being fetched
     */
    public static FilesSource trial(SourceKind.Files kind, Path temporary, Clock clock) {
        return new FilesSource(kind, origin(kind), temporary, false, DOCUMENT_LIMIT, clock);
    }

    private static FileOrigin origin(SourceKind.Files kind) {
        return switch (kind.location()) {
            case FileLocation.Folder folder -> new FolderOrigin(folder.path());
            case FileLocation.Bucket bucket -> new BucketOrigin(bucket);
        };
    }

    /**
     * @param origin closed with this
     * @param keeps whether objects go to the storage
     * @param documentLimit how long it may take to read one document
     */
    FilesSource(
            SourceKind.Files kind,
            FileOrigin origin,
            Path storage,
            boolean keeps,
            Duration documentLimit,
            Clock clock) {
        this.kind = kind;
        this.keeps = keeps;
        this.clock = clock;
        this.origin = origin;
        ObjectFolder folder = new ObjectFolder(storage);
        this.fetch = new FileFetch(origin, folder);
        this.objects = new ObjectReader(folder, new DocumentReader(documentLimit));
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
        origin.require();
    }

    @Override
    public List<SourceBody> poll(Duration wait) throws InterruptedException {
        if (failed != null) {
            throw failed;
        }
        List<SourceBody> bodies = new ArrayList<>();
        try {
            fill(bodies, System.nanoTime() + wait.toNanos());
        } catch (IOException e) {
            failed =
                    new LakeException(
                            ErrorCode.STORAGE,
                            "The files of %s can't be read: %s".formatted(kind.location(), e),
                            e);
        } catch (RuntimeException e) {
            failed = e;
        }
        if (bodies.isEmpty() && failed != null) {
            throw failed;
        }
        if (bodies.isEmpty() && isAtRest()) {
            objects.rest();
            TimeUnit.NANOSECONDS.sleep(Math.min(wait.toNanos(), LIST_EVERY.toNanos()));
        }
        return bodies;
    }

    private void fill(List<SourceBody> bodies, long until)
            throws IOException, InterruptedException {
        long bytes = 0;
        while (bodies.size() < BODIES
                && bytes < BYTES
                && (bodies.isEmpty() || System.nanoTime() - until < 0)
                && (reading != null || open(until))) {
            bytes += read(bodies);
        }
    }

    /** Whether all that was listed is read; the next listing comes later. */
    boolean isAtRest() {
        return reading == null && waiting.isEmpty() && listed.isEmpty();
    }

    /** Opens the next file that isn't read yet; false if none is found in time. */
    private boolean open(long until) throws IOException, InterruptedException {
        do {
            FileOrigin.Found found = waiting.poll();
            if (found != null) {
                try {
                    if (begin(found)) {
                        return true;
                    }
                } catch (NoSuchFileException e) {
                    log.info("{} isn't there to be read now", found.name());
                } catch (RefusedFileException e) {
                    // the others go on; it is tried again when it is listed again
                    refusing.put(found.name(), e.why());
                }
            } else if (listed.isPresent()
                    || System.nanoTime() - listedNanos >= LIST_EVERY.toNanos()) {
                list();
            } else {
                return false;
            }
        } while (System.nanoTime() - until < 0);
        return false;
    }

    private boolean begin(FileOrigin.Found found) throws IOException, InterruptedException {
        Optional<Path> local = origin.local(found);
        boolean object = !OpenFile.isKnown(found.name(), kind.format());
        FileFetch.Fetched fetched =
                (object && keeps) || local.isEmpty()
                        ? fetch.of(found)
                        : inPlace(found, local.get());
        boolean begun = false;
        try {
            String item = fetched.sha256() + " " + found.name();
            SourceMark known = taken.get(item);
            if (known != null && known.position().equals(FileBodies.END)) {
                done.put(found.name(), found.state());
                return false;
            }
            PieceReader whole = object ? objects.read(found, fetched) : null;
            reading =
                    new FileBodies(
                            found.name(),
                            item,
                            found.state(),
                            () ->
                                    whole == null
                                            ? OpenFile.of(
                                                    found.name(), fetched.path(), kind.format())
                                            : whole,
                            fetched,
                            known == null ? 0 : Long.parseLong(known.position()));
            begun = true;
            return true;
        } finally {
            if (!begun) {
                fetched.close();
            }
        }
    }

    private static FileFetch.Fetched inPlace(FileOrigin.Found found, Path path) throws IOException {
        try {
            return FileFetch.Fetched.inPlace(path);
        } catch (AccessDeniedException e) {
            throw new RefusedFileException(found.name(), e);
        }
    }

    /** Adds what comes next in the listing to the files that wait. */
    private void list() throws IOException {
        Instant before = clock.instant().minus(kind.settle());
        if (listed.isEmpty()) {
            // all that the last listing had was tried
            refused.clear();
            refused.putAll(refusing);
            refusing.clear();
        }
        FileOrigin.Page page = origin.list(listed);
        page.refused().forEach(folder -> refusing.put(folder, RefusedFileException.DENIED));
        for (FileOrigin.Found seen : page.files()) {
            if (!wanted(seen.name()) || seen.state().equals(done.get(seen.name()))) {
                continue;
            }
            // a clock of another machine may have set the time: it must stay, too
            boolean settled =
                    seen.changed().isBefore(before)
                            && seen.state()
                                    .equals(settling.getOrDefault(seen.name(), seen.state()));
            if (settled) {
                waiting.add(seen);
            } else {
                unsettled.put(seen.name(), seen.state());
            }
        }
        listed = page.next();
        if (listed.isEmpty()) {
            settling.clear();
            settling.putAll(unsettled);
            unsettled.clear();
            listedNanos = System.nanoTime();
        }
    }

    /** Names with which others begin what they haven't written to its end are left alone. */
    private boolean wanted(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        if (name.startsWith(".")
                || name.startsWith("_")
                || name.endsWith("~")
                || name.endsWith(".tmp")
                || name.endsWith(".part")) {
            return false;
        }
        try {
            // for Java's patterns a name ends with its first line
            Path relative = Path.of(path.replaceAll("[\\n\\r\\u0085\\u2028\\u2029]", " "));
            return matchers.stream().anyMatch(matcher -> matcher.matches(relative));
        } catch (InvalidPathException e) {
            // a key may have characters that no pattern has
            return kind.pattern().equals(SourceKind.Files.DEFAULT_PATTERN);
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
    public Optional<String> warning() {
        if (refused.isEmpty()) {
            return Optional.empty();
        }
        String some =
                refused.entrySet().stream()
                        .limit(NAMED)
                        .map(file -> "%s (%s)".formatted(file.getKey(), file.getValue()))
                        .collect(Collectors.joining(", "));
        return Optional.of(
                "of %s the lake may not read %,d files or folders: %s%s. The others are read; let it read these, and they are taken, too."
                        .formatted(
                                kind.location(),
                                refused.size(),
                                some,
                                refused.size() > NAMED ? ", …" : ""));
    }

    @Override
    public void committed(Map<String, SourceMark> marks) {
        // files stay where they are
    }

    @Override
    public void close() {
        FileBodies open = reading;
        reading = null;
        try (origin;
                objects) {
            if (open != null) {
                open.close();
            }
        } catch (IOException e) {
            log.warn("The files of {} can't be closed", kind.location(), e);
        }
    }
}
