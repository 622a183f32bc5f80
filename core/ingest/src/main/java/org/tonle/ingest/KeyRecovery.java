package org.tonle.ingest;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Conversions;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.TableFiles;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Finds out which requests a source has taken: those in bronze, from its files of the last 24
 * hours; those that are only in the log, from there. After the first time only what others
 * committed since is read. Used by one thread.
 */
final class KeyRecovery {
    private static final int INGEST_TIME = 3;
    private static final int FILES_AT_ONCE = 32;
    private static final Duration POLL = Duration.ofMillis(200);

    /** What is known at once of the files of others. */
    private static final ChangeRange.Limit PAGE =
            new ChangeRange.Limit(Long.MAX_VALUE, Long.MAX_VALUE);

    private final LakeCatalog catalog;
    private final Optional<TableIdentifier> table;
    private final RequestKeys keys;
    private final Clock clock;
    private final ChangeRange.Limit page;
    private long seq = -1;

    /**
     * @param table where requests are brought to; empty for a source that takes none
     */
    KeyRecovery(
            LakeCatalog catalog, Optional<TableIdentifier> table, RequestKeys keys, Clock clock) {
        this(catalog, table, keys, clock, PAGE);
    }

    KeyRecovery(
            LakeCatalog catalog,
            Optional<TableIdentifier> table,
            RequestKeys keys,
            Clock clock,
            ChangeRange.Limit page) {
        this.catalog = catalog;
        this.table = table;
        this.keys = keys;
        this.clock = clock;
        this.page = page;
    }

    /**
     * Brings the keys up to date with what bronze holds.
     *
     * @param oldest what {@link #readTail} found before
     * @throws LakeException STORAGE if it can't be read now
     */
    void readTable(long oldest) {
        long from = Math.min(RequestKeys.micros(clock.instant()), oldest);
        table.ifPresent(requests -> readTable(requests, RequestKeys.horizon(from)));
    }

    private void readTable(TableIdentifier requests, long horizon) {
        Pin pin = catalog.pin();
        PinnedTable bronze =
                pin.table(requests).orElseThrow(() -> new IllegalStateException("no " + requests));
        if (seq < 0 || !readAdded(bronze, pin.seq(), horizon)) {
            read(RecentFiles.since(catalog, requests, horizon), horizon);
            seq = pin.seq();
        }
    }

    /**
     * Reads what was added since, some commits at a time.
     *
     * @return whether that is all that happened
     */
    private boolean readAdded(PinnedTable bronze, long upTo, long horizon) {
        while (seq < upTo) {
            switch (catalog.changes(bronze.uuid(), seq, upTo, page)) {
                case ChangeRange.Appended added -> {
                    read(added.files(), horizon);
                    seq = added.upTo();
                }
                case ChangeRange.Rewritten rewritten -> {
                    return false;
                }
            }
        }
        return true;
    }

    /**
     * Brings the keys up to date with what is only in the log.
     *
     * @param log positioned where bronze ends; is read to the end that the log has now
     * @return micros of the oldest body that isn't in bronze; the largest number if there is none
     */
    long readTail(LogReader log, SourceProgress progress, BooleanSupplier stopping) {
        Map<Integer, Long> ends = log.ends();
        long oldest = Long.MAX_VALUE;
        while (!log.reached(ends)) {
            if (stopping.getAsBoolean()) {
                throw new LakeException(
                        ErrorCode.CANCELLED, "Stopped while the log's tail was read.");
            }
            for (LogRecord record : log.poll(POLL)) {
                BodyRecord body = record.body();
                oldest = Math.min(oldest, body.ingestTimeMicros());
                progress.appended(
                        record.partition(),
                        record.position(),
                        RequestKeys.instant(body.ingestTimeMicros()));
                if (body.idempotencyKey().isPresent() && body.bodyHash().isPresent()) {
                    keys.appended(
                            RequestKey.of(body.idempotencyKey().get()),
                            new KeyTable.Entry(
                                    RequestKey.shortHash(body.bodyHash().get()),
                                    record.partition(),
                                    record.position(),
                                    body.events(),
                                    body.ingestTimeMicros()));
                }
            }
        }
        return oldest;
    }

    private void read(List<DataFile> files, long horizonMicros) {
        List<Path> recent =
                files.stream()
                        .filter(file -> newest(file) >= horizonMicros)
                        .map(file -> catalog.files().path(file.location()))
                        .toList();
        for (int from = 0; from < recent.size(); from += FILES_AT_ONCE) {
            read(recent.subList(from, Math.min(from + FILES_AT_ONCE, recent.size())));
        }
    }

    private void read(List<Path> files) {
        TableFiles.Held held = catalog.files().hold(files);
        try {
            files.forEach(file -> keys.committed(requests(file), Map.of()));
        } finally {
            held.close();
        }
    }

    private static Map<RequestKey, KeyTable.Entry> requests(Path path) {
        Map<RequestKey, KeyTable.Entry> found = new HashMap<>();
        BronzeKeys.read(path, (key, entry) -> found.merge(key, entry, KeyRecovery::later));
        return found;
    }

    /** Of two requests with one key in one file, more than 24 hours apart, the later one counts. */
    private static KeyTable.Entry later(KeyTable.Entry a, KeyTable.Entry b) {
        return a.position() > b.position() ? a : b;
    }

    private static long newest(DataFile file) {
        Map<Integer, ByteBuffer> bounds = file.upperBounds();
        ByteBuffer bound = bounds == null ? null : bounds.get(INGEST_TIME);
        if (bound == null) {
            return Long.MAX_VALUE;
        }
        Long micros =
                Conversions.fromByteBuffer(
                        BronzeTable.SCHEMA.findType(INGEST_TIME), bound.duplicate());
        return micros == null ? Long.MAX_VALUE : micros;
    }
}
