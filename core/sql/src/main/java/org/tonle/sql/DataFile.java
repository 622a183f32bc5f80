package org.tonle.sql;

import java.nio.file.Path;

/**
 * A Parquet file of a table, whose columns carry Iceberg field ids.
 *
 * @param path absolute
 * @param records how many rows it holds
 * @param current whether its columns are certainly those of the table's schema; else they are found
 *     by field id, which keeps an engine from knowing beforehand what the file holds
 */
public record DataFile(Path path, long records, boolean current) {
    public DataFile {
        if (!path.isAbsolute()) {
            throw new IllegalArgumentException("The path of a data file is absolute: " + path);
        }
    }
}
