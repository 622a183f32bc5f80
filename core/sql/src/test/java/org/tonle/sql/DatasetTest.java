package org.tonle.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.spi.LakeException;
import org.tonle.sql.Expectation.Violation;

class DatasetTest {
    private static Dataset parse(String text) {
        return Sql.dataset(new SqlText(new Place("pipelines/a.sql", 10, 3), text));
    }

    @Test
    void readsAStreamingTableWithItsExpectations() {
        Dataset.StreamingTable table =
                (Dataset.StreamingTable)
                        parse(
                                """
                                create STREAMING table Silver."the flights" ( -- (a comment
                                  CONSTRAINT a EXPECT (delay BETWEEN (1) AND 2) ON VIOLATION DROP ROW,
                                  CONSTRAINT "b c" EXPECT (x <> ')') ON VIOLATION FAIL UPDATE,
                                  CONSTRAINT c EXPECT ("y" > 0)
                                ) AS SELECT * FROM /* FROM */ STREAM bronze.flights AS f WHERE "stream" > 1\
                                """);
        assertThat(table.name()).hasToString("Silver.the flights");
        assertThat(table.expectations())
                .containsExactly(
                        new Expectation("a", "delay BETWEEN (1) AND 2", Violation.DROP_ROW),
                        new Expectation("b c", "x <> ')'", Violation.FAIL_UPDATE),
                        new Expectation("c", "\"y\" > 0", Violation.COUNT));
        assertThat(table.reads()).containsExactly(new TableName("bronze", "flights"));
    }

    @Test
    void readsAMaterializedView() {
        Dataset view =
                parse(
                        "CREATE MATERIALIZED VIEW gold.x AS WITH w AS (SELECT a FROM silver.b)"
                                + " SELECT w.a FROM w JOIN silver.c ON w.a = c.a");
        assertThat(view).isInstanceOf(Dataset.MaterializedView.class);
        assertThat(view.reads()).hasToString("[silver.b, silver.c]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "DROP TABLE x | 10:3: CREATE STREAMING TABLE, CREATE MATERIALIZED VIEW or AUTO CDC INTO is"
                        + " expected here, not 'DROP'",
                "CREATE TABLE x | 10:10: STREAMING TABLE or MATERIALIZED VIEW is expected here, not"
                        + " 'TABLE'",
                "CREATE STREAMING TABLE x AS SELECT 1 | 10:28: a point: a dataset's name is"
                        + " namespace.name is expected here, not 'AS'",
                "CREATE STREAMING TABLE s.x (CONSTRAINT a EXPECT (b > 0) ON VIOLATION DROP) AS"
                        + " SELECT 1 | 10:76: ROW is expected here, not ')'",
                "CREATE STREAMING TABLE s.x (CONSTRAINT a EXPECT (b > 0 AS SELECT 1 | 10:69: ) to"
                        + " end the condition of a is expected here, not the statement's end",
                "CREATE STREAMING TABLE s.x AS SELECT a FROM bronze.b | 10:33: a streaming table"
                        + " reads a stream: write FROM STREAM namespace.table",
                "CREATE MATERIALIZED VIEW s.x AS SELECT a FROM STREAM bronze.b | 10:49: a"
                        + " materialized view reads whole tables; leave STREAM out",
                "CREATE MATERIALIZED VIEW s.x AS SELEC a | 10:35: a SELECT is expected here",
                "CREATE MATERIALIZED VIEW s.x AS SELECT date FROM s.b | 10:42: 'date' is not"
                        + " expected here; it is a reserved word: as a name, write \"date\" in"
                        + " double quotes",
                "CREATE MATERIALIZED VIEW s.x AS SELECT a FROM b | 10:49: 'b' names no table; write"
                        + " it with its namespace, such as silver.b",
                "AUTO CDC INTO s.x FROM STREAM bronze.y | 10:41: KEYS (column, …), which tell the rows"
                        + " of s.x apart, is expected here, not the statement's end",
                "AUTO CDC INTO s.x FROM bronze.y KEYS (a) | 10:26: STREAM: the changes of a table are"
                        + " read as a stream is expected here, not 'bronze'",
                "AUTO CDC INTO s.x FROM STREAM b.y KEYS (a) STORED AS SCD TYPE 3 | 10:65: 1, the"
                        + " latest version of each row, or 2, all of them, is expected here, not '3'",
                "AUTO CDC INTO s.x FROM STREAM b.y KEYS (a) SEQUENCE BY STORED AS SCD TYPE 1 | 10:58:"
                        + " an expression is expected here, not 'STORED'",
                "AUTO CDC INTO s.x FROM STREAM b.y KEYS (a) KEYS (b) | 10:46: KEYS stands here twice",
            })
    void saysWhereAStatementStopsBeingOne(String text, String message) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(LakeException.class)
                .hasMessage("pipelines/a.sql:" + message);
    }

    @Test
    void countsLinesOfAStatementFromItsPlaceInTheFile() {
        assertThatThrownBy(() ->
                        parse("CREATE STREAMING TABLE s.x\n  AS SELECT a b c\nFROM STREAM d.e"))
                .hasMessageStartingWith("pipelines/a.sql:11:17: ");
    }
}
