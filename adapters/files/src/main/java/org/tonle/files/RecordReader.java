package org.tonle.files;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.avro.AvroReadSupport;
import org.apache.parquet.avro.AvroSchemaConverter;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.io.LocalInputFile;
import org.jspecify.annotations.Nullable;
import org.tonle.avro.RecordJson;

/** Files that say their own schema, Avro and Parquet: each record is an object. */
final class RecordReader implements PieceReader {
    /** What gives the records of a file. */
    private interface Records extends Closeable {
        @Nullable GenericRecord next() throws IOException;
    }

    private final Records records;
    private long count;

    private RecordReader(Records records) {
        this.records = records;
    }

    /**
     * Reads an Avro data file, and notices if its end is missing.
     *
     * @throws IOException if it isn't one
     */
    static RecordReader avro(Path path) throws IOException {
        DataFileReader<GenericRecord> file =
                new DataFileReader<>(path.toFile(), new GenericDatumReader<GenericRecord>());
        long size = Files.size(path);
        return new RecordReader(
                new Records() {
                    @Override
                    public @Nullable GenericRecord next() throws IOException {
                        if (file.hasNext()) {
                            return file.next();
                        }
                        // Avro's own reader takes half a block for the end
                        if (file.previousSync() < size) {
                            throw new EOFException();
                        }
                        return null;
                    }

                    @Override
                    public void close() throws IOException {
                        file.close();
                    }
                });
    }

    /**
     * Reads an Avro data file out of another one, whose own form says where it ends.
     *
     * @throws IOException if it isn't one
     */
    static RecordReader avro(InputStream in) throws IOException {
        DataFileStream<GenericRecord> file =
                new DataFileStream<>(in, new GenericDatumReader<GenericRecord>());
        return new RecordReader(
                new Records() {
                    @Override
                    public @Nullable GenericRecord next() {
                        return file.hasNext() ? file.next() : null;
                    }

                    @Override
                    public void close() throws IOException {
                        file.close();
                    }
                });
    }

    /**
     * Reads a Parquet file.
     *
     * @throws IOException if it isn't one
     */
    static RecordReader parquet(Path path) throws IOException {
        PlainParquetConfiguration settings = new PlainParquetConfiguration();
        settings.set(AvroReadSupport.READ_INT96_AS_FIXED, "true");
        settings.set(AvroSchemaConverter.ADD_LIST_ELEMENT_RECORDS, "false");
        try {
            ParquetReader<GenericRecord> file =
                    AvroParquetReader.<GenericRecord>builder(new LocalInputFile(path), settings)
                            // values as they are stored, not as Java's times and decimals
                            .withDataModel(new GenericData())
                            .build();
            return new RecordReader(
                    new Records() {
                        @Override
                        public @Nullable GenericRecord next() throws IOException {
                            return file.read();
                        }

                        @Override
                        public void close() throws IOException {
                            file.close();
                        }
                    });
        } catch (RuntimeException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public @Nullable Piece next() throws IOException {
        GenericRecord record;
        try {
            record = records.next();
        } catch (AvroRuntimeException e) {
            throw e.getCause() instanceof IOException why
                    ? why
                    : new IOException(e.getMessage(), e);
        } catch (RuntimeException e) {
            throw new IOException(e.getMessage(), e);
        }
        if (record == null) {
            return null;
        }
        count++;
        byte[] json = RecordJson.line(record);
        return json.length <= LONGEST
                ? Piece.events(json)
                : Piece.unreadable(
                        Arrays.copyOf(json, KEPT),
                        "record %d has %d bytes and an event %d at most; the first %d are kept here"
                                .formatted(count, json.length, LONGEST, KEPT));
    }

    @Override
    public void close() throws IOException {
        records.close();
    }
}
