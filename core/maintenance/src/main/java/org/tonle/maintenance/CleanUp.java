package org.tonle.maintenance;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.SupportsPrefixOperations;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Reach;
import org.tonle.ledger.CommitIds;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.MarkedFile;
import org.tonle.ledger.Pointer;
import org.tonle.ledger.Retention;
import org.tonle.spi.FailPoints;

/**
 * Deletes files of the lake's tables that nothing reaches, in two steps: they are marked, and a
 * while later, if nothing reaches them still, deleted. In between they can be seen and kept.
 *
 * <p>A file is marked when the lake wrote it itself, the commit that wrote it has an outcome, and
 * then no pointer {@linkplain Reach reaches} it. A commit that never came to an outcome, of a
 * process that was killed, is closed first, when it has written nothing for the time of grace: it
 * can't happen afterwards. What reads a state that has just expired, or that a commit has just
 * replaced, goes on for that time. Files of others are left alone, wherever they lie. One thread at
 * a time; several processes do no harm to each other.
 */
public final class CleanUp {
    /** Reached by every clean-up that deletes something. */
    public static final List<String> FAIL_POINTS =
            List.of("clean-up.after-mark", "clean-up.after-delete");

    /** Reached for each file that is looked at. */
    static final String LOOK = "clean-up.look";

    private static final Logger log = LoggerFactory.getLogger(CleanUp.class);

    /** So many files are judged at once: their names are in memory. */
    private static final int AT_ONCE = 500_000;

    /** So many are deleted after one look at the ledger. */
    private static final int TAKEN = 100;

    private static final Duration RESOLVE = Duration.ofSeconds(10);

    private final LakeCatalog catalog;
    private final Ledger ledger;
    private final Retention retention;
    private final Duration grace;
    private final InstantSource clock;
    private final FailPoints failPoints;

    /**
     * What was done.
     *
     * @param marked files that are to go
     * @param deleted files that are gone, of {@code bytes}
     */
    public record Done(int marked, int deleted, long bytes) {}

    /** A file of the lake, as its storage tells of it. */
    private record Listed(UUID commit, long bytes, Instant modified) {}

    /**
     * @param grace how long a marked file stays: longer than a query may take. And how long nothing
     *     is heard of a commit before it is closed
     */
    public CleanUp(
            LakeCatalog catalog, Duration grace, InstantSource clock, FailPoints failPoints) {
        this.catalog = catalog;
        this.ledger = catalog.ledger();
        this.retention = ledger.retention();
        this.grace = grace;
        this.clock = clock;
        this.failPoints = failPoints;
    }

    /**
     * Marks what nothing reaches now, and deletes what was marked a while ago.
     *
     * @throws org.tonle.spi.LakeException STORAGE if it can't be found out what is reached; nothing
     *     was marked or deleted since
     */
    public Done run() {
        Map<String, List<Pointer>> folders = folders();
        int marked = 0;
        Map<String, Listed> some = new HashMap<>();
        List<Pointer> gone = new ArrayList<>();
        for (Map.Entry<String, List<Pointer>> folder : folders.entrySet()) {
            Set<String> there = new HashSet<>();
            for (FileInfo file : files().listPrefix(folder.getKey() + "/")) {
                failPoints.reach(LOOK);
                Optional<UUID> commit = OwnFiles.commit(folder.getKey(), file.location());
                if (commit.isPresent()) {
                    there.add(file.location());
                    some.put(
                            file.location(),
                            new Listed(
                                    commit.get(),
                                    file.size(),
                                    Instant.ofEpochMilli(file.createdAtMillis())));
                    if (some.size() == AT_ONCE) {
                        marked += mark(some);
                        some.clear();
                    }
                }
            }
            gone.addAll(gone(folder.getValue(), there));
        }
        marked += mark(some);
        failPoints.reach("clean-up.after-mark");
        retention.forget(gone);
        Done swept = sweep();
        return new Done(marked, swept.deleted(), swept.bytes());
    }

    private SupportsPrefixOperations files() {
        return (SupportsPrefixOperations) catalog.io();
    }

