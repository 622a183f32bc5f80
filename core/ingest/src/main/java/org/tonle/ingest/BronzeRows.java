package org.tonle.ingest;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.io.api.RecordMaterializer;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Reads the rows of a bronze file in their order, to write them again. */
final class BronzeRows {
    private BronzeRows() {}

    /** Writes every row of {@code from} into {@code to}. */
    static void copy(Path from, BronzeFile to) {
        ZstdPages codec = new ZstdPages();
        ParquetReadOptions options =
                ParquetReadOptions.builder(new PlainParquetConfiguration())
                        .withCodecFactory(codec)
                        .build();
        try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(from), options)) {
            reader.setRequestedSchema(BronzePages.SCHEMA);
            MessageColumnIO columns =
                    new ColumnIOFactory(reader.getFileMetaData().getCreatedBy())
                            .getColumnIO(BronzePages.SCHEMA);
            for (PageReadStore group = reader.readNextRowGroup();
                    group != null;
                    group = reader.readNextRowGroup()) {
                RecordReader<BronzeRow> rows = columns.getRecordReader(group, new Materializer());
                for (long i = 0; i < group.getRowCount(); i++) {
                    to.write(rows.read());
                }
            }
        } catch (IOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE, "Can't read %s of bronze: %s.".formatted(from, e), e);
        } finally {
            codec.release();
        }
    }

    /** Fills one row again and again. */
    private static final class Materializer extends RecordMaterializer<BronzeRow> {
        private final Row root = new Row();

        @Override
        public BronzeRow getCurrentRecord() {
            return root.row;
        }

        @Override
        public GroupConverter getRootConverter() {
            return root;
        }
    }

    private interface TextSetter {
        void set(BronzeRow row, Binary value);
    }

    private interface NumberSetter {
        void set(BronzeRow row, long value);
    }

    private static final class Row extends GroupConverter {
        private final BronzeRow row = new BronzeRow();
        private final List<Converter> fields =
                List.of(
                        text((r, v) -> r.eventId = v),
                        number((r, v) -> r.eventTimeMicros = v),
                        number((r, v) -> r.ingestTimeMicros = v),
                        text((r, v) -> r.source = v),
                        text((r, v) -> r.topic = v),
                        number((r, v) -> r.partition = Math.toIntExact(v)),
                        number((r, v) -> r.position = v),
                        number((r, v) -> r.index = Math.toIntExact(v)),
                        text((r, v) -> r.key = v),
                        new Headers(row),
                        text((r, v) -> r.contentType = v),
                        text((r, v) -> r.payload = v));

        @Override
        public Converter getConverter(int field) {
            return fields.get(field);
        }

        @Override
        public void start() {
            // what is null isn't set
            row.eventTimeMicros = EventTime.NONE;
            row.key = null;
            row.headers = List.of();
        }

        @Override
        public void end() {}

        private PrimitiveConverter text(TextSetter setter) {
            return new PrimitiveConverter() {
                @Override
                public void addBinary(Binary value) {
                    setter.set(row, value);
                }
            };
        }

        private PrimitiveConverter number(NumberSetter setter) {
            return new PrimitiveConverter() {
                @Override
                public void addLong(long value) {
                    setter.set(row, value);
                }

                @Override
                public void addInt(int value) {
                    setter.set(row, value);
                }
            };
        }
    }

    /** The map and, inside of it, its entries. */
    private static final class Headers extends GroupConverter {
        private final BronzeRow row;
        private final Entry entry;

        Headers(BronzeRow row) {
            this.row = row;
            this.entry = new Entry(row);
        }

        @Override
        public Converter getConverter(int field) {
            return entry;
        }

        @Override
        public void start() {
            row.headers = new ArrayList<>();
        }

        @Override
        public void end() {}
    }

    private static final class Entry extends GroupConverter {
        private final BronzeRow row;
        private Binary name = Binary.EMPTY;
        private Binary value = Binary.EMPTY;

        Entry(BronzeRow row) {
            this.row = row;
        }

        @Override
        public Converter getConverter(int field) {
            return new PrimitiveConverter() {
                @Override
                public void addBinary(Binary text) {
                    if (field == 0) {
                        name = text;
                    } else {
                        value = text;
                    }
                }
            };
        }

        @Override
        public void start() {
            value = Binary.EMPTY;
        }

        @Override
        public void end() {
            row.headers.add(new BronzeRow.HeaderEntry(name, value));
        }
    }
}
