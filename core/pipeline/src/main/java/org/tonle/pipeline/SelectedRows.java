package org.tonle.pipeline;

import org.tonle.catalog.PinnedTable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.Inputs;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/**
 * Rows of a dataset's quarantine that somebody wants to have judged again, as it was when they
 * asked, in the order in which they were taken in. They lie in a file, so that parts of them can be
 * worked on one after the other, each in a commit: what such a commit adds to quarantine isn't
 * among them, and where the others stand is the same.
 */
final class SelectedRows {
    private static final String COLUMNS =
            "\"key\", \"ingest_time\", \"partition\", \"position\", \"index\", \"_file\", \"_pos\"";

    private final Scratch scratch;
    private final String columns;
    private final long count;

    /**
     * Selects them.
     *
     * @param scratch for their file, which is needed as long as this is
     * @param input what the dataset reads
     * @param quarantine as it is now
     * @throws LakeException INVALID_SQL for what is no condition or no text; INVALID_REQUEST where
     *     there is nothing to mend
     */
    SelectedRows(
            Scratch scratch,
            SqlTable input,
            TableName name,
            PinnedTable quarantine,
            DatasetTask.Replay task) {
        if (task.fix().isPresent() && !input.isBronze()) {
            throw new LakeException(
                    ErrorCode.INVALID_REQUEST,
                    "what was refused here are rows of %s, not events with a payload; replay them as they are, or mend them there"
                            .formatted(input.name()));
        }
        this.scratch = scratch;
        this.columns = task.fix().isPresent() ? COLUMNS + ", \"payload\"" : COLUMNS;
        BoundQuery asked = Sql.refused(name, task.where(), task.fix());
        this.count =
                scratch.make(
                        "asked",
                        asked,
                        Inputs.of(name, PinnedTables.files(quarantine)),
                        asked.schema());
        var unused =
                scratch.make(
                        "numbered",
                        "SELECT %s, ROW_NUMBER() OVER (ORDER BY \"ingest_time\", \"partition\", \"position\", \"index\", \"key\") AS \"n\" FROM scratch.asked"
                                .formatted(columns));
    }

    long count() {
        return count;
    }

    /**
     * Makes {@code selected} of a part of them.
     *
     * @param after how many rows come before it
     * @param most rows that it may have
     */
    void part(long after, long most, Scratch to) {
        scratch.lend("numbered", to);
        var unused =
                to.make(
                        "selected",
                        "SELECT %s FROM scratch.numbered WHERE \"n\" > %d AND \"n\" <= %d"
                                .formatted(columns, after, after + most));
    }

    /** Makes {@code later} of the keys and times of the rows behind {@code upTo}. */
    void later(long upTo, Scratch to) {
        scratch.lend("numbered", to);
        var unused =
                to.make(
                        "later",
                        "SELECT \"key\", \"ingest_time\" FROM scratch.numbered WHERE \"n\" > %d"
                                .formatted(upTo));
    }
}
