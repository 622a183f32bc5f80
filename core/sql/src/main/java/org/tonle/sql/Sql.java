package org.tonle.sql;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.SqlText;

/** Where statements come in. Stateless. */
public final class Sql {
    private static final QueryLimits LONG = new QueryLimits(Duration.ofDays(1));

    private Sql() {}

    /**
     * Binds a SELECT (or WITH, VALUES, or a set operation) to tables.
     *
     * @throws org.tonle.spi.LakeException INVALID_SQL or UNSUPPORTED_SQL, with line and column
     */
    public static BoundQuery query(String text, TableResolver tables) {
        return query(text, tables, AccessPolicy.ALL);
    }

    /**
     * Binds a SELECT to what {@code policy} shows of the tables. What it hides is answered like
     * what isn't there.
     *
     * @throws org.tonle.spi.LakeException as {@link #query(String, TableResolver)}; and
     *     INVALID_DEFINITION if a filter or a mask doesn't fit its table
     */
    public static BoundQuery query(String text, TableResolver tables, AccessPolicy policy) {
        return query(text, List.of(), tables, policy);
    }

    /**
     * Binds a SELECT whose {@code ?} stand for values.
     *
     * @param parameters texts, numbers, booleans or null, in order
     * @throws org.tonle.spi.LakeException as {@link #query(String, TableResolver, AccessPolicy)};
     *     INVALID_SQL if there are more or fewer values than the statement has parameters
     */
    public static BoundQuery query(
            String text,
            List<? extends @Nullable Object> parameters,
            TableResolver tables,
            AccessPolicy policy) {
        return query(text, parameters, tables, policy, LONG);
    }

    /**
     * Binds a SELECT whose {@code ?} stand for values, in the time that it may take. Interrupting
     * the caller ends it.
     *
     * @throws org.tonle.spi.LakeException as {@link #query(String, List, TableResolver,
     *     AccessPolicy)}; TIMEOUT; CANCELLED
     */
    public static BoundQuery query(
            String text,
            List<? extends @Nullable Object> parameters,
            TableResolver tables,
            AccessPolicy policy,
            QueryLimits limits) {
        Position position = Position.QUERY;
        return BigStack.call(
                limits.timeout(),
                () ->
                        new Binder(tables, position, policy, Optional.empty())
                                .bind(
                                        Parameters.put(
                                                Language.parseQuery(text, position),
                                                parameters,
                                                position)));
    }

    /**
     * Parses a pipeline's statement.
     *
     * @throws org.tonle.spi.LakeException INVALID_SQL or UNSUPPORTED_SQL, with file, line and
     *     column
     */
    public static Dataset dataset(SqlText statement) {
        return BigStack.call(new DatasetParser(statement)::parse);
    }

    /** Binds the SELECT of a materialized view. Errors as for {@link #query}. */
    public static BoundQuery view(Dataset.MaterializedView view, TableResolver tables) {
        Position position = view.frame().position();
        return BigStack.call(() ->
                new Binder(tables, position, AccessPolicy.ALL, Optional.of(view.name()))
                        .bind(Language.parseQuery(view.frame().select(), position)));
    }

    /**
     * Binds which rows a dataset refused are meant: {@code key}, {@code ingest_time}, {@code
     * partition}, {@code position}, {@code index}, then {@link SqlTable#FILE} and {@link
     * SqlTable#ROW}, and {@code payload}. Neither text can name another table.
     *
     * @param quarantine the table they are in; it is read with {@link SqlTable#placed}
     * @param where a condition over its columns; empty: all rows
     * @param fix an expression over its columns that gives the payload anew; empty: as it came
     * @throws org.tonle.spi.LakeException as {@link #query(String, TableResolver)}
     */
    public static BoundQuery refused(
            TableName quarantine, Optional<String> where, Optional<String> fix) {
        return BigStack.call(() -> new RefusedRows(quarantine).bind(where, fix));
    }

    /** Binds the clauses of a change table. Errors as for {@link #query}. */
    public static BoundChanges changes(Dataset.ChangeTable table, TableResolver tables) {
        return BigStack.call(() -> new ChangeBinder(table, tables).bind());
    }

    /** Binds the SELECT of a streaming table. Errors as for {@link #query}. */
    public static BoundStream stream(Dataset.StreamingTable table, TableResolver tables) {
        return BigStack.call(() -> new StreamBinder(table, tables).bind());
    }
}
