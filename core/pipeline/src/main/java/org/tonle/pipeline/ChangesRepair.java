package org.tonle.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.iceberg.DataFile;
import org.tonle.catalog.DeletedRows;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.DatasetMove;
import org.tonle.ledger.Lease;
import org.tonle.sql.BoundChanges;
import org.tonle.sql.ChangeResult;
import org.tonle.sql.ChangeTarget;
import org.tonle.sql.Dataset;
import org.tonle.sql.Inputs;
import org.tonle.sql.Lineage;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/**
 * Events that a change table refused are taken in after all, or the table is computed anew. What it
 * leads to is the same whenever changes come, so that both are runs like any other.
 */
final class ChangesRepair {
    private final Dataset.ChangeTable dataset;
    private final RunEnvironment lake;
    private final RunReports reports;
    private final PinnedTables tables;
    private final PinnedTable input;
    private final BoundChanges bound;
    private final Lease lease;

    ChangesRepair(
            Dataset.ChangeTable dataset,
            RunEnvironment lake,
            RunReports reports,
            Pin pin,
            Lease lease) {
        this.dataset = dataset;
        this.lake = lake;
        this.reports = reports;
        this.lease = lease;
        this.tables = new PinnedTables(pin, lake.sources());
        TableName read = dataset.reads().getFirst();
        this.input =
                tables.pinned(read).orElseThrow(() -> StreamingRun.noInput(dataset.name(), read));
        this.bound = Sql.changes(dataset, tables);
    }

    /** The table's three tables, staged. */
    private record Staged(StagedTable target, StagedTable deletes, StagedTable quarantine) {}

    private Staged stage(StagedCommit commit) {
        reports.started(commit.id(), tables, List.of(input), () -> Lineage.of(bound));
        Staged staged =
                new Staged(
                        commit.table(pinned(dataset.name()).ref(), OnConflict.FAIL),
                        commit.table(
                                pinned(Pipelines.deleted(dataset.name())).ref(), OnConflict.FAIL),
                        commit.table(
                                pinned(Pipelines.quarantine(dataset.name())).ref(),
                                OnConflict.FAIL));
        SchemaChange.apply(dataset.name(), staged.target(), bound.schema());
        SchemaChange.apply(Pipelines.deleted(dataset.name()), staged.deletes(), bound.deleted());
        return staged;
    }

    private PinnedTable pinned(TableName name) {
        return tables.pinned(name).orElseThrow();
    }

    private ChangeResult write(
            StagedCommit commit,
            Staged staged,
            List<org.tonle.sql.DataFile> events,
            List<org.tonle.sql.DataFile> rows,
            List<org.tonle.sql.DataFile> deletes,
            String name) {
        return lake.engine()
                .writeChanges(
                        bound,
                        new Inputs(
                                Map.of(
                                        bound.stream().input().table().name(),
                                        events,
                                        dataset.name(),
                                        rows,
                                        Pipelines.deleted(dataset.name()),
                                        deletes)),
                        new ChangeTarget(
                                dataset.name(),
                                Pipelines.deleted(dataset.name()),
                                commit.id().toString(),
                                staged.target().dataDirectory(),
                                staged.deletes().dataDirectory(),
                                staged.quarantine().dataDirectory(),
                                commit.id() + name,
                                staged.target().schema()));
    }

    /** See {@link DatasetTask.Replay}. */
    TaskResult replay(DatasetTask.Replay task) {
        TableName refusedName = Pipelines.quarantine(dataset.name());
        PinnedTable refused = pinned(refusedName);
        try (StagedCommit commit = lake.catalog().stage()) {
            Staged staged = stage(commit);
            try (Scratch scratch =
                    new Scratch(
                            lake.engine(),
                            staged.quarantine().dataDirectory(),
                            commit.id().toString())) {
                SqlTable read = bound.stream().input().table();
                SelectedRows selected = new SelectedRows(scratch, read, refusedName, refused, task);
                RefusedInput rows = new RefusedInput(scratch, read);
                long found =
                        selected.count() == 0
                                ? 0
                                : rows.find(
                                        selected,
                                        0,
                                        selected.count(),
                                        input,
                                        task.fix().isPresent());
                if (found == 0) {
                    reports.aborted();
                    return TaskResult.NOTHING;
                }
                lake.failPoints().reach("run.before-engine");
                ChangeResult result =
                        write(
                                commit,
                                staged,
                                scratch.files("found"),
                                PinnedTables.files(pinned(dataset.name())),
                                PinnedTables.files(pinned(Pipelines.deleted(dataset.name()))),
                                "-events");
                lake.failPoints().reach("run.after-engine");
                rows.refused(result.quarantine());
                Map<String, BitSet> leaving = rows.leaving(refused);
                if (leaving.isEmpty()) {
                    reports.aborted();
                    return new TaskResult(OptionalLong.empty(), found, 0, result.malformed(), 0, 0);
                }
                change(staged.target(), pinned(dataset.name()), result);
                StreamingRun.append(staged.deletes(), result.deletes());
                staged.quarantine().letRowsLeave();
                staged.quarantine().change(refused, List.of(), leaving);
                CommitRequest.Builder request =
                        described(
                                        CommitRequest.builder(
                                                commit.id(), "replay", task.principal()),
                                        result)
                                .summary("remaining", result.malformed());
                task.where().ifPresent(where -> request.summary("where", where));
                task.fix().ifPresent(fix -> request.summary("fix", fix));
                return published(commit, request, staged, result, found - result.malformed());
            }
        }
    }

