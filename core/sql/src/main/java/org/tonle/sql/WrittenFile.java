package org.tonle.sql;

import java.nio.file.Path;

/**
 * A Parquet file that was written, complete and closed but not yet fsynced.
 *
 * @param path absolute
 * @param records how many rows it holds, at least one
 * @param bytes its size
 */
public record WrittenFile(Path path, long records, long bytes) {}
