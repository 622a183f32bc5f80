package org.tonle.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.FileTarget;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/** What every {@link SqlEngine} does with the files of tables and with queries over them. */
public abstract class SqlEngineContract {
    private static final Schema CITIES =
            new Schema(
                    Types.NestedField.required(1, "name", Types.StringType.get()),
                    Types.NestedField.optional(2, "people", Types.LongType.get()));

    @SuppressWarnings("NullAway.Init") // JUnit sets it
    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init") // set before each test
    private SqlEngine engine;

    @SuppressWarnings("NullAway.Init") // set before each test
    private SqlKit kit;

    /** A new engine that may read and write below {@code directory}. */
    protected abstract SqlEngine open(Path directory);

    @BeforeEach
    void openEngine() {
        engine = open(directory);
        kit = new SqlKit(engine, directory);
    }

    @AfterEach
    void closeEngine() {
        engine.close();
    }

    private SqlTable cities() {
        SqlTable table = SqlTable.of(new TableName("silver", "Cities"), CITIES);
        kit.add(
                table,
                CITIES,
                "SELECT * FROM (VALUES ('Phnom Penh', 2281951), ('Bern', 134591),"
                        + " ('Zürich', CAST(NULL AS BIGINT))) AS t(name, people)");
        return table;
    }

    @Test
    void readsATableWhateverTheCaseOfItsName() {
        cities();
        assertThat(kit.rows("SELECT * FROM SILVER.cities AS c ORDER BY c.NAME"))
                .hasToString("[[Bern, 134591], [Phnom Penh, 2281951], [Zürich, null]]");
    }

    @Test
    void namesAndTypesTheResultAsTheStatementSays() {
        cities();
        String sql =
                "SELECT name AS \"The \"\"Name\"\"\", COUNT(*) AS n, SUM(people) AS s, people * 2"
                        + " AS d, 1.50 AS p, DATE '2001-01-01' AS \"date\", people > 5 AS b,"
                        + " AVG(people) AS a FROM silver.cities GROUP BY name, people";
        assertThat(kit.bind(sql).schema().asStruct())
                .hasToString(
                        "struct<1: The \"Name\": required string, 2: n: required long, 3: s:"
                                + " optional long, 4: d: optional long, 5: p: required"
                                + " decimal(3, 2), 6: date: required date, 7: b: optional"
                                + " boolean, 8: a: optional double>");
        try (QueryResult result =
                engine.run(kit.bind(sql), kit.inputs(), new QueryLimits(Duration.ofMinutes(1)))) {
            assertThat(result.next()).isTrue();
            assertThat(
                            result.batch().getSchema().getFields().stream()
                                    .map(f -> f.getName() + " " + f.getType()))
                    .containsExactly(
                            "The \"Name\" Utf8",
                            "n Int(64, true)",
                            "s Int(64, true)",
                            "d Int(64, true)",
                            "p Decimal(3, 2, 128)",
                            "date Date(DAY)",
                            "b Bool",
                            "a FloatingPoint(DOUBLE)");
        }
    }

    @Test
    void readsATableWithoutFilesWithItsTypes() {
        kit.table(SqlTable.of(new TableName("silver", "nobody"), CITIES));
        assertThat(kit.rows("SELECT * FROM silver.nobody")).isEmpty();
        assertThat(
                        kit.rows(
                                "SELECT COUNT(*) AS n, SUM(people) AS s, MAX(name) AS m FROM silver.nobody"))
                .hasToString("[[0, null, null]]");
    }

    @Test
    void readsFilesOfOlderSchemasByFieldId() {
        Schema now =
                new Schema(
                        Types.NestedField.optional(7, "added", Types.DecimalType.of(9, 2)),
                        Types.NestedField.optional(2, "inhabitants", Types.LongType.get()),
                        Types.NestedField.required(1, "name", Types.StringType.get()));
        Schema old =
                new Schema(
                        Types.NestedField.required(1, "name", Types.StringType.get()),
                        Types.NestedField.optional(2, "people", Types.IntegerType.get()),
                        Types.NestedField.optional(3, "dropped", Types.StringType.get()));
        SqlTable table = SqlTable.of(new TableName("silver", "t"), now);
        kit.add(table, old, "SELECT * FROM (VALUES ('a', 1, 'x')) AS t(name, people, dropped)");
        kit.add(
                table,
                now,
                "SELECT * FROM (VALUES ('b', 5000000000, 1.25)) AS t(name, inhabitants, added)");
        assertThat(kit.rows("SELECT * FROM silver.t ORDER BY name"))
                .hasToString("[[null, 1, a], [1.25, 5000000000, b]]");
    }

