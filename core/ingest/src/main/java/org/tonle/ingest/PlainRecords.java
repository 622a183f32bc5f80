package org.tonle.ingest;

import java.util.Map;
import java.util.Optional;
import org.tonle.spi.RecordDecoder;
import org.tonle.spi.TopicRecord;

/** Records whose values are JSON as they are. */
public final class PlainRecords implements RecordDecoder {
    @Override
    public Decoded decode(TopicRecord record) {
        return record.value() == null
                ? Decoded.Event.ofTombstone(Optional.empty(), Map.of())
                : new Decoded.Event(record.value(), Optional.empty(), Map.of());
    }

    @Override
    public void close() {}
}
