package org.tonle.ingest;

import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.definition.DriftPolicy;
import org.tonle.definition.SourceDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/** Where the requests of one source come in. Safe for use by many threads; each call blocks. */
final class SourceDoor {
    private static final int LONGEST_KEY = 255;

    private final SourceDefinition source;
    private final EventLog log;
    private final RequestKeys keys;
    private final SourceProgress progress;
    private final Clock clock;
    private final FailPoints failPoints;
    private final int rememberedKeys;
    private final LakeCatalog catalog;

    /** What stops events here; what is known of the table stays as it was at the first one. */
    private volatile @Nullable FieldCheck fields;

    private final Map<RequestKey, CompletableFuture<KeyTable.Entry>> underWay =
            new ConcurrentHashMap<>();

    SourceDoor(
            SourceDefinition source,
            EventLog log,
            RequestKeys keys,
            SourceProgress progress,
            Clock clock,
            FailPoints failPoints,
            int rememberedKeys,
            LakeCatalog catalog) {
        this.source = source;
        this.catalog = catalog;
        this.log = log;
        this.keys = keys;
        this.progress = progress;
        this.clock = clock;
        this.failPoints = failPoints;
        this.rememberedKeys = rememberedKeys;
    }

    IngestReceipt accept(
            byte[] body, String contentType, Optional<String> key, Map<String, String> headers) {
        SourceTopic topic = progress.enter();
        try {
            return accept(topic, body, contentType, key, headers);
        } finally {
            progress.leave();
        }
    }

    private IngestReceipt accept(
            SourceTopic topic,
            byte[] body,
            String contentType,
            Optional<String> key,
            Map<String, String> headers) {
        if (body.length > source.kind().maxRecordBytes()) {
            throw new LakeException(
                    ErrorCode.TOO_LARGE,
                    "The body has %d bytes and source %s takes %d. Send it in parts, or raise max-body in sources/%s.yaml."
                            .formatted(
                                    body.length,
                                    source.name(),
                                    source.kind().maxRecordBytes(),
                                    source.name()));
        }
        key.ifPresent(SourceDoor::check);
        int events = EventCursor.count(body, BodyFormat.of(contentType));
        if (events == 0) {
            throw new LakeException(
                    ErrorCode.INVALID_REQUEST,
                    "The body holds no event. Send a JSON object, an array of them, or one per line.");
        }
        if (source.drift() == DriftPolicy.FAIL) {
            check(body, contentType);
        }
        IngestReceipt receipt =
                key.map(k -> keyed(topic, body, contentType, k, events, headers))
                        .orElseGet(() -> unkeyed(topic, body, contentType, events, headers));
        failPoints.reach("ingest.before-answer");
        return receipt;
    }

    /** Who sends it can be told at once. */
    private void check(byte[] body, String contentType) {
        FieldCheck check = fields;
        if (check == null) {
            check = DriftGuard.check(source.tables().getFirst(), catalog);
            fields = check;
        }
        EventCursor cursor = new EventCursor(body, BodyFormat.of(contentType));
        while (cursor.next()) {
            Optional<String> problem = check.problem(body, cursor.start(), cursor.end());
            if (problem.isPresent()) {
                throw new LakeException(
                        ErrorCode.SCHEMA_DRIFT,
                        "Event %d of the body, counted from 0: %s. Nothing of the body was taken; leave the field out, or have a column declared for it in sources/%s.yaml."
                                .formatted(cursor.index(), problem.get(), source.name()));
            }
        }
    }

    private static void check(String key) {
        boolean printable = key.chars().allMatch(c -> c > 0x20 && c < 0x7f);
        if (key.isEmpty() || key.length() > LONGEST_KEY || !printable) {
            throw new LakeException(
                    ErrorCode.INVALID_REQUEST,
                    "The Idempotency-Key has %d characters. It has 1 to %d, printable ASCII without spaces, as a UUID has."
                            .formatted(key.length(), LONGEST_KEY));
        }
    }

