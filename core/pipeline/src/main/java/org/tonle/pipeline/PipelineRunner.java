package org.tonle.pipeline;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.definition.SourceDefinition;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.sql.Dataset;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.TableName;

/**
 * All datasets of a lake: their tables are made to fit, then each follows its inputs. Several
 * processes may run the same datasets; a lease per dataset says who does it.
 */
public final class PipelineRunner implements AutoCloseable {
    private static final int ATTEMPTS = 10;
    private static final Duration STOP_LIMIT = Duration.ofSeconds(1);

    private final List<DatasetWorker> workers = new ArrayList<>();
    private final HeadWatch head;
    private final LakeCatalog catalog;
    private final List<SourceDefinition> sources;
    private final List<Dataset> datasets;
    private boolean applied;

    /**
     * @param datasets each after those that it reads
     * @param observer is told of runs, by their threads: it neither waits nor throws
     */
    public PipelineRunner(
            List<Dataset> datasets,
            List<SourceDefinition> sources,
            LakeCatalog catalog,
            SqlEngine engine,
            LeaseKeeper leases,
            PipelineSettings settings,
            FailPoints failPoints,
            Consumer<RunEvent> observer,
            Clock clock) {
        this.datasets = List.copyOf(datasets);
        this.sources = List.copyOf(sources);
        this.catalog = catalog;
        this.head = new HeadWatch(catalog.ledger());
        RunEnvironment lake =
                new RunEnvironment(sources, catalog, engine, settings, failPoints, clock);
        Set<Dataset> taken = new HashSet<>();
        for (Dataset dataset : this.datasets) {
            if (!taken.contains(dataset)) {
                List<Dataset> together = together(dataset);
                taken.addAll(together);
                List<RunReports> reports =
                        together.stream()
                                .map(each -> new RunReports(each, observer, clock))
                                .toList();
                workers.add(
                        new DatasetWorker(
                                together.getFirst().name().toString(),
                                together,
                                run(together, reports, lake),
                                reports,
                                catalog,
                                leases,
                                head,
                                this::requireApplied));
            }
        }
    }

    private static DatasetRun run(
            List<Dataset> together, List<RunReports> reports, RunEnvironment lake) {
        return switch (together.getFirst()) {
            case Dataset.StreamingTable table -> new StreamingRun(table, lake, reports.getFirst());
            case Dataset.MaterializedView view -> new ViewRun(view, lake, reports.getFirst());
            case Dataset.ChangeTable table ->
                    new ChangesRun(
                            together.stream().map(Dataset.ChangeTable.class::cast).toList(),
                            reports,
                            lake);
        };
    }

    /** Those that show together what a source changed at once; most stand alone. */
    private List<Dataset> together(Dataset dataset) {
        Optional<SourceDefinition> database = database(dataset);
        return database.isEmpty()
                ? List.of(dataset)
                : datasets.stream().filter(other -> database.equals(database(other))).toList();
    }

    /** The source of several tables whose changes a dataset follows. */
    private Optional<SourceDefinition> database(Dataset dataset) {
        return dataset instanceof Dataset.ChangeTable
                ? sources.stream()
                        .filter(source ->
                                source.tables().stream()
                                        .filter(table -> table.outside().isPresent())
                                        .map(table ->
                                                new TableName(BronzeTable.NAMESPACE, table.name()))
                                        .anyMatch(dataset.reads().getFirst()::matches))
                        .findFirst()
                : Optional.empty();
    }

    /** Names of the fail points that a run reaches. */
    public static List<String> failPoints() {
        return DatasetRun.FAIL_POINTS;
    }

    /**
     * Creates and changes tables as the definitions say. The bronze tables exist already.
     *
     * @throws org.tonle.spi.LakeException INCOMPATIBLE_CHANGE, or what is wrong with a statement;
     *     STORAGE if the tables can't be read now: it is done before the first run of a dataset
     *     then
     */
    public synchronized void apply() {
        DatasetTables tables = new DatasetTables(catalog, sources);
        datasets.forEach(dataset -> apply(tables, dataset));
        tables.recordLineage(datasets);
        applied = true;
    }

    private synchronized void requireApplied() {
        if (!applied) {
            apply();
        }
    }

