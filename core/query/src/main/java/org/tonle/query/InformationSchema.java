package org.tonle.query;

import static org.tonle.query.SystemTable.columns;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.Pin;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.TableResolver;

/** The tables and columns that one principal sees, as tables. */
final class InformationSchema {
    private final TableResolver tables;
    private final AccessPolicy policy;
    private final Map<String, SystemTable> own = new TreeMap<>();

    InformationSchema(TableResolver tables, AccessPolicy policy) {
        this.tables = tables;
        this.policy = policy;
        add(
                new SystemTable(
                        "tables",
                        columns("table_schema varchar", "table_name varchar", "table_type varchar"),
                        false,
                        this::tables));
        add(
                new SystemTable(
                        "columns",
                        columns(
                                "table_schema varchar",
                                "table_name varchar",
                                "column_name varchar",
                                "ordinal_position bigint",
                                "is_nullable varchar",
                                "data_type varchar"),
                        false,
                        this::columnsOf));
    }

    /** Only inside this statement. */
    void add(SystemTable table) {
        own.put(table.name(), table);
    }

    Optional<SystemTable> table(TableName name) {
        return name.namespace().equalsIgnoreCase(SystemTables.INFORMATION_SCHEMA)
                ? Optional.ofNullable(own.get(StatementTables.lower(name.name())))
                : Optional.empty();
    }

    List<TableName> names() {
        return own.keySet().stream()
                .map(name -> new TableName(SystemTables.INFORMATION_SCHEMA, name))
                .toList();
    }

    private List<@Nullable Object[]> tables(Pin state, int limit) {
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (TableName name : tables.names()) {
            if (rows.size() < limit && policy.of(name).isPresent()) {
                boolean about =
                        name.namespace().equals(SystemTables.NAMESPACE)
                                || name.namespace().equals(SystemTables.INFORMATION_SCHEMA);
                rows.add(
                        new @Nullable Object[] {
                            name.namespace(), name.name(), about ? "SYSTEM VIEW" : "BASE TABLE"
                        });
            }
        }
        return rows;
    }

    private List<@Nullable Object[]> columnsOf(Pin state, int limit) {
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (TableName name : tables.names()) {
            policy.of(name)
                    .flatMap(access -> tables.table(name).map(table -> table.shown(access)))
                    .ifPresent(shown -> add(shown, rows));
        }
        return rows.subList(0, Math.min(limit, rows.size()));
    }

    private static void add(SqlTable shown, List<@Nullable Object[]> rows) {
        long position = 0;
        for (Types.NestedField column : shown.columns().toList()) {
            if (!SqlTable.isHidden(column.name())) {
                rows.add(
                        new @Nullable Object[] {
                            shown.name().namespace(),
                            shown.name().name(),
                            column.name(),
                            ++position,
                            column.isOptional() ? "YES" : "NO",
                            type(column.type())
                        });
            }
        }
    }

    /** As a statement writes it in CAST, where it can. */
    static String type(Type type) {
        return switch (type) {
            case Types.LongType t -> "BIGINT";
            case Types.StringType t -> "VARCHAR";
            case Types.BinaryType t -> "VARBINARY";
            case Types.FloatType t -> "REAL";
            case Types.TimestampType t ->
                    t.shouldAdjustToUTC() ? "TIMESTAMP WITH LOCAL TIME ZONE" : "TIMESTAMP";
            case Types.DecimalType t -> "DECIMAL(" + t.precision() + ", " + t.scale() + ")";
            case Types.ListType t -> type(t.elementType()) + " ARRAY";
            case Types.MapType t -> "MAP<" + type(t.keyType()) + ", " + type(t.valueType()) + ">";
            case Types.StructType t ->
                    t.fields().stream()
                            .map(field -> field.name() + " " + type(field.type()))
                            .collect(java.util.stream.Collectors.joining(", ", "ROW(", ")"));
            default -> type.typeId().name();
        };
    }
}