    private IngestReceipt unkeyed(
            SourceTopic topic,
            byte[] body,
            String contentType,
            int events,
            Map<String, String> headers) {
        int partition = RequestKey.of(UUID.randomUUID().toString()).partition(topic.partitions());
        BodyRecord record =
                BodyRecord.ofRequest(
                        contentType,
                        Optional.empty(),
                        Optional.empty(),
                        events,
                        now(),
                        headers,
                        body);
        long position = append(topic, partition, record);
        return new IngestReceipt(events, topic.name(), partition, position, false);
    }

    /** One of several requests with a key that come together appends; the others answer as it. */
    private IngestReceipt keyed(
            SourceTopic topic,
            byte[] body,
            String contentType,
            String key,
            int events,
            Map<String, String> headers) {
        RequestKey id = RequestKey.of(key);
        String bodyHash = RequestKey.bodyHash(body);
        while (true) {
            CompletableFuture<KeyTable.Entry> mine = new CompletableFuture<>();
            CompletableFuture<KeyTable.Entry> others = underWay.putIfAbsent(id, mine);
            if (others != null) {
                Optional<KeyTable.Entry> theirs = outcome(others);
                if (theirs.isPresent()) {
                    return repeat(topic, key, bodyHash, theirs.get());
                }
                // the other one failed: it is our turn to try
                continue;
            }
            try {
                long now = now();
                Optional<KeyTable.Entry> known = keys.find(id, now);
                if (known.isPresent()) {
                    mine.complete(known.get());
                    return repeat(topic, key, bodyHash, known.get());
                }
                requireRoom();
                int partition = id.partition(topic.partitions());
                BodyRecord record =
                        BodyRecord.ofRequest(
                                contentType,
                                Optional.of(key),
                                Optional.of(bodyHash),
                                events,
                                now,
                                headers,
                                body);
                long position = append(topic, partition, record);
                KeyTable.Entry entry =
                        new KeyTable.Entry(
                                RequestKey.shortHash(bodyHash), partition, position, events, now);
                keys.appended(id, entry);
                mine.complete(entry);
                return new IngestReceipt(events, topic.name(), partition, position, false);
            } finally {
                // completes only what failed
                mine.completeExceptionally(
                        new LakeException(ErrorCode.LOG_UNAVAILABLE, "The first request failed."));
                underWay.remove(id, mine);
            }
        }
    }

    private static Optional<KeyTable.Entry> outcome(CompletableFuture<KeyTable.Entry> others) {
        try {
            return Optional.of(others.join());
        } catch (CompletionException e) {
            return Optional.empty();
        }
    }

    private IngestReceipt repeat(
            SourceTopic topic, String key, String bodyHash, KeyTable.Entry known) {
        if (known.bodyHash() != RequestKey.shortHash(bodyHash)) {
            throw new LakeException(
                    ErrorCode.IDEMPOTENCY_MISMATCH,
                    "Idempotency-Key %s came with another body within the last 24 hours. A key names one request: use a new one for a new body."
                            .formatted(key));
        }
        return new IngestReceipt(
                known.events(), topic.name(), known.partition(), known.position(), true);
    }

    private void requireRoom() {
        if (!keys.hasRoom(rememberedKeys)) {
            throw new LakeException(
                    ErrorCode.OVERLOADED,
                    "Source %s remembers %d Idempotency-Keys of the last 24 hours and has no room for more. Put more events into a request, or send them without a key."
                            .formatted(source.name(), rememberedKeys));
        }
    }

    private long append(SourceTopic topic, int partition, BodyRecord record) {
        failPoints.reach("ingest.before-append");
        long position = log.append(topic, partition, record);
        failPoints.reach("ingest.after-append");
        progress.appended(partition, position, RequestKeys.instant(record.ingestTimeMicros()));
        return position;
    }

    private long now() {
        return RequestKeys.micros(clock.instant());
    }
}
