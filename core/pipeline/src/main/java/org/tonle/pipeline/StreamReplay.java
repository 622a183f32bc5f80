package org.tonle.pipeline;

import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.BiConsumer;
import org.apache.iceberg.Schema;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.QuarantineTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Lease;
import org.tonle.spi.LakeException;
import org.tonle.sql.DataFile;
import org.tonle.sql.Dataset;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/**
 * Rows that a streaming table refused are judged again, by the definition as it is now, from the
 * rows of the input that they come from. What it doesn't refuse any more leaves quarantine in the
 * commit in which it enters the table.
 *
 * <p>A row that WHERE leaves out now, which it wasn't asked about before, sets its key free: the
 * first row of that key that it kept out enters too, so that the table is as if the definition had
 * always been this one.
 *
 * <p>Their keys are on the heap, so many rows are judged in parts, in the order in which they were
 * taken in, each in a commit. What a part sets free is let in by its own commit, and rows that a
 * later part is about keep out what they keep out until it comes: the end is that of one part, and
 * who ends in between begins again with what is left.
 */
final class StreamReplay {
    /** Rows of a part: some 50 MB if each has another key now. */
    private static final long MOST_ROWS = 1 << 17;

    /** What is known of rows that are refused again under another key. */
    private static final Schema KEYS = QuarantineTable.SCHEMA.select("key", "ingest_time");

    private final Dataset.StreamingTable dataset;
    private final RunEnvironment lake;
    private final RunReports reports;
    private final TableName input;

    StreamReplay(Dataset.StreamingTable dataset, RunEnvironment lake, RunReports reports) {
        this.dataset = dataset;
        this.lake = lake;
        this.reports = reports;
        this.input = dataset.reads().getFirst();
    }

