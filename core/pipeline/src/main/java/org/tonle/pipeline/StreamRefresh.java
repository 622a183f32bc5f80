package org.tonle.pipeline;

import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.DatasetMove;
import org.tonle.ledger.Lease;
import org.tonle.sql.BoundStream;
import org.tonle.sql.DataFile;
import org.tonle.sql.Dataset;
import org.tonle.sql.Inputs;
import org.tonle.sql.Lineage;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Sql;
import org.tonle.sql.StreamTarget;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/**
 * A streaming table is computed anew from all that its input holds, as if it had just been
 * declared; the rows take the place of those that it had, in one commit.
 */
final class StreamRefresh {
    private final Dataset.StreamingTable dataset;
    private final RunEnvironment lake;
    private final RunReports reports;

    StreamRefresh(Dataset.StreamingTable dataset, RunEnvironment lake, RunReports reports) {
        this.dataset = dataset;
        this.lake = lake;
        this.reports = reports;
    }

    TaskResult run(DatasetTask.Refresh task, Pin pin, Lease lease) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        TableName read = dataset.reads().getFirst();
        PinnedTable input =
                tables.pinned(read).orElseThrow(() -> StreamingRun.noInput(dataset.name(), read));
        @Nullable Long stored =
                lake.catalog()
                        .ledger()
                        .datasetPositions(dataset.name().toString())
                        .get(input.uuid());
        TableName refusedName = Pipelines.quarantine(dataset.name());
        BoundStream bound = Sql.stream(dataset, tables);
        InputHistory history = new InputHistory(lake, input, pin.seq());
        try (StagedCommit commit = lake.catalog().stage();
                SeenKeys seen =
                        new SeenKeys(lake.settings().window(), lake.settings().temporary())) {
            reports.started(commit.id(), tables, List.of(input), () -> Lineage.of(bound));
            StagedTable target =
                    commit.table(
                            tables.pinned(dataset.name()).orElseThrow().ref(), OnConflict.FAIL);
            StagedTable quarantine =
                    commit.table(tables.pinned(refusedName).orElseThrow().ref(), OnConflict.FAIL);
            SchemaChange.apply(dataset.name(), target, bound.schema());
            StreamResults results = new StreamResults(dataset.name(), bound);
            lake.failPoints().reach("run.before-engine");
            int number = 0;
            for (List<DataFile> batch : history.batches()) {
                results.add(
                        lake.engine()
                                .writeStream(
                                        bound,
                                        Inputs.of(bound.input().table().name(), batch),
                                        seen,
                                        new StreamTarget(
                                                dataset.name(),
                                                commit.id().toString(),
                                                target.dataDirectory(),
                                                quarantine.dataDirectory(),
                                                commit.id() + "-" + number++,
                                                target.schema())));
                seen.commit();
            }
            lake.failPoints().reach("run.after-engine");
            replace(target, results.rows);
            replace(quarantine, results.quarantine);
            JudgedBy.set(target, dataset.expectations());
            CommitRequest.Builder request =
                    CommitRequest.builder(commit.id(), "refresh", task.principal())
                            .fencedBy(lease)
                            .move(
                                    new DatasetMove(
                                            dataset.name().toString(),
                                            input.uuid(),
                                            stored == null
                                                    ? OptionalLong.empty()
                                                    : OptionalLong.of(stored),
                                            pin.seq()))
                            .summary("definition", DatasetTables.hash(dataset.text()))
                            .summary("read-seq", pin.seq());
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
                    results.input,
                    results.written,
                    results.malformed + results.dropped,
                    results.filtered,
                    results.duplicates);
        }
    }

    static void replace(StagedTable table, List<WrittenFile> written) {
        table.replaceAll(written.stream().map(file -> table.adopt(file.path())).toList());
    }
}
