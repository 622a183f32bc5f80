package org.tonle.sql;

import java.util.List;
import java.util.Map;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * The files that each table of a statement consists of. A file's schema may be older than the
 * table's: columns are matched by field id, and one that the file lacks is NULL. An empty list is a
 * table without rows. Rows that are deleted of a file aren't there, however it is read.
 */
public record Inputs(Map<TableName, List<DataFile>> files) {
    public Inputs {
        files = Map.copyOf(files);
    }

    public static Inputs of(TableName table, List<DataFile> files) {
        return new Inputs(Map.of(table, List.copyOf(files)));
    }

    /** The files of a table; an error if nobody said what they are. */
    public List<DataFile> of(TableName table) {
        List<DataFile> found = files.get(table);
        if (found == null) {
            throw new LakeException(
                    ErrorCode.INTERNAL, "No files were given for " + table + ", which is read");
        }
        return found;
    }

    /** All rows of all files, without those that are deleted. */
    public long rows() {
        return files.values().stream().flatMap(List::stream).mapToLong(DataFile::rows).sum();
    }
}
