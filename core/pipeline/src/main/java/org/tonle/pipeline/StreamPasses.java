package org.tonle.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.ExpectationResult;
import org.tonle.sql.BoundStream;
import org.tonle.sql.DataFile;
import org.tonle.sql.Dataset;
import org.tonle.sql.Expectation;
import org.tonle.sql.Inputs;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.Lineage;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Sql;
import org.tonle.sql.StreamResult;
import org.tonle.sql.StreamTarget;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/**
 * Passes of a streaming table's statement over rows of its input, for one commit: its tables,
 * staged, the files written for them, and the counts.
 */
final class StreamPasses {
    final BoundStream bound;
    final StagedTable target;
    final StagedTable quarantine;
    final List<WrittenFile> rows = new ArrayList<>();
    final List<WrittenFile> refused = new ArrayList<>();
    long input;
    long filtered;
    long duplicates;
    long malformed;
    long dropped;
    long written;
    private final RunEnvironment lake;
    private final Dataset.StreamingTable dataset;
    private final RunReports reports;
    private final StagedCommit commit;
    private final TableName refusedName;
    private final long[] passed;
    private final long[] failed;
    private int number;

    /**
     * Tells that a run started.
     *
     * @param tables as they are now; the commit fails if the dataset's change
     * @param read the input among them
     */
    StreamPasses(
            RunEnvironment lake,
            Dataset.StreamingTable dataset,
            RunReports reports,
            PinnedTables tables,
            PinnedTable read,
            StagedCommit commit) {
        this.lake = lake;
        this.dataset = dataset;
        this.commit = commit;
        this.refusedName = Pipelines.quarantine(dataset.name());
        this.bound = Sql.stream(dataset, tables);
        this.reports = reports;
        reports.started(commit.id(), tables, List.of(read), () -> Lineage.of(bound));
        this.target =
                commit.table(tables.pinned(dataset.name()).orElseThrow().ref(), OnConflict.FAIL);
        this.quarantine =
                commit.table(tables.pinned(refusedName).orElseThrow().ref(), OnConflict.FAIL);
        SchemaChange.apply(dataset.name(), target, bound.schema());
        this.passed = new long[bound.expectations().size()];
        this.failed = new long[passed.length];
    }

    /**
     * Judges rows of the input.
     *
     * @param keys says which of them are left out
     */
    void over(List<DataFile> files, KeyFilter keys) {
        StreamResult result =
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
                                        commit.id() + "-" + number++,
                                        target.schema()));
        rows.addAll(result.rows());
        refused.addAll(result.quarantine());
        input += result.input();
        filtered += result.filtered();
        duplicates += result.duplicates();
        malformed += result.malformed();
        dropped += result.dropped();
        written += result.written();
        for (int i = 0; i < passed.length; i++) {
            passed[i] += result.expectations().get(i).passed();
            failed[i] += result.expectations().get(i).failed();
        }
    }

    /** Writes down what the commit is made of. */
    void describe(CommitRequest.Builder request) {
        request.summary("dataset", dataset.name().toString())
                .summary("definition", DatasetTables.hash(dataset.text()))
                .summary("input", input)
                .summary("written", written)
                .summary("duplicates", duplicates)
                .summary("filtered", filtered)
                .summary("malformed", malformed)
                .summary("dropped", dropped);
        expectations().forEach(request::expectation);
    }

    /** Tells what became of the tables; after the commit. */
    void report() {
        reports.completed(
                List.of(
                        StreamingRun.output(dataset.name(), target, rows),
                        StreamingRun.output(refusedName, quarantine, refused)),
                expectations());
    }

    /** In the order of their declaration. */
    private List<ExpectationResult> expectations() {
        List<ExpectationResult> results = new ArrayList<>();
        for (int i = 0; i < passed.length; i++) {
            Expectation expectation = bound.expectations().get(i);
            results.add(
                    new ExpectationResult(
                            dataset.name().toString(),
                            expectation.name(),
                            expectation.violation().name().toLowerCase(Locale.ROOT),
                            passed[i],
                            failed[i]));
        }
        return results;
    }
}
