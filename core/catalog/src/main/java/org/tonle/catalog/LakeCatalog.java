package org.tonle.catalog;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataOperations;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ManifestReader;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotChanges;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.Change;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitIds;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/**
 * The lake's Iceberg tables: what they are at a sequence number, what changed between two, and how
 * several are changed in one commit.
 */
public final class LakeCatalog {
    /** The {@code kind} of commits by which our own maintenance rewrites files, row for row. */
    public static final String COMPACTION = "compact";

    /** The {@code kind} of commits by which rows leave that a table has kept for long enough. */
    public static final String EXPIRED_ROWS = "expire-rows";

    /** The columns that say when a row was taken in, of which a table has one at most. */
    static final List<String> INGEST_TIMES = List.of("ingest_time", "_ingest_time");

    /** So many changes of a table are asked for at once; its newest metadata lists as many. */
    private static final int PAGE = StagedTable.LISTED_SNAPSHOTS;

    private final Ledger ledger;
    private final TableFiles storage;
    private final FileIO io;
    private final MetadataFiles metadata;
    private final DeletionVectors vectors;
    private final FailPoints failPoints;
    private final Set<UUID> underWay = ConcurrentHashMap.newKeySet();
    private final List<Lock> stripes =
            Stream.<Lock>generate(ReentrantLock::new).limit(256).toList();

    /** By manifest: one table state shares all but the newest of them with the state before it. */
    private final Cache<String, List<ListedFile>> files =
            Caffeine.newBuilder()
                    .maximumWeight(100_000)
                    .weigher((String location, List<ListedFile> list) -> list.size() + 1)
                    .build();

    /**
     * A file as its manifest tells of it.
     *
     * @param file without what is known of its columns, but of its rows' ingest time
     * @param columns the field ids of which it is told how many values there are; perhaps not all
     */
    record ListedFile(DataFile file, Set<Integer> columns) {}

    /** Of the newest commits: what they point to needn't be asked again. */
    private final Cache<Long, Pin> pins = Caffeine.newBuilder().maximumSize(16).build();

    /** With tables in a folder of this machine. */
    public LakeCatalog(Ledger ledger, Path warehouse, FailPoints failPoints) {
        this(ledger, new FolderFiles(warehouse), failPoints);
    }

    /**
     * @param storage where the tables are
     */
    public LakeCatalog(Ledger ledger, TableFiles storage, FailPoints failPoints) {
        this.ledger = ledger;
        this.storage = storage;
        this.io = storage.io();
        this.metadata = new MetadataFiles(io);
        this.vectors = new DeletionVectors(io);
        this.failPoints = failPoints;
    }

    public Ledger ledger() {
        return ledger;
    }

    /** The files of the tables, on this machine. */
    public TableFiles files() {
        return storage;
    }

    public FileIO io() {
        return io;
    }

    MetadataFiles metadata() {
        return metadata;
    }

    /** The same tables as an Iceberg catalog, each commit a commit of the lake. */
    public LedgerCatalog iceberg(String name) {
        return iceberg(name, LedgerCatalog.Author.ICEBERG);
    }

    /** The same, of somebody who commits. */
    public LedgerCatalog iceberg(String name, LedgerCatalog.Author author) {
        return new LedgerCatalog(this, name, author);
    }

    /** All tables as they are now. */
    public Pin pin() {
        return new Pin(this, ledger.head());
    }

    /**
     * All tables as they were {@code age} ago at the earliest, and what this process committed
     * since; the same pin again as long as nothing is known to have happened.
     */
    public Pin pin(Duration age) {
        return pins.get(ledger.head(age), this::pinAt);
    }

    /** All tables as they were when {@code seq} was the head. */
    public Pin pinAt(long seq) {
        return new Pin(this, seq);
    }

    /**
     * All tables as they were when {@code seq} was the head, as somebody asks for it.
     *
     * @throws LakeException NOT_FOUND if that has expired
     */
    public Pin pinAsOf(long seq) {
        long floor = ledger.retention().floor();
        if (seq < floor) {
            throw new LakeException(
                    ErrorCode.NOT_FOUND,
                    "What the lake was at commit %d has expired: the oldest state that it keeps is that of commit %d. How long it keeps them is maintenance: history: in lake.yaml."
                            .formatted(seq, floor));
        }
        return pinAt(seq);
    }

    /** Begins a commit with an id of its own. */
    public StagedCommit stage() {
        StagedCommit commit =
                new StagedCommit(this, CommitIds.create(ledger.id()), failPoints, underWay::remove);
        underWay.add(commit.id());
        return commit;
    }

    /** The commits that this process has begun and not ended, whether or not they have written. */
    public Set<UUID> underWay() {
        return Set.copyOf(underWay);
    }

