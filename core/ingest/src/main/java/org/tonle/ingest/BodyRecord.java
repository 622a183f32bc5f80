package org.tonle.ingest;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * One request body as one record of the event log: the bytes as they came, and beside them what the
 * door knew.
 *
 * @param idempotencyKey as the client sent it
 * @param bodyHash the first 16 bytes of the body's SHA-256, where there is a key
 * @param events how many the body holds
 * @param ingestTimeMicros when the door took it, microseconds since 1970-01-01T00:00Z
 * @param headers of the request, names in lower case
 */
@SuppressWarnings("ArrayRecordComponent") // a body is up to 20 MB, never copied, never compared
record BodyRecord(
        String contentType,
        Optional<String> idempotencyKey,
        Optional<String> bodyHash,
        int events,
        long ingestTimeMicros,
        Map<String, String> headers,
        byte[] body) {
    private static final String CONTENT_TYPE = "content-type";
    private static final String KEY = "idempotency-key";
    private static final String BODY_HASH = "tonle-body-hash";
    private static final String EVENTS = "tonle-events";
    private static final String INGEST_TIME = "tonle-ingest-time";
    private static final String REQUEST_HEADER = "header.";

    BodyRecord {
        headers = Map.copyOf(headers);
    }

    Headers toKafka() {
        Headers kafka = new RecordHeaders();
        kafka.add(CONTENT_TYPE, bytes(contentType));
        idempotencyKey.ifPresent(key -> kafka.add(KEY, bytes(key)));
        bodyHash.ifPresent(hash -> kafka.add(BODY_HASH, bytes(hash)));
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
        int events = -1;
        long ingestTime = Long.MIN_VALUE;
        Map<String, String> headers = new TreeMap<>();
        for (Header header : kafka) {
            byte[] value = header.value();
            switch (header.key()) {
                case CONTENT_TYPE -> contentType = text(value);
                case KEY -> key = Optional.of(text(value));
                case BODY_HASH -> hash = Optional.of(text(value));
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
                new BodyRecord(contentType, key, hash, events, ingestTime, headers, body));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
