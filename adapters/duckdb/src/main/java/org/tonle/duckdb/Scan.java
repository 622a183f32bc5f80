package org.tonle.duckdb;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.tonle.sql.BoundTable;
import org.tonle.sql.DataFile;
import org.tonle.sql.ReadColumn;

/** What stands in FROM for a table. */
final class Scan {
    private Scan() {}

    /** A subquery with the table's columns, those on read that are used included. */
    static String table(BoundTable table, List<DataFile> files) {
        String stored = files(table.table().schema(), files);
        if (table.onRead().isEmpty()) {
            return "(" + stored + ")";
        }
        List<String> columns = new ArrayList<>();
        columns.add("* EXCLUDE (" + JsonScan.TEXTS + ")");
        for (int i = 0; i < table.onRead().size(); i++) {
            ReadColumn column = table.onRead().get(i);
            columns.add(JsonScan.value(column, i + 1) + " AS " + DuckTypes.name(column.name()));
        }
        return "(SELECT "
                + String.join(", ", columns)
                + " FROM (SELECT *, "
                + JsonScan.texts(table.onRead().stream().map(ReadColumn::path).toList())
                + " AS "
                + JsonScan.TEXTS
                + " FROM ("
                + stored
                + ")))";
    }

    /** The stored columns, found in each file by field id. */
    static String files(Schema schema, List<DataFile> files) {
        List<DataFile> filled = files.stream().filter(file -> file.records() > 0).toList();
        if (filled.isEmpty()) {
            return schema.columns().stream()
                    .map(column ->
                            "CAST(NULL AS "
                                    + DuckTypes.type(column.type())
                                    + ") AS "
                                    + DuckTypes.name(column.name()))
                    .collect(Collectors.joining(", ", "SELECT ", " WHERE false"));
        }
        return Stream.of(
                        current(schema, filled.stream().filter(DataFile::current)),
                        older(schema, filled.stream().filter(file -> !file.current())))
                .flatMap(Optional::stream)
                .collect(Collectors.joining(" UNION ALL "));
    }

    /**
     * Files whose columns are those of the table. A cast to the type that a column has is left out
     * by the planner, which then knows how many rows and values there are; with a schema given it
     * does not, and joins badly.
     */
    private static Optional<String> current(Schema schema, Stream<DataFile> files) {
        return read(files)
                .map(read ->
                        schema.columns().stream()
                                .map(column ->
                                        "CAST("
                                                + DuckTypes.name(column.name())
                                                + " AS "
                                                + DuckTypes.type(column.type())
                                                + ") AS "
                                                + DuckTypes.name(column.name()))
                                .collect(
                                        Collectors.joining(
                                                ", ", "SELECT ", " FROM " + read + ")")));
    }

    private static Optional<String> older(Schema schema, Stream<DataFile> files) {
        return read(files)
                .map(read ->
                        "SELECT * FROM "
                                + read
                                + ", schema=MAP{"
                                + schema.columns().stream()
                                        .map(Scan::column)
                                        .collect(Collectors.joining(","))
                                + "})");
    }

    private static Optional<String> read(Stream<DataFile> files) {
        String paths =
                files.map(file -> DuckTypes.text(file.path().toString()))
                        .collect(Collectors.joining(","));
        return paths.isEmpty()
                ? Optional.empty()
                : Optional.of("read_parquet([" + paths + "], hive_partitioning=false");
    }

    private static String column(Types.NestedField column) {
        return column.fieldId()
                + ":{name:"
                + DuckTypes.text(column.name())
                + ",type:"
                + DuckTypes.text(DuckTypes.type(column.type()))
                + ",default_value:NULL}";
    }
}