    @Test
    void keepsNestedColumnsDecimalsAndTimesAcrossAFile() {
        Schema schema =
                new Schema(
                        Types.NestedField.optional(
                                1,
                                "m",
                                Types.MapType.ofOptional(
                                        10, 11, Types.StringType.get(), Types.StringType.get())),
                        Types.NestedField.optional(
                                2, "l", Types.ListType.ofOptional(12, Types.LongType.get())),
                        Types.NestedField.optional(3, "d", Types.DecimalType.of(38, 10)),
                        Types.NestedField.optional(4, "t", Types.TimestampType.withoutZone()),
                        Types.NestedField.optional(5, "z", Types.TimestampType.withZone()),
                        Types.NestedField.optional(6, "day", Types.DateType.get()),
                        Types.NestedField.optional(7, "größe \"x\"", Types.FloatType.get()));
        SqlTable table = SqlTable.of(new TableName("silver", "nested"), schema);
        kit.add(
                table,
                schema,
                "SELECT MAP['k', 'v', 'ü', 'w'] AS m, ARRAY[1, 2] AS l,"
                        + " CAST(1234567890123456789012345678.0123456789 AS DECIMAL(38, 10)) AS d,"
                        + " TIMESTAMP '1969-12-31 23:59:59.123456' AS t,"
                        + " TIMESTAMP '1900-01-01 00:00:00' AS z, DATE '1582-01-01' AS \"day\","
                        + " CAST(1.5 AS REAL) AS \"größe \"\"x\"\"\"");
        assertThat(
                        kit.rows(
                                "SELECT m['ü'] AS a, l[2] AS b, d, CAST(t AS VARCHAR) AS t,"
                                        + " CAST(z AS VARCHAR) AS z, CAST(\"DAY\" AS VARCHAR) AS"
                                        + " \"day\", \"größe \"\"x\"\"\" FROM silver.nested"))
                .hasToString(
                        "[[w, 2, 1234567890123456789012345678.0123456789, 1969-12-31"
                                + " 23:59:59.123456, 1900-01-01 00:00:00+00, 1582-01-01, 1.5]]");
    }

    @Test
    void readsSchemaOnReadColumnsAndLeavesWhatIsNoneNull() {
        StreamKit streams = new StreamKit(engine, directory);
        SqlTable source =
                StreamKit.source(
                        StreamKit.column("n", org.tonle.definition.ColumnType.Simple.INT, true),
                        StreamKit.column(
                                "na me", org.tonle.definition.ColumnType.Simple.STRING, false));
        streams.events(
                source,
                new StreamKit.Event("a", 0, "{\"n\": 1, \"na me\": \"x\"}"),
                new StreamKit.Event("b", 1, "{\"n\": \"one\"}"),
                new StreamKit.Event("c", 2, "no json"),
                new StreamKit.Event("d", 3, "[1]"));
        assertThat(
                        streams.tables()
                                .rows(
                                        "SELECT event_id, N, \"NA ME\" FROM bronze.events ORDER BY"
                                                + " event_id"))
                .hasToString("[[a, 1, x], [b, null, null], [c, null, null], [d, null, null]]");
        assertThat(streams.tables().rows("SELECT COUNT(*) AS n FROM bronze.events WHERE n > 0"))
                .hasToString("[[1]]");
        assertThat(
                        streams.tables()
                                .rows(
                                        "SELECT JSON_VALUE(payload, '$.\"na me\"') AS a,"
                                                + " JSON_VALUE(payload, '$[0]') AS b FROM"
                                                + " bronze.events ORDER BY event_id"))
                .hasToString("[[x, null], [null, null], [null, null], [null, 1]]");
    }

    @Test
    void writesNoFileForNoRow() {
        cities();
        assertThat(
                        engine.write(
                                kit.bind("SELECT * FROM silver.cities WHERE people < 0"),
                                kit.inputs(),
                                new FileTarget(directory, "none", CITIES)))
                .isEmpty();
        assertThat(directory.resolve("none.parquet")).doesNotExist();
    }

