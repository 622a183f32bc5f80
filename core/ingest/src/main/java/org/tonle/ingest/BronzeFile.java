package org.tonle.ingest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.stream.Stream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.parquet.ParquetUtil;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.StagedTable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** One Parquet file of a bronze table while it is written: rows of one day. Used by one thread. */
final class BronzeFile implements AutoCloseable {
    private static final long MICROS_PER_DAY = 86_400_000_000L;

    private final Path path;
    private final String location;
    private final long day;
    private final BronzePages pages;
    private long rows;
    private boolean closed;

    private BronzeFile(Path path, String location, long day, BronzePages pages) {
        this.path = path;
        this.location = location;
        this.day = day;
        this.pages = pages;
    }

    /** The day of an ingest time, in days since 1970-01-01. */
    static long day(long ingestTimeMicros) {
        return Math.floorDiv(ingestTimeMicros, MICROS_PER_DAY);
    }

    /** The path, in the table's data folder, of the partition that holds a day. */
    static String partition(long day) {
        return "ingest_time_day=" + LocalDate.ofEpochDay(day);
    }

    static BronzeFile create(StagedTable table, long day) {
        Path path = table.newDataFile(partition(day));
        return create(path, table.location(path), day);
    }

    /**
     * @param location what names it in its table
     */
    static BronzeFile create(Path path, String location, long day) {
        try {
            return new BronzeFile(path, location, day, new BronzePages(path));
        } catch (IOException e) {
            throw storage(path, e);
        }
    }

    long rows() {
        return rows;
    }

    void write(BronzeRow row) {
        try {
            pages.add(row);
            rows++;
        } catch (IOException e) {
            throw storage(path, e);
        }
    }

    /** Completes the file; bringing it to where it stays is the commit's work. */
    DataFile finish() {
        try {
            ParquetMetadata footer = pages.end();
            close();
            return DataFiles.builder(BronzeTable.SPEC)
                    .withPath(location)
                    .withFormat(FileFormat.PARQUET)
                    .withPartitionPath(partition(day))
                    .withFileSizeInBytes(Files.size(path))
                    .withMetrics(
                            ParquetUtil.footerMetrics(
                                    footer, Stream.empty(), MetricsConfig.getDefault()))
                    .withSplitOffsets(ParquetUtil.getSplitOffsets(footer))
                    .build();
        } catch (IOException e) {
            throw storage(path, e);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            pages.close();
        } catch (IOException e) {
            throw storage(path, e);
        }
    }

    private static LakeException storage(Path path, IOException e) {
        return new LakeException(
                ErrorCode.STORAGE,
                "Can't write %s: %s. Check that the disk has room and may be written to."
                        .formatted(path, e),
                e);
    }
}
