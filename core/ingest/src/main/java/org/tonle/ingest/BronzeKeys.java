package org.tonle.ingest;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.column.impl.ColumnReadStoreImpl;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.schema.MessageType;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Finds the requests with an Idempotency-Key in a file of bronze. Only the columns that say so are
 * read, and of them only the first row of each body is looked at.
 */
final class BronzeKeys {
    private static final String[] NAME = {"headers", "key_value", "key"};
    private static final String[] VALUE = {"headers", "key_value", "value"};

    /** In BronzeTable's order. */
    private static final MessageType COLUMNS =
            new MessageType(
                    BronzePages.SCHEMA.getName(),
                    List.of("ingest_time", "partition", "position", "index", "headers").stream()
                            .map(BronzePages.SCHEMA::getType)
                            .toList());

    private BronzeKeys() {}

    /** Calls {@code found} for every body with a key. */
    static void read(Path file, BiConsumer<RequestKey, KeyTable.Entry> found) {
        ZstdPages codec = new ZstdPages();
        ParquetReadOptions options =
                ParquetReadOptions.builder(new PlainParquetConfiguration())
                        .withCodecFactory(codec)
                        .build();
        try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file), options)) {
            reader.setRequestedSchema(COLUMNS);
            String createdBy = reader.getFileMetaData().getCreatedBy();
            for (PageReadStore group = reader.readNextRowGroup();
                    group != null;
                    group = reader.readNextRowGroup()) {
                read(
                        new ColumnReadStoreImpl(group, new Ignored(), COLUMNS, createdBy),
                        group.getRowCount(),
                        found);
            }
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE, "Can't read %s of bronze: %s.".formatted(file, e), e);
        } finally {
            codec.release();
        }
    }

    private static void read(
            ColumnReadStoreImpl columns, long rows, BiConsumer<RequestKey, KeyTable.Entry> found) {
        ColumnReader time = column(columns, "ingest_time");
        ColumnReader partition = column(columns, "partition");
        ColumnReader position = column(columns, "position");
        ColumnReader index = column(columns, "index");
        ColumnReader name = column(columns, NAME);
        ColumnReader value = column(columns, VALUE);
        for (long row = 0; row < rows; row++) {
            boolean first = index.getInteger() == 0;
            Map<String, String> headers = first ? new java.util.HashMap<>() : Map.of();
            do {
                if (first && isThere(name) && isThere(value)) {
                    headers.put(
                            name.getBinary().toStringUsingUTF8(),
                            value.getBinary().toStringUsingUTF8());
                } else {
                    skip(name);
                    skip(value);
                }
                name.consume();
                value.consume();
            } while (name.getCurrentRepetitionLevel() > 0);
            String key = headers.get(BodyRows.KEY_HEADER);
            String hash = headers.get(BodyRows.HASH_HEADER);
            String events = headers.get(BodyRows.EVENTS_HEADER);
            if (key != null && hash != null && events != null) {
                found.accept(
                        RequestKey.of(key),
                        new KeyTable.Entry(
                                RequestKey.shortHash(hash),
                                partition.getInteger(),
                                position.getLong(),
                                Integer.parseInt(events),
                                time.getLong()));
            } else {
                partition.skip();
                position.skip();
                time.skip();
            }
            time.consume();
            partition.consume();
            position.consume();
            index.consume();
        }
    }

    private static boolean isThere(ColumnReader column) {
        return column.getCurrentDefinitionLevel() == column.getDescriptor().getMaxDefinitionLevel();
    }

    /** A null has levels and no value that could be skipped. */
    private static void skip(ColumnReader column) {
        if (isThere(column)) {
            column.skip();
        }
    }

    private static ColumnReader column(ColumnReadStoreImpl columns, String... path) {
        return columns.getColumnReader(COLUMNS.getColumnDescription(path));
    }

    /** The column readers ask for converters, which nothing is sent to. */
    private static final class Ignored extends GroupConverter {
        @Override
        public Converter getConverter(int field) {
            return COLUMNS.getType(field).isPrimitive()
                    ? new PrimitiveConverter() {}
                    : new Nested();
        }

        @Override
        public void start() {}

        @Override
        public void end() {}
    }

    /** Of {@code headers} and of its entries. */
    private static final class Nested extends GroupConverter {
        private final boolean entries;

        Nested() {
            this(false);
        }

        private Nested(boolean entries) {
            this.entries = entries;
        }

        @Override
        public Converter getConverter(int field) {
            return entries ? new PrimitiveConverter() {} : new Nested(true);
        }

        @Override
        public void start() {}

        @Override
        public void end() {}
    }
}
