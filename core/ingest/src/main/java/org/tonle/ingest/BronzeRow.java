package org.tonle.ingest;

import java.util.List;
import java.util.OptionalLong;
import org.apache.parquet.io.api.Binary;
import org.jspecify.annotations.Nullable;

/** One row on its way into a file, filled anew for each event. What a body's events share stays. */
final class BronzeRow {
    /** One entry of {@code headers}. */
    record HeaderEntry(Binary name, Binary value) {}

    Binary eventId = Binary.EMPTY;
    long eventTimeMicros = EventTime.NONE;
    long ingestTimeMicros;
    Binary source = Binary.EMPTY;
    Binary topic = Binary.EMPTY;
    int partition;
    long position;
    int index;
    @Nullable Binary key;
    List<HeaderEntry> headers = List.of();
    Binary contentType = Binary.EMPTY;
    Binary payload = Binary.EMPTY;

    /** Micros since the epoch, where the event says when it happened. */
    OptionalLong eventTime() {
        return eventTimeMicros == EventTime.NONE
                ? OptionalLong.empty()
                : OptionalLong.of(eventTimeMicros);
    }
}
