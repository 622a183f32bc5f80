package org.tonle.pipeline;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.apache.iceberg.types.Types;
import org.tonle.ledger.CommitRequest.ExpectationResult;
import org.tonle.ledger.LineageEdge;
import org.tonle.spi.ErrorCode;
import org.tonle.sql.Dataset;
import org.tonle.sql.TableName;

/**
 * What happens to a run of a dataset. Each run starts, and then ends in one way. A run that finds
 * nothing to read is none, and of runs that fail one after another for the same reason the first is
 * told.
 *
 * @param at when it happened, by the lake's clock
 */
public record RunEvent(Run run, Instant at, Change change) {
    /**
     * A run: what one commit of a dataset was made of, or was to be.
     *
     * @param id of its commit; of a run that failed before it read anything, an id of its own
     * @param inputs as they were pinned; empty if it failed before
     * @param lineage where the dataset's columns come from; it may take a while to find out, so it
     *     isn't to be asked on the run's own thread
     */
    public record Run(
            UUID id, Dataset dataset, List<Table> inputs, Supplier<List<LineageEdge>> lineage) {
        public Run {
            inputs = List.copyOf(inputs);
        }
    }

    /**
     * A state of a table.
     *
     * @param location of its files, an URI or a path
     * @param columns that SQL lists
     * @param snapshot its Iceberg snapshot; empty while it never had a row
     */
    public record Table(
            TableName name,
            String location,
            List<Types.NestedField> columns,
            Optional<Long> snapshot) {
        public Table {
            columns = List.copyOf(columns);
        }
    }

    /**
     * A table that a run wrote, as it left it.
     *
     * @param rows that the run put into it
     */
    public record Output(Table table, long rows, int files) {}

    /** What happens. */
    public sealed interface Change {}

    /** It reads. */
    public record Started() implements Change {}

    /**
     * It committed.
     *
     * @param expectations in the order of their declaration
     */
    public record Completed(List<Output> outputs, List<ExpectationResult> expectations)
            implements Change {
        public Completed {
            outputs = List.copyOf(outputs);
            expectations = List.copyOf(expectations);
        }
    }

    /** It can't go on, and committed nothing. */
    public record Failed(ErrorCode code) implements Change {}

    /** It committed nothing, and is done again. */
    public record Aborted() implements Change {}
}