    /**
     * Replays once.
     *
     * @param position up to which commit the dataset has read its input
     * @param committed is told of each commit
     * @throws LakeException saying what is done already, if a part is
     */
    TaskResult run(
            DatasetTask.Replay task, Pin pin, long position, Lease lease, Runnable committed) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        TableName name = Pipelines.quarantine(dataset.name());
        PinnedTable refused = tables.pinned(name).orElseThrow();
        SqlTable read = tables.table(input).orElseThrow(() -> noInput());
        // it is never published, and its files go with it
        try (StagedCommit aside = lake.catalog().stage();
                Scratch scratch =
                        new Scratch(
                                lake.engine(),
                                aside.table(refused.ref(), OnConflict.FAIL).dataDirectory(),
                                aside.id().toString())) {
            return new Parts(
                            task,
                            position,
                            lease,
                            scratch,
                            new SelectedRows(scratch, read, name, refused, task))
                    .run(pin, committed);
        }
    }

    private LakeException noInput() {
        return StreamingRun.noInput(dataset.name(), input);
    }

    /** All parts of one. */
    private final class Parts {
        private final DatasetTask.Replay task;
        private final long position;
        private final Lease lease;
        private final Scratch scratch;
        private final SelectedRows selected;

        /** Keys, as they are now, of rows of earlier parts that stay in quarantine under others. */
        private final List<DataFile> stayed = new ArrayList<>();

        Parts(
                DatasetTask.Replay task,
                long position,
                Lease lease,
                Scratch scratch,
                SelectedRows selected) {
            this.task = task;
            this.position = position;
            this.lease = lease;
            this.scratch = scratch;
            this.selected = selected;
        }

        TaskResult run(Pin first, Runnable committed) {
            long most = Math.min(MOST_ROWS, lake.settings().batch().rows());
            TaskResult done = TaskResult.NOTHING;
            for (long after = 0; after < selected.count(); after += most) {
                TaskResult part;
                try {
                    part = part(after, most, after == 0 ? first : lake.catalog().pin());
                } catch (LakeException e) {
                    throw done.seq().isEmpty() ? e : partly(done, e);
                } catch (UncheckedIOException e) {
                    LakeException why = LakeException.storage(e);
                    throw done.seq().isEmpty() ? why : partly(done, why);
                }
                if (part.seq().isPresent()) {
                    committed.run();
                }
                done = done.and(part);
            }
            return done;
        }

        private LakeException partly(TaskResult done, LakeException e) {
            return new LakeException(
                    e.code(),
                    "%s %d rows had entered %s by then, the last ones with commit %d, and stay there; replay again for the others."
                            .formatted(
                                    e.getMessage(),
                                    done.written(),
                                    dataset.name(),
                                    done.seq().orElseThrow()),
                    e);
        }

        private TaskResult part(long after, long most, Pin pin) {
            PinnedTables tables = new PinnedTables(pin, lake.sources());
            PinnedTable read = tables.pinned(input).orElseThrow(() -> noInput());
            try (StagedCommit commit = lake.catalog().stage()) {
                StreamPasses passes =
                        new StreamPasses(lake, dataset, reports, tables, read, commit);
                try (Scratch own =
                        new Scratch(
                                lake.engine(),
                                passes.quarantine.dataDirectory(),
                                commit.id().toString())) {
                    return new Part(this, tables, read, commit, passes, own).run(after, most);
                }
            }
        }

        /** Rows stay in quarantine under the keys that they had; these are the ones of now. */
        private void stay(List<WrittenFile> rows, long after) {
            if (!rows.isEmpty()) {
                String name = "stayed" + after + "_";
                scratch.putWritten("again", QuarantineTable.SCHEMA, rows);
                var unused =
                        scratch.make(
                                name, "SELECT \"key\", \"ingest_time\" FROM scratch.again", KEYS);
                stayed.addAll(scratch.files(name));
            }
        }
    }

    /** One of them. */
    private final class Part {
        private final Parts all;
        private final PinnedTable input;
        private final PinnedTable table;
        private final PinnedTable refused;
        private final StagedCommit commit;
        private final StreamPasses passes;
        private final Scratch scratch;
        private final RefusedInput rows;

        Part(
                Parts all,
                PinnedTables tables,
                PinnedTable input,
                StagedCommit commit,
                StreamPasses passes,
                Scratch scratch) {
            this.all = all;
            this.input = input;
            this.table = tables.pinned(dataset.name()).orElseThrow();
            this.refused = tables.pinned(Pipelines.quarantine(dataset.name())).orElseThrow();
            this.commit = commit;
            this.passes = passes;
            this.scratch = scratch;
            this.rows = new RefusedInput(scratch, passes.bound.input().table());
        }

        /**
         * Judges it.
         *
         * @param after how many selected rows come before it
         * @param most rows that it may have
         */
        TaskResult run(long after, long most) {
            lake.failPoints().reach("run.before-engine");
            if (rows.find(all.selected, after, most, input, all.task.fix().isPresent()) == 0) {
                reports.aborted();
                return TaskResult.NOTHING;
            }
            scratch.put("target", table.schema(), PinnedTables.files(table));
            scratch.put("quarantine", refused.schema(), PinnedTables.files(refused));
            scratch.put("stayed", KEYS, all.stayed);
            judge(after, after + most);
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
            long free = rows.freed(passes.target.schema(), passes.rows);
            rows.requireOthersKeys(lake.settings().window());
            if (free > 0) {
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
                    CommitRequest.builder(commit.id(), "replay", all.task.principal())
                            .fencedBy(all.lease)
                            .summary("remaining", stay);
            all.task.where().ifPresent(where -> request.summary("where", where));
            all.task.fix().ifPresent(fix -> request.summary("fix", fix));
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
        private void judge(long after, long upTo) {
            if (passes.bound.input().table().key().isEmpty()) {
                passes.over(scratch.files("found"), KeyFilter.NONE);
                return;
            }
            FreedKeys others = new FreedKeys(lake.settings().window().toMillis() * 1000);
            Set<String> left = ownKeys();
            passes.over(scratch.files("found"), own(left, others));
            long apart = passes.duplicates;
            if (apart > 0) {
                long read = passes.input;
                long filtered = passes.filtered;
                long written = passes.written;
                long refusedAgain = passes.malformed + passes.dropped;
                String key = "key";
                String time = "ingest_time";
                all.selected.later(upTo, scratch);
                rowsOf(others, "scratch.later", key, time, others::leaveOpen);
                rowsOf(
                        others,
                        "scratch.target",
                        SqlTable.KEY,
                        SqlTable.INGEST_TIME,
                        others::occupy);
                rowsOf(
                        others,
                        "scratch.quarantine",
                        key,
                        time,
                        (own, at) -> {
                            // rows of this part that get other keys leave theirs to others
                            if (!left.contains(at + " " + own)) {
                                others.occupy(own, at);
                            }
                        });
                rowsOf(others, "scratch.stayed", key, time, others::occupy);
                int known = passes.refused.size();
                passes.over(scratch.files("found"), others);
                all.stay(passes.refused.subList(known, passes.refused.size()), after);
                passes.input = read;
                passes.filtered = filtered;
                passes.duplicates =
                        apart
                                - (passes.written - written)
                                - (passes.malformed + passes.dropped - refusedAgain);
            }
        }

        /** The keys that the rows have, each with the row's time before it. */
        private Set<String> ownKeys() {
            Set<String> owned = new HashSet<>();
            rows.keys(
                    "SELECT \"key\", \"ingest_time\" FROM scratch.selected",
                    (key, time) -> owned.add(time + " " + key));
            return owned;
        }

        /**
         * Lets rows keep the keys that they have; those of other keys are asked about later.
         *
         * @param owned loses those that are kept
         */
        private KeyFilter own(Set<String> owned, FreedKeys others) {
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

        /** Gives all rows of a table that may have keys that are asked about. */
        private void rowsOf(
                FreedKeys keys,
                String table,
                String key,
                String time,
                BiConsumer<String, Long> each) {
            rows.keys(
                    "SELECT \"%s\", \"%s\" FROM %s WHERE \"%2$s\" BETWEEN %s AND %s"
                            .formatted(
                                    key,
                                    time,
                                    table,
                                    RefusedInput.instant(keys.earliest(), 0),
                                    RefusedInput.instant(keys.latest(), 1)),
                    each);
        }

        /** Lets rows in that were kept out by the keys of rows that are gone. */
        private void letIn() {
            FreedKeys freed = new FreedKeys(lake.settings().window().toMillis() * 1000);
            rows.keys(
                    "SELECT \"key\", \"ingest_time\" FROM scratch.freed",
                    (key, time) -> freed.free(key, time, all.task.fix().isPresent()));
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
            new InputHistory(lake, input, all.position)
                    .within(freed.earliest(), freed.latest(), files -> passes.over(files, freed));
        }
    }
}