    /**
     * See {@link DatasetTask.Refresh}.
     *
     * @param position how far the table has read its input
     * @param upTo how far it is to have read it
     */
    TaskResult refresh(DatasetTask.Refresh task, OptionalLong position, long upTo) {
        try (StagedCommit commit = lake.catalog().stage()) {
            Staged staged = stage(commit);
            Anew anew = new Anew(commit, staged);
            lake.failPoints().reach("run.before-engine");
            new InputHistory(lake, input, upTo).all(anew::take);
            lake.failPoints().reach("run.after-engine");
            ChangeResult result = anew.stage();
            CommitRequest.Builder request =
                    described(InputHistory.refresh(commit.id(), task), result)
                            .move(
                                    new DatasetMove(
                                            dataset.name().toString(),
                                            input.uuid(),
                                            position,
                                            upTo))
                            .summary("read-seq", upTo)
                            .summary("malformed", result.malformed());
            return published(commit, request, staged, result, result.written());
        }
    }

    /** The table as it comes to be, part of the input by part; nobody else sees it. */
    private final class Anew {
        private final StagedCommit commit;
        private final Staged staged;
        private final List<WrittenFile> rows = new ArrayList<>();
        private final List<WrittenFile> deletes = new ArrayList<>();
        private final List<WrittenFile> refused = new ArrayList<>();
        private final Map<Path, BitSet> removed = new HashMap<>();
        private long events;
        private long malformed;
        private int number;

        Anew(StagedCommit commit, Staged staged) {
            this.commit = commit;
            this.staged = staged;
        }

        void take(List<org.tonle.sql.DataFile> part) {
            ChangeResult result =
                    write(
                            commit,
                            staged,
                            part,
                            rows.stream().map(this::left).toList(),
                            deletes.stream().map(this::left).toList(),
                            "-" + number++);
            rows.addAll(result.rows());
            deletes.addAll(result.deletes());
            refused.addAll(result.quarantine());
            result.removed()
                    .forEach((path, positions) ->
                            removed.computeIfAbsent(path, file -> new BitSet()).or(positions));
            rows.removeIf(this::isGone);
            events += result.input();
            malformed += result.malformed();
        }

        /** Whether no row is left of a file; then the file isn't there any more, either. */
        private boolean isGone(WrittenFile file) {
            boolean gone = left(file).rows() == 0;
            if (gone) {
                removed.remove(file.path());
                try {
                    Files.deleteIfExists(file.path());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            return gone;
        }

        private org.tonle.sql.DataFile left(WrittenFile file) {
            return new org.tonle.sql.DataFile(
                    file.path(),
                    file.records(),
                    true,
                    Optional.ofNullable(removed.get(file.path())).map(DeletedRows::of));
        }

        /** Puts what came to be into the place of what was. */
        ChangeResult stage() {
            Map<String, BitSet> gone = new HashMap<>();
            List<DataFile> adopted = new ArrayList<>();
            for (WrittenFile file : rows) {
                DataFile row = staged.target().adopt(file.path());
                adopted.add(row);
                BitSet positions = removed.get(file.path());
                if (positions != null) {
                    gone.put(row.location(), positions);
                }
            }
            staged.target().replaceAll(pinned(dataset.name()), adopted, gone);
            StreamRefresh.replace(staged.deletes(), deletes);
            StreamRefresh.replace(staged.quarantine(), refused);
            return new ChangeResult(
                    rows,
                    Map.of(),
                    deletes,
                    refused,
                    events,
                    malformed,
                    rows.stream().mapToLong(file -> left(file).rows()).sum());
        }
    }

    private CommitRequest.Builder described(CommitRequest.Builder request, ChangeResult result) {
        return request.fencedBy(lease)
                .summary("dataset", dataset.name().toString())
                .summary("definition", DatasetTables.hash(dataset.text()))
                .summary("input", result.input())
                .summary("written", result.written())
                .summary("removed", result.lost());
    }

    private TaskResult published(
            StagedCommit commit,
            CommitRequest.Builder request,
            Staged staged,
            ChangeResult result,
            long taken) {
        long seq = commit.publish(request);
        reports.completed(
                List.of(StreamingRun.output(dataset.name(), staged.target(), result.rows())),
                List.of());
        lake.failPoints().reach("run.after-commit");
        return new TaskResult(
                OptionalLong.of(seq), result.input(), taken, result.malformed(), 0, 0);
    }

    /** Rows that the table gains and loses. */
    static void change(StagedTable target, PinnedTable before, ChangeResult result) {
        if (result.removed().isEmpty()) {
            StreamingRun.append(target, result.rows());
            return;
        }
        List<DataFile> added =
                result.rows().stream().map(file -> target.adopt(file.path())).toList();
        Map<String, BitSet> removed = new HashMap<>();
        result.removed()
                .forEach((path, positions) -> removed.put(before.location(path), positions));
        target.change(before, added, removed);
    }
}
