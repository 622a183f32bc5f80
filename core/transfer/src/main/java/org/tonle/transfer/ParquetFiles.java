package org.tonle.transfer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.iceberg.BaseFileScanTask;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.PartitionSpecParser;
import org.apache.iceberg.Schema;
import org.apache.iceberg.SchemaParser;
import org.apache.iceberg.SortOrder;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.expressions.ResidualEvaluator;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.mapping.MappingUtil;
import org.apache.iceberg.mapping.NameMappingParser;
import org.apache.iceberg.parquet.ParquetSchemaUtil;
import org.apache.iceberg.parquet.ParquetUtil;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.TypeUtil;
import org.apache.iceberg.types.Types;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.schema.MessageType;
import org.tonle.catalog.ParquetInput;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Parquet files as a table: a column is whatever has its name, and null in a file that hasn't it.
 */
final class ParquetFiles {
    private static final String ENDING = ".parquet";

    private final FileIO io;
    private final Path source;

    private ParquetFiles(Path source, FileIO io) {
        this.source = source;
        this.io = io;
    }

    /**
     * @param source a file, or a folder of files, and of folders of files
     * @throws LakeException INVALID_VALUE if there is none, or they don't go together; STORAGE
     */
    static TableState state(Path source, FileIO io) {
        try {
            return new ParquetFiles(source, io).state();
        } catch (IOException | UncheckedIOException e) {
            throw new LakeException(ErrorCode.STORAGE, "can't read %s: %s".formatted(source, e), e);
        }
    }

    private TableState state() throws IOException {
        List<Path> files = files();
        Map<String, Type> columns = new LinkedHashMap<>();
        List<Schema> withIds = new ArrayList<>();
        for (Path file : files) {
            try (ParquetFileReader reader =
                    ParquetFileReader.open(
                            new ParquetInput(io.newInputFile(file.toString())),
                            ParquetReadOptions.builder().build())) {
                MessageType type = reader.getFileMetaData().getSchema();
                Schema schema = ParquetSchemaUtil.convert(type);
                schema.columns().forEach(column -> add(columns, column, file));
                if (ParquetSchemaUtil.hasIds(type)) {
                    withIds.add(schema);
                }
            } catch (LakeException | IOException e) {
                throw e;
            } catch (RuntimeException e) {
                // what a footer that is none makes of the reader
                throw new LakeException(
                        ErrorCode.INVALID_VALUE,
                        "%s can't be read as Parquet: %s".formatted(file, e.getMessage()),
                        e);
            }
        }
        if (!withIds.isEmpty()) {
            requireAlike(withIds, files.size());
        }
        return state(files, metadata(columns, withIds));
    }

    /** Where the files say ids, those are the columns'; they can't be told by name then. */
    private TableMetadata metadata(Map<String, Type> columns, List<Schema> withIds) {
        Map<String, String> properties = new HashMap<>();
        Schema schema;
        if (withIds.isEmpty()) {
            AtomicInteger last = new AtomicInteger();
            schema =
                    new Schema(
                            columns.entrySet().stream()
                                    .map(column ->
                                            Types.NestedField.optional(
                                                    last.incrementAndGet(),
                                                    column.getKey(),
                                                    TypeUtil.assignFreshIds(
                                                            column.getValue(),
                                                            last::incrementAndGet)))
                                    .toList());
            properties.put(
                    TableProperties.DEFAULT_NAME_MAPPING,
                    NameMappingParser.toJson(MappingUtil.create(schema)));
        } else {
            schema =
                    new Schema(
                            withIds.getFirst().columns().stream()
                                    .map(column ->
                                            Types.NestedField.from(column).asOptional().build())
                                    .toList());
        }
        return TableMetadata.buildFromEmpty(2)
                .assignUUID()
                .setLocation(source.toString())
                .setCurrentSchema(schema, schema.highestFieldId())
                .setDefaultPartitionSpec(PartitionSpec.unpartitioned())
                .setDefaultSortOrder(SortOrder.unsorted())
                .setProperties(properties)
                .build();
    }

    /** One without ids would be read by the places of its columns. */
    private void requireAlike(List<Schema> withIds, int files) {
        Schema first = withIds.getFirst();
        if (withIds.size() < files
                || withIds.stream().anyMatch(other -> !other.sameSchema(first))) {
            throw new LakeException(
                    ErrorCode.INVALID_VALUE,
                    "the files in %s number their columns (field ids), and not all in the same way; import the table that they are of"
                            .formatted(source));
        }
    }

    private TableState state(List<Path> files, TableMetadata metadata) {
        List<FileScanTask> tasks = new ArrayList<>();
        for (Path file : files) {
            InputFile input = io.newInputFile(file.toString());
            DataFile data =
                    DataFiles.builder(PartitionSpec.unpartitioned())
                            .withPath(file.toString())
                            .withFormat(FileFormat.PARQUET)
                            .withFileSizeInBytes(input.getLength())
                            .withMetrics(ParquetUtil.fileMetrics(input, MetricsConfig.getDefault()))
                            .build();
            tasks.add(
                    new BaseFileScanTask(
                            data,
                            new DeleteFile[0],
                            SchemaParser.toJson(metadata.schema()),
                            PartitionSpecParser.toJson(PartitionSpec.unpartitioned()),
                            ResidualEvaluator.unpartitioned(Expressions.alwaysTrue())));
        }
        return new TableState(metadata, io, tasks);
    }

    private List<Path> files() throws IOException {
        if (Files.isRegularFile(source)) {
            return List.of(source);
        }
        List<Path> files;
        try (Stream<Path> all = Files.walk(source)) {
            files =
                    all.filter(file ->
                                    file.toString().endsWith(ENDING) && Files.isRegularFile(file))
                            .sorted()
                            .toList();
        }
        if (files.isEmpty()) {
            throw new LakeException(
                    ErrorCode.INVALID_VALUE,
                    "%s is no Iceberg table (it has no metadata folder) and holds no file whose name ends with %s"
                            .formatted(source, ENDING));
        }
        for (Path file : files) {
            if (source.relativize(file).toString().contains("=")) {
                throw new LakeException(
                        ErrorCode.INVALID_VALUE,
                        "%s says a column's value by its folder's name, which isn't read; write the column into the files"
                                .formatted(file));
            }
        }
        return files;
    }

    private static void add(Map<String, Type> columns, Types.NestedField column, Path file) {
        // numbered alike, so that two are the same where they are but for the numbers
        Type type = TypeUtil.assignFreshIds(column.type(), new AtomicInteger()::incrementAndGet);
        Type known = columns.putIfAbsent(column.name(), type);
        if (known != null && !known.equals(type)) {
            throw new LakeException(
                    ErrorCode.INVALID_VALUE,
                    "column %s of %s is %s, and %s in the files before it"
                            .formatted(column.name(), file, column.type(), known));
        }
    }
}
