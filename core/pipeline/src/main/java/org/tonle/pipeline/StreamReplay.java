package org.tonle.pipeline;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Lease;
import org.tonle.sql.Dataset;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/**
 * Rows that a streaming table refused are judged again, by the definition as it is now, from the
 * rows of the input that they come from. What it doesn't refuse any more leaves quarantine in the
 * commit in which it enters the table.
 *
 * <p>A row that WHERE leaves out now, which it wasn't asked about before, sets its key free: the
 * first row of that key that it kept out enters too, so that the table is as if the definition had
 * always been this one.
 */
final class StreamReplay {
    private final Dataset.StreamingTable dataset;
    private final RunEnvironment lake;
    private final RunReports reports;

    StreamReplay(Dataset.StreamingTable dataset, RunEnvironment lake, RunReports reports) {
        this.dataset = dataset;
        this.lake = lake;
        this.reports = reports;
    }

    /**
     * Replays once.
     *
     * @param position up to which commit the dataset has read its input
     */
    TaskResult run(DatasetTask.Replay task, Pin pin, long position, Lease lease) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        PinnedTable input =
                tables.pinned(dataset.reads().getFirst())
                        .orElseThrow(() ->
                                StreamingRun.noInput(dataset.name(), dataset.reads().getFirst()));
        try (StagedCommit commit = lake.catalog().stage()) {
            StreamPasses passes = new StreamPasses(lake, dataset, reports, tables, input, commit);
            try (Scratch scratch =
                    new Scratch(
                            lake.engine(),
                            passes.quarantine.dataDirectory(),
                            commit.id().toString())) {
                return new Replay(task, position, tables, input, commit, passes, scratch)
                        .run(lease);
            }
        }
    }

    /** One of them. */
    private final class Replay {
        private final DatasetTask.Replay task;
        private final long position;
        private final PinnedTable input;
        private final PinnedTable table;
        private final PinnedTable refused;
        private final StagedCommit commit;
        private final StreamPasses passes;
        private final Scratch scratch;
        private final RefusedInput rows;

        Replay(
                DatasetTask.Replay task,
                long position,
                PinnedTables tables,
                PinnedTable input,
                StagedCommit commit,
                StreamPasses passes,
                Scratch scratch) {
            this.task = task;
            this.position = position;
            this.input = input;
            this.table = tables.pinned(dataset.name()).orElseThrow();
            this.refused = tables.pinned(Pipelines.quarantine(dataset.name())).orElseThrow();
            this.commit = commit;
            this.passes = passes;
            this.scratch = scratch;
            this.rows = new RefusedInput(scratch, passes.bound.input().table());
        }

        TaskResult run(Lease lease) {
            lake.failPoints().reach("run.before-engine");
            TableName refusedName = Pipelines.quarantine(dataset.name());
            if (rows.find(refusedName, refused, input, task.where(), task.fix()) == 0) {
                reports.aborted();
                return TaskResult.NOTHING;
            }
            scratch.put("target", table.schema(), PinnedTables.files(table));
            scratch.put("quarantine", refused.schema(), PinnedTables.files(refused));
            judge();
            long read = passes.input;
            long filtered = passes.filtered;
            long duplicates = passes.duplicates;
            long stay = passes.malformed + passes.dropped;
            rows.refused(passes.refused);
            Map<String, BitSet> leaving = rows.leaving(refused);
            if (leaving.isEmpty()) {
                reports.aborted();
                return new TaskResult(OptionalLong.empty(), read, 0, stay, 0, 0);
            }
            // those stand in quarantine as they are
            passes.refused.clear();
            passes.malformed = 0;
            passes.dropped = 0;
            if (rows.freed(passes.target.schema(), passes.rows) > 0) {
                letIn();
                // nobody asked about the others that were looked at
                passes.input = read;
                passes.filtered = filtered;
                passes.duplicates = duplicates;
            }
            lake.failPoints().reach("run.after-engine");
            StreamingRun.append(passes.target, passes.rows);
            passes.quarantine.letRowsLeave();
            passes.quarantine.change(
                    refused,
                    passes.refused.stream()
                            .map(file -> passes.quarantine.adopt(file.path()))
                            .toList(),
                    leaving);
            CommitRequest.Builder request =
                    CommitRequest.builder(commit.id(), "replay", task.principal())
                            .fencedBy(lease)
                            .summary("remaining", stay);
            task.where().ifPresent(where -> request.summary("where", where));
            task.fix().ifPresent(fix -> request.summary("fix", fix));
            passes.describe(request);
            long seq = commit.publish(request);
            passes.report();
            lake.failPoints().reach("run.after-commit");
            return new TaskResult(
                    OptionalLong.of(seq),
                    read,
                    passes.written,
                    stay + passes.malformed + passes.dropped,
                    filtered,
                    duplicates);
        }

        /** Judges the rows, first those that keep the keys that they have. */
        private void judge() {
            if (passes.bound.input().table().key().isEmpty()) {
                passes.over(scratch.files("found"), KeyFilter.NONE);
                return;
            }
            FreedKeys others = new FreedKeys(lake.settings().window().toMillis() * 1000);
            passes.over(scratch.files("found"), own(others));
            long apart = passes.duplicates;
            if (apart > 0) {
                long read = passes.input;
                long filtered = passes.filtered;
                long written = passes.written;
                long refusedAgain = passes.malformed + passes.dropped;
                occupy(others, "scratch.target", SqlTable.KEY, SqlTable.INGEST_TIME);
                occupy(others, "scratch.quarantine", "key", "ingest_time");
                passes.over(scratch.files("found"), others);
                passes.input = read;
                passes.filtered = filtered;
                passes.duplicates =
                        apart
                                - (passes.written - written)
                                - (passes.malformed + passes.dropped - refusedAgain);
            }
        }

        /** Lets rows keep the keys that they have; those of other keys are asked about later. */
        private KeyFilter own(FreedKeys others) {
            Set<String> owned = new HashSet<>();
            rows.keys(
                    "SELECT \"key\", \"ingest_time\" FROM scratch.selected",
                    (key, time) -> owned.add(time + " " + key));
            return batch -> {
                BitSet apart = new BitSet(batch.size());
                for (int i = 0; i < batch.size(); i++) {
                    long time = batch.ingestTimeMicros(i);
                    String key = new String(batch.key(i), StandardCharsets.UTF_8);
                    if (!owned.remove(time + " " + key)) {
                        apart.set(i);
                        others.free(key, time, false);
                    }
                }
                return apart;
            };
        }

        /** All rows of a table that may have keys that are asked about. */
        private void occupy(FreedKeys keys, String rowsOf, String key, String time) {
            rows.keys(
                    "SELECT \"%s\", \"%s\" FROM %s WHERE \"%2$s\" BETWEEN %s AND %s"
                            .formatted(
                                    key,
                                    time,
                                    rowsOf,
                                    RefusedInput.instant(keys.earliest() - keys.window(), 0),
                                    RefusedInput.instant(keys.latest(), 1)),
                    keys::occupy);
        }

        /** Lets rows in that were kept out by the keys of rows that are gone. */
        private void letIn() {
            FreedKeys freed = new FreedKeys(lake.settings().window().toMillis() * 1000);
            rows.keys(
                    "SELECT \"key\", \"ingest_time\" FROM scratch.freed",
                    (key, time) -> freed.free(key, time, task.fix().isPresent()));
            for (String rest : List.of("scratch.target", "scratch.written")) {
                rows.keys(
                        "SELECT t.\"%s\", t.\"%s\" FROM %s AS t WHERE t.\"%1$s\" IN (SELECT \"key\" FROM scratch.freed)"
                                .formatted(SqlTable.KEY, SqlTable.INGEST_TIME, rest),
                        freed::occupy);
            }
            rows.keys(
                    "SELECT q.\"key\", q.\"ingest_time\" FROM scratch.quarantine AS q LEFT JOIN"
                            + " scratch.freed AS f ON f.\"key\" = q.\"key\" AND f.\"ingest_time\" ="
                            + " q.\"ingest_time\" WHERE f.\"key\" IS NULL AND q.\"key\" IN (SELECT"
                            + " \"key\" FROM scratch.freed)",
                    freed::occupy);
            new InputHistory(lake, input, position)
                    .within(freed.earliest(), freed.latest(), files -> passes.over(files, freed));
        }
    }
}
