package org.tonle.ingest;

import com.github.luben.zstd.ZstdCompressCtx;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.apache.iceberg.parquet.ParquetSchemaUtil;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageType;
import org.tonle.catalog.BronzeTable;

/**
 * Writes bronze's columns page by page. parquet-java's record writer hashes and compares each value
 * of each column; here what a body's events share is written once per body, and the rest is copied.
 * Only encodings of version 1 of the format are used, which every reader has. Used by one thread.
 */
final class BronzePages implements AutoCloseable {
    /** In the order of {@link BronzeTable#SCHEMA}, with its field ids. */
    static final MessageType SCHEMA = ParquetSchemaUtil.convert(BronzeTable.SCHEMA, "table");

    private static final long ROW_GROUP_BYTES = 64L << 20;

    /** Plain numbers of a row. */
    private static final int NUMBER_BYTES = 3 * Long.BYTES + 2 * Integer.BYTES;

    private final ZstdCompressCtx zstd = new ZstdCompressCtx().setLevel(1);
    private final ParquetFileWriter out;
    private final TextColumn eventId = new TextColumn(pages("event_id"));
    private final NumberColumn eventTime = new NumberColumn(pages("event_time"), Long.BYTES);
    private final NumberColumn ingestTime = new NumberColumn(pages("ingest_time"), Long.BYTES);
    private final ConstantColumn source = new ConstantColumn(pages("source"));
    private final ConstantColumn topic = new ConstantColumn(pages("topic"));
    private final NumberColumn partition = new NumberColumn(pages("partition"), Integer.BYTES);
    private final NumberColumn position = new NumberColumn(pages("position"), Long.BYTES);
    private final NumberColumn index = new NumberColumn(pages("index"), Integer.BYTES);
    private final TextColumn key = new TextColumn(pages("key"));
    private final HeaderColumns headers =
            new HeaderColumns(
                    pages("headers", "key_value", "key"), pages("headers", "key_value", "value"));
    private final ConstantColumn contentType = new ConstantColumn(pages("content_type"));
    private final TextColumn payload = new TextColumn(pages("payload"));
    private long groupRows;
    private long groupBytes;
    private boolean ended;

    BronzePages(Path path) throws IOException {
        this.out =
                new ParquetFileWriter(
                        new LocalOutputFile(path),
                        SCHEMA,
                        ParquetFileWriter.Mode.CREATE,
                        ROW_GROUP_BYTES,
                        0,
                        64,
                        Integer.MAX_VALUE,
                        true);
        out.start();
    }

    private ColumnPages pages(String... path) {
        return new ColumnPages(SCHEMA.getColumnDescription(path), zstd);
    }

    void add(BronzeRow row) throws IOException {
        eventId.add(row.eventId);
        if (row.eventTimeMicros == EventTime.NONE) {
            eventTime.addNull();
        } else {
            eventTime.add(row.eventTimeMicros);
        }
        ingestTime.add(row.ingestTimeMicros);
        source.add(row.source);
        topic.add(row.topic);
        partition.add(row.partition);
        position.add(row.position);
        index.add(row.index);
        if (row.key == null) {
            key.addNull();
        } else {
            key.add(row.key);
        }
        headers.add(row.headers);
        contentType.add(row.contentType);
        payload.add(row.payload);
        groupRows++;
        groupBytes += NUMBER_BYTES + row.eventId.length() + row.payload.length();
        if (groupBytes + headers.bytes() >= ROW_GROUP_BYTES) {
            endGroup();
        }
    }

    private void endGroup() throws IOException {
        if (groupRows == 0) {
            return;
        }
        out.startBlock(groupRows);
        eventId.writeTo(out);
        eventTime.writeTo(out);
        ingestTime.writeTo(out);
        source.writeTo(out);
        topic.writeTo(out);
        partition.writeTo(out);
        position.writeTo(out);
        index.writeTo(out);
        key.writeTo(out);
        headers.writeTo(out);
        contentType.writeTo(out);
        payload.writeTo(out);
        out.endBlock();
        groupRows = 0;
        groupBytes = 0;
    }

    /** Completes the file. */
    ParquetMetadata end() throws IOException {
        endGroup();
        out.end(Map.of());
        ended = true;
        return out.getFooter();
    }

    /** Gives everything back; a file that wasn't {@link #end}ed stays incomplete. */
    @Override
    public void close() throws IOException {
        try {
            if (!ended) {
                out.abort();
            }
            out.close();
        } finally {
            zstd.close();
        }
    }
}
