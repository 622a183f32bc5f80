package org.tonle.ingest;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.UpdateProperties;
import org.apache.iceberg.catalog.TableIdentifier;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.Direct;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.definition.BronzeDefinition;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.LogMove;
import org.tonle.ledger.CommitRequest.SourceMove;
import org.tonle.ledger.Lease;
import org.tonle.ledger.LogPosition;
import org.tonle.spi.FailPoints;
import org.tonle.spi.SourceMark;

/**
 * What one commit takes from the event log into bronze: some bodies of each partition, from the
 * position that the ledger has to another one. Used by one thread.
 *
 * <p>A body whose key and content stand in bronze already, or earlier in this batch, within 24
 * hours is a repeat: its position is passed, its rows are dropped. So is a body that doesn't follow
 * what bronze has of its item.
 */
final class BronzeBatch implements AutoCloseable {
    /** The principal of commits that nobody asked for. */
    private static final String PRINCIPAL = "tonle";

    private final LakeCatalog catalog;
    private final String source;
    private final String consumer;
    private final SourceTopic topic;
    private final RequestKeys keys;
    private final Map<String, SourceMark> marks;
    private final BodyRows rows;
    private final Map<String, BronzeDefinition> evolving;
    private final FailPoints failPoints;
    private final long begunNanos = System.nanoTime();

    private final Map<RequestKey, KeyTable.Entry> kept = new HashMap<>();
    private final Map<String, SourceMark> newMarks = new TreeMap<>();
    private final Map<Integer, Long> next = new TreeMap<>();
    private final Map<Integer, Integer> leaderEpochs = new HashMap<>();
    private final Map<String, Map<Long, BronzeFile>> files = new TreeMap<>();
    private final Map<String, StagedTable> staged = new HashMap<>();
    private final Map<String, FieldWatch> watches = new HashMap<>();

    /** Items whose last body is to become visible with the next one. */
    private final Set<String> open = new HashSet<>();

    private @Nullable StagedCommit commit;
    private long newestMicros = Long.MIN_VALUE;
    private long bytes;
    private long repeats;
    private long events;
    private long unreadable;

    /**
     * @param evolving by name, the tables that get columns for fields without one
     */
    BronzeBatch(
            LakeCatalog catalog,
            String source,
            String consumer,
            SourceTopic topic,
            RequestKeys keys,
            Map<String, SourceMark> marks,
            BodyRows rows,
            Map<String, BronzeDefinition> evolving,
            FailPoints failPoints) {
        this.catalog = catalog;
        this.source = source;
        this.consumer = consumer;
        this.topic = topic;
        this.keys = keys;
        this.marks = marks;
        this.rows = rows;
        this.evolving = evolving;
        this.failPoints = failPoints;
    }

    /** When the first body came, as {@link System#nanoTime} counts. */
    long begunNanos() {
        return begunNanos;
    }

    /** Of the bodies that were added. */
    long bytes() {
        return bytes;
    }

    /** When the newest of them was taken. */
    Instant newest() {
        return RequestKeys.instant(newestMicros);
    }

    /** What it brings to bronze. */
    SourceStatus.Counts counts() {
        return new SourceStatus.Counts(events, bytes, unreadable, 0);
    }

    long repeats() {
        return repeats;
    }

    /** By partition, the position up to which nothing is left to read. */
    Map<Integer, Long> next() {
        return next;
    }

    /** The requests that this batch brings to bronze. */
    Map<RequestKey, KeyTable.Entry> kept() {
        return kept;
    }

    /** How far this batch brings what the source reads, by item. */
    Map<String, SourceMark> marks() {
        return newMarks;
    }

    void add(LogRecord record) {
        next.put(record.partition(), record.position() + 1);
        leaderEpochs.put(record.partition(), record.leaderEpoch());
        BodyRecord body = record.body();
        bytes += body.body().length;
        newestMicros = Math.max(newestMicros, body.ingestTimeMicros());
        if (body.idempotencyKey().isPresent() && body.bodyHash().isPresent()) {
            RequestKey key = RequestKey.of(body.idempotencyKey().get());
            KeyTable.Entry entry =
                    new KeyTable.Entry(
                            RequestKey.shortHash(body.bodyHash().get()),
                            record.partition(),
                            record.position(),
                            body.events(),
                            body.ingestTimeMicros());
            Optional<KeyTable.Entry> earlier =
                    Optional.ofNullable(kept.get(key))
                            .filter(e -> RequestKeys.isNear(e, body.ingestTimeMicros()))
                            .or(() -> keys.findInBronze(key, body.ingestTimeMicros()));
            // a key that came with another content is no repeat: dropping it would lose a body
            if (earlier.isPresent()
                    && earlier.get().bodyHash() == entry.bodyHash()
                    && earlier.get().position() < entry.position()) {
                repeats++;
                return;
            }
            kept.put(key, entry);
        }
        if (body.mark().isPresent()) {
            SourceMark mark = body.mark().get().mark();
            SourceMark known = newMarks.getOrDefault(mark.item(), marks.get(mark.item()));
            if (!body.mark().get().follows(known)) {
                repeats++;
                return;
            }
            newMarks.put(mark.item(), mark);
            if (body.mark().get().continues()) {
                open.add(mark.item());
            } else {
                open.remove(mark.item());
            }
        }
        long day = BronzeFile.day(body.ingestTimeMicros());
        events += body.events();
        unreadable += body.problem().isPresent() ? 1 : 0;
        rows.write(
                record,
                new BodyRows.Files() {
                    @Override
                    public BronzeFile of(String table) {
                        return file(table, day);
                    }

                    @Override
                    public void event(String table, byte[] json, int from, int to) {
                        FieldWatch watch = watches.get(table);
                        if (watch != null) {
                            watch.add(json, from, to);
                        }
                    }
                });
    }

