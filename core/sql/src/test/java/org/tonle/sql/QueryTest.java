package org.tonle.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.apache.calcite.sql.dialect.AnsiSqlDialect;
import org.apache.calcite.sql.dialect.PostgresqlSqlDialect;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tonle.catalog.BronzeTable;
import org.tonle.definition.ColumnType.Simple;
import org.tonle.definition.JsonPath;
import org.tonle.spi.LakeException;

class QueryTest {
    private static final SqlTable STREAM =
            SqlTable.of(
                    new TableName("silver", "flights"),
                    new Schema(
                            Types.NestedField.required(1, "id", Types.StringType.get()),
                            Types.NestedField.required(2, SqlTable.KEY, Types.StringType.get()),
                            Types.NestedField.required(
                                    3, SqlTable.INGEST_TIME, Types.TimestampType.withZone()),
                            Types.NestedField.optional(4, "added", Types.LongType.get())));
    private static final SqlTable EVENTS =
            new SqlTable(
                    new TableName("bronze", "events"),
                    BronzeTable.SCHEMA,
                    List.of(
                            new ReadColumn("n", Simple.INT, JsonPath.field("n"), false),
                            new ReadColumn("m", Simple.INT, JsonPath.field("m"), false)),
                    Optional.empty());

    private static final TableResolver TABLES =
            new TableResolver() {
                @Override
                public Optional<SqlTable> table(TableName name) {
                    return List.of(STREAM, EVENTS).stream()
                            .filter(table -> table.name().matches(name))
                            .findFirst();
                }

                @Override
                public List<TableName> names() {
                    return List.of(STREAM.name(), EVENTS.name());
                }
            };

    private static List<String> columns(String sql) {
        return Sql.query(sql, TABLES).schema().columns().stream()
                .map(Types.NestedField::name)
                .toList();
    }

    @Test
    void aStarLeavesHiddenColumnsOutThatCanBeNamed() {
        assertThat(columns("SELECT * FROM silver.flights")).containsExactly("id", "added");
        assertThat(columns("SELECT f.*, _key FROM silver.flights AS f"))
                .containsExactly("id", "added", "_key");
        assertThat(
                        columns(
                                "SELECT a.id, b._INGEST_TIME FROM silver.flights a LEFT JOIN"
                                        + " silver.flights b ON a._key = b._key WHERE a._key > ''"
                                        + " ORDER BY b._key"))
                .containsExactly("id", "_INGEST_TIME");
        assertThat(
                        Sql.query(
                                        "SELECT b._key, b.id FROM silver.flights a LEFT JOIN"
                                                + " silver.flights b ON a._key = b._key",
                                        TABLES)
                                .schema()
                                .columns())
                .allMatch(Types.NestedField::isOptional);
    }

    @Test
    void aBronzeTableShowsWhatIsStoredAndWhatIsReadOutOfIt() {
        assertThat(columns("SELECT * FROM bronze.events"))
                .containsExactly(
                        "event_id",
                        "event_time",
                        "ingest_time",
                        "source",
                        "topic",
                        "partition",
                        "position",
                        "index",
                        "key",
                        "headers",
                        "content_type",
                        "payload",
                        "n",
                        "m");
        BoundQuery query = Sql.query("SELECT event_id FROM bronze.events WHERE N > 5", TABLES);
        assertThat(query.tables().getFirst().onRead())
                .extracting(ReadColumn::name)
                .containsExactly("n");
        assertThat(query.reads()).containsExactly(EVENTS.name());
    }

