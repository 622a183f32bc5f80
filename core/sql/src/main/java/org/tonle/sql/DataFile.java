package org.tonle.sql;

import java.nio.file.Path;

/**
 * A Parquet file of a table, whose columns carry Iceberg field ids.
 *
 * @param path absolute
 * @param records how many rows it holds
 */
public record DataFile(Path path, long records) {
    public DataFile {
        if (!path.isAbsolute()) {
            throw new IllegalArgumentException("The path of a data file is absolute: " + path);
        }
    }
}
