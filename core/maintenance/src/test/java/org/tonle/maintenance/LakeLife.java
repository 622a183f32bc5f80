package org.tonle.maintenance;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Types;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.Retention;
import org.tonle.spi.LakeException;

/**
 * One random life of a few tables: what their own names for files say that must be there is
 * compared with what is there. Of a process that is killed nothing is left but what it wrote.
 */
final class LakeLife {
    private static final Schema SCHEMA =
            new Schema(Types.NestedField.required(1, "id", Types.LongType.get()));
    private static final Duration GRACE = Duration.ofHours(10);

    /** So many of the states that are kept are read whole after each clean-up. */
    private static final int READ = 3;

    private static final String CONSUMER = "reader";

    private final Random random;
    private final Ledger ledger;
    private final Handle sql;
    private final MemoryFiles files;
    private final TestClock clock;
    private final String namespace;
    private LakeCatalog process;
    private @Nullable String haltAt;

    /** What each table held, by its identifier, at each commit of this life. */
    private final TreeMap<Long, Map<TableIdentifier, Set<String>>> states = new TreeMap<>();

    private final List<Reader> readers = new ArrayList<>();
    private final Map<Integer, Long> forks = new HashMap<>();
    private final Set<String> foreign = new HashSet<>();
    private final List<Slow> slow = new ArrayList<>();
    private int made;
    private int forked;
    private long consumed = -1;
    private final Set<String> wanted = new HashSet<>();

    /** Somebody who reads a state until a time. */
    private record Reader(Set<String> files, Instant until) {}

    /** A commit of another process that takes its time. */
    private record Slow(
            StagedCommit commit, TableIdentifier table, Set<String> before, String added) {}

