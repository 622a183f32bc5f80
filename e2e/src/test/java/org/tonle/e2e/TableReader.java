package org.tonle.e2e;

import java.nio.file.Path;
import java.util.List;

/** Something that reads Iceberg tables and isn't ours. */
@FunctionalInterface
interface TableReader {
    /**
     * The rows of the table that a metadata file describes: id, name and town (None where it has
     * none) parted by bars, in the order of the ids.
     */
    List<String> rows(Path metadata) throws Exception;
}
