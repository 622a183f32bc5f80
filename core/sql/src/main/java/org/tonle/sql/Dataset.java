package org.tonle.sql;

import java.util.List;

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
