package org.tonle.duckdb;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.iceberg.MetadataColumns;
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
        String stored = files(stored(table), table.table().schema().columns(), files);
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

    /**
     * The columns that are read, one at least: planning takes its time for each, though an engine
     * leaves out of the files what isn't used.
     */
    private static List<Types.NestedField> stored(BoundTable table) {
        List<Types.NestedField> all = table.table().schema().columns();
        List<Types.NestedField> read =
                all.stream()
                        .filter(column ->
                                table.stored().contains(column.name())
                                        || (!table.onRead().isEmpty()
                                                && column.name().equals(JsonScan.PAYLOAD)))
                        .toList();
        return read.isEmpty() ? all.subList(0, 1) : read;
    }

    /** All stored columns, found in each file by field id. */
    static String files(List<Types.NestedField> columns, List<DataFile> files) {
        return files(columns, columns, files);
    }

    private static String files(
            List<Types.NestedField> columns, List<Types.NestedField> all, List<DataFile> files) {
        List<DataFile> filled = files.stream().filter(file -> file.rows() > 0).toList();
        if (filled.isEmpty()) {
            return columns.stream()
                    .map(column ->
                            "CAST(NULL AS "
                                    + DuckTypes.type(column.type())
                                    + ") AS "
                                    + DuckTypes.name(column.name()))
                    .collect(Collectors.joining(", ", "SELECT ", " WHERE false"));
        }
        if (columns.stream().anyMatch(Scan::isPlace)) {
            return filled.stream()
                    .map(file -> placed(columns, file))
                    .collect(Collectors.joining(" UNION ALL "));
        }
        List<DataFile> whole = filled.stream().filter(file -> file.deleted().isEmpty()).toList();
        return Stream.concat(
                        Stream.of(
                                        current(columns, whole.stream().filter(DataFile::current)),
                                        older(
                                                columns,
                                                whole.stream().filter(file -> !file.current())))
                                .flatMap(Optional::stream),
                        filled.stream()
                                .flatMap(file -> left(columns, isNameFree(all), file).stream()))
                .collect(Collectors.joining(" UNION ALL "));
    }

    /** Whether no column has a name that says where a row stands. */
    private static boolean isNameFree(List<Types.NestedField> columns) {
        return columns.stream()
                .map(Types.NestedField::name)
                .noneMatch(name ->
                        name.equalsIgnoreCase(DeletedBits.POSITION)
                                || name.equalsIgnoreCase(DeletedBits.FILE));
    }

    /** What is left of a file of which rows are deleted. */
    private static Optional<String> left(
            List<Types.NestedField> columns, boolean nameFree, DataFile file) {
        return file.deleted()
                .map(deleted -> {
                    boolean named = file.current() && nameFree;
                    String selected =
                            columns.stream()
                                    .map(column ->
                                            "CAST("
                                                    + (named
                                                            ? DuckTypes.name(column.name())
                                                            : byId(column))
                                                    + " AS "
                                                    + DuckTypes.type(column.type())
                                                    + ") AS "
                                                    + DuckTypes.name(column.name()))
                                    .collect(Collectors.joining(", "));
                    return "SELECT "
                            + selected
                            + " FROM "
                            + read(Stream.of(file)).orElseThrow()
                            + ", "
                            + DeletedBits.POSITION
                            + "=true"
                            + (named ? "" : ", " + schema(columns, Scan::byId))
                            + ") WHERE "
                            + DeletedBits.left(deleted);
                });
    }

    /** Whether a column tells where a row stands, and is in no file. */
    private static boolean isPlace(Types.NestedField column) {
        return isFile(column) || column.fieldId() == MetadataColumns.ROW_POSITION.fieldId();
    }

    private static boolean isFile(Types.NestedField column) {
        return column.fieldId() == MetadataColumns.FILE_PATH.fieldId();
    }

    /** What is left of a file, with the places of the rows. */
    private static String placed(List<Types.NestedField> columns, DataFile file) {
        List<Types.NestedField> stored =
                columns.stream().filter(column -> !isPlace(column)).toList();
        return columns.stream()
                .map(column ->
                        "CAST("
                                + (isFile(column)
                                        ? DeletedBits.FILE
                                        : isPlace(column) ? DeletedBits.POSITION : byId(column))
                                + " AS "
                                + DuckTypes.type(column.type())
                                + ") AS "
                                + DuckTypes.name(column.name()))
                .collect(
                        Collectors.joining(
                                ", ",
                                "SELECT ",
                                " FROM "
                                        + read(Stream.of(file)).orElseThrow()
                                        + ", "
                                        + DeletedBits.FILE
                                        + "=true, "
                                        + DeletedBits.POSITION
                                        + "=true"
                                        + (stored.isEmpty()
                                                ? ""
                                                : ", " + schema(stored, Scan::byId))
                                        + ")"
                                        + file.deleted()
                                                .map(deleted ->
                                                        " WHERE " + DeletedBits.left(deleted))
                                                .orElse("")));
    }

    private static String byId(Types.NestedField column) {
        return "c" + column.fieldId();
    }

    /**
     * Files whose columns are those of the table. A cast to the type that a column has is left out
     * by the planner, which then knows how many rows and values there are; with a schema given it
     * does not, and joins badly.
     */
    private static Optional<String> current(
            List<Types.NestedField> columns, Stream<DataFile> files) {
        return read(files)
                .map(read ->
                        columns.stream()
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

    private static Optional<String> older(List<Types.NestedField> columns, Stream<DataFile> files) {
        return read(files)
                .map(read ->
                        "SELECT * FROM "
                                + read
                                + ", "
                                + schema(columns, Types.NestedField::name)
                                + ")");
    }

    private static Optional<String> read(Stream<DataFile> files) {
        String paths =
                files.map(file -> DuckTypes.text(file.path().toString()))
                        .collect(Collectors.joining(","));
        return paths.isEmpty()
                ? Optional.empty()
                : Optional.of("read_parquet([" + paths + "], hive_partitioning=false");
    }

    /**
     * Columns of every row that files hold, deleted ones too, and where it stands.
     *
     * @param columns which of the table's
     * @param names what each column is called
     * @return a SELECT of the columns, then {@code f}, the file's path, and {@code p}, the row's
     *     position in it, counted from 0
     */
    static String places(
            Schema table,
            List<Types.NestedField> columns,
            List<String> names,
            List<DataFile> files) {
        boolean nameFree = isNameFree(table.columns());
        Predicate<DataFile> named = file -> file.current() && nameFree;
        // the engine knows how many rows these have, and joins what is few with them
        Optional<String> current =
                read(files.stream().filter(named))
                        .map(read ->
                                places(
                                        called(columns, names, c -> DuckTypes.name(c.name())),
                                        read));
        Optional<String> others =
                read(files.stream().filter(named.negate()))
                        .map(read ->
                                places(
                                        String.join(", ", names),
                                        read
                                                + ", "
                                                + schema(
                                                        columns,
                                                        c -> names.get(columns.indexOf(c)))));
        Optional<String> none =
                files.isEmpty()
                        ? Optional.of(
                                "SELECT "
                                        + called(columns, names, c -> "NULL")
                                        + ", CAST(NULL AS VARCHAR) AS f, CAST(NULL AS BIGINT) AS p"
                                        + " WHERE false")
                        : Optional.empty();
        return Stream.of(current, others, none)
                .flatMap(Optional::stream)
                .collect(Collectors.joining(" UNION ALL "));
    }

    private static String places(String columns, String read) {
        return "SELECT %s, %s AS f, %s AS p FROM %s, %s=true, %s=true)"
                .formatted(
                        columns,
                        DeletedBits.FILE,
                        DeletedBits.POSITION,
                        read,
                        DeletedBits.FILE,
                        DeletedBits.POSITION);
    }

    private static String called(
            List<Types.NestedField> columns,
            List<String> names,
            Function<Types.NestedField, String> value) {
        return IntStream.range(0, columns.size())
                .mapToObj(i ->
                        "CAST("
                                + value.apply(columns.get(i))
                                + " AS "
                                + DuckTypes.type(columns.get(i).type())
                                + ") AS "
                                + names.get(i))
                .collect(Collectors.joining(", "));
    }

    private static String schema(
            List<Types.NestedField> columns, Function<Types.NestedField, String> name) {
        return columns.stream()
                .map(column ->
                        column.fieldId()
                                + ":{name:"
                                + DuckTypes.text(name.apply(column))
                                + ",type:"
                                + DuckTypes.text(DuckTypes.type(column.type()))
                                + ",default_value:NULL}")
                .collect(Collectors.joining(",", "schema=MAP{", "}"));
    }
}
