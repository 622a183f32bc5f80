package org.tonle.sql;

import java.nio.file.Path;
import org.apache.iceberg.Schema;

/**
 * Where a run of a change table writes, and what it reads of its own: the files of {@code dataset}
 * and {@code deletes} stand in its inputs.
 *
 * @param dataset the change table
 * @param deletes the table of deletes that no row of it shows
 * @param commitId the run's commit, for quarantine rows
 * @param directory an existing directory for the dataset's rows
 * @param deletesDirectory an existing directory for deletes
 * @param quarantineDirectory an existing directory for events refused
 * @param name how the files' names begin; no file in these directories begins so yet
 * @param schema the dataset's table, which may have more columns than its statement
 */
public record ChangeTarget(
        TableName dataset,
        TableName deletes,
        String commitId,
        Path directory,
        Path deletesDirectory,
        Path quarantineDirectory,
        String name,
        Schema schema) {}
