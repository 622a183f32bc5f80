package org.tonle.transfer;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Metrics;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.data.GenericDeleteFilter;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.mapping.NameMapping;
import org.apache.iceberg.mapping.NameMappingParser;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.parquet.ParquetSchemaUtil;
import org.apache.iceberg.util.PartitionUtil;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.ParquetInput;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Files of a table's state, at other places: byte for byte, but for those of which rows are
 * deleted, and those whose columns are known by their names alone. Thread-safe.
 */
final class FileCopies {
    private static final int BUFFER = 1 << 20;
    private static final int AT_ONCE = 4;

    private final TableState from;
    private final Schema schema;
    private final @Nullable NameMapping names;

    FileCopies(TableState from) {
        this.from = from;
        this.schema = from.metadata().schema();
        String mapping = from.metadata().property(TableProperties.DEFAULT_NAME_MAPPING, null);
        this.names = mapping == null ? null : NameMappingParser.fromJson(mapping);
    }

    /** A file with what is deleted of it, and where what is left is to lie. */
    record Copy(FileScanTask task, OutputFile to) {}

    /**
     * Copies files, some at once.
     *
     * @return in the same order, as files of a table with the same form; perhaps none of the rows
     *     of one is left
     * @throws LakeException STORAGE, UNSUPPORTED_SQL for what isn't Parquet, CANCELLED; perhaps
     *     some were copied then
     */
    List<DataFile> copy(List<Copy> copies) {
        try (ExecutorService several =
                Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
            List<Future<DataFile>> begun =
                    copies.stream()
                            .map(copy -> several.submit(() -> copy(copy.task, copy.to)))
                            .toList();
            try {
                List<DataFile> done = new ArrayList<>();
                for (Future<DataFile> copy : begun) {
                    done.add(copy.get());
                }
                return done;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new LakeException(ErrorCode.CANCELLED, "The copying was interrupted", e);
            } catch (ExecutionException e) {
                throw e.getCause() instanceof LakeException known
                        ? known
                        : new IllegalStateException(e.getCause());
            } finally {
                several.shutdownNow();
            }
        }
    }

    private DataFile copy(FileScanTask task, OutputFile to) {
        if (task.file().format() != FileFormat.PARQUET) {
            throw new LakeException(
                    ErrorCode.UNSUPPORTED_SQL,
                    "%s is no Parquet; rewrite the table's files as Parquet first"
                            .formatted(task.file().location()));
        }
        try {
            InputFile input = from.io().newInputFile(task.file().location());
            if (task.deletes().isEmpty() && hasIds(input)) {
                return whole(task, input, to);
            }
            return rows(task, input, to);
        } catch (NotFoundException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "a file of the table is gone: %s".formatted(e.getMessage()),
                    e);
        } catch (IOException | UncheckedIOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "can't copy %s: %s".formatted(task.file().location(), e.getMessage()),
                    e);
        }
    }

    /** Only tables with a mapping of names may have files without the ids of their columns. */
    private boolean hasIds(InputFile input) throws IOException {
        if (names == null) {
            return true;
        }
        try (ParquetFileReader reader =
                ParquetFileReader.open(
                        new ParquetInput(input), ParquetReadOptions.builder().build())) {
            return ParquetSchemaUtil.hasIds(reader.getFileMetaData().getSchema());
        }
    }

    private static DataFile whole(FileScanTask task, InputFile input, OutputFile to)
            throws IOException {
        long bytes = 0;
        try (InputStream in = input.newStream();
                OutputStream out = to.create()) {
            byte[] buffer = new byte[BUFFER];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                out.write(buffer, 0, n);
                bytes += n;
            }
        }
        if (bytes != task.file().fileSizeInBytes()) {
            throw new LakeException(
                    ErrorCode.STORAGE,
                    "%s has %d bytes, and the table says that they are %d: it was cut off or changed since it was written"
                            .formatted(
                                    task.file().location(), bytes, task.file().fileSizeInBytes()));
        }
        return DataFiles.builder(task.spec()).copy(task.file()).withPath(to.location()).build();
    }

    private DataFile rows(FileScanTask task, InputFile input, OutputFile to) throws IOException {
        GenericDeleteFilter deletes = new GenericDeleteFilter(from.io(), task, schema, schema);
        Schema read = deletes.requiredSchema();
        Parquet.ReadBuilder reader =
                Parquet.read(input)
                        .project(read)
                        .createReaderFunc(file ->
                                GenericParquetReaders.buildReader(
                                        read, file, PartitionUtil.constantsMap(task)));
        if (names != null) {
            reader = reader.withNameMapping(names);
        }
        FileAppender<Record> writer =
                Parquet.write(to)
                        .schema(schema)
                        .set(TableProperties.PARQUET_COMPRESSION, "zstd")
                        .metricsConfig(MetricsConfig.getDefault())
                        .createWriterFunc(GenericParquetWriter::create)
                        .build();
        try (writer;
                CloseableIterable<Record> left = deletes.filter(reader.<Record>build())) {
            for (Record row : left) {
                writer.add(row);
            }
        }
        return made(task, writer.metrics(), writer.length(), to);
    }

    private static DataFile made(FileScanTask task, Metrics metrics, long bytes, OutputFile to) {
        PartitionSpec spec = task.spec();
        DataFiles.Builder file =
                DataFiles.builder(spec)
                        .withPath(to.location())
                        .withFormat(FileFormat.PARQUET)
                        .withFileSizeInBytes(bytes)
                        .withMetrics(metrics);
        if (spec.isPartitioned()) {
            file = file.withPartition(task.file().partition());
        }
        return file.build();
    }
}
