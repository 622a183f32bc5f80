package org.tonle.pipeline;

import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedTable;
import org.tonle.ledger.CommitRequest.ExpectationResult;
import org.tonle.ledger.LineageEdge;
import org.tonle.spi.ErrorCode;
import org.tonle.sql.Dataset;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/** Tells about the runs of one dataset; for the dataset's own thread. */
final class RunReports {
    private final Dataset dataset;
    private final Consumer<RunEvent> observer;
    private final Clock clock;
    private RunEvent.@Nullable Run current;

    /** When the current run started, while nobody was told. */
    private @Nullable Instant untold;

    private @Nullable ErrorCode lastFailure;
    private @Nullable Supplier<List<LineageEdge>> lineage;

    /**
     * @param observer is told by the threads of runs, so it neither waits nor throws
     */
    RunReports(Dataset dataset, Consumer<RunEvent> observer, Clock clock) {
        this.dataset = dataset;
        this.observer = observer;
        this.clock = clock;
    }

    /** A run has something to read. Definitions don't change, so lineage is asked once. */
    void started(
            UUID id,
            PinnedTables tables,
            List<PinnedTable> inputs,
            Supplier<List<LineageEdge>> edges) {
        Supplier<List<LineageEdge>> known = lineage == null ? once(edges) : lineage;
        lineage = known;
        start(
                new RunEvent.Run(
                        id,
                        dataset,
                        inputs.stream().map(input -> table(tables, input)).distinct().toList(),
                        known));
    }

    private void start(RunEvent.Run run) {
        current = run;
        untold = clock.instant();
        if (lastFailure == null) {
            tellStart(run);
        }
    }

    /** It is in the lake. */
    void completed(List<RunEvent.Output> outputs, List<ExpectationResult> expectations) {
        end(new RunEvent.Completed(outputs, expectations));
    }

    /** The dataset holds what it can hold now; another failure is worth telling. */
    void wentWell() {
        lastFailure = null;
    }

    /** It committed nothing, for no fault of its own. */
    void aborted() {
        if (current != null && untold == null) {
            end(new RunEvent.Aborted());
        }
        current = null;
    }

    /** It can't go on. */
    void failed(ErrorCode code) {
        if (code != lastFailure) {
            lastFailure = code;
            if (current == null) {
                start(new RunEvent.Run(UUID.randomUUID(), dataset, List.of(), List::of));
            }
            end(new RunEvent.Failed(code));
        }
        current = null;
    }

    private void end(RunEvent.Change change) {
        RunEvent.Run run = current;
        if (run != null) {
            tellStart(run);
            observer.accept(new RunEvent(run, clock.instant(), change));
            current = null;
        }
    }

    private void tellStart(RunEvent.Run run) {
        Instant since = untold;
        if (since != null) {
            observer.accept(new RunEvent(run, since, new RunEvent.Started()));
            untold = null;
        }
    }

    /** What a staged table became; after the commit. */
    static RunEvent.Output output(TableName name, StagedTable staged, long rows, int files) {
        return new RunEvent.Output(
                new RunEvent.Table(
                        name,
                        staged.table().location(),
                        listed(staged.schema().columns()),
                        Optional.ofNullable(staged.table().currentSnapshot())
                                .map(Snapshot::snapshotId)),
                rows,
                files);
    }

    private static RunEvent.Table table(PinnedTables tables, PinnedTable pinned) {
        TableName name =
                new TableName(
                        pinned.identifier().namespace().toString(), pinned.identifier().name());
        return new RunEvent.Table(
                name,
                pinned.location(),
                listed(
                        tables.table(name)
                                .map(table -> table.columns().toList())
                                .orElse(pinned.schema().columns())),
                pinned.snapshot().map(Snapshot::snapshotId));
    }

    private static List<Types.NestedField> listed(List<Types.NestedField> columns) {
        return columns.stream().filter(column -> !SqlTable.isHidden(column.name())).toList();
    }

    private static Supplier<List<LineageEdge>> once(Supplier<List<LineageEdge>> edges) {
        return new Supplier<>() {
            private @Nullable List<LineageEdge> known;

            @Override
            public synchronized List<LineageEdge> get() {
                if (known == null) {
                    known = List.copyOf(edges.get());
                }
                return known;
            }
        };
    }
}