    /** Creates a namespace unless it is there. */
    public void ensureNamespace(String namespace, String principal) {
        if (ledger.namespaces().containsKey(namespace)) {
            return;
        }
        try {
            var unused =
                    ledger.commit(
                            CommitRequest.builder(UUID.randomUUID(), "namespace", principal)
                                    .change(
                                            new CommitRequest.NamespaceChange(
                                                    namespace, null, Map.of()))
                                    .build());
        } catch (CommitConflictException e) {
            if (e.reason() != CommitConflictException.Reason.ALREADY_EXISTS) {
                throw e;
            }
        }
    }

    /** What was added to a table in (after, upTo], or in the part of it that a limit allows. */
    public ChangeRange changes(UUID table, long after, long upTo, ChangeRange.Limit limit) {
        List<DataFile> added = new ArrayList<>();
        long bytes = 0;
        long rows = 0;
        int left = limit.commits();
        long read = after;
        while (true) {
            int most = Math.min(left, PAGE);
            List<Change> page = ledger.changes(table, read, upTo, most);
            @Nullable TableMetadata newest = null;
            for (Change change : page) {
                switch (effect(change)) {
                    case NONE -> {}
                    case REWRITTEN -> {
                        return new ChangeRange.Rewritten(change.seq(), change.operation());
                    }
                    case ADDED -> {
                        if (change.isExpired()) {
                            return new ChangeRange.Rewritten(
                                    change.seq(), ChangeRange.Rewritten.EXPIRED);
                        }
                        if (newest == null) {
                            newest = metadata.read(lastMetadata(page));
                        }
                        for (DataFile file : added(newest, change)) {
                            added.add(file);
                            bytes += file.fileSizeInBytes();
                            rows += file.recordCount();
                        }
                    }
                }
                if (bytes >= limit.bytes() || rows >= limit.rows()) {
                    return new ChangeRange.Appended(change.seq(), added);
                }
            }
            if (page.size() < most) {
                return new ChangeRange.Appended(upTo, added);
            }
            read = page.getLast().seq();
            left -= most;
            if (left == 0) {
                return new ChangeRange.Appended(read, added);
            }
        }
    }

    /**
     * The commits in (after, upTo] that did more to a table's rows than add some, in order; all
     * that came to it in states that have expired is one {@link ChangeRange.Rewritten#isExpired} of
     * them, at the oldest state that is kept.
     */
    public List<ChangeRange.Rewritten> rewrites(UUID table, long after, long upTo) {
        List<ChangeRange.Rewritten> found = new ArrayList<>();
        boolean lost = false;
        long read = after;
        while (true) {
            List<Change> page = ledger.changes(table, read, upTo, PAGE);
            for (Change change : page) {
                Effect effect = effect(change);
                if (change.isExpired()) {
                    lost |= effect != Effect.NONE;
                    if (lost) {
                        found.clear();
                        found.add(
                                new ChangeRange.Rewritten(
                                        change.seq(), ChangeRange.Rewritten.EXPIRED));
                    }
                } else if (effect == Effect.REWRITTEN) {
                    found.add(new ChangeRange.Rewritten(change.seq(), change.operation()));
                }
            }
            if (page.size() < PAGE) {
                return found;
            }
            read = page.getLast().seq();
        }
    }

    /** The files that one commit added to a table, whatever else it did to it. */
    public List<DataFile> added(UUID table, long seq) {
        return ledger.changes(table, seq - 1, seq).stream()
                .filter(change -> change.metadataAfter() != null && change.snapshotId().isPresent())
                .flatMap(change ->
                        added(metadata.read(Objects.requireNonNull(change.metadataAfter())), change)
                                .stream())
                .toList();
    }

    /** What a change is to who reads a table's rows as they come. */
    private enum Effect {
        NONE,
        ADDED,
        REWRITTEN
    }

    private static Effect effect(Change change) {
        if (change.metadataAfter() == null) {
            return Effect.REWRITTEN;
        }
        if (change.commitKind().equals(COMPACTION) || change.commitKind().equals(EXPIRED_ROWS)) {
            return Effect.NONE;
        }
        if (change.snapshotId().isEmpty() && !change.operation().equals(DataOperations.OVERWRITE)) {
            return Effect.NONE;
        }
        return switch (change.operation()) {
            case DataOperations.APPEND -> Effect.ADDED;
            default -> Effect.REWRITTEN;
        };
    }

    private static String lastMetadata(List<Change> changes) {
        for (Change change : changes.reversed()) {
            if (change.metadataAfter() != null) {
                return change.metadataAfter();
            }
        }
        throw new IllegalStateException("an append without metadata");
    }

