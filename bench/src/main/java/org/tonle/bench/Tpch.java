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
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Types;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.lake.Lake;
import org.tonle.lake.LakeOptions;
import org.tonle.ledger.CommitRequest;

/** TPC-H: its tables as tables of a lake, and its queries as Apache Spark tests them. */
final class Tpch {
    static final String NAMESPACE = "tpch";

    private Tpch() {}

    /**
     * Makes a lake with all tables in namespace {@code tpch}.
     *
     * @param plain a DuckDB that writes the files
     * @return the files of each table, by its name
     */
    static Map<String, List<Path>> load(Path folder, double scale, Connection plain)
            throws IOException, SQLException {
        Map<String, List<Path>> files = new TreeMap<>();
        try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
            lake.catalog().ensureNamespace(NAMESPACE, "bench");
            for (TpchTable<?> table : TpchTable.getTables()) {
                System.err.println("generating " + table.getTableName());
                files.put(table.getTableName(), load(lake, folder, table, scale, plain));
            }
        }
        return files;
    }

    private static <E extends TpchEntity> List<Path> load(
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
        Schema schema =
                new Schema(
                        IntStream.range(0, columns.size())
                                .mapToObj(i ->
                                        Types.NestedField.required(
                                                i + 1,
                                                columns.get(i).getColumnName(),
                                                type(columns.get(i))))
                                .toList());
        TableIdentifier name = TableIdentifier.of(NAMESPACE, table.getTableName());
        try (StagedCommit commit = lake.catalog().stage()) {
            StagedTable staged =
                    commit.create(name, schema, PartitionSpec.unpartitioned(), Map.of());
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
                                + IntStream.range(0, columns.size())
                                        .mapToObj(
                                                i -> columns.get(i).getColumnName() + ":" + (i + 1))
                                        .collect(Collectors.joining(","))
                                + "})");
            }
            Files.delete(csv);
            staged.append(List.of(staged.adopt(file)));
            var unused = commit.publish(CommitRequest.builder(commit.id(), "bench", "bench"));
            return List.of(file);
        }
    }

    private static org.apache.iceberg.types.Type type(TpchColumn<?> column) {
        return switch (column.getType().getBase()) {
            case INTEGER -> Types.IntegerType.get();
            case IDENTIFIER -> Types.LongType.get();
            case DATE -> Types.DateType.get();
            case DOUBLE -> Types.DecimalType.of(12, 2);
            case VARCHAR -> Types.StringType.get();
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