    /** Stands for the end of a process. */
    private static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Killed() {
            super("killed", null, false, false);
        }
    }

    LakeLife(
            long seed,
            Ledger ledger,
            Handle sql,
            MemoryFiles files,
            TestClock clock,
            String namespace) {
        this.random = new Random(seed);
        this.ledger = ledger;
        this.sql = sql;
        this.files = files;
        this.clock = clock;
        this.namespace = namespace;
        this.process = begin();
        process.ensureNamespace(namespace, "test");
        states.put(ledger.head(), Map.of());
    }

    private LakeCatalog begin() {
        return new LakeCatalog(ledger, files, this::halt);
    }

    private void halt(String point) {
        if (point.equals(haltAt)) {
            haltAt = null;
            throw new Killed();
        }
    }

    void live(int steps) {
        for (int i = 0; i < steps; i++) {
            step();
        }
    }

    private void step() {
        switch (random.nextInt(24)) {
            case 0, 1 -> create();
            case 2, 3, 4, 5, 6 -> change();
            case 7 -> drop();
            case 8 -> killed();
            case 9 -> beginSlowly();
            case 10 -> endSlowly();
            case 11 -> read();
            case 12 -> fork();
            case 13 -> consume();
            case 14 -> strange();
            case 15, 16, 17 -> pass(Duration.ofHours(random.nextInt(14)));
            case 18, 19, 20 -> expire();
            case 21, 22 -> cleanUp(random.nextInt(3) == 0);
            default -> keepSome();
        }
    }

    // what the lake does

    private Map<TableIdentifier, Set<String>> now() {
        return states.lastEntry().getValue();
    }

    private @Nullable TableIdentifier some() {
        List<TableIdentifier> tables = List.copyOf(new TreeMap<>(names()).values());
        return tables.isEmpty() ? null : tables.get(random.nextInt(tables.size()));
    }

    private Map<String, TableIdentifier> names() {
        return now().keySet().stream().collect(Collectors.toMap(Object::toString, name -> name));
    }

    private void create() {
        if (now().size() < 3) {
            TableIdentifier table =
                    TableIdentifier.of(Namespace.of(namespace), "t" + random.nextInt(4));
            if (!now().containsKey(table)) {
                try (StagedCommit commit = process.stage()) {
                    StagedTable staged =
                            commit.create(table, SCHEMA, PartitionSpec.unpartitioned(), Map.of());
                    Set<String> held = new HashSet<>();
                    if (random.nextBoolean()) {
                        DataFile file = write(staged);
                        staged.append(List.of(file));
                        held.add(file.location());
                    }
                    publish(commit, "create", Map.of(table, held));
                }
            }
        }
    }

    private DataFile write(StagedTable table) {
        String location = table.location(table.newDataFile(""));
        files.put(location, new byte[] {1});
        return DataFiles.builder(PartitionSpec.unpartitioned())
                .withPath(location)
                .withFileSizeInBytes(1)
                .withRecordCount(1)
                .withFormat("parquet")
                .build();
    }

    private void change() {
        TableIdentifier first = some();
        if (first == null) {
            return;
        }
        Set<TableIdentifier> tables = new HashSet<>(Set.of(first));
        if (random.nextInt(3) == 0) {
            tables.add(Objects.requireNonNull(some()));
        }
        try (StagedCommit commit = process.stage()) {
            Map<TableIdentifier, Set<String>> changed = new HashMap<>();
            boolean compacts = false;
            for (TableIdentifier table : tables) {
                StagedTable staged = commit.table(table, OnConflict.REAPPLY);
                Set<String> before = now().get(table);
                int how = tables.size() > 1 ? 0 : random.nextInt(4);
                if (how == 1) {
                    DataFile file = write(staged);
                    staged.replaceAll(List.of(file));
                    changed.put(table, Set.of(file.location()));
                } else if (how == 2 && before.size() > 1) {
                    PinnedTable pinned = process.pin().table(table).orElseThrow();
                    DataFile file = write(staged);
                    staged.rewrite(pinned, pinned.files(), List.of(file));
                    changed.put(table, Set.of(file.location()));
                    compacts = true;
                } else {
                    DataFile file = write(staged);
                    staged.append(List.of(file));
                    Set<String> after = new HashSet<>(before);
                    after.add(file.location());
                    changed.put(table, after);
                }
            }
            publish(commit, compacts ? LakeCatalog.COMPACTION : "run", changed);
        }
    }

    private void publish(
            StagedCommit commit, String kind, Map<TableIdentifier, Set<String>> changed) {
        long seq = commit.publish(CommitRequest.builder(commit.id(), kind, "test"));
        Map<TableIdentifier, Set<String>> after = new HashMap<>(now());
        after.putAll(changed);
        states.put(seq, Map.copyOf(after));
    }

    private void drop() {
        TableIdentifier table = some();
        if (table != null && random.nextBoolean()) {
            assertThat(process.iceberg("test").dropTable(table, false)).isTrue();
            Map<TableIdentifier, Set<String>> after = new HashMap<>(now());
            after.remove(table);
            states.put(ledger.head(), Map.copyOf(after));
        }
    }

    /** The process ends in the middle of a commit; whoever comes next knows nothing of it. */
    private void killed() {
        TableIdentifier table = some();
        if (table == null) {
            return;
        }
        haltAt =
                List.of("stage.after-metadata", "stage.after-sync", "stage.after-publish")
                        .get(random.nextInt(3));
        boolean published = haltAt.equals("stage.after-publish");
        // not closed: nobody tidies up behind a process that is killed
        StagedCommit commit = process.stage();
        StagedTable staged = commit.table(table, OnConflict.REAPPLY);
        DataFile file = write(staged);
        staged.append(List.of(file));
        try {
            var unused = commit.publish(CommitRequest.builder(commit.id(), "run", "test"));
            throw new AssertionError("it wasn't killed");
        } catch (Killed e) {
            if (published) {
                Map<TableIdentifier, Set<String>> after = new HashMap<>(now());
                Set<String> held = new HashSet<>(after.get(table));
                held.add(file.location());
                after.put(table, held);
                states.put(ledger.head(), Map.copyOf(after));
            }
        }
        process = begin();
    }

    private void beginSlowly() {
        TableIdentifier table = some();
        if (table != null) {
            StagedCommit commit = begin().stage();
            StagedTable staged = commit.table(table, OnConflict.REAPPLY);
            DataFile file = write(staged);
            staged.append(List.of(file));
            slow.add(new Slow(commit, table, now().get(table), file.location()));
        }
    }

    /** It happens, with all that it wrote, or it doesn't: perhaps because it was given up. */
    private void endSlowly() {
        if (slow.isEmpty()) {
            return;
        }
        Slow ended = slow.remove(random.nextInt(slow.size()));
        try (StagedCommit commit = ended.commit()) {
            long seq = commit.publish(CommitRequest.builder(commit.id(), "run", "test"));
            Map<TableIdentifier, Set<String>> after = new HashMap<>(now());
            Set<String> held = new HashSet<>(after.get(ended.table()));
            held.add(ended.added());
            after.put(ended.table(), held);
            states.put(seq, Map.copyOf(after));
        } catch (CommitConflictException e) {
            // the table was dropped, or the commit was closed
            assertThat(ledger.resolve(ended.commit().id(), Duration.ofSeconds(10))).isEmpty();
        } catch (LakeException e) {
            assertThat(now()).doesNotContainKey(ended.table());
        }
        // what it wrote in vain it takes away itself
        String id = ended.commit().id().toString();
        wanted.removeIf(location -> location.contains(id));
    }

    // who reads

    private void read() {
        long floor = ledger.retention().floor();
        List<Long> kept = List.copyOf(states.tailMap(floor, true).keySet());
        if (!kept.isEmpty()) {
            long seq = kept.get(random.nextInt(kept.size()));
            readers.add(
                    new Reader(
                            held(states.get(seq)),
                            clock.instant().plus(Duration.ofHours(random.nextInt(10)))));
        }
    }

    private static Set<String> held(Map<TableIdentifier, Set<String>> state) {
        return state.values().stream().flatMap(Set::stream).collect(Collectors.toSet());
    }

    /** A branch begins at a state that is kept, or ends. */
    private void fork() {
        if (!forks.isEmpty() && random.nextInt(4) == 0) {
            int id = forks.keySet().iterator().next();
            sql.execute("DELETE FROM tonle.branch WHERE id = ?", id);
            forks.remove(id);
            return;
        }
        List<Long> kept = List.copyOf(states.tailMap(ledger.retention().floor(), true).keySet());
        if (!kept.isEmpty()) {
            long seq = kept.get(random.nextInt(kept.size()));
            int id =
                    sql.createQuery(
                                    "INSERT INTO tonle.branch (name, parent, fork_seq, head_seq)"
                                            + " SELECT :name, id, :seq, :seq FROM tonle.branch"
                                            + " WHERE name = 'main' RETURNING id")
                            .bind("name", namespace + "-" + forked++)
                            .bind("seq", seq)
                            .mapTo(Integer.class)
                            .one();
            forks.put(id, seq);
        }
    }

    /** A dataset reads what one of the tables gained since it read it last; it is never lost. */
    private void consume() {
        for (TableIdentifier table : names().values()) {
            Optional<PinnedTable> pinned = process.pin().table(table);
            UUID uuid = pinned.orElseThrow().uuid();
            Long position = ledger.datasetPositions(CONSUMER + namespace).get(uuid);
            long head = ledger.head();
            if (position != null) {
                switch (process.changes(uuid, position, head, ChangeRange.Limit.NONE)) {
                    case ChangeRange.Appended appended ->
                            appended.files().forEach(file -> mustBeThere(file.location()));
                    case ChangeRange.Rewritten rewritten ->
                            assertThat(rewritten.isExpired()).isFalse();
                }
            }
            if (position == null || position < head) {
                var unused =
                        ledger.commit(
                                CommitRequest.builder(UUID.randomUUID(), "run", "test")
                                        .move(
                                                new CommitRequest.DatasetMove(
                                                        CONSUMER + namespace,
                                                        uuid,
                                                        position == null
                                                                ? OptionalLong.empty()
                                                                : OptionalLong.of(position),
                                                        head))
                                        .build());
            }
        }
    }

    /** Somebody puts files of his own beside those of a table, some named like ours. */
    private void strange() {
        TableIdentifier table = some();
        if (table != null) {
            String folder = process.pin().table(table).orElseThrow().location();
            String name =
                    List.of(
                                    "/data/part-%s.parquet",
                                    "/data/%s-0.parquet",
                                    "/metadata/%s-m0.avro",
                                    "/metadata/00007-%s-0.metadata.json",
                                    "/backup/%s-0.parquet",
                                    "/%s")
                            .get(random.nextInt(6))
                            .formatted(new UUID(random.nextLong(), random.nextLong()));
            files.put(folder + name, new byte[] {2});
            foreign.add(folder + name);
        }
    }

    // what looks after it

    private void pass(Duration time) {
        clock.pass(time);
        readers.removeIf(reader -> reader.until().isBefore(clock.instant()));
    }

    private void expire() {
        long oldest = states.firstKey();
        long seq = oldest + (long) (random.nextDouble() * (ledger.head() - oldest + 1));
        expire(seq);
        if (random.nextBoolean()) {
            new SnapshotExpiry(process, 1).run();
            same();
        }
        if (random.nextBoolean()) {
            cleanUp(false);
        }
    }

    private void expire(long seq) {
        if (seq > 0) {
            Instant since = ledger.commits(seq - 1, seq).getFirst().at();
            var unused = ledger.retention().expire(since, Instant.EPOCH);
        }
    }

    /** Commits that leave all rows as they are. */
    private void same() {
        states.put(ledger.head(), now());
    }

    private CleanUp.Done cleanUp(boolean killed) {
        if (killed) {
            haltAt = CleanUp.FAIL_POINTS.get(random.nextInt(CleanUp.FAIL_POINTS.size()));
        }
        CleanUp.Done done = new CleanUp.Done(0, 0, 0);
        try {
            done = new CleanUp(process, GRACE, clock, this::halt).run();
        } catch (Killed e) {
            process = begin();
        }
        haltAt = null;
        check();
        return done;
    }

    /** Somebody wants files that are to go, and no longer wants them some time. */
    private void keepSome() {
        Retention retention = ledger.retention();
        boolean keep = wanted.isEmpty();
        wanted.clear();
        if (keep) {
            retention
                    .marked(clock.instant().plusSeconds(1), Integer.MAX_VALUE)
                    .forEach(file -> wanted.add(file.location()));
            // whoever wrote one in vain may have taken it away himself
            wanted.retainAll(files.locations());
        }
        var unused = retention.keep(files.root(), keep, clock.instant());
    }

    // what must hold

    private void mustBeThere(String location) {
        assertThat(files.locations()).contains(location);
    }

    /** Every state that is kept is there, as it was; so is what somebody still reads. */
    private void check() {
        long floor = ledger.retention().floor();
        Long from = states.floorKey(floor);
        Set<Long> kept = new HashSet<>(states.tailMap(from == null ? floor : from, true).keySet());
        forks.values().forEach(seq -> kept.add(Objects.requireNonNull(states.floorKey(seq))));
        // another one, which remembers nothing of the files
        LakeCatalog fresh = begin();
        List<Long> some = new ArrayList<>(kept);
        Collections.shuffle(some, random);
        kept.forEach(seq -> assertThat(files.locations()).containsAll(held(states.get(seq))));
        for (long seq : some.subList(0, Math.min(READ, some.size()))) {
            long at = Math.max(seq, forks.containsValue(seq) ? seq : Math.min(seq, floor));
            states.get(seq)
                    .forEach((table, held) -> {
                        PinnedTable then = fresh.pinAt(at).table(table).orElseThrow();
                        Set<String> found =
                                then.files().stream()
                                        .map(DataFile::location)
                                        .collect(Collectors.toSet());
                        assertThat(found).as("%s at %d", table, at).isEqualTo(held);
                    });
        }
        readers.forEach(reader -> assertThat(files.locations()).containsAll(reader.files()));
        assertThat(files.locations()).containsAll(foreign);
        assertThat(files.locations()).containsAll(wanted);
    }

    /** When all has come to rest, nothing is left but what the newest state needs. */
    void end() {
        while (!slow.isEmpty()) {
            endSlowly();
        }
        readers.clear();
        wanted.clear();
        forks.keySet().forEach(id -> sql.execute("DELETE FROM tonle.branch WHERE id = ?", id));
        forks.clear();
        var unusedKept = ledger.retention().keep(files.root(), false, clock.instant());
        sql.execute("DELETE FROM tonle.dataset_position");
        expire(ledger.head());
        new SnapshotExpiry(process, 1).run();
        same();
        expire(ledger.head());
        for (int i = 0; i < 3; i++) {
            clock.pass(GRACE.plusSeconds(1));
            var unused = cleanUp(false);
        }
        Set<String> left =
                files.locations().stream()
                        .filter(location -> location.startsWith(files.root() + "/" + namespace))
                        .filter(location -> !foreign.contains(location))
                        .collect(Collectors.toSet());
        Set<String> needed = new HashSet<>();
        for (TableIdentifier table : now().keySet()) {
            PinnedTable pinned = process.pin().table(table).orElseThrow();
            needed.add(pinned.metadataLocation());
            assertThat(pinned.snapshots()).hasSizeLessThanOrEqualTo(1);
            pinned.snapshot()
                    .ifPresent(snapshot -> {
                        needed.add(snapshot.manifestListLocation());
                        snapshot.allManifests(files.io())
                                .forEach(manifest -> needed.add(manifest.path()));
                    });
        }
        needed.addAll(held(now()));
        assertThat(left).isEqualTo(needed);
        for (TableIdentifier table : names().values()) {
            assertThat(process.iceberg("test").dropTable(table, false)).isTrue();
        }
    }
}
