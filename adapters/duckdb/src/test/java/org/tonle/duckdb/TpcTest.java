package org.tonle.duckdb;

import static org.assertj.core.api.Assertions.assertThat;

import io.trino.tpcds.Results;
import io.trino.tpcds.Session;
import io.trino.tpcds.Table;
import io.trino.tpch.TpchTable;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.arrow.memory.RootAllocator;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.contracts.SqlKit;
import org.tonle.contracts.TpcQueries;
import org.tonle.sql.DataFile;
import org.tonle.sql.SqlTable;

/**
 * The queries of TPC-H and TPC-DS as Apache Spark tests them, through Tonle's SQL, beside DuckDB's
 * own answers to the same text over the same files. What DuckDB itself doesn't take as it is
 * written isn't counted.
 */
class TpcTest {
    private static final double TPCH_SCALE = 0.01;
    private static final double TPCDS_SCALE = 0.01;

    @TempDir Path directory;
    private RootAllocator allocator;
    private DuckDbEngine engine;
    private SqlKit kit;
    private Connection plain;

    @BeforeEach
    void open() throws SQLException {
        allocator = new RootAllocator();
        engine =
                DuckDbEngine.open(
                        new DuckDbSettings(List.of(directory), directory, 1L << 30, 2, 2),
                        allocator);
        plain = DriverManager.getConnection("jdbc:duckdb:");
        run("SET default_null_order='nulls_last'");
        // what Tonle's SQL says of a division
        run("SET integer_division=true");
        run("SET error_on_division_by_zero=true");
    }

    @AfterEach
    void close() throws SQLException {
        plain.close();
        engine.close();
        allocator.close();
    }

    @Test
    void answersEveryQueryOfTpchAsDuckDbDoes() throws IOException, SQLException {
        kit = new SqlKit(engine, directory, Optional.of("tpch"));
        for (TpchTable<?> table : TpchTable.getTables()) {
            try (Writer rows = Files.newBufferedWriter(csv(table.getTableName()))) {
                for (var row : table.createGenerator(TPCH_SCALE, 1, 1)) {
                    rows.write(row.toLine() + "\n");
                }
            }
        }
        check(TpcQueries.TPCH, 22);
    }

    @Test
    void answersTheQueriesOfTpcdsAsDuckDbDoes() throws IOException, SQLException {
        kit = new SqlKit(engine, directory, Optional.of("tpcds"));
        Session session = Session.getDefaultSession().withScale(TPCDS_SCALE);
        for (Table table : Table.getBaseTables()) {
            if (table == Table.DBGEN_VERSION) {
                continue;
            }
            // a child's rows come with its parent's
            Table made = table.isChild() ? table.getParent() : table;
            int which = table.isChild() ? 1 : 0;
            try (Writer rows = Files.newBufferedWriter(csv(table.getName()))) {
                for (List<List<String>> row :
                        Results.constructResults(made, session.withTable(made))) {
                    if (row.size() > which) {
                        rows.write(
                                String.join(
                                                "|",
                                                row.get(which).stream().map(TpcTest::text).toList())
                                        + "\n");
                    }
                }
            }
        }
        check(TpcQueries.TPCDS, 100);
    }

    private static String text(@Nullable String value) {
        return value == null ? "" : value;
    }

    private static String duckType(Type type) {
        return switch (type) {
            case Types.IntegerType t -> "INTEGER";
            case Types.LongType t -> "BIGINT";
            case Types.DateType t -> "DATE";
            case Types.DecimalType t -> "DECIMAL(" + t.precision() + "," + t.scale() + ")";
            default -> "VARCHAR";
        };
    }

    private Path csv(String table) {
        return directory.resolve(table + ".csv");
    }

