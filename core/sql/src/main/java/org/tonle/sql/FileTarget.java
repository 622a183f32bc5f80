package org.tonle.sql;

import java.nio.file.Path;
import org.apache.iceberg.Schema;

/**
 * Where and as what rows are written.
 *
 * @param directory an existing directory
 * @param name how the files' names begin; no file there begins so yet
 * @param schema names, types and field ids of the columns; the statement's columns are matched to
 *     it by name, and one that the statement lacks is NULL
 */
public record FileTarget(Path directory, String name, Schema schema) {}
