package org.tonle.sql;

import java.nio.file.Path;
import org.apache.iceberg.Schema;

/**
 * Where a streaming run writes.
 *
 * @param dataset the dataset's name, for quarantine rows
 * @param commitId the run's commit, for quarantine rows
 * @param directory an existing directory for the dataset's rows
 * @param quarantineDirectory an existing directory for rows refused
 * @param name how the files' names begin; no file in either directory begins so yet
 * @param schema the dataset's table, hidden columns included
 */
public record StreamTarget(
        TableName dataset,
        String commitId,
        Path directory,
        Path quarantineDirectory,
        String name,
        Schema schema) {}