    @Test
    void leavesNoFileWhenAValueFails() {
        cities();
        assertThatThrownBy(() ->
                        engine.write(
                                kit.bind(
                                        "SELECT name, CAST(name AS BIGINT) AS people FROM"
                                                + " silver.cities"),
                                kit.inputs(),
                                new FileTarget(directory, "half", CITIES)))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_VALUE));
        assertThat(directory.resolve("half.parquet")).doesNotExist();
    }

    @Test
    void writesManyRowsThatAreReadBackAsTheyWere() {
        cities();
        Schema schema =
                new Schema(
                        Types.NestedField.optional(1, "a", Types.LongType.get()),
                        Types.NestedField.optional(2, "b", Types.StringType.get()));
        SqlTable table = SqlTable.of(new TableName("silver", "many"), schema);
        String ten = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";
        List<?> files =
                kit.add(
                        table,
                        schema,
                        "SELECT a.x + 10 * b.x + 100 * c.x + 1000 * d.x + 10000 * e.x AS a, CAST(a.x"
                                + " AS VARCHAR) AS b FROM %1$s AS a(x), %1$s AS b(x), %1$s AS c(x), %1$s AS d(x), %1$s AS e(x)"
                                        .formatted(ten));
        assertThat(files).hasSize(1);
        assertThat(
                        kit.rows(
                                "SELECT COUNT(*) AS n, COUNT(DISTINCT a) AS d, SUM(a) AS s FROM silver.many"))
                .hasToString("[[100000, 100000, 4999950000]]");
        assertThat(kit.rows("SELECT a FROM silver.many ORDER BY a DESC").size()).isEqualTo(100_000);
    }

    @Test
    void endsAQueryThatTakesTooLong() {
        assertThatThrownBy(() -> drain(endless(), Duration.ofMillis(300)))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.TIMEOUT));
        assertThat(kit.value("1 + 1")).isEqualTo(2);
    }

    @Test
    void endsAQueryThatIsCancelledFromAnotherThread() {
        try (QueryResult result =
                engine.run(
                        kit.bind(endlessRows()),
                        kit.inputs(),
                        new QueryLimits(Duration.ofMinutes(5)))) {
            assertThat(result.next()).isTrue();
            Thread other = Thread.ofVirtual().start(result::cancel);
            assertThatThrownBy(
                            () -> {
                                while (result.next()) {
                                    assertThat(result.batch().getRowCount()).isNotNegative();
                                }
                            })
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.CANCELLED));
            assertThat(other).isNotNull();
        }
        assertThat(kit.value("1 + 1")).isEqualTo(2);
    }

    @Test
    void freesAQueryThatIsClosedHalfway() {
        for (int i = 0; i < 20; i++) {
            try (QueryResult result =
                    engine.run(
                            kit.bind(endlessRows()),
                            kit.inputs(),
                            new QueryLimits(Duration.ofMinutes(5)))) {
                assertThat(result.next()).isTrue();
            }
        }
        assertThat(kit.value("1 + 1")).isEqualTo(2);
    }

    @Test
    void aStatementWithMemoryOfItsOwnIsRightOrIsToldThatItNeedsMore() {
        String ten = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";
        String sql =
                "SELECT COUNT(*) AS n FROM (SELECT DISTINCT a.x, b.x, c.x, d.x, e.x FROM %1$s AS a(x), %1$s AS b(x), %1$s AS c(x), %1$s AS d(x), %1$s AS e(x)) AS r"
                        .formatted(ten);
        for (long memory : List.of(64L << 20, 128L << 20, 64L << 20)) {
            try (QueryResult result =
                    engine.run(
                            kit.bind(sql),
                            kit.inputs(),
                            new QueryLimits(Duration.ofMinutes(1), OptionalLong.of(memory)))) {
                assertThat(result.next()).isTrue();
                assertThat(result.batch().getVector(0).getObject(0)).isEqualTo(100_000L);
            } catch (LakeException e) {
                assertThat(e.code()).isEqualTo(ErrorCode.OUT_OF_RESOURCES);
            }
            assertThat(kit.value("1 + 1")).isEqualTo(2);
        }
    }

    @Test
    void refusesToGoOnOnceClosed() {
        WrittenFile file =
                engine.write(
                                kit.bind("SELECT 'a' AS name"),
                                kit.inputs(),
                                new FileTarget(directory, "one", CITIES))
                        .getFirst();
        assertThat(file.records()).isEqualTo(1);
        assertThat(file.bytes()).isEqualTo(file.path().toFile().length());
        engine.close();
        assertThatThrownBy(() -> kit.value("1"))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_READY));
    }

    private static String many() {
        String ten = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";
        return "%1$s AS a(x), %1$s AS b(x), %1$s AS c(x), %1$s AS d(x), %1$s AS e(x), %1$s AS f(x),"
                        .formatted(ten)
                + " %1$s AS g(x), %1$s AS h(x), %1$s AS i(x), %1$s AS j(x), %1$s AS k(x)"
                        .formatted(ten);
    }

    private static String endless() {
        return "SELECT SUM(a.x * b.x + c.x * d.x + e.x * f.x) AS s FROM " + many();
    }

    private static String endlessRows() {
        return "SELECT a.x AS s FROM " + many();
    }

    private void drain(String sql, Duration timeout) {
        try (QueryResult result =
                engine.run(kit.bind(sql), kit.inputs(), new QueryLimits(timeout))) {
            while (result.next()) {
                assertThat(result.batch().getRowCount()).isNotNegative();
            }
        }
    }
}
