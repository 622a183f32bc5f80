package org.tonle.ingest;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.catalog.TableIdentifier;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.Direct;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.LogMove;
import org.tonle.ledger.CommitRequest.SourceMove;
import org.tonle.ledger.Lease;
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
    private final TableIdentifier table;
    private final String consumer;
    private final SourceTopic topic;
    private final RequestKeys keys;
    private final Map<String, SourceMark> marks;
    private final BodyRows rows;
    private final FailPoints failPoints;
    private final long begunNanos = System.nanoTime();

    private final Map<RequestKey, KeyTable.Entry> kept = new HashMap<>();
    private final Map<String, SourceMark> newMarks = new TreeMap<>();
    private final Map<Integer, Long> next = new TreeMap<>();
    private final Map<Integer, Integer> leaderEpochs = new HashMap<>();
    private final Map<Long, BronzeFile> files = new TreeMap<>();
    private @Nullable StagedCommit commit;
    private @Nullable StagedTable staged;
    private long newestMicros = Long.MIN_VALUE;
    private long bytes;
    private long repeats;

    BronzeBatch(
            LakeCatalog catalog,
            TableIdentifier table,
            String consumer,
            SourceTopic topic,
            RequestKeys keys,
            Map<String, SourceMark> marks,
            BodyRows rows,
            FailPoints failPoints) {
        this.catalog = catalog;
        this.table = table;
        this.consumer = consumer;
        this.topic = topic;
        this.keys = keys;
        this.marks = marks;
        this.rows = rows;
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

    long repeats() {
        return repeats;
    }

    /** By partition, the position behind the last body. */
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
        }
        rows.write(record, file(BronzeFile.day(body.ingestTimeMicros())));
    }

    private BronzeFile file(long day) {
        BronzeFile open = files.get(day);
        if (open == null) {
            open = BronzeFile.create(staged().newDataFile(BronzeFile.partition(day)), day);
            files.put(day, open);
        }
        return open;
    }

    private StagedTable staged() {
        StagedTable found = staged;
        if (found == null) {
            StagedCommit begun = catalog.stage();
            commit = begun;
            // nothing of the table was read to make the rows, so they fit on any newer one
            found = begun.table(table, StagedTable.OnConflict.REAPPLY);
            staged = found;
        }
        return found;
    }

    /**
     * Commits the files and moves the positions, together.
     *
     * @param from the positions that the ledger has; a partition without one is absent
     */
    void publish(List<Lease> leases, Map<Integer, Long> from) {
        StagedCommit files = commit;
        StagedTable target = staged;
        if (files == null || target == null) {
            // nothing but repeats: only the positions move
            var unused = catalog.ledger().commit(request(UUID.randomUUID(), leases, from).build());
            return;
        }
        AppendFiles append =
                target.transaction()
                        .newAppend()
                        .scanManifestsWith(Direct.EXECUTOR)
                        .writeManifestsWith(Direct.EXECUTOR, 1);
        this.files.values().forEach(file -> append.appendFile(file.finish()));
        failPoints.reach("ingest.after-file");
        append.commit();
        CommitRequest.Builder request = request(files.id(), leases, from);
        failPoints.reach("ingest.before-commit");
        var unused = files.publish(request);
    }

    private CommitRequest.Builder request(UUID id, List<Lease> leases, Map<Integer, Long> from) {
        CommitRequest.Builder request =
                CommitRequest.builder(id, "ingest", PRINCIPAL)
                        .summary("table", BronzeTable.NAMESPACE + "." + table.name())
                        .summary("rows", files.values().stream().mapToLong(BronzeFile::rows).sum())
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
        newMarks.values().forEach(mark -> request.move(new SourceMove(table.name(), mark)));
        return request;
    }

    /** Deletes what was written, unless it was committed or that isn't known. */
    @Override
    public void close() {
        try {
            files.values().forEach(BronzeFile::close);
        } finally {
            if (commit != null) {
                commit.close();
            }
        }
    }
}
