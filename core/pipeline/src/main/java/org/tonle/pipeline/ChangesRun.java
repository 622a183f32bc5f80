package org.tonle.pipeline;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.apache.iceberg.DataFile;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.DatasetMove;
import org.tonle.ledger.Lease;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundChanges;
import org.tonle.sql.ChangeResult;
import org.tonle.sql.ChangeTarget;
import org.tonle.sql.Dataset;
import org.tonle.sql.Inputs;
import org.tonle.sql.Lineage;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Sql;
import org.tonle.sql.TableName;

/**
 * Change tables that follow the changes of one source: what their inputs gained since the last
 * commit is taken into all of them in one commit, so that what the source changed at once is seen
 * at once. One that is behind the others, because it is new, catches up first.
 */
final class ChangesRun implements DatasetRun {
    /**
     * Each run looks for its keys in the whole table. It rests for as long as it took, so that it
     * is busy half the time at most, however often its input changes; for so long at most.
     */
    private static final Duration LONGEST_REST = Duration.ofSeconds(5);

    private final List<Dataset.ChangeTable> datasets;
    private final List<RunReports> reports;
    private final RunEnvironment lake;
    private final StreamCompaction compaction;
    private final StreamExpiry expiry;
    private final Rest rest = new Rest();
    private long epoch;

    /** What the last refresh did. */
    private TaskResult followed = TaskResult.NOTHING;

    /** The commits up to here were looked at; the positions in the ledger may be older. */
    private long checked;

    /**
     * @param datasets at least one
     * @param reports of each of them
     */
    ChangesRun(List<Dataset.ChangeTable> datasets, List<RunReports> reports, RunEnvironment lake) {
        this.datasets = List.copyOf(datasets);
        this.reports = List.copyOf(reports);
        this.lake = lake;
        List<TableName> compacted = new ArrayList<>();
        for (Dataset.ChangeTable dataset : datasets) {
            compacted.add(dataset.name());
            compacted.add(Pipelines.deleted(dataset.name()));
            compacted.add(Pipelines.quarantine(dataset.name()));
        }
        this.compaction = new StreamCompaction(compacted, lake);
        // a row of the table itself is as it is now, however long ago that came
        this.expiry =
                new StreamExpiry(
                        datasets.stream()
                                .map(dataset -> Pipelines.quarantine(dataset.name()))
                                .toList(),
                        lake);
    }

    @Override
    public void reset() {
        checked = 0;
    }

    @Override
    public Duration rest() {
        return rest.left();
    }

    @Override
    public void drain() {
        rest.drain();
    }

    @Override
    public TaskResult perform(DatasetTask task, Pin pin, Lease lease) {
        int at =
                IntStream.range(0, datasets.size())
                        .filter(i ->
                                datasets.get(i).name().toString().equalsIgnoreCase(task.dataset()))
                        .findFirst()
                        .orElseThrow();
        Dataset.ChangeTable dataset = datasets.get(at);
        ChangesRepair repair = new ChangesRepair(dataset, lake, reports.get(at), pin, lease);
        reset();
        return switch (task) {
            case DatasetTask.Replay replay -> repair.replay(replay);
            case DatasetTask.Refresh refresh -> refresh(refresh, dataset, repair, pin);
            case DatasetTask.Follow follow ->
                    asked(dataset, pin)
                            .map(refresh -> refresh(refresh, dataset, repair, pin))
                            .orElseGet(() -> followed.since(follow.seq()));
        };
    }

    private TaskResult refresh(
            DatasetTask.Refresh task, Dataset.ChangeTable dataset, ChangesRepair repair, Pin pin) {
        if (task.from().isPresent()) {
            throw new LakeException(
                    ErrorCode.INVALID_REQUEST,
                    "%s is a change table: its rows are what became of all changes, whenever they were taken in, so that it can't be refreshed from a time on; leave from out"
                            .formatted(dataset.name()));
        }
        // the others over the source must not fall behind it, nor be ahead, as far as they can go
        // on
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        OptionalLong position = position(dataset, tables);
        boolean goesOn =
                datasets.size() > 1
                        && position.isPresent()
                        && !new InputHistory(lake, input(dataset, tables), pin.seq())
                                .isExpiredAfter(position.getAsLong());
        followed = repair.refresh(task, position, goesOn ? position.getAsLong() : pin.seq());
        return followed;
    }

