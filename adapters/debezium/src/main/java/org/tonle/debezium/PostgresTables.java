package org.tonle.debezium;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tonle.definition.ColumnType;
import org.tonle.definition.SourceKind;
import org.tonle.spi.LakeException;

/** Which tables a database has for its user, with the types that their columns have in the lake. */
public final class PostgresTables {
    /** More columns than anybody lists. */
    private static final int MOST_COLUMNS = 50_000;

    private PostgresTables() {}

    /**
     * The columns by their names, by table, {@code schema.table}; both in the database's order.
     * Partitions are their table's.
     *
     * @throws LakeException SOURCE_UNAVAILABLE, UNAUTHENTICATED, NOT_FOUND for what keeps it from
     *     being asked; INVALID_DEFINITION if it tells no changes
     */
    public static Map<String, Map<String, ColumnType>> of(SourceKind.Postgres kind) {
        try (PostgresServer server = new PostgresServer(kind)) {
            server.requireLogical();
            return server.ask(PostgresTables::read);
        }
    }

    private static Map<String, Map<String, ColumnType>> read(Connection connection)
            throws SQLException {
        Map<String, Map<String, ColumnType>> tables = new LinkedHashMap<>();
        try (PreparedStatement statement =
                connection.prepareStatement(
                        """
                        SELECT c.table_schema || '.' || c.table_name, c.column_name, c.data_type,
                          coalesce(c.numeric_precision, 0), coalesce(c.numeric_scale, 0)
                        FROM information_schema.columns c
                        JOIN pg_namespace n ON n.nspname = c.table_schema
                        JOIN pg_class r ON r.relnamespace = n.oid AND r.relname = c.table_name
                        WHERE r.relkind IN ('r', 'p') AND NOT r.relispartition
                          AND r.relpersistence = 'p'
                          AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
                          AND has_table_privilege(r.oid, 'SELECT')
                        ORDER BY c.table_schema, c.table_name, c.ordinal_position
                        """)) {
            statement.setMaxRows(MOST_COLUMNS);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    tables.computeIfAbsent(row.getString(1), name -> new LinkedHashMap<>())
                            .put(
                                    row.getString(2),
                                    type(row.getString(3), row.getInt(4), row.getInt(5)));
                }
            }
        }
        return tables;
    }

    /** What takes every value as changes write it. */
    private static ColumnType type(String name, int precision, int scale) {
        return switch (name) {
            case "boolean" -> ColumnType.Simple.BOOLEAN;
            case "smallint", "integer" -> ColumnType.Simple.INT;
            case "bigint" -> ColumnType.Simple.BIGINT;
            case "real", "double precision" -> ColumnType.Simple.DOUBLE;
            case "date" -> ColumnType.Simple.DATE;
            case "timestamp without time zone" -> ColumnType.Simple.TIMESTAMP;
            case "timestamp with time zone" -> ColumnType.Simple.TIMESTAMPTZ;
            case "numeric" ->
                    precision >= 1
                                    && precision <= ColumnType.Decimal.MAX_PRECISION
                                    && scale >= 0
                                    && scale <= precision
                            ? new ColumnType.Decimal(precision, scale)
                            : ColumnType.Simple.STRING;
            default -> ColumnType.Simple.STRING;
        };
    }
}
