package org.tonle.spi;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the records of somebody's topic as JSON, on their way to bronze. What a record becomes may
 * hang on what is registered elsewhere, but not on the records before it. Used by one thread.
 */
public interface RecordDecoder extends AutoCloseable {
    /**
     * Reads one record.
     *
     * @throws LakeException retryable, when what is needed doesn't answer: the same record comes
     *     again later
     */
    Decoded decode(TopicRecord record);

    @Override
    void close();

    /** What a record is. */
    sealed interface Decoded {
        /**
         * One event.
         *
         * @param json one value, in UTF-8
         * @param key the record's, as a text; empty: its bytes are to be taken
         * @param headers added to the record's own
         */
        @SuppressWarnings("ArrayRecordComponent") // up to megabytes, never copied, never compared
        record Event(byte[] json, Optional<String> key, Map<String, String> headers)
                implements Decoded {
            public Event {
                headers = Map.copyOf(headers);
            }

            /** Of a record without a value. */
            public static Event ofTombstone(Optional<String> key, Map<String, String> headers) {
                Map<String, String> all = new HashMap<>(headers);
                all.put("tonle-tombstone", "true");
                return new Event("null".getBytes(StandardCharsets.UTF_8), key, all);
            }
        }

        /**
         * One event with the record's bytes, which every dataset refuses.
         *
         * @param problem why they couldn't be read
         * @param key as of an event
         * @param headers added to the record's own
         */
        record Unreadable(String problem, Optional<String> key, Map<String, String> headers)
                implements Decoded {
            public Unreadable {
                headers = Map.copyOf(headers);
            }
        }

        /** Nothing: the record says what another one has said already. */
        record Nothing() implements Decoded {}
    }
}
