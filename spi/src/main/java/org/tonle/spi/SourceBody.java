package org.tonle.spi;

import java.util.Map;
import java.util.Optional;

/**
 * Events that a source read, to become one record of the event log.
 *
 * @param contentType {@code application/x-ndjson}, an event a line, of which one that is no JSON is
 *     kept with that as its problem, or {@code application/json}; of a body with a {@code problem}
 *     whatever the bytes are
 * @param headers kept beside each event
 * @param bytes never written to again; none: nothing but the mark is to be remembered
 * @param problem why they couldn't be read: they are then one event, kept as it is, which every
 *     dataset refuses with this reason
 * @param continues whether a transaction that it belongs to goes on in the item's next body: what
 *     is of one transaction becomes visible at once
 */
@SuppressWarnings("ArrayRecordComponent") // up to megabytes, never copied, never compared
public record SourceBody(
        SourceMark mark,
        String contentType,
        Map<String, String> headers,
        byte[] bytes,
        Optional<String> problem,
        boolean continues) {
    public SourceBody {
        headers = Map.copyOf(headers);
    }
}
