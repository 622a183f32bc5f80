package org.tonle.pipeline;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.PartitionSpec;
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
import org.tonle.sql.BoundQuery;
import org.tonle.sql.Dataset;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Lineage;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Sql;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/**
 * A materialized view: recomputed as a whole from one pinned state when an input holds other rows
 * than last time. Its rows and the positions they stand for land in one commit.
 */
final class ViewRun implements DatasetRun {
    /** A view is busy at most one part in so many, however often its inputs change. */
    private static final int REST = 3;

    private final Dataset.MaterializedView dataset;
    private final RunEnvironment lake;
    private final RunReports reports;

    /** Per input, the commits up to here were found to change none of its rows. */
    private final Map<UUID, Long> checked = new HashMap<>();

    private final Rest rest = new Rest();

    ViewRun(Dataset.MaterializedView dataset, RunEnvironment lake, RunReports reports) {
        this.dataset = dataset;
        this.lake = lake;
        this.reports = reports;
    }

    @Override
    public void reset() {
        checked.clear();
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
        throw new LakeException(
                ErrorCode.INVALID_REQUEST,
                "%s is a materialized view: it refuses no rows, and is computed anew whenever what it reads changes"
                        .formatted(task.dataset()));
    }

    @Override
    public Progress run(Pin pin, Lease lease) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        Map<UUID, Long> positions = lake.catalog().ledger().datasetPositions(name());
        List<PinnedTable> inputs = new ArrayList<>();
        boolean stale = false;
        for (TableName read : dataset.reads()) {
            PinnedTable input =
                    tables.pinned(read)
                            .orElseThrow(() -> StreamingRun.noInput(dataset.name(), read));
            inputs.add(input);
            stale |= stale(input, positions.get(input.uuid()), pin);
        }
        if (inputs.isEmpty()) {
            // of constants: its own position says whether it was computed by this definition
            stale = positions.getOrDefault(own(tables), 0L) == 0;
        }
        if (!stale) {
            return new Progress(pin.seq(), false);
        }
        if (rest().isPositive()) {
            return new Progress(
                    positions.values().stream().mapToLong(p -> p).min().orElse(0), true);
        }
        long start = System.nanoTime();
        recompute(tables, inputs, positions, pin.seq(), lease);
        rest.begin(
                Math.max(
                        lake.settings().refreshInterval().toNanos(),
                        REST * (System.nanoTime() - start)));
        return new Progress(pin.seq(), false);
    }

    private boolean stale(PinnedTable input, @Nullable Long position, Pin pin) {
        if (position == null) {
            return true;
        }
        long from = Math.max(position, checked.getOrDefault(input.uuid(), 0L));
        if (input.ref().fromSeq() <= from) {
            return false;
        }
        // compaction and new columns move a table without changing its rows
        boolean changed =
                switch (lake.catalog()
                        .changes(input.uuid(), from, pin.seq(), new ChangeRange.Limit(1, 1))) {
                    case ChangeRange.Rewritten rewritten -> true;
                    case ChangeRange.Appended appended -> !appended.files().isEmpty();
                };
        if (!changed) {
            checked.put(input.uuid(), pin.seq());
        }
        return changed;
    }

    private void recompute(
            PinnedTables tables,
            List<PinnedTable> inputs,
            Map<UUID, Long> positions,
            long seq,
            Lease lease) {
        BoundQuery bound = Sql.view(dataset, tables);
        try (StagedCommit commit = lake.catalog().stage()) {
            reports.started(commit.id(), tables, inputs, () -> Lineage.of(bound));
            PinnedTable before = tables.pinned(dataset.name()).orElseThrow();
            // an input may have gained columns, or wider ones
            StagedTable target =
                    DatasetTables.sameColumns(before.schema(), bound.schema())
                            ? commit.table(before.ref(), OnConflict.FAIL)
                            : commit.replace(
                                    before.identifier(),
                                    bound.schema(),
                                    PartitionSpec.unpartitioned());
            lake.failPoints().reach("run.before-engine");
            List<WrittenFile> written =
                    lake.engine()
                            .write(
                                    bound,
                                    tables.inputs(bound),
                                    new FileTarget(
                                            target.dataDirectory(),
                                            commit.id().toString(),
                                            target.schema()));
            lake.failPoints().reach("run.after-engine");
            List<DataFile> files = written.stream().map(file -> target.adopt(file.path())).toList();
            target.replaceAll(files);
            long rows = written.stream().mapToLong(WrittenFile::records).sum();
            CommitRequest.Builder request =
                    CommitRequest.builder(commit.id(), "run", "tonle")
                            .fencedBy(lease)
                            .summary("dataset", name())
                            .summary("definition", DatasetTables.hash(dataset.text()))
                            .summary("read-seq", seq)
                            .summary("written", rows);
            (inputs.isEmpty() ? Stream.of(own(tables)) : inputs.stream().map(PinnedTable::uuid))
                    .distinct()
                    .forEach(input -> request.move(move(input, positions.get(input), seq)));
            var unused = commit.publish(request);
            reports.completed(
                    List.of(RunReports.output(dataset.name(), target, rows, written.size())),
                    List.of());
            lake.failPoints().reach("run.after-commit");
        }
    }

    private UUID own(PinnedTables tables) {
        return tables.pinned(dataset.name()).orElseThrow().uuid();
    }

    private DatasetMove move(UUID input, @Nullable Long position, long seq) {
        return new DatasetMove(
                name(),
                input,
                position == null ? OptionalLong.empty() : OptionalLong.of(position),
                seq);
    }

    private String name() {
        return dataset.name().toString();
    }
}
