package org.tonle.duckdb;

import java.nio.file.Path;
import java.util.List;

/**
 * What DuckDB may use.
 *
 * @param readable directories whose files it may read and write; nothing else is reachable
 * @param temporary an existing directory for what doesn't fit into memory; emptied by DuckDB
 * @param memoryBytes its memory over all statements that have none of their own
 * @param ownBytes what databases for those that have may hold together when they aren't in use; the
 *     caller sees to it that no more of them run at once
 * @param threads its worker threads over all statements
 * @param statements how many run at once; others wait
 */
public record DuckDbSettings(
        List<Path> readable,
        Path temporary,
        long memoryBytes,
        long ownBytes,
        int threads,
        int statements) {
    /** Where no statement has memory of its own. */
    public DuckDbSettings(
            List<Path> readable, Path temporary, long memoryBytes, int threads, int statements) {
        this(readable, temporary, memoryBytes, 0, threads, statements);
    }

    public DuckDbSettings {
        readable = List.copyOf(readable);
        if (memoryBytes < (64L << 20) || threads < 1 || statements < 1) {
            throw new IllegalArgumentException(
                    "DuckDB needs 64 MB, a thread and a statement at least, not "
                            + memoryBytes
                            + " bytes, "
                            + threads
                            + " and "
                            + statements);
        }
    }
}
