package org.tonle.contracts;

import io.trino.tpcds.Table;
import io.trino.tpch.TpchTable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/** TPC-H and TPC-DS: their tables, and their queries as Apache Spark tests them. */
public enum TpcQueries {
    TPCH,
    TPCDS;

    private record Column(String name, Type type) {}

    /** What the tables' namespace is called, and the folder of the queries. */
    public String namespace() {
        return this == TPCH ? "tpch" : "tpcds";
    }

    /** Every table, its columns optional. */
    public List<SqlTable> tables() {
        return switch (this) {
            case TPCH -> TpchTable.getTables().stream().map(this::table).toList();
            case TPCDS ->
                    Table.getBaseTables().stream()
                            .filter(table -> table != Table.DBGEN_VERSION)
                            .map(this::table)
                            .toList();
        };
    }

    private SqlTable table(TpchTable<?> table) {
        return table(
                table.getTableName(),
                table.getColumns().stream()
                        .map(c ->
                                new Column(
                                        c.getColumnName(),
                                        switch (c.getType().getBase()) {
                                            case INTEGER -> Types.IntegerType.get();
                                            case IDENTIFIER -> Types.LongType.get();
                                            case DATE -> Types.DateType.get();
                                            case DOUBLE -> Types.DecimalType.of(12, 2);
                                            case VARCHAR -> Types.StringType.get();
                                        }))
                        .toList());
    }

    private SqlTable table(Table table) {
        return table(
                table.getName(),
                Arrays.stream(table.getColumns())
                        .map(c ->
                                new Column(
                                        c.getName(),
                                        switch (c.getType().getBase()) {
                                            case INTEGER -> Types.IntegerType.get();
                                            case IDENTIFIER -> Types.LongType.get();
                                            case DATE -> Types.DateType.get();
                                            case DECIMAL ->
                                                    Types.DecimalType.of(
                                                            c.getType().getPrecision().get(),
                                                            c.getType().getScale().get());
                                            case VARCHAR, CHAR, TIME -> Types.StringType.get();
                                        }))
                        .toList());
    }

    private SqlTable table(String name, List<Column> columns) {
        List<Types.NestedField> fields = new ArrayList<>();
        for (Column column : columns) {
            fields.add(Types.NestedField.optional(fields.size() + 1, column.name(), column.type()));
        }
        return SqlTable.of(new TableName(namespace(), name), new Schema(fields));
    }

    /** The queries' names, such as {@code q1} or {@code q14a}. */
    public List<String> names() {
        return IntStream.rangeClosed(1, this == TPCH ? 22 : 99)
                .mapToObj(i -> "q" + i)
                // it names a column otherwise than the generator of the data does
                .filter(q -> this == TPCH || !q.equals("q30"))
                .flatMap(q ->
                        this == TPCDS && List.of("q14", "q23", "q24", "q39").contains(q)
                                ? Stream.of(q + "a", q + "b")
                                : Stream.of(q))
                .toList();
    }

    /** A query, which names tables without their namespace. */
    public String text(String name) {
        String resource = "/" + namespace() + "/" + name + ".sql";
        try (InputStream in = TpcQueries.class.getResourceAsStream(resource)) {
            return new String(
                            Objects.requireNonNull(in, resource).readAllBytes(),
                            StandardCharsets.UTF_8)
                    .strip()
                    // Spark's own way to quote
                    .replace('`', '"')
                    .replaceFirst(";$", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