    /**
     * What a refresh of the input asks of this, if there was one since it was read: to be computed
     * anew as a whole.
     */
    private Optional<DatasetTask.Refresh> asked(Dataset.ChangeTable dataset, Pin pin) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        return new InputHistory(lake, input(dataset, tables), pin.seq())
                .asked(dataset.name().toString(), position(dataset, tables).orElse(0))
                .map(task ->
                        new DatasetTask.Refresh(
                                task.dataset(),
                                Optional.empty(),
                                task.downstream(),
                                task.principal()));
    }

    @Override
    public Progress run(Pin pin, Lease lease) {
        if (lease.epoch() != epoch) {
            reset();
            epoch = lease.epoch();
        }
        Progress progress = takeIn(pin, lease);
        compaction.compact(lease);
        if (!progress.more()) {
            expiry.expire(lease);
        }
        return progress;
    }

    private Progress caughtUp(DatasetTask.Refresh task, int of, Pin pin, Lease lease) {
        Dataset.ChangeTable dataset = datasets.get(of);
        var unused =
                refresh(
                        task,
                        dataset,
                        new ChangesRepair(dataset, lake, reports.get(of), pin, lease),
                        pin);
        return new Progress(pin.seq(), datasets.size() > 1);
    }

    /** One table's part of a run. */
    private record Part(
            Dataset.ChangeTable dataset,
            RunReports reports,
            PinnedTable input,
            OptionalLong position,
            List<DataFile> files) {}

    private Progress takeIn(Pin pin, Lease lease) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        List<OptionalLong> positions =
                datasets.stream().map(dataset -> position(dataset, tables)).toList();
        long least = positions.stream().mapToLong(known -> known.orElse(0)).min().orElse(0);
        long from = Math.max(least, checked);
        if (datasets.stream().allMatch(dataset -> input(dataset, tables).ref().fromSeq() <= from)) {
            return new Progress(pin.seq(), false);
        }
        if (rest().isPositive()) {
            return new Progress(from, true);
        }
        long start = System.nanoTime();
        long upTo = pin.seq();
        List<Integer> taking = new ArrayList<>();
        for (int i = 0; i < datasets.size(); i++) {
            long position = positions.get(i).orElse(0);
            if (position > least) {
                // those behind it come up to it first
                upTo = Math.min(upTo, position);
            } else {
                taking.add(i);
            }
        }
        for (int i : taking) {
            Dataset.ChangeTable dataset = datasets.get(i);
            InputHistory history = new InputHistory(lake, input(dataset, tables), pin.seq());
            if (positions.get(i).isEmpty() && history.isRewrittenAfter(0)) {
                // it is new, and what its input held at first isn't what it is made of now
                return caughtUp(InputHistory.whole(dataset.name().toString()), i, pin, lease);
            }
            switch (changes(dataset, tables, from, upTo)) {
                case ChangeRange.Appended appended -> upTo = appended.upTo();
                case ChangeRange.Rewritten rewritten -> {
                    DatasetTask.Refresh task =
                            asked(dataset, pin)
                                    .orElseThrow(() -> changed(dataset, tables, rewritten));
                    return caughtUp(task, i, pin, lease);
                }
            }
        }
        List<Part> parts = new ArrayList<>();
        for (int i : taking) {
            parts.add(
                    new Part(
                            datasets.get(i),
                            reports.get(i),
                            input(datasets.get(i), tables),
                            positions.get(i),
                            added(datasets.get(i), tables, from, upTo)));
        }
        boolean behind = taking.size() < datasets.size();
        if (behind || parts.stream().anyMatch(part -> !part.files().isEmpty())) {
            commit(parts, tables, upTo, lease);
        }
        checked = upTo;
        if (upTo == pin.seq()) {
            rest.begin(Math.min(System.nanoTime() - start, LONGEST_REST.toNanos()));
        }
        return new Progress(upTo, upTo < pin.seq());
    }

    private OptionalLong position(Dataset.ChangeTable dataset, PinnedTables tables) {
        @Nullable Long stored =
                lake.catalog()
                        .ledger()
                        .datasetPositions(dataset.name().toString())
                        .get(input(dataset, tables).uuid());
        return stored == null ? OptionalLong.empty() : OptionalLong.of(stored);
    }

    private static PinnedTable input(Dataset.ChangeTable dataset, PinnedTables tables) {
        TableName read = dataset.reads().getFirst();
        return tables.pinned(read).orElseThrow(() -> StreamingRun.noInput(dataset.name(), read));
    }

    private ChangeRange changes(
            Dataset.ChangeTable dataset, PinnedTables tables, long from, long upTo) {
        return lake.catalog()
                .changes(input(dataset, tables).uuid(), from, upTo, lake.settings().batch());
    }

    /** What it gained up to a commit that {@link #changes} led to. */
    private List<DataFile> added(
            Dataset.ChangeTable dataset, PinnedTables tables, long from, long upTo) {
        return switch (changes(dataset, tables, from, upTo)) {
            case ChangeRange.Appended appended -> appended.files();
            case ChangeRange.Rewritten rewritten -> throw changed(dataset, tables, rewritten);
        };
    }

    private static LakeException changed(
            Dataset.ChangeTable dataset, PinnedTables tables, ChangeRange.Rewritten rewritten) {
        return new LakeException(
                ErrorCode.SOURCE_CHANGED,
                "%s %s, so its changes can't be followed from there on; to compute %3$s anew from all that it holds now, run: tonle refresh %3$s"
                        .formatted(
                                input(dataset, tables).identifier(),
                                rewritten.told(),
                                dataset.name()));
    }

    private void commit(List<Part> parts, PinnedTables tables, long upTo, Lease lease) {
        try (StagedCommit commit = lake.catalog().stage()) {
            CommitRequest.Builder request =
                    CommitRequest.builder(commit.id(), "run", "tonle")
                            .fencedBy(lease)
                            .summary("read-seq", upTo);
            List<Runnable> told = new ArrayList<>();
            lake.failPoints().reach("run.before-engine");
            for (Part part : parts) {
                request.move(
                        new DatasetMove(
                                part.dataset().name().toString(),
                                part.input().uuid(),
                                part.position(),
                                upTo));
                if (!part.files().isEmpty()) {
                    told.add(takeIn(part, tables, commit, request));
                }
            }
            lake.failPoints().reach("run.after-engine");
            var unused = commit.publish(request);
            told.forEach(Runnable::run);
            lake.failPoints().reach("run.after-commit");
        }
    }

    /**
     * Stages what becomes of one table.
     *
     * @return tells what it became, after the commit
     */
    private Runnable takeIn(
            Part part, PinnedTables tables, StagedCommit commit, CommitRequest.Builder request) {
        TableName name = part.dataset().name();
        BoundChanges bound = Sql.changes(part.dataset(), tables);
        part.reports().started(commit.id(), tables, List.of(part.input()), () -> Lineage.of(bound));
        PinnedTable before = tables.pinned(name).orElseThrow();
        PinnedTable deletesBefore = tables.pinned(Pipelines.deleted(name)).orElseThrow();
        StagedTable target = commit.table(before.ref(), OnConflict.FAIL);
        StagedTable deletes = commit.table(deletesBefore.ref(), OnConflict.FAIL);
        StagedTable quarantine =
                commit.table(
                        tables.pinned(Pipelines.quarantine(name)).orElseThrow().ref(),
                        OnConflict.FAIL);
        SchemaChange.apply(name, target, bound.schema());
        SchemaChange.apply(Pipelines.deleted(name), deletes, bound.deleted());
        ChangeResult result =
                lake.engine()
                        .writeChanges(
                                bound,
                                new Inputs(
                                        Map.of(
                                                bound.stream().input().table().name(),
                                                PinnedTables.added(part.input(), part.files()),
                                                name,
                                                PinnedTables.files(before),
                                                Pipelines.deleted(name),
                                                PinnedTables.files(deletesBefore))),
                                new ChangeTarget(
                                        name,
                                        Pipelines.deleted(name),
                                        commit.id().toString(),
                                        target.dataDirectory(),
                                        deletes.dataDirectory(),
                                        quarantine.dataDirectory(),
                                        commit.id().toString(),
                                        target.schema()));
        ChangesRepair.change(target, before, result);
        StreamingRun.append(deletes, result.deletes());
        StreamingRun.append(quarantine, result.quarantine());
        String of = parts(name);
        request.summary("dataset" + of, name.toString())
                .summary("definition" + of, DatasetTables.hash(part.dataset().text()))
                .summary("read-after" + of, part.position().orElse(0))
                .summary("input" + of, result.input())
                .summary("written" + of, result.written())
                .summary("removed" + of, result.lost())
                .summary("malformed" + of, result.malformed());
        compaction.added(
                result.rows().size() + result.deletes().size() + result.quarantine().size());
        return () ->
                part.reports()
                        .completed(
                                List.of(
                                        StreamingRun.output(name, target, result.rows()),
                                        StreamingRun.output(
                                                Pipelines.quarantine(name),
                                                quarantine,
                                                result.quarantine())),
                                List.of());
    }

    /** Several tables' facts stand in one summary. */
    private String parts(TableName name) {
        return datasets.size() == 1 ? "" : " " + name;
    }
}
