package org.tonle.pipeline;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tonle.catalog.LakeCatalog;
import org.tonle.definition.SourceDefinition;
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
    private final List<DatasetWorker> workers = new ArrayList<>();
    private final HeadWatch head;
    private final LakeCatalog catalog;
    private final List<SourceDefinition> sources;
    private final List<Dataset> datasets;

    /**
     * @param datasets in any order
     * @throws LakeException INVALID_DEFINITION if datasets read each other in a circle
     */
    public PipelineRunner(
            List<Dataset> datasets,
            List<SourceDefinition> sources,
            LakeCatalog catalog,
            SqlEngine engine,
            LeaseKeeper leases,
            PipelineSettings settings,
            FailPoints failPoints) {
        this.datasets = inOrder(datasets);
        this.sources = List.copyOf(sources);
        this.catalog = catalog;
        this.head = new HeadWatch(catalog.ledger());
        for (Dataset dataset : this.datasets) {
            DatasetRun run =
                    switch (dataset) {
                        case Dataset.StreamingTable table ->
                                new StreamingRun(
                                        table, sources, catalog, engine, settings, failPoints);
                        case Dataset.MaterializedView view ->
                                new ViewRun(view, sources, catalog, engine, settings, failPoints);
                    };
            workers.add(new DatasetWorker(dataset, run, catalog, leases, head));
        }
    }

    /** Names of the fail points that a run reaches. */
    public static List<String> failPoints() {
        return DatasetRun.FAIL_POINTS;
    }

    /**
     * Creates and changes tables as the definitions say. The bronze tables exist already.
     *
     * @throws LakeException INCOMPATIBLE_CHANGE, or what is wrong with a statement
     */
    public void apply() {
        DatasetTables tables = new DatasetTables(catalog, sources);
        datasets.forEach(tables::apply);
    }

    public void start() {
        head.start();
        workers.forEach(DatasetWorker::start);
    }

    /** By name of the dataset's inputs: what is read stands before what reads it. */
    public List<DatasetStatus> status() {
        return workers.stream().map(DatasetWorker::status).toList();
    }

    /** Lets the runs that are under way end; afterwards nothing runs. */
    public void stop() {
        workers.forEach(DatasetWorker::stop);
        try {
            for (DatasetWorker worker : workers) {
                worker.join();
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

    private static List<Dataset> inOrder(List<Dataset> datasets) {
        Map<TableName, Dataset> done = new LinkedHashMap<>();
        List<Dataset> left = new ArrayList<>(datasets);
        while (!left.isEmpty()) {
            List<Dataset> ready =
                    left.stream()
                            .filter(dataset ->
                                    left.stream().noneMatch(other -> reads(dataset, other.name())))
                            .toList();
            if (ready.isEmpty()) {
                throw new LakeException(
                        ErrorCode.INVALID_DEFINITION,
                        "These datasets read each other in a circle: "
                                + left.stream().map(each -> each.name().toString()).toList());
            }
            ready.forEach(dataset -> done.put(dataset.name(), dataset));
            left.removeAll(ready);
        }
        return List.copyOf(done.values());
    }

    private static boolean reads(Dataset dataset, TableName name) {
        return dataset.reads().stream().anyMatch(read -> read.matches(name));
    }
}
