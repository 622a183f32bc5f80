package org.tonle.sql;

import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Map;

/**
 * What a run of a change table did.
 *
 * @param rows files with the rows that the table gains
 * @param removed by file of the table, the positions of the rows that it loses, counted from 0
 * @param deletes files for the table of deletes
 * @param quarantine files for its quarantine table
 * @param input events of the input files
 * @param malformed events quarantined because of their values
 * @param written rows in {@code rows}
 */
public record ChangeResult(
        List<WrittenFile> rows,
        Map<Path, BitSet> removed,
        List<WrittenFile> deletes,
        List<WrittenFile> quarantine,
        long input,
        long malformed,
        long written) {
    public ChangeResult {
        rows = List.copyOf(rows);
        removed = Map.copyOf(removed);
        deletes = List.copyOf(deletes);
        quarantine = List.copyOf(quarantine);
    }

    /** How many rows the table loses. */
    public long lost() {
        return removed.values().stream().mapToLong(BitSet::cardinality).sum();
    }
}