    /** The folders of all tables that there ever were and that may have files, with pointers. */
    private Map<String, List<Pointer>> folders() {
        Map<String, List<Pointer>> found = new TreeMap<>();
        String root = catalog.files().root() + "/";
        @Nullable Pointer last = null;
        while (true) {
            List<Pointer> page = retention.pointers(last);
            if (page.isEmpty()) {
                return found;
            }
            for (Pointer pointer : page) {
                OwnFiles.folder(pointer.metadataLocation())
                        .filter(folder -> folder.startsWith(root))
                        .ifPresent(folder ->
                                found.computeIfAbsent(folder, key -> new ArrayList<>())
                                        .add(pointer));
            }
            last = page.getLast();
        }
    }

    /**
     * Pointers that needn't be known any more: their state has expired, its metadata isn't there,
     * and others lead to the folder as long as it has files.
     */
    private static List<Pointer> gone(List<Pointer> pointers, Set<String> there) {
        boolean held =
                pointers.stream().anyMatch(pointer -> pointer.held() != Pointer.Held.NOTHING);
        return held || there.isEmpty()
                ? pointers.stream()
                        .filter(pointer ->
                                pointer.held() == Pointer.Held.NOTHING
                                        && !there.contains(pointer.metadataLocation()))
                        .toList()
                : List.of();
    }

    private int mark(Map<String, Listed> files) {
        keepDecided(files);
        if (files.isEmpty()) {
            return 0;
        }
        // only now: a commit that has an outcome has its pointers
        Reach.of(
                catalog,
                location -> {
                    failPoints.reach(LOOK);
                    files.remove(location);
                });
        retention.marks(files.keySet()).keySet().forEach(files::remove);
        Instant now = clock.instant();
        retention.mark(
                files.entrySet().stream()
                        .map(file ->
                                new MarkedFile(
                                        file.getKey(),
                                        file.getValue().commit(),
                                        file.getValue().bytes(),
                                        now,
                                        false))
                        .toList());
        return files.size();
    }

    /** Leaves files whose commits have an outcome, closing those that nobody works at any more. */
    private void keepDecided(Map<String, Listed> files) {
        Map<UUID, Instant> newest = new HashMap<>();
        for (Listed file : files.values()) {
            newest.merge(
                    file.commit(), file.modified(), (one, two) -> one.isAfter(two) ? one : two);
        }
        Set<UUID> underWay = catalog.underWay();
        Set<UUID> decided = new HashSet<>(outcomes(newest.keySet()));
        Instant before = clock.instant().minus(grace);
        for (Map.Entry<UUID, Instant> commit : newest.entrySet()) {
            UUID id = commit.getKey();
            if (!decided.contains(id)
                    && !underWay.contains(id)
                    && CommitIds.isOf(ledger.id(), id)
                    && commit.getValue().isBefore(before)) {
                var unused = ledger.resolve(id, RESOLVE);
                decided.add(id);
            }
        }
        files.values().removeIf(file -> !decided.contains(file.commit()));
    }

    private Set<UUID> outcomes(Collection<UUID> commits) {
        return retention.outcomes(commits).keySet();
    }

    private Done sweep() {
        int deleted = 0;
        long bytes = 0;
        while (true) {
            List<MarkedFile> due = retention.marked(clock.instant().minus(grace), AT_ONCE);
            if (due.isEmpty()) {
                return new Done(0, deleted, bytes);
            }
            Map<String, MarkedFile> unreached =
                    due.stream().collect(Collectors.toMap(MarkedFile::location, file -> file));
            List<String> reached = new ArrayList<>();
            Reach.of(
                    catalog,
                    location -> {
                        failPoints.reach(LOOK);
                        if (unreached.remove(location) != null) {
                            reached.add(location);
                        }
                    });
            if (!reached.isEmpty()) {
                log.error(
                        "{} files were marked for deletion and are reached, such as {}; they stay. This is a bug, please report it",
                        reached.size(),
                        reached.getFirst());
                retention.unmark(reached);
            }
            List<MarkedFile> going = List.copyOf(unreached.values());
            for (int from = 0; from < going.size(); from += TAKEN) {
                // who wants to keep one of them is too late from here on
                for (MarkedFile file :
                        retention.take(going.subList(from, Math.min(from + TAKEN, going.size())))) {
                    catalog.files().delete(file.location());
                    deleted++;
                    bytes += file.bytes();
                    failPoints.reach("clean-up.after-delete");
                }
            }
        }
    }
}
