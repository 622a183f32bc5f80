package org.tonle.sql;

import java.util.List;
import java.util.function.Function;

/**
 * Runs bound statements over pinned files. Thread-safe; what it can't start at once waits.
 *
 * <p>Whatever the engine: names and types of the result are those of the bound statement; rows come
 * in the statement's order if it says one; a division by zero, a cast that fails and an integer
 * that overflows are INVALID_VALUE, never NULL; strings are compared by code point; NULLs stand
 * last unless the statement says otherwise; the time zone is UTC.
 *
 * <p>A table may have the columns of {@link SqlTable#placed}, which no file holds: they tell where
 * a row stands.
 *
 * <p>All methods throw {@link org.tonle.spi.LakeException}: INVALID_VALUE, TIMEOUT, CANCELLED,
 * OUT_OF_RESOURCES, STORAGE (an input can't be read or an output not written), UNSUPPORTED_SQL (the
 * engine has no way to say it).
 */
public interface SqlEngine extends AutoCloseable {
    /** Starts a query and gives its rows as they come. Close the result. */
    QueryResult run(BoundQuery query, Inputs inputs, QueryLimits limits);

    /** How the engine would run a query, without running it. */
    EnginePlan explain(BoundQuery query, Inputs inputs, QueryLimits limits);

    /**
     * What {@link #run} would make of a query, with other texts in the place of its tables, and
     * whatever else its answer depends on: the engine, its version and its settings. Where two
     * queries print the same here, over tables that are the same, their answers are.
     *
     * @param table asked for each reference in the order of the text
     */
    String print(BoundQuery query, Function<BoundTable, String> table);

    /**
     * Writes all rows of a query as Parquet (zstd, with the target's field ids).
     *
     * @return the files, none if there is no row; on an error the files begun are removed
     */
    List<WrittenFile> write(BoundQuery query, Inputs inputs, FileTarget target);

    /**
     * Runs a streaming table's statement over new files of its input, in this order:
     *
     * <ol>
     *   <li>candidates are the input's rows that are malformed, or for which WHERE is true;
     *   <li>{@code keys} is asked about each, in the order it demands; duplicates go no further;
     *   <li>malformed rows go to quarantine;
     *   <li>expectations are asked about the columns of the rest. One holds only where its
     *       condition is true, so NULL breaks it. DROP ROW sends the row to quarantine under the
     *       first expectation of that kind it breaks; FAIL UPDATE ends the run.
     * </ol>
     *
     * @throws org.tonle.spi.LakeException EXPECTATION_FAILED naming expectation and row; on any
     *     error the files begun are removed
     */
    StreamResult writeStream(
            BoundStream stream, Inputs inputs, KeyFilter keys, StreamTarget target);

    /**
     * Takes changes into a table. Of each key the change that comes last by its sequence counts, or
     * by (ingest_time, partition, position, index) where sequences are the same, wherever in the
     * input, in this run or an earlier one, it stands; so a change that comes late, or again, makes
     * no difference. A delete and a truncation count as changes of their keys.
     *
     * <p>Where the table keeps history, each change but a delete is a version, which ends with the
     * next change of its key.
     *
     * <p>An event without a key (unless it truncates) or without a sequence is malformed, besides
     * those whose values are, and goes to quarantine.
     *
     * @param inputs the new files of the changes' input, and all files of the target's two tables
     * @throws org.tonle.spi.LakeException on any error the files begun are removed
     */
    ChangeResult writeChanges(BoundChanges changes, Inputs inputs, ChangeTarget target);

    /** Cancels what runs and frees everything. */
    @Override
    void close();
}
