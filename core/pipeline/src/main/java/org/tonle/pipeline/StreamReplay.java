package org.tonle.pipeline;

import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongFunction;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Lease;
import org.tonle.sql.BoundStream;
import org.tonle.sql.DataFile;
import org.tonle.sql.Dataset;
import org.tonle.sql.Inputs;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.Lineage;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlTable;
import org.tonle.sql.StreamTarget;
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
     * @param keys all keys from a time, in microseconds, on
     */
    TaskResult run(
            DatasetTask.Replay task,
            Pin pin,
            long position,
            Lease lease,
            LongFunction<SeenKeys> keys) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        TableName refusedName = Pipelines.quarantine(dataset.name());
        PinnedTable input =
                tables.pinned(dataset.reads().getFirst())
                        .orElseThrow(() ->
                                StreamingRun.noInput(dataset.name(), dataset.reads().getFirst()));
        PinnedTable refused = tables.pinned(refusedName).orElseThrow();
        BoundStream bound = Sql.stream(dataset, tables);
        try (StagedCommit commit = lake.catalog().stage()) {
            StagedTable target =
                    commit.table(
                            tables.pinned(dataset.name()).orElseThrow().ref(), OnConflict.FAIL);
            StagedTable quarantine = commit.table(refused.ref(), OnConflict.FAIL);
            SchemaChange.apply(dataset.name(), target, bound.schema());
            String prefix = commit.id().toString();
            try (Scratch scratch = new Scratch(lake.engine(), quarantine.dataDirectory(), prefix)) {
                RefusedInput rows = new RefusedInput(scratch, bound.input().table());
                lake.failPoints().reach("run.before-engine");
                if (rows.find(refusedName, refused, input, task.where(), task.fix()) == 0) {
                    return TaskResult.NOTHING;
                }
                reports.started(commit.id(), tables, List.of(input), () -> Lineage.of(bound));
                Pass pass = new Pass(bound, commit, target, quarantine);
                StreamResults results = pass.results;
                pass.over(
                        scratch.files("found"),
                        bound.input().table().key().isEmpty()
                                ? KeyFilter.NONE
                                : own(rows, keys.apply(rows.earliest())));
                long read = results.input;
                long stay = results.malformed + results.dropped;
                rows.refused(results.quarantine);
                Map<String, BitSet> leaving = rows.leaving(refused);
                if (leaving.isEmpty()) {
                    reports.aborted();
                    return new TaskResult(OptionalLong.empty(), read, 0, stay, 0, 0);
                }
                // those stand in quarantine as they are
                results.quarantine.clear();
                results.malformed = 0;
                results.dropped = 0;
                if (rows.freed(target.schema(), results.rows) > 0) {
                    letIn(rows, task.fix().isPresent(), pass, tables, input, scratch, position);
                }
                lake.failPoints().reach("run.after-engine");
                StreamingRun.append(target, results.rows);
                quarantine.letRowsLeave();
                quarantine.change(
                        refused,
                        results.quarantine.stream()
                                .map(file -> quarantine.adopt(file.path()))
                                .toList(),
                        leaving);
                CommitRequest.Builder request =
                        CommitRequest.builder(commit.id(), "replay", task.principal())
                                .fencedBy(lease)
                                .summary("definition", DatasetTables.hash(dataset.text()))
                                .summary("remaining", stay);
                task.where().ifPresent(where -> request.summary("where", where));
                task.fix().ifPresent(fix -> request.summary("fix", fix));
                results.describe(request);
                long seq = commit.publish(request);
                reports.completed(
                        List.of(
                                StreamingRun.output(dataset.name(), target, results.rows),
                                StreamingRun.output(refusedName, quarantine, results.quarantine)),
                        results.expectations());
                lake.failPoints().reach("run.after-commit");
                return new TaskResult(
                        OptionalLong.of(seq),
                        read,
                        results.written,
                        stay + results.malformed + results.dropped,
                        read - stay - (results.written - pass.letIn) - pass.repeated,
                        pass.repeated);
            }
        }
    }

    /** Passes over rows of the input, each with files of its own. */
    private final class Pass {
        private final BoundStream bound;
        private final StagedCommit commit;
        private final StagedTable target;
        private final StagedTable quarantine;
        final StreamResults results;
        private int number;

        /** Rows that came in since a key was set free, and duplicates among those replayed. */
        long letIn;

        long repeated;

        Pass(BoundStream bound, StagedCommit commit, StagedTable target, StagedTable quarantine) {
            this.bound = bound;
            this.commit = commit;
            this.target = target;
            this.quarantine = quarantine;
            this.results = new StreamResults(dataset.name(), bound);
        }

        void over(List<DataFile> files, KeyFilter keys) {
            long before = results.written;
            long input = results.input;
            long filtered = results.filtered;
            long duplicates = results.duplicates;
            results.add(
                    lake.engine()
                            .writeStream(
                                    bound,
                                    Inputs.of(bound.input().table().name(), files),
                                    keys,
                                    new StreamTarget(
                                            dataset.name(),
                                            commit.id().toString(),
                                            target.dataDirectory(),
                                            quarantine.dataDirectory(),
                                            commit.id() + "-pass-" + number,
                                            target.schema())));
            if (number++ == 0) {
                repeated = results.duplicates;
            } else {
                letIn += results.written - before;
                // of what was only looked at
                results.input = input;
                results.filtered = filtered;
                results.duplicates = duplicates;
            }
        }
    }

    /** Lets rows keep the keys that they have; a key that a row didn't have must be free. */
    private KeyFilter own(RefusedInput rows, SeenKeys seen) {
        Set<String> owned = new HashSet<>();
        rows.keys(
                "SELECT \"key\", \"ingest_time\" FROM scratch.selected",
                (key, time) -> owned.add(time + " " + key));
        return batch -> {
            BitSet duplicates = new BitSet(batch.size());
            for (int i = 0; i < batch.size(); i++) {
                long time = batch.ingestTimeMicros(i);
                String key = new String(batch.key(i), java.nio.charset.StandardCharsets.UTF_8);
                duplicates.set(
                        i, !owned.remove(time + " " + key) && seen.isDuplicate(batch.key(i), time));
            }
            return duplicates;
        };
    }

    /** Lets rows in that were kept out by the keys of rows that are gone. */
    private void letIn(
            RefusedInput rows,
            boolean mended,
            Pass pass,
            PinnedTables tables,
            PinnedTable input,
            Scratch scratch,
            long position) {
        FreedKeys freed = new FreedKeys(lake.settings().window().toMillis() * 1000);
        rows.keys(
                "SELECT \"key\", \"ingest_time\" FROM scratch.freed",
                (key, time) -> freed.free(key, time, mended));
        PinnedTable table = tables.pinned(dataset.name()).orElseThrow();
        scratch.put("target", table.schema(), PinnedTables.files(table));
        PinnedTable refused = tables.pinned(Pipelines.quarantine(dataset.name())).orElseThrow();
        scratch.put("quarantine", refused.schema(), PinnedTables.files(refused));
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
        InputHistory history = new InputHistory(lake, input, position);
        for (List<DataFile> batch : history.batches(freed.earliest(), freed.latest())) {
            pass.over(batch, freed);
        }
    }
}