    /** Newer metadata mostly lists the snapshot; if it has left the list, its own commit's does. */
    private List<DataFile> added(TableMetadata newest, Change change) {
        String own = Objects.requireNonNull(change.metadataAfter());
        long snapshotId = change.snapshotId().orElseThrow();
        TableMetadata from = newest.snapshot(snapshotId) != null ? newest : metadata.read(own);
        List<DataFile> found = new ArrayList<>();
        BaseTable table =
                new BaseTable(
                        new StagingOperations(UUID.randomUUID(), io, from, from.location()), own);
        MetadataFiles.reading(() ->
                        SnapshotChanges.builderFor(table)
                                .snapshot(from.snapshot(snapshotId))
                                .executeWith(Direct.EXECUTOR)
                                .build()
                                .addedDataFiles())
                .forEach(found::add);
        return found;
    }

    /** The live pointer of a table; LakeException NOT_FOUND where there is none. */
    Ref liveRef(TableIdentifier identifier) {
        return ledger.ref(Names.encode(identifier.namespace()), identifier.name())
                .filter(ref -> ref.kind() == RefKind.TABLE)
                .orElseThrow(() ->
                        new LakeException(ErrorCode.NOT_FOUND, "there is no table " + identifier));
    }

    PinnedTable pinned(Ref ref) {
        return new PinnedTable(ref, metadata.read(ref.metadataLocation()), this);
    }

    /** The files of a table's state. */
    List<ListedFile> files(TableMetadata table) {
        return files(table, manifest -> true);
    }

    /** The files of a table's state that some of its manifests list. */
    List<ListedFile> files(TableMetadata table, Predicate<ManifestFile> which) {
        Snapshot snapshot = table.currentSnapshot();
        if (snapshot == null) {
            return List.of();
        }
        List<ListedFile> all = new ArrayList<>();
        for (ManifestFile manifest : MetadataFiles.reading(() -> snapshot.dataManifests(io))) {
            if (which.test(manifest)) {
                all.addAll(
                        files.get(
                                manifest.path(),
                                path -> MetadataFiles.reading(() -> read(manifest, table))));
            }
        }
        return List.copyOf(all);
    }

    /**
     * What is deleted of the files of a table's state, by their location.
     *
     * @throws LakeException UNSUPPORTED_SQL if other files than deletion vectors say it
     */
    Map<String, DeletedRows> deleted(TableMetadata table) {
        Snapshot snapshot = table.currentSnapshot();
        return snapshot == null
                ? Map.of()
                : MetadataFiles.reading(() -> vectors.of(snapshot.deleteManifests(io), table));
    }

    private List<ListedFile> read(ManifestFile manifest, TableMetadata table) {
        List<ListedFile> files = new ArrayList<>();
        Set<Integer> times = ingestTimes(table.schema());
        // mostly the same of all
        Map<Set<Integer>, Set<Integer>> columns = new HashMap<>();
        try (ManifestReader<DataFile> reader =
                ManifestFiles.read(manifest, io, table.specsById())) {
            for (DataFile file : reader) {
                Map<Integer, Long> counts = file.valueCounts();
                Set<Integer> counted = counts == null ? Set.of() : Set.copyOf(counts.keySet());
                files.add(
                        new ListedFile(
                                times.isEmpty()
                                        ? file.copyWithoutStats()
                                        : file.copyWithStats(times),
                                columns.computeIfAbsent(counted, own -> own)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + manifest.path(), e);
        }
        return List.copyOf(files);
    }

    /** The columns by whose bounds files are left out that hold nothing of a time. */
    private static Set<Integer> ingestTimes(Schema schema) {
        return INGEST_TIMES.stream()
                .map(schema::findField)
                .filter(Objects::nonNull)
                .map(Types.NestedField::fieldId)
                .collect(Collectors.toSet());
    }

    /** A folder of its own for every table, so that a dropped name's files stay apart. */
    String newLocation(TableIdentifier identifier) {
        StringBuilder folder = new StringBuilder(storage.root());
        for (String level : identifier.namespace().levels()) {
            folder.append('/').append(fileName(level));
        }
        String unique = UUID.randomUUID().toString().substring(0, 8);
        return folder + "/" + fileName(identifier.name()) + "-" + unique;
    }

    /** Keeps a name from leaving its folder, and from tripping clients that decode locations. */
    private static String fileName(String name) {
        return name.replaceAll("[^\\p{L}\\p{N}_-]", "_");
    }

    /** In-process locks of some tables, in the order in which to take them. */
    List<Lock> locks(List<UUID> tables) {
        return tables.stream()
                .map(table -> Math.floorMod(table.hashCode(), stripes.size()))
                .distinct()
                .sorted()
                .map(stripes::get)
                .toList();
    }
}
