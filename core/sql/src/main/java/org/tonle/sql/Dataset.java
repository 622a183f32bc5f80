package org.tonle.sql;

import java.util.List;
import java.util.Optional;

/** A dataset as a pipeline's statement declares it: parsed, not bound. */
public sealed interface Dataset {
    TableName name();

    /** The tables its SELECT names, in the order of the text, as written. */
    List<TableName> reads();

    /** The statement, without what stands before and after it: what a definition's hash is over. */
    String text();

    /** Rows that are appended as their input grows. */
    final class StreamingTable implements Dataset {
        private final Frame frame;
        private final List<Condition> conditions;

        StreamingTable(Frame frame, List<Condition> conditions) {
            this.frame = frame;
            this.conditions = List.copyOf(conditions);
        }

        @Override
        public TableName name() {
            return frame.name();
        }

        @Override
        public List<TableName> reads() {
            return frame.reads();
        }

        @Override
        public String text() {
            return frame.text();
        }

        /** In the order of their declaration. */
        public List<Expectation> expectations() {
            return conditions.stream().map(Condition::expectation).toList();
        }

        Frame frame() {
            return frame;
        }

        List<Condition> conditions() {
            return conditions;
        }
    }

    /** A result that is kept and recomputed. */
    final class MaterializedView implements Dataset {
        private final Frame frame;

        MaterializedView(Frame frame) {
            this.frame = frame;
        }

        @Override
        public TableName name() {
            return frame.name();
        }

        @Override
        public List<TableName> reads() {
            return frame.reads();
        }

        @Override
        public String text() {
            return frame.text();
        }

        Frame frame() {
            return frame;
        }
    }

    /** The rows that a stream of changes leads to: {@code AUTO CDC INTO}. */
    final class ChangeTable implements Dataset {
        private final Frame frame;
        private final Changes changes;

        ChangeTable(Frame frame, Changes changes) {
            this.frame = frame;
            this.changes = changes;
        }

        @Override
        public TableName name() {
            return frame.name();
        }

        @Override
        public List<TableName> reads() {
            return frame.reads();
        }

        @Override
        public String text() {
            return frame.text();
        }

        /** Whether it keeps every version of a row (SCD type 2), or the latest one (type 1). */
        public boolean keepsHistory() {
            return changes.history();
        }

        Frame frame() {
            return frame;
        }

        Changes changes() {
            return changes;
        }
    }

    /**
     * The clauses of {@code AUTO CDC INTO}; each text is blanked up to where it stands in the
     * statement.
     *
     * @param keys the names of the columns that tell rows apart
     * @param delete when a change deletes its row
     * @param truncate when a change deletes all rows
     * @param sequence what orders changes
     * @param columns those that the table has, or hasn't
     * @param except whether {@code columns} are left out
     * @param history whether every version is kept
     */
    record Changes(
            List<String> keys,
            Optional<String> delete,
            Optional<String> truncate,
            Optional<String> sequence,
            List<String> columns,
            boolean except,
            boolean history) {}

    /**
     * What every dataset's statement has.
     *
     * @param select the text of the SELECT, blanked up to where it stands in the statement; parsed
     *     anew each time, since binding changes the tree
     */
    record Frame(
            TableName name, List<TableName> reads, String text, Position position, String select) {}

    /** An expectation and its condition's text, blanked up to where it stands in the statement. */
    record Condition(Expectation expectation, String text) {}
}