    private void add(SqlTable table) throws SQLException {
        String name = table.name().name();
        List<Types.NestedField> columns = table.schema().columns();
        Path file = directory.resolve(name + ".parquet");
        String types =
                String.join(
                        ", ",
                        columns.stream()
                                .map(c -> "'" + c.name() + "': '" + duckType(c.type()) + "'")
                                .toList());
        String ids =
                String.join(
                        ", ", columns.stream().map(c -> c.name() + ": " + c.fieldId()).toList());
        run(
                "COPY (SELECT * FROM read_csv('"
                        + csv(name)
                        + "', delim='|', header=false, quote='', escape='', null_padding=true,"
                        + " auto_detect=false, columns={"
                        + types
                        + "})) TO '"
                        + file
                        + "' (FORMAT parquet, FIELD_IDS {"
                        + ids
                        + "})");
        run("CREATE VIEW " + name + " AS FROM '" + file + "'");
        kit.give(table, List.of(new DataFile(file, count(name), true)));
    }

    private void check(TpcQueries benchmark, int least) throws SQLException {
        for (SqlTable table : benchmark.tables()) {
            add(table);
        }
        List<String> problems = new ArrayList<>();
        int asked = 0;
        int rows = 0;
        for (String name : benchmark.names()) {
            String sql = benchmark.text(name);
            List<String> expected;
            try {
                expected = expected(sql);
            } catch (SQLException e) {
                System.out.println(
                        benchmark + " " + name + " is not DuckDB's: " + firstLine(e.getMessage()));
                continue;
            }
            asked++;
            rows += expected.size();
            try {
                List<String> answer = kit.rows(sql).stream().map(TpcTest::row).sorted().toList();
                if (!answer.equals(expected)) {
                    problems.add(name + " answers otherwise: " + difference(answer, expected));
                }
            } catch (RuntimeException e) {
                problems.add(name + ": " + firstLine(e.getMessage()));
            }
        }
        System.out.println(
                benchmark
                        + ": "
                        + (asked - problems.size())
                        + " of "
                        + asked
                        + " queries answered as DuckDB does, "
                        + rows
                        + " rows");
        assertThat(problems).isEmpty();
        assertThat(asked).isGreaterThanOrEqualTo(least);
    }

    private static String difference(List<String> answer, List<String> expected) {
        List<String> more = new ArrayList<>(answer);
        expected.forEach(more::remove);
        List<String> less = new ArrayList<>(expected);
        answer.forEach(less::remove);
        return answer.size()
                + " rows for "
                + expected.size()
                + ", such as "
                + more.stream().findFirst().orElse("none")
                + " for "
                + less.stream().findFirst().orElse("none");
    }

    private static String firstLine(@Nullable String message) {
        return String.valueOf(message).lines().findFirst().orElse("");
    }

    private List<String> expected(String sql) throws SQLException {
        try (Statement statement = plain.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            int columns = result.getMetaData().getColumnCount();
            List<String> rows = new ArrayList<>();
            while (result.next()) {
                List<@Nullable Object> row = new ArrayList<>();
                for (int i = 1; i <= columns; i++) {
                    row.add(result.getObject(i));
                }
                rows.add(row(row));
            }
            rows.sort(null);
            return rows;
        }
    }

    /** A row as text, with as many digits as all ways to add numbers up agree on. */
    private static String row(List<@Nullable Object> row) {
        return String.join(
                "|",
                row.stream()
                        .map(value ->
                                switch (value) {
                                    case null -> "NULL";
                                    // as Arrow has it
                                    case LocalDate date -> row(List.of(date.toEpochDay()));
                                    case Number number ->
                                            String.format(
                                                    Locale.ROOT, "%.9e", number.doubleValue());
                                    default -> value.toString();
                                })
                        .toList());
    }

    private void run(String sql) throws SQLException {
        try (Statement statement = plain.createStatement()) {
            statement.execute(sql);
        }
    }

    private long count(String table) throws SQLException {
        try (Statement statement = plain.createStatement();
                ResultSet result = statement.executeQuery("SELECT count(*) FROM " + table)) {
            result.next();
            return result.getLong(1);
        }
    }
}
