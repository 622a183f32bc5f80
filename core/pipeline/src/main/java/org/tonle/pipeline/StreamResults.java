package org.tonle.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.ExpectationResult;
import org.tonle.sql.BoundStream;
import org.tonle.sql.Expectation;
import org.tonle.sql.StreamResult;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/** What several passes of a streaming table's statement did, for one commit. */
final class StreamResults {
    final List<WrittenFile> rows = new ArrayList<>();
    final List<WrittenFile> quarantine = new ArrayList<>();
    long input;
    long filtered;
    long duplicates;
    long malformed;
    long dropped;
    long written;
    private final long[] passed;
    private final long[] failed;
    private final TableName dataset;
    private final List<Expectation> expectations;

    StreamResults(TableName dataset, BoundStream bound) {
        this.dataset = dataset;
        this.expectations = bound.expectations();
        this.passed = new long[expectations.size()];
        this.failed = new long[expectations.size()];
    }

    void add(StreamResult result) {
        rows.addAll(result.rows());
        quarantine.addAll(result.quarantine());
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
        request.summary("dataset", dataset.toString())
                .summary("input", input)
                .summary("written", written)
                .summary("duplicates", duplicates)
                .summary("filtered", filtered)
                .summary("malformed", malformed)
                .summary("dropped", dropped);
        expectations().forEach(request::expectation);
    }

    /** In the order of their declaration. */
    List<ExpectationResult> expectations() {
        List<ExpectationResult> results = new ArrayList<>();
        for (int i = 0; i < passed.length; i++) {
            Expectation expectation = expectations.get(i);
            results.add(
                    new ExpectationResult(
                            dataset.toString(),
                            expectation.name(),
                            expectation.violation().name().toLowerCase(Locale.ROOT),
                            passed[i],
                            failed[i]));
        }
        return results;
    }
}
