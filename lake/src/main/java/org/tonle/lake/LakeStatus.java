package org.tonle.lake;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.QuarantineTable;
import org.tonle.definition.SourceDefinition;
import org.tonle.ingest.Ingest;
import org.tonle.ingest.SourceStatus;
import org.tonle.lake.TableStatus.State;
import org.tonle.pipeline.DatasetStatus;
import org.tonle.pipeline.PipelineRunner;
import org.tonle.sql.Dataset;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.TableName;

/**
 * How every table that a lake feeds is doing: what its worker says beside what the ledger holds.
 */
final class LakeStatus {
    private final LakeCatalog catalog;
    private final List<SourceDefinition> sources;
    private final List<Dataset> datasets;
    private final Ingest ingest;
    private final PipelineRunner pipelines;

    LakeStatus(
            LakeCatalog catalog,
            List<SourceDefinition> sources,
            List<Dataset> datasets,
            Ingest ingest,
            PipelineRunner pipelines) {
        this.catalog = catalog;
        this.sources = sources;
        this.datasets = datasets;
        this.ingest = ingest;
        this.pipelines = pipelines;
    }

    List<TableStatus> tables() {
        Pin pin = catalog.pin();
        PinnedTables tables = new PinnedTables(pin, sources);
        List<TableStatus> statuses = new ArrayList<>();
        for (SourceStatus source : ingest.status()) {
            statuses.add(
                    status(
                            BronzeTable.NAMESPACE + "." + source.source(),
                            "source",
                            state(source.state()),
                            source.problem().map(SourceStatus.Problem::reason).or(source::warning),
                            tables.pinned(new TableName(BronzeTable.NAMESPACE, source.source())),
                            source.lag(),
                            0,
                            List.of()));
        }
        List<DatasetStatus> runs = pipelines.status();
        for (int i = 0; i < runs.size(); i++) {
            DatasetStatus run = runs.get(i);
            Dataset dataset = datasets.get(i);
            // another process's progress is not known here; the ledger's is
            boolean behind =
                    dataset.reads().stream()
                            .flatMap(read -> tables.pinned(read).stream())
                            .anyMatch(input -> input.ref().fromSeq() > run.seq());
            statuses.add(
                    status(
                            run.name(),
                            run.kind(),
                            switch (run.state()) {
                                case RUNNING -> State.RUNNING;
                                case FAILING -> State.FAILING;
                                case STANDBY -> State.STANDBY;
                            },
                            run.reason(),
                            tables.pinned(dataset.name()),
                            behind ? pin.seq() - run.seq() : 0,
                            tables.pinned(
                                            new TableName(
                                                    QuarantineTable.NAMESPACE,
                                                    QuarantineTable.of(
                                                            dataset.name().namespace(),
                                                            dataset.name().name())))
                                    .map(PinnedTable::records)
                                    .orElse(0L),
                            expectations(dataset, pin.seq())));
        }
        return statuses;
    }

    private List<TableStatus.Expectation> expectations(Dataset dataset, long seq) {
        return switch (dataset) {
            case Dataset.StreamingTable table when !table.expectations().isEmpty() ->
                    catalog.ledger().expectations(table.name().toString(), 0, seq).stream()
                            .map(result ->
                                    new TableStatus.Expectation(
                                            result.expectation(),
                                            result.action(),
                                            result.passed(),
                                            result.failed()))
                            .toList();
            case Dataset.StreamingTable table -> List.of();
            case Dataset.MaterializedView view -> List.of();
        };
    }

    private static State state(SourceStatus.State state) {
        return switch (state) {
            case STARTING -> State.STARTING;
            case RUNNING -> State.RUNNING;
            case STANDBY -> State.STANDBY;
            case RETRYING, FAILING -> State.FAILING;
            case STOPPED -> State.STOPPED;
        };
    }

    private static TableStatus status(
            String name,
            String kind,
            State state,
            Optional<String> reason,
            Optional<PinnedTable> table,
            long lag,
            long quarantined,
            List<TableStatus.Expectation> expectations) {
        return new TableStatus(
                name,
                kind,
                state,
                reason,
                table.map(PinnedTable::records).orElse(0L),
                table.map(found -> (long) found.files().size()).orElse(0L),
                table.map(found -> found.ref().fromSeq()).orElse(0L),
                lag,
                quarantined,
                expectations);
    }
}
