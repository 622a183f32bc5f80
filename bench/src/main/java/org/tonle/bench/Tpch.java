package org.tonle.bench;

import io.trino.tpch.TpchColumn;
import io.trino.tpch.TpchEntity;
import io.trino.tpch.TpchTable;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.lake.Lake;
import org.tonle.ledger.CommitRequest;

/**
 * TPC-H: its tables as tables of a lake, its queries as Apache Spark tests them, and a policy of
 * which every part has to be computed, though it hides no row.
 */
final class Tpch {
    static final String NAMESPACE = "tpch";

    /** Whoever the policy holds for. */
    static final String ANALYST = "anna";

    /** What the policy makes of a table, as somebody would write it by hand. */
    static final Map<String, String> GUARDED =
            Map.of(
                    "lineitem", "SELECT * FROM main.lineitem WHERE l_shipmode <> 'PIGEON'",
                    "orders", "SELECT * FROM main.orders WHERE o_orderpriority <> '9-NEVER'",
                    "customer",
                            "SELECT * REPLACE (substring(c_phone, 1, 2) || '-***' AS c_phone)"
                                    + " FROM main.customer");

    private static final String POLICY =
            """
            roles:
              analyst: {read: [tpch]}
            users:
              anna: {roles: [analyst], attributes: {hidden: PIGEON}}
            row-filters:
              - {table: tpch.lineitem, where: "l_shipmode <> principal_attribute('hidden')"}
              - {table: tpch.orders, where: "o_orderpriority <> '9-NEVER'"}
            masks:
              - {column: tpch.customer.c_phone, value: "SUBSTRING(c_phone, 1, 2) || '-***'"}
            """;

    private Tpch() {}

    /** Writes a lake folder in which all tables are datasets, so that policy can name them. */
    static void define(Path folder) throws IOException {
        Files.createDirectories(folder.resolve("pipelines"));
        Files.createDirectories(folder.resolve("policies"));
        Files.writeString(folder.resolve("lake.yaml"), "name: tpch\nquery: {cache: 0B}\n");
        Files.writeString(folder.resolve("policies/tpch.yaml"), POLICY);
        StringBuilder datasets = new StringBuilder();
        for (TpchTable<?> table : TpchTable.getTables()) {
            datasets.append("CREATE MATERIALIZED VIEW ")
                    .append(NAMESPACE)
                    .append('.')
                    .append(table.getTableName())
                    .append(" AS SELECT ")
                    .append(
                            table.getColumns().stream()
                                    .map(column -> value(column) + " AS " + column.getColumnName())
                                    .collect(Collectors.joining(", ")))
                    .append(";\n");
        }
        Files.writeString(folder.resolve("pipelines/tpch.sql"), datasets);
    }

    /**
     * Fills all tables.
     *
     * @param plain a DuckDB that writes the files
     * @return the file of each table, by its name
     */
    static Map<String, Path> load(Lake lake, Path folder, double scale, Connection plain)
            throws IOException, SQLException {
        Map<String, Path> files = new TreeMap<>();
        for (TpchTable<?> table : TpchTable.getTables()) {
            System.err.println("generating " + table.getTableName());
            files.put(table.getTableName(), load(lake, folder, table, scale, plain));
        }
        return files;
    }

    private static <E extends TpchEntity> Path load(
            Lake lake, Path folder, TpchTable<E> table, double scale, Connection plain)
            throws IOException, SQLException {
        Path csv = folder.resolve(table.getTableName() + ".csv");
        try (Writer rows = Files.newBufferedWriter(csv)) {
            for (E row : table.createGenerator(scale, 1, 1)) {
                rows.write(row.toLine());
                rows.write('\n');
            }
        }
        List<TpchColumn<E>> columns = table.getColumns();
        TableIdentifier name = TableIdentifier.of(NAMESPACE, table.getTableName());
        // computed once, and then never again
        while (lake.catalog().pin().table(name).orElseThrow().files().isEmpty()) {
            LockSupport.parkNanos(10_000_000);
        }
        try (StagedCommit commit = lake.catalog().stage()) {
            StagedTable staged = commit.table(name, StagedTable.OnConflict.FAIL);
            Path file = staged.dataDirectory().resolve(commit.id() + ".parquet");
            try (Statement statement = plain.createStatement()) {
                statement.execute(
                        "COPY (SELECT * FROM read_csv('"
                                + csv
                                + "', delim='|', header=false, quote='', escape='',"
                                + " null_padding=true, auto_detect=false, columns={"
                                + columns.stream()
                                        .map(c ->
                                                "'" + c.getColumnName() + "':'" + duckType(c) + "'")
                                        .collect(Collectors.joining(","))
                                + "})) TO '"
                                + file
                                + "' (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {"
                                + staged.schema().columns().stream()
                                        .map(c -> c.name() + ":" + c.fieldId())
                                        .collect(Collectors.joining(","))
                                + "})");
            }
            Files.delete(csv);
            staged.replaceAll(List.of(staged.adopt(file)));
            var unused = commit.publish(CommitRequest.builder(commit.id(), "bench", "bench"));
            return file;
        }
    }

    /** Any value of a column's type; the views are filled with other rows. */
    private static String value(TpchColumn<?> column) {
        return switch (column.getType().getBase()) {
            case INTEGER -> "CAST(0 AS INTEGER)";
            case IDENTIFIER -> "CAST(0 AS BIGINT)";
            case DATE -> "DATE '1970-01-01'";
            case DOUBLE -> "CAST(0 AS DECIMAL(12, 2))";
            case VARCHAR -> "CAST('' AS VARCHAR)";
        };
    }

    private static String duckType(TpchColumn<?> column) {
        return switch (column.getType().getBase()) {
            case INTEGER -> "INTEGER";
            case IDENTIFIER -> "BIGINT";
            case DATE -> "DATE";
            case DOUBLE -> "DECIMAL(12,2)";
            case VARCHAR -> "VARCHAR";
        };
    }

    /** The 22 queries, in order; they name the tables without a namespace. */
    static List<String> queries() throws IOException {
        List<String> queries = new ArrayList<>();
        for (String name : Stream.iterate(1, i -> i + 1).limit(22).map(i -> "q" + i).toList()) {
            try (InputStream in = Tpch.class.getResourceAsStream("/tpch/" + name + ".sql")) {
                String text =
                        new String(
                                java.util.Objects.requireNonNull(in, name).readAllBytes(),
                                StandardCharsets.UTF_8);
                queries.add(text.strip().replaceFirst(";$", ""));
            }
        }
        return queries;
    }
}
