package org.tonle.contracts;

import java.util.List;
import java.util.Optional;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.TableResolver;

/**
 * Tables without rows, to bind statements to whose printed form is looked at.
 *
 * @param namespace of tables that are named without one
 */
public record BoundStatements(List<SqlTable> tables, Optional<String> namespace)
        implements TableResolver {
    /** The table that the files of statements ask. */
    public static final BoundStatements FLIGHTS =
            new BoundStatements(
                    List.of(
                            SqlTable.of(
                                    new TableName("silver", "flights"),
                                    new Schema(
                                            Types.NestedField.required(
                                                    1, "id", Types.StringType.get()),
                                            Types.NestedField.optional(
                                                    2, "origin", Types.StringType.get()),
                                            Types.NestedField.optional(
                                                    3, "delay", Types.IntegerType.get()),
                                            Types.NestedField.optional(
                                                    4, "fare", Types.DecimalType.of(9, 2)),
                                            Types.NestedField.optional(
                                                    5,
                                                    "departed",
                                                    Types.TimestampType.withoutZone()),
                                            Types.NestedField.optional(
                                                    6, "seen", Types.TimestampType.withZone()),
                                            Types.NestedField.optional(
                                                    7, "date", Types.DateType.get())))),
                    Optional.empty());

    /** The tables of a benchmark. */
    public static BoundStatements of(TpcQueries benchmark) {
        return new BoundStatements(benchmark.tables(), Optional.of(benchmark.namespace()));
    }

    /** Every statement of the files that is answered. */
    public static List<String> constructs() {
        return SqlFiles.read("queries.test").stream()
                .filter(question -> question.error().isEmpty())
                .map(SqlFiles.Case::sql)
                .toList();
    }

    public BoundQuery bind(String sql) {
        return Sql.query(sql, this);
    }

    @Override
    public Optional<SqlTable> table(TableName name) {
        return tables.stream().filter(table -> table.name().matches(name)).findFirst();
    }

    @Override
    public List<TableName> names() {
        return tables.stream().map(SqlTable::name).toList();
    }
}
