package org.tonle.sql;

import java.nio.file.Path;
import java.util.Optional;
import org.tonle.catalog.DeletedRows;

/**
 * A Parquet file of a table, whose columns carry Iceberg field ids.
 *
 * @param path absolute
 * @param records how many rows it holds, those that are deleted too
 * @param current whether its columns are certainly those of the table's schema; else they are found
 *     by field id, which keeps an engine from knowing beforehand what the file holds
 * @param deleted those of its rows that the table doesn't have, if any
 */
public record DataFile(Path path, long records, boolean current, Optional<DeletedRows> deleted) {
    public DataFile {
        if (!path.isAbsolute()) {
            throw new IllegalArgumentException("The path of a data file is absolute: " + path);
        }
    }

    /** A file of which nothing is deleted. */
    public DataFile(Path path, long records, boolean current) {
        this(path, records, current, Optional.empty());
    }

    /** How many rows the table has of it. */
    public long rows() {
        return records - deleted.map(DeletedRows::count).orElse(0L);
    }
}