    /** Takes positions before which nothing is left to read; what was read before them is added. */
    void pass(Map<Integer, LogReader.From> positions) {
        positions.forEach((partition, from) -> {
            next.put(partition, from.position());
            leaderEpochs.put(partition, from.leaderEpoch().orElse(LogPosition.UNKNOWN_EPOCH));
        });
    }

    /** Whether it holds nothing but positions. */
    boolean isEmpty() {
        return newestMicros == Long.MIN_VALUE;
    }

    /** Which fields stay in the payload though they were to become columns. */
    Optional<String> warning() {
        return watches.values().stream().flatMap(watch -> watch.warning().stream()).findFirst();
    }

    /** Whether no transaction is in it in part. */
    boolean isWhole() {
        return open.isEmpty();
    }

    private BronzeFile file(String table, long day) {
        Map<Long, BronzeFile> days = files.computeIfAbsent(table, name -> new TreeMap<>());
        BronzeFile file = days.get(day);
        if (file == null) {
            file = BronzeFile.create(staged(table), day);
            days.put(day, file);
        }
        return file;
    }

    private StagedTable staged(String table) {
        StagedTable found = staged.get(table);
        if (found == null) {
            if (commit == null) {
                commit = catalog.stage();
            }
            // nothing of the table was read to make the rows, so they fit on any newer one
            found =
                    commit.table(
                            TableIdentifier.of(BronzeTable.NAMESPACE, table),
                            StagedTable.OnConflict.REAPPLY);
            staged.put(table, found);
            BronzeDefinition definition = evolving.get(table);
            if (definition != null) {
                watches.put(table, new FieldWatch(definition, found.table().properties()));
            }
        }
        return found;
    }

    private Stream<BronzeFile> allFiles() {
        return files.values().stream().flatMap(days -> days.values().stream());
    }

    /**
     * Commits the files and moves the positions, together.
     *
     * @param from the positions that the ledger has; a partition without one is absent
     */
    void publish(List<Lease> leases, Map<Integer, Long> from) {
        StagedCommit files = commit;
        if (files == null) {
            // nothing but repeats or ends of transactions: only the positions move
            var unused = catalog.ledger().commit(request(UUID.randomUUID(), leases, from).build());
            return;
        }
        List<AppendFiles> appends = new ArrayList<>();
        staged.forEach((table, target) -> {
            FieldWatch watch = watches.get(table);
            if (watch != null) {
                setProperties(target, watch.news());
            }
            AppendFiles append =
                    target.transaction()
                            .newAppend()
                            .scanManifestsWith(Direct.EXECUTOR)
                            .writeManifestsWith(Direct.EXECUTOR, 1);
            Objects.requireNonNull(this.files.get(table))
                    .values()
                    .forEach(file -> append.appendFile(file.finish()));
            appends.add(append);
        });
        failPoints.reach("ingest.after-file");
        appends.forEach(AppendFiles::commit);
        CommitRequest.Builder request = request(files.id(), leases, from);
        failPoints.reach("ingest.before-commit");
        var unused = files.publish(request);
    }

    /** On a newer table each is set, too: what others found out meanwhile has its own. */
    private static void setProperties(StagedTable table, Map<String, String> properties) {
        if (!properties.isEmpty()) {
            UpdateProperties update = table.transaction().updateProperties();
            properties.forEach(update::set);
            update.commit();
        }
    }

    private CommitRequest.Builder request(UUID id, List<Lease> leases, Map<Integer, Long> from) {
        CommitRequest.Builder request =
                CommitRequest.builder(id, "ingest", PRINCIPAL)
                        .summary("source", source)
                        .summary("rows", allFiles().mapToLong(BronzeFile::rows).sum())
                        .summary("repeats", repeats);
        leases.forEach(request::fencedBy);
        next.forEach((partition, to) -> {
            Long known = from.get(partition);
            request.move(
                    new LogMove(
                            consumer,
                            topic.clusterId(),
                            topic.topicId(),
                            partition,
                            leaderEpochs.getOrDefault(partition, 0),
                            known == null ? OptionalLong.empty() : OptionalLong.of(known),
                            to));
        });
        newMarks.values().forEach(mark -> request.move(new SourceMove(source, mark)));
        return request;
    }

    /** Deletes what was written, unless it was committed or that isn't known. */
    @Override
    public void close() {
        try {
            allFiles().forEach(BronzeFile::close);
        } finally {
            if (commit != null) {
                commit.close();
            }
        }
    }
}
