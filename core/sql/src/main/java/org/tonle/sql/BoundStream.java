package org.tonle.sql;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.calcite.sql.SqlDialect;
import org.apache.calcite.sql.SqlNode;
import org.apache.iceberg.Schema;

/**
 * The SELECT of a streaming table, bound: one input, read row by row, each row giving at most one.
 * Only this module makes one; it is immutable.
 */
public final class BoundStream {
    private final BoundTable input;
    private final Schema schema;
    private final List<Expectation> expectations;
    private final String inputAlias;
    private final Optional<SqlNode> where;
    private final List<SqlNode> columns;
    private final List<SqlNode> conditions;
    private final Set<String> inputColumns;

    BoundStream(
            BoundTable input,
            Set<String> inputColumns,
            Schema schema,
            List<Expectation> expectations,
            String inputAlias,
            Optional<SqlNode> where,
            List<SqlNode> columns,
            List<SqlNode> conditions) {
        this.input = input;
        this.inputColumns = Set.copyOf(inputColumns);
        this.schema = schema;
        this.expectations = List.copyOf(expectations);
        this.inputAlias = inputAlias;
        this.where = where;
        this.columns = List.copyOf(columns);
        this.conditions = List.copyOf(conditions);
    }

    /** What it reads: a bronze table, or another streaming table. */
    public BoundTable input() {
        return input;
    }

    /** The columns of the input that WHERE and the select list use, as the table writes them. */
    public Set<String> inputColumns() {
        return inputColumns;
    }

    /**
     * The dataset's columns, field ids from 1 in order: those of its SELECT, then the hidden {@code
     * _key} (string, required) and {@code _ingest_time} (timestamptz, required).
     */
    public Schema schema() {
        return schema;
    }

    /** The expressions of its columns in order, hidden ones apart. */
    List<SqlNode> columns() {
        return columns;
    }

    Optional<SqlNode> where() {
        return where;
    }

    /** In the order of their declaration. */
    public List<Expectation> expectations() {
        return expectations;
    }

    /** Its parts in an engine's dialect. */
    public Printed print(SqlDialect dialect) {
        return new Printed(
                inputAlias,
                where.map(node ->
                        EngineWriter.print(node, dialect, Optional.empty()).with(List.of())),
                columns.stream()
                        .map(n -> EngineWriter.print(n, dialect, Optional.empty()).with(List.of()))
                        .toList(),
                conditions.stream()
                        .map(n -> EngineWriter.print(n, dialect, Optional.empty()).with(List.of()))
                        .toList(),
                conditions.stream()
                        .map(n -> Identifiers.columns(n, schema.columns().stream()))
                        .toList());
    }

    /** The alias under which the conditions of expectations see the output columns. */
    static final String OUTPUT_ALIAS = "tonle_row";

    /**
     * The parts of a stream in an engine's dialect.
     *
     * @param inputAlias what the input's row is called in {@code where} and {@code columns}
     * @param where the condition, if there is one
     * @param columns the expressions of the output columns, hidden ones apart, in order
     * @param conditions those of the expectations, over the output columns of a row called {@link
     *     #outputAlias}
     * @param conditionColumns the output columns that each condition names
     */
    public record Printed(
            String inputAlias,
            Optional<String> where,
            List<String> columns,
            List<String> conditions,
            List<List<String>> conditionColumns) {
        /** What the output's row is called in {@link #conditions}. */
        public String outputAlias() {
            return OUTPUT_ALIAS;
        }
    }
}
