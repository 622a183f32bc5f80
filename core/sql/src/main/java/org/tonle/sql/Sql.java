package org.tonle.sql;

import java.util.Optional;
import org.tonle.definition.SqlText;

/** Where statements come in. Stateless. */
public final class Sql {
    private Sql() {}

    /**
     * Binds a SELECT (or WITH, VALUES, or a set operation) to tables.
     *
     * @throws org.tonle.spi.LakeException INVALID_SQL, UNSUPPORTED_SQL or NOT_FOUND, with line and
     *     column
     */
    public static BoundQuery query(String text, TableResolver tables) {
        return bind(text, Position.QUERY, tables, Optional.empty());
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
        return bind(
                view.frame().select(), view.frame().position(), tables, Optional.of(view.name()));
    }

    /** Binds the SELECT of a streaming table. Errors as for {@link #query}. */
    public static BoundStream stream(Dataset.StreamingTable table, TableResolver tables) {
        return BigStack.call(() -> new StreamBinder(table, tables).bind());
    }

    private static BoundQuery bind(
            String text, Position position, TableResolver tables, Optional<TableName> dataset) {
        return BigStack.call(() ->
                new Binder(tables, position, dataset).bind(Language.parseQuery(text, position)));
    }
}