    @Test
    void eachReferenceToATableIsOneOfItsOwn() {
        BoundQuery query =
                Sql.query(
                        "WITH w AS (SELECT id FROM silver.flights) SELECT 1 AS x FROM w JOIN"
                                + " silver.flights ON TRUE WHERE EXISTS (SELECT 1 FROM"
                                + " bronze.events)",
                        TABLES);
        assertThat(query.tables()).hasSize(3);
        assertThat(query.reads()).containsExactlyInAnyOrder(STREAM.name(), EVENTS.name());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiterString = "=>",
            quoteCharacter = '`',
            value = {
                "DELETE FROM silver.flights => UNSUPPORTED_SQL line 1, column 1: DELETE",
                "INSERT INTO silver.flights SELECT id, 1 FROM silver.flights => UNSUPPORTED_SQL"
                        + " line 1, column 1: INSERT",
                "UPDATE silver.flights SET id = 'x' => UNSUPPORTED_SQL line 1, column 1: UPDATE",
                "EXPLAIN PLAN FOR SELECT 1 => UNSUPPORTED_SQL line 1, column 25: EXPLAIN",
                "DESCRIBE silver.flights => UNSUPPORTED_SQL line 1, column 1:",
                "SET x = 1 => UNSUPPORTED_SQL line 1, column 1: SET_OPTION",
                "TABLE silver.flights => UNSUPPORTED_SQL line 1, column 1:",
                "SELECT 1; SELECT 2 => INVALID_SQL line 1, column 9: ';' is not expected",
                "SELECT id FROM silver.flights WHERE => INVALID_SQL line 1, column 36: the statement"
                        + " ends too early",
                "SELECT id AS order FROM silver.flights => INVALID_SQL line 1, column 14: 'order' is"
                        + " not expected here; it is a reserved word",
                "SELECT id FROM silver.flights LIMIT -1 => INVALID_SQL line 1, column 37: '-' is not"
                        + " expected here",
                "SELECT 'it''s => INVALID_SQL line 1, column 8: the text that begins here isn't closed",
                "SELECT \"id FROM silver.flights => INVALID_SQL line 1, column 8: the name that begins"
                        + " here isn't closed",
                "SELECT `id FROM silver.flights => INVALID_SQL line 1, column 8: '`' is not expected"
                        + " here; a name that needs quotes",
                "SELECT lenght(id) AS n FROM silver.flights => UNSUPPORTED_SQL line 1, column 8: the"
                        + " function lenght is not in Tonle's SQL; is it LENGTH?",
                "SELECT ? AS x => INVALID_SQL line 1, column 8: parameter 1 has no value; 0 were given",
                "SELECT * FROM (SELECT 1 AS x) FOR SYSTEM_TIME AS OF 3 => INVALID_SQL",
                "SELECT * FROM silver.flights FOR SYSTEM_TIME AS OF 'x' => UNSUPPORTED_SQL line 1,"
                        + " column 52: AS OF takes a time",
                "SELECT * FROM silver.flights FOR SYSTEM_TIME AS OF TIMESTAMP '2001-02-30 00:00:00'"
                        + " => INVALID_SQL",
                "SELECT * FROM silver.flights TABLESAMPLE BERNOULLI(5) => UNSUPPORTED_SQL",
                "SELECT * FROM silver.flights /*+ x */ => UNSUPPORTED_SQL line 1, column 30: HINT",
                "SELECT * FROM silver.flights AS f(a, b) => UNSUPPORTED_SQL line 1, column 15:"
                        + " columns of a table can't be renamed",
                "SELECT * FROM TABLE(read_csv('x')) => UNSUPPORTED_SQL",
                "SELECT * FROM a.b.c => INVALID_SQL line 1, column 15: 'a.b.c' has too many parts",
                "SELECT * FROM flights => INVALID_SQL line 1, column 15: 'flights' names no table",
                "SELECT * FROM \"/etc/passwd\" => INVALID_SQL line 1, column 15: '/etc/passwd' names"
                        + " no table",
                "SELECT * FROM silver.flihgts => INVALID_SQL line 1, column 15: there is no table"
                        + " silver.flihgts; is it silver.flights?",
                "SELECT idd FROM silver.flights => INVALID_SQL line 1, column 8: Column 'idd' not"
                        + " found in any table; is it id?",
                "SELECT id FROM silver.flights GROUP BY added => INVALID_SQL line 1, column 8:",
                "SELECT UPER(id) FROM silver.flights => UNSUPPORTED_SQL line 1, column 8: the"
                        + " function UPER is not in Tonle's SQL; is it UPPER?",
                "SELECT UPPER(id, 2) FROM silver.flights => INVALID_SQL line 1, column 8:",
                "SELECT 'unfinished => INVALID_SQL line 1, column 8:",
                "SELECT => INVALID_SQL line 1, column 6: the statement ends too early",
                "SELECT INTERVAL '1' DAY AS x => UNSUPPORTED_SQL",
                "SELECT id FROM silver.flights MATCH_RECOGNIZE (PATTERN (a) DEFINE a AS TRUE) =>"
                        + " UNSUPPORTED_SQL",
            })
    void refusesWhatIsNoneOfItsLanguage(String sql, String problem) {
        assertThatThrownBy(() -> Sql.query(sql, TABLES))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code() + " " + e.getMessage()).startsWith(problem));
    }

    @Test
    void isPrintedForTheEngineAndTheFilesThatAreAskedForEachTime() {
        BoundQuery query =
                Sql.query(
                        "SELECT x.id FROM silver.flights AS x JOIN silver.flights AS y ON x.id ="
                                + " y.id WHERE x.id <> '()'",
                        TABLES);
        String first = query.print(AnsiSqlDialect.DEFAULT, table -> "(files)");
        assertThat(first).contains("FROM (files) AS", "JOIN (files) AS", "'()'");
        assertThat(query.print(AnsiSqlDialect.DEFAULT, table -> "(a, b)"))
                .isEqualTo(first.replace("(files)", "(a, b)"));
        assertThat(query.print(PostgresqlSqlDialect.DEFAULT, table -> "(files)"))
                .contains("\"id\"");
        assertThat(query.print(AnsiSqlDialect.DEFAULT, table -> "(files)")).isEqualTo(first);
    }
}
