package org.tonle.trino;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.trino.sql.parser.ParsingException;
import io.trino.sql.parser.SqlParser;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.tonle.contracts.BoundStatements;
import org.tonle.contracts.NestedFunctions;
import org.tonle.contracts.TpcQueries;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

class TrinoDialectTest {
    private static final SqlParser TRINO = new SqlParser();

    private static String print(String sql) {
        return BoundStatements.FLIGHTS
                .bind(sql)
                .print(
                        TrinoDialect.INSTANCE,
                        table -> "(SELECT * FROM lake." + table.table().name() + ")");
    }

    @ParameterizedTest
    @EnumSource
    void isReadByTrinosOwnParser(TpcQueries benchmark) {
        BoundStatements tables = BoundStatements.of(benchmark);
        for (String name : benchmark.names()) {
            String printed =
                    tables.bind(benchmark.text(name))
                            .print(
                                    TrinoDialect.INSTANCE,
                                    table -> "(SELECT * FROM lake." + table.table().name() + ")");
            var unused = TRINO.createStatement(printed);
        }
    }

    /** The files of statements that every engine answers: printed and read, or refused by name. */
    @Test
    void saysOrRefusesEveryConstruct() {
        List<String> refused = new ArrayList<>();
        int said = 0;
        for (String sql : BoundStatements.constructs()) {
            String printed;
            try {
                printed = print(sql);
            } catch (LakeException e) {
                assertThat(e.code()).as(sql).isEqualTo(ErrorCode.UNSUPPORTED_SQL);
                refused.add(e.getMessage());
                continue;
            }
            try {
                var unused = TRINO.createStatement(printed);
            } catch (ParsingException e) {
                throw new AssertionError(printed, e);
            }
            said++;
        }
        System.out.println("Trino: " + said + " constructs said, refused: " + refused);
        assertThat(said).isGreaterThan(35);
        assertThat(refused).allMatch(message -> message.endsWith("can't be said to Trino"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = "=>",
            quoteCharacter = '`',
            value = {
                "'it''s \\' => 'it''s \\'",
                "delay / 2 => ((\"flights\".\"delay\") / (2))",
                "fare / 2 => (CAST(\"flights\".\"fare\" AS DOUBLE) / CAST(2 AS DOUBLE))",
                "CAST(id AS TIMESTAMP WITH TIME ZONE) => CAST(\"flights\".\"id\" AS TIMESTAMP(6) WITH"
                        + " TIME ZONE)",
                "TIMESTAMP WITH TIME ZONE '2026-01-01 10:00:00+02:00' => TIMESTAMP '2026-01-01"
                        + " 08:00:00 UTC'",
                "JSON_VALUE(id, '$.a') => json_value(\"flights\".\"id\", 'lax $.a' RETURNING varchar)",
                "EXTRACT(DOW FROM departed) => (extract(DOW FROM (\"flights\".\"departed\")) % 7 + 1)",
                "LISTAGG(DISTINCT id, '-') WITHIN GROUP (ORDER BY id) => listagg(DISTINCT"
                        + " \"flights\".\"id\", '-') WITHIN GROUP (ORDER BY \"flights\".\"id\"",
                "SUBSTRING(id FROM 9999999999) => SUBSTR(\"flights\".\"id\", 9999999999)",
                "MAP['a', 1]['a'] => ELEMENT_AT((MAP(ARRAY['a'], ARRAY[1])), 'a')",
            })
    void writes(String expression, String expected) {
        assertThat(
                        print("SELECT " + expression + " AS x FROM silver.flights")
                                .replaceAll("\\s", ""))
                .contains(expected.replaceAll("\\s", ""));
    }

    @Test
    void refusesByNameWhatTrinoHasNot() {
        assertThatThrownBy(() ->
                        print(
                                "SELECT id FROM silver.flights QUALIFY RANK() OVER (ORDER BY id) ="
                                        + " 1"))
                .hasMessage("line 1, column 1: QUALIFY can't be said to Trino");
    }

    @Test
    void printsEachOperandOnce() {
        NestedFunctions.assertPrintedOnce(TrinoDialect.INSTANCE);
    }
}
