package org.tonle.ingest;

import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.BronzeTable;

/**
 * The oracle of {@link BronzePages}: parquet-java's own record writer. Writes {@link BronzeRow}s in
 * the columns of {@link BronzeTable#SCHEMA}, with its field ids.
 */
final class BronzeWriteSupport extends WriteSupport<BronzeRow> {
    private @Nullable RecordConsumer out;

    @Override
    @SuppressWarnings("deprecation") // abstract in the library, so it must be here
    public WriteContext init(Configuration configuration) {
        return context();
    }

    @Override
    public WriteContext init(ParquetConfiguration configuration) {
        return context();
    }

    private static WriteContext context() {
        return new WriteContext(BronzePages.SCHEMA, Map.of());
    }

    @Override
    public void prepareForWrite(RecordConsumer consumer) {
        this.out = consumer;
    }

    @Override
    public void write(BronzeRow row) {
        RecordConsumer to = java.util.Objects.requireNonNull(out);
        to.startMessage();
        text(to, "event_id", 0, row.eventId);
        if (row.eventTimeMicros != EventTime.NONE) {
            number(to, "event_time", 1, row.eventTimeMicros);
        }
        number(to, "ingest_time", 2, row.ingestTimeMicros);
        text(to, "source", 3, row.source);
        text(to, "topic", 4, row.topic);
        integer(to, "partition", 5, row.partition);
        number(to, "position", 6, row.position);
        integer(to, "index", 7, row.index);
        if (row.key != null) {
            text(to, "key", 8, row.key);
        }
        if (!row.headers.isEmpty()) {
            headers(to, row);
        }
        text(to, "content_type", 10, row.contentType);
        text(to, "payload", 11, row.payload);
        to.endMessage();
    }

    private static void headers(RecordConsumer to, BronzeRow row) {
        to.startField("headers", 9);
        to.startGroup();
        to.startField("key_value", 0);
        for (BronzeRow.HeaderEntry header : row.headers) {
            to.startGroup();
            text(to, "key", 0, header.name());
            text(to, "value", 1, header.value());
            to.endGroup();
        }
        to.endField("key_value", 0);
        to.endGroup();
        to.endField("headers", 9);
    }

    private static void text(RecordConsumer to, String field, int index, Binary value) {
        to.startField(field, index);
        to.addBinary(value);
        to.endField(field, index);
    }

    private static void number(RecordConsumer to, String field, int index, long value) {
        to.startField(field, index);
        to.addLong(value);
        to.endField(field, index);
    }

    private static void integer(RecordConsumer to, String field, int index, int value) {
        to.startField(field, index);
        to.addInteger(value);
        to.endField(field, index);
    }
}