    /** Another process may be applying the same; what it did is then found done. */
    private static void apply(DatasetTables tables, Dataset dataset) {
        for (int attempt = 1; ; attempt++) {
            try {
                tables.apply(dataset);
                return;
            } catch (CommitConflictException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    public void start() {
        head.start();
        workers.forEach(DatasetWorker::start);
    }

    /**
     * Does what somebody asks of a dataset, between its runs, and waits until it is done.
     *
     * @throws LakeException NOT_FOUND if there is no such dataset; INVALID_REQUEST if that can't be
     *     asked of it; INVALID_SQL; LEASE_LOST if another process works on it; COMMIT_CONFLICT if
     *     somebody else changed its tables meanwhile; CANCELLED if the thread is interrupted,
     *     though it may be done then. Where it isn't done, nothing was changed, except by the parts
     *     of a replay that came before, of which the message tells.
     */
    public TaskResult perform(DatasetTask task) {
        DatasetWorker worker =
                workers.stream()
                        .filter(each -> each.worksOn(task.dataset()))
                        .findFirst()
                        .orElseThrow(() -> unknown(task.dataset()));
        try {
            return worker.ask(task).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LakeException(
                    ErrorCode.CANCELLED, "Interrupted while %s was waited for".formatted(task), e);
        } catch (ExecutionException e) {
            throw switch (e.getCause()) {
                case LakeException cause -> cause;
                case Error cause -> throw cause;
                case null, default ->
                        new LakeException(
                                ErrorCode.INTERNAL,
                                "%s failed: %s".formatted(task, e.getCause()),
                                e);
            };
        }
    }

    /** NOT_FOUND, for a name that no dataset has. */
    public LakeException unknown(String dataset) {
        return new LakeException(
                ErrorCode.NOT_FOUND,
                "There is no dataset %s; there are %s"
                        .formatted(dataset, datasets.stream().map(Dataset::name).toList()));
    }

    /**
     * The streaming tables and change tables that read a dataset, or what reads it, as a stream:
     * where a refresh {@link #isRewritten rewrites} it they can't go on by themselves. Each after
     * those that it reads.
     */
    public List<String> downstream(String dataset) {
        List<String> names = new ArrayList<>();
        for (Dataset other : datasets) {
            boolean follows =
                    !(other instanceof Dataset.MaterializedView)
                            && other.reads().stream()
                                    .map(TableName::toString)
                                    .anyMatch(read ->
                                            read.equalsIgnoreCase(dataset)
                                                    || names.stream()
                                                            .anyMatch(read::equalsIgnoreCase));
            if (follows) {
                names.add(other.name().toString());
            }
        }
        return names;
    }

    /**
     * Whether a commit did more to a dataset's table than add rows, which those that read it as a
     * stream take in like any others.
     */
    public boolean isRewritten(String dataset, long seq) {
        TableName name =
                datasets.stream()
                        .map(Dataset::name)
                        .filter(known -> known.toString().equalsIgnoreCase(dataset))
                        .findFirst()
                        .orElseThrow(() -> unknown(dataset));
        return catalog.pinAt(seq)
                .table(TableIdentifier.of(name.namespace(), name.name()))
                .map(table -> !catalog.rewrites(table.uuid(), seq - 1, seq).isEmpty())
                .orElse(false);
    }

    /** Each after those that it reads. */
    public List<DatasetStatus> status() {
        Map<String, DatasetStatus> known = new HashMap<>();
        workers.stream()
                .flatMap(worker -> worker.status().stream())
                .forEach(status -> known.put(status.name(), status));
        return datasets.stream()
                .map(dataset -> Objects.requireNonNull(known.get(dataset.name().toString())))
                .toList();
    }

    /**
     * Lets every dataset take in all that the lake holds, resting views too. Nothing else may be
     * added meanwhile.
     *
     * @return the names of those that haven't when {@code limit} is over, or that can't because
     *     they are failing; the next start goes on with them
     */
    public List<String> drain(Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        workers.forEach(DatasetWorker::drain);
        List<String> left = new ArrayList<>();
        for (DatasetWorker worker : workers) {
            // those that it reads are done: what there is to take in is known
            if (!worker.awaitDrained(Duration.ofNanos(deadline - System.nanoTime()))) {
                worker.status().forEach(status -> left.add(status.name()));
            }
        }
        return left;
    }

    /** Lets the runs that are under way end, or gives them up; afterwards nothing runs. */
    public void stop() {
        workers.forEach(DatasetWorker::stop);
        long deadline = System.nanoTime() + STOP_LIMIT.toNanos();
        try {
            for (DatasetWorker worker : workers) {
                worker.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        head.close();
    }

    @Override
    public void close() {
        stop();
    }
}
