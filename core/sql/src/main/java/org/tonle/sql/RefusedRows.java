package org.tonle.sql;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.iceberg.types.Type;
import org.tonle.catalog.QuarantineTable;

/** Binds which rows of a quarantine table are meant, and what their payload is to be. */
final class RefusedRows {
    private static final String PAYLOAD = "payload";

    /** What a row is found by, here and in the dataset's input. */
    private static final List<String> CARRIED =
            List.of("key", "ingest_time", "partition", "position", "index");

    private final TableName table;

    /**
     * @param table the quarantine table
     */
    RefusedRows(TableName table) {
        this.table = table;
    }

    BoundQuery bind(Optional<String> where, Optional<String> fix) {
        String columns =
                Stream.concat(CARRIED.stream(), Stream.of(SqlTable.FILE, SqlTable.ROW, PAYLOAD))
                        .map(column -> '"' + column + '"')
                        .collect(java.util.stream.Collectors.joining(", "));
        String from = " FROM \"" + table.namespace() + "\".\"" + table.name() + '"';
        SqlSelect select =
                (SqlSelect) Language.parseQuery("SELECT " + columns + from, Position.QUERY);
        if (where.isPresent()) {
            select.setWhere(Language.parseExpression(where.get(), Position.QUERY));
        }
        if (fix.isPresent()) {
            SqlNode payload = Language.parseExpression(fix.get(), Position.QUERY);
            SqlNodeList items = select.getSelectList();
            items.set(
                    items.size() - 1,
                    SqlStdOperatorTable.AS.createCall(
                            SqlParserPos.ZERO,
                            payload,
                            new org.apache.calcite.sql.SqlIdentifier(PAYLOAD, SqlParserPos.ZERO)));
        }
        BoundQuery bound =
                new Binder(new Only(table), Position.QUERY, AccessPolicy.ALL, Optional.empty())
                        .bind(select);
        Type payload = bound.schema().columns().getLast().type();
        if (payload.typeId() != Type.TypeID.STRING) {
            throw SqlErrors.invalid(
                    Position.QUERY,
                    SqlParserPos.ZERO,
                    "what mends a payload gives its new text, and this is of type " + payload);
        }
        return bound;
    }

    /** The quarantine table and nothing else, with the place of each row. */
    private record Only(TableName name) implements TableResolver {
        @Override
        public Optional<SqlTable> table(TableName asked) {
            return asked.matches(name)
                    ? Optional.of(SqlTable.of(name, SqlTable.placed(QuarantineTable.SCHEMA)))
                    : Optional.empty();
        }

        @Override
        public List<TableName> names() {
            return List.of(name);
        }
    }
}
