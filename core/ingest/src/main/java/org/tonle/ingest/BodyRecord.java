package org.tonle.ingest;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/**
 * One body, of a request or of what a source read, as one record of the event log: the bytes as
 * they came, and beside them what the door knew.
 *
 * @param idempotencyKey as the client sent it
 * @param bodyHash the first 16 bytes of the body's SHA-256, where there is a key
 * @param mark where it stands in what a source reads; a request has none
 * @param outside what Kafka said of a record of somebody else's topic: it is one event as it is
 * @param problem why the body is one event that couldn't be read
 * @param events how many the body holds
 * @param ingestTimeMicros when the door took it, microseconds since 1970-01-01T00:00Z
 * @param headers of the request, names in lower case
 */
@SuppressWarnings("ArrayRecordComponent") // a body is up to 20 MB, never copied, never compared
record BodyRecord(
        String contentType,
        Optional<String> idempotencyKey,
        Optional<String> bodyHash,
        Optional<Marked> mark,
        Optional<Outside> outside,
        Optional<String> problem,
        int events,
        long ingestTimeMicros,
        Map<String, String> headers,
        byte[] body) {
    private static final String CONTENT_TYPE = "content-type";
    private static final String KEY = "idempotency-key";
    private static final String BODY_HASH = "tonle-body-hash";
    private static final String MARK_ITEM = "tonle-mark-item";
    private static final String MARK_POSITION = "tonle-mark-position";
    private static final String MARK_AFTER = "tonle-mark-after";
    private static final String MARK_STATE = "tonle-mark-state";
    private static final String MARK_CONTINUES = "tonle-mark-continues";
    private static final String PROBLEM = "tonle-problem";
    private static final String EVENTS = "tonle-events";
    private static final String INGEST_TIME = "tonle-ingest-time";
    private static final String REQUEST_HEADER = "header.";

    BodyRecord {
        headers = Map.copyOf(headers);
    }

    /** Of a request. */
    static BodyRecord ofRequest(
            String contentType,
            Optional<String> idempotencyKey,
            Optional<String> bodyHash,
            int events,
            long ingestTimeMicros,
            Map<String, String> headers,
            byte[] body) {
        return new BodyRecord(
                contentType,
                idempotencyKey,
                bodyHash,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                events,
                ingestTimeMicros,
                headers,
                body);
    }

    /**
     * Of what a source read.
     *
     * @param after the position behind the body before it
     * @throws MalformedBodyException if it isn't what it says it is
     */
    static BodyRecord ofSource(SourceBody body, String after, long ingestTimeMicros) {
        int events =
                body.problem().isPresent()
                        ? 1
                        : EventCursor.count(body.bytes(), BodyFormat.of(body.contentType()));
        return new BodyRecord(
                body.contentType(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(new Marked(after, body.mark(), body.continues())),
                Optional.empty(),
                body.problem(),
                events,
                ingestTimeMicros,
                body.headers(),
                body.bytes());
    }

    /**
     * What is known of a record of an outside topic besides its value.
     *
     * @param key the record's, as text
     */
    record Outside(Optional<String> key) {}

    /**
     * Where a body stands in what a source reads.
     *
     * @param after the position behind the body before it; empty for the first one. Only who has
     *     that one takes this: what comes again, or without what was before it, is left
     * @param continues whether it is to become visible together with the next one
     */
    record Marked(String after, SourceMark mark, boolean continues) {
        /**
         * Whether it is the next one for who has this mark, or none, of its item. A source that
         * forgot what was taken goes back, and its bodies follow one another from there.
         */
        boolean follows(@Nullable SourceMark known) {
            return after.equals(known == null ? "" : known.position())
                    && mark.position().compareTo(after) > 0;
        }
    }

    /** How the body holds its events. */
    BodyFormat format() {
        return outside.isPresent() ? BodyFormat.VALUE : BodyFormat.of(contentType);
    }

    Headers toKafka() {
        Headers kafka = new RecordHeaders();
        kafka.add(CONTENT_TYPE, bytes(contentType));
        idempotencyKey.ifPresent(key -> kafka.add(KEY, bytes(key)));
        bodyHash.ifPresent(hash -> kafka.add(BODY_HASH, bytes(hash)));
        mark.ifPresent(at -> {
            kafka.add(MARK_ITEM, bytes(at.mark().item()));
            kafka.add(MARK_AFTER, bytes(at.after()));
            kafka.add(MARK_POSITION, bytes(at.mark().position()));
            kafka.add(MARK_STATE, bytes(at.mark().state()));
            if (at.continues()) {
                kafka.add(MARK_CONTINUES, bytes("true"));
            }
        });
        problem.ifPresent(why -> kafka.add(PROBLEM, bytes(why)));
        kafka.add(EVENTS, ByteBuffer.allocate(Integer.BYTES).putInt(events).array());
        kafka.add(INGEST_TIME, ByteBuffer.allocate(Long.BYTES).putLong(ingestTimeMicros).array());
        new TreeMap<>(headers)
                .forEach((name, value) -> kafka.add(REQUEST_HEADER + name, bytes(value)));
        return kafka;
    }

    /**
     * Reads what {@link #toKafka} wrote.
     *
     * @return empty for a record that no door of this lake wrote
     */
    static Optional<BodyRecord> of(Headers kafka, byte[] body) {
        String contentType = "";
        Optional<String> key = Optional.empty();
        Optional<String> hash = Optional.empty();
        Map<String, String> mark = new TreeMap<>();
        Optional<String> problem = Optional.empty();
        int events = -1;
        long ingestTime = Long.MIN_VALUE;
        Map<String, String> headers = new TreeMap<>();
        for (Header header : kafka) {
            byte[] value = header.value();
            switch (header.key()) {
                case CONTENT_TYPE -> contentType = text(value);
                case KEY -> key = Optional.of(text(value));
                case BODY_HASH -> hash = Optional.of(text(value));
                case MARK_ITEM, MARK_AFTER, MARK_POSITION, MARK_STATE, MARK_CONTINUES ->
                        mark.put(header.key(), text(value));
                case PROBLEM -> problem = Optional.of(text(value));
                case EVENTS ->
                        events =
                                value.length == Integer.BYTES
                                        ? ByteBuffer.wrap(value).getInt()
                                        : -1;
                case INGEST_TIME ->
                        ingestTime =
                                value.length == Long.BYTES
                                        ? ByteBuffer.wrap(value).getLong()
                                        : Long.MIN_VALUE;
                default -> {
                    if (header.key().startsWith(REQUEST_HEADER)) {
                        headers.put(header.key().substring(REQUEST_HEADER.length()), text(value));
                    }
                }
            }
        }
        if (events < 0 || ingestTime == Long.MIN_VALUE || key.isPresent() != hash.isPresent()) {
            return Optional.empty();
        }
        return Optional.of(
                new BodyRecord(
                        contentType,
                        key,
                        hash,
                        mark(mark),
                        Optional.empty(),
                        problem,
                        events,
                        ingestTime,
                        headers,
                        body));
    }

    private static Optional<Marked> mark(Map<String, String> headers) {
        String item = headers.get(MARK_ITEM);
        String position = headers.get(MARK_POSITION);
        return item == null || position == null
                ? Optional.empty()
                : Optional.of(
                        new Marked(
                                headers.getOrDefault(MARK_AFTER, ""),
                                new SourceMark(
                                        item, position, headers.getOrDefault(MARK_STATE, "")),
                                headers.containsKey(MARK_CONTINUES)));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
