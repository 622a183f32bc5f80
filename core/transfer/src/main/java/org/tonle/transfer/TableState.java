package org.tonle.transfer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Schema;
import org.apache.iceberg.StaticTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileIO;
import org.tonle.catalog.Direct;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * What an Iceberg table's metadata file says: its columns, and the files of its newest rows.
 *
 * @param io by which its files are read
 * @param files each with what is deleted of it; the statistics of all columns are there
 */
record TableState(TableMetadata metadata, FileIO io, List<FileScanTask> files) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What tells of rows, of other states, or of files: all but the table's form. */
    private static final Set<String> PAST =
            Set.of(
                    "snapshots",
                    "refs",
                    "snapshot-log",
                    "metadata-log",
                    "statistics",
                    "partition-statistics",
                    "current-snapshot-id",
                    "next-row-id",
                    "encryption-keys");

    /** The newest version that every reader reads. */
    private static final int FORMAT = 2;

    /**
     * @throws LakeException STORAGE if the file can't be read, INVALID_VALUE if it isn't a table's
     */
    static TableState read(FileIO io, String location) {
        try {
            TableMetadata metadata = TableMetadataParser.read(io, location);
            return new TableState(metadata, io, files(metadata, io));
        } catch (NotFoundException | IOException | UncheckedIOException e) {
            throw new LakeException(
                    ErrorCode.STORAGE, "can't read %s: %s".formatted(location, e.getMessage()), e);
        } catch (RuntimeException e) {
            throw new LakeException(
                    ErrorCode.INVALID_VALUE,
                    "%s isn't the metadata of an Iceberg table: %s"
                            .formatted(location, e.getMessage()),
                    e);
        }
    }

    private static List<FileScanTask> files(TableMetadata metadata, FileIO io) throws IOException {
        List<FileScanTask> tasks = new ArrayList<>();
        if (metadata.currentSnapshot() == null) {
            return tasks;
        }
        Table table = new BaseTable(new StaticTableOperations(metadata, io), metadata.location());
        try (CloseableIterable<FileScanTask> planned =
                table.newScan().includeColumnStats().planWith(Direct.EXECUTOR).planFiles()) {
            planned.forEach(tasks::add);
        }
        return tasks;
    }

    /**
     * A table of the same form, and of the same ids of columns and partitions, without rows or a
     * past: every reader's version of the format, unless its columns need a later one.
     */
    TableMetadata emptied(String location) {
        ObjectNode json;
        try {
            json = (ObjectNode) JSON.readTree(TableMetadataParser.toJson(metadata));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        json.remove(PAST);
        json.put("table-uuid", UUID.randomUUID().toString());
        json.put("location", location);
        json.put("last-sequence-number", 0);
        json.put("format-version", formatVersion());
        if (formatVersion() > FORMAT) {
            json.put("next-row-id", 0);
        }
        JsonNode properties = json.get("properties");
        if (properties instanceof ObjectNode all) {
            // how columns were told without ids, and where files were to lie
            all.remove(
                    Set.of(
                            TableProperties.DEFAULT_NAME_MAPPING,
                            "write.data.path",
                            "write.metadata.path",
                            "write.object-storage.path"));
        }
        return TableMetadataParser.fromJson(json.toString());
    }

    private int formatVersion() {
        try {
            metadata.schemas().forEach(schema -> Schema.checkCompatibility(schema, FORMAT));
            return FORMAT;
        } catch (IllegalStateException e) {
            return metadata.formatVersion();
        }
    }
}
