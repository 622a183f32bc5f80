package org.tonle.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.antlr.v4.runtime.BailErrorStrategy;
import org.antlr.v4.runtime.BaseErrorListener;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.CommonTokenStream;
import org.antlr.v4.runtime.RecognitionException;
import org.antlr.v4.runtime.Recognizer;
import org.antlr.v4.runtime.misc.ParseCancellationException;
import org.apache.spark.sql.catalyst.parser.SqlBaseLexer;
import org.apache.spark.sql.catalyst.parser.SqlBaseParser;
import org.apache.spark.sql.catalyst.parser.UpperCaseCharStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.tonle.contracts.BoundStatements;
import org.tonle.contracts.NestedFunctions;
import org.tonle.contracts.TpcQueries;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.Access;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.Sql;

class SparkDialectTest {
    private static String print(BoundQuery query) {
        return query.print(
                SparkDialect.INSTANCE,
                table -> "(SELECT * FROM lake." + table.table().name() + ")");
    }

    private static String print(String sql) {
        return print(BoundStatements.FLIGHTS.bind(sql));
    }

    /** Spark's own grammar; reading it is all that this does. */
    private static void read(String printed) {
        SqlBaseLexer lexer =
                new SqlBaseLexer(new UpperCaseCharStream(CharStreams.fromString(printed)));
        lexer.removeErrorListeners();
        lexer.addErrorListener(
                new BaseErrorListener() {
                    @Override
                    public void syntaxError(
                            Recognizer<?, ?> recognizer,
                            Object symbol,
                            int line,
                            int column,
                            String message,
                            RecognitionException e) {
                        throw new ParseCancellationException(message, e);
                    }
                });
        SqlBaseParser parser = new SqlBaseParser(new CommonTokenStream(lexer));
        parser.removeErrorListeners();
        parser.setErrorHandler(new BailErrorStrategy());
        try {
            var unused = parser.singleStatement();
        } catch (ParseCancellationException e) {
            String at = parser.getCurrentToken() + " of " + printed;
            throw new AssertionError(at, e);
        }
    }

    @ParameterizedTest
    @EnumSource
    void isReadBySparksOwnGrammar(TpcQueries benchmark) {
        BoundStatements tables = BoundStatements.of(benchmark);
        int said = 0;
        for (String name : benchmark.names()) {
            String printed;
            try {
                printed = print(tables.bind(benchmark.text(name)));
            } catch (LakeException e) {
                System.out.println(benchmark + " " + name + ": " + e.getMessage());
                continue;
            }
            read(printed);
            said++;
        }
        assertThat(said).isEqualTo(benchmark.names().size());
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
            read(printed);
            said++;
        }
        System.out.println("Spark: " + said + " constructs said, refused: " + refused);
        assertThat(said).isGreaterThanOrEqualTo(35);
        assertThat(refused).allMatch(message -> message.endsWith("can't be said to Spark"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = "=>",
            quoteCharacter = '`',
            value = {
                "'it''s \\' => 'it\\'s \\\\'",
                "'${env:HOME}' => '\\u0024{env:HOME}'",
                "delay / 2 => ((^flights^.^delay^) DIV (2))",
                "fare / 2 => (CAST(^flights^.^fare^ AS DOUBLE) / CAST(2 AS DOUBLE))",
                "CAST(fare AS INTEGER) => CAST(CAST(^flights^.^fare^ AS DECIMAL(38,0)) AS INT)",
                "CAST(id AS TIMESTAMP WITH TIME ZONE) => CAST(^flights^.^id^ AS TIMESTAMP_LTZ)",
                "TIMESTAMP '2026-01-01 10:00:00' => TIMESTAMP_NTZ '2026-01-01 10:00:00'",
                "TIMESTAMP WITH TIME ZONE '2026-01-01 10:00:00+02:00' => TIMESTAMP_LTZ '2026-01-01"
                        + " 08:00:00 UTC'",
                "id LIKE 'a%' => ((^flights^.^id^) LIKE ('a%'))",
                "id LIKE 'a\\_' => ((^flights^.^id^) LIKE ('a\\\\_') ESCAPE '\\u0001')",
                "id NOT LIKE origin => NOT LIKE (^flights^.^origin^) ESCAPE '\\u0001')",
                "id LIKE 'a!%' ESCAPE '!' => LIKE ('a!%') ESCAPE '!')",
                "MAP['a', 1]['a'] => TRY_ELEMENT_AT((MAP('a', 1)), 'a')",
                "RANK() OVER (ORDER BY delay DESC) => (ORDER BY ^flights^.^delay^ DESC NULLS LAST)",
                "EXTRACT(SECOND FROM departed) => CAST(floor(extract(SECOND FROM"
                        + " (^flights^.^departed^))) AS BIGINT)",
            })
    void writes(String expression, String expected) {
        String printed = print("SELECT " + expression + " AS x FROM silver.flights");
        read(printed);
        assertThat(printed.replaceAll("\\s", ""))
                .contains(expected.replace('^', '`').replaceAll("\\s", ""));
    }

    @Test
    void nullsStandLastAsTheyDoInTonle() {
        assertThat(
                        print(
                                "SELECT id FROM silver.flights ORDER BY delay, origin DESC, id NULLS"
                                        + " FIRST LIMIT 1"))
                .contains("`delay` NULLS LAST")
                .contains("`origin` DESC NULLS LAST")
                .contains("`id` NULLS FIRST");
        assertThat(
                        print(
                                "SELECT id, RANK() OVER w AS r FROM silver.flights WINDOW w AS"
                                        + " (ORDER BY delay)"))
                .contains("ORDER BY `flights`.`delay` NULLS LAST");
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = "=>",
            quoteCharacter = '`',
            value = {
                "SELECT id FROM silver.flights QUALIFY RANK() OVER (ORDER BY id) = 1 => QUALIFY",
                "SELECT JSON_VALUE(id, '$.a') AS x FROM silver.flights => JSON_VALUE",
                "SELECT id FROM silver.flights WHERE delay > ALL (SELECT 1) => a comparison with ALL",
                "SELECT t.x FROM UNNEST(ARRAY[1]) AS t(x) => UNNEST",
                "SELECT SUBSTRING(id FROM delay) AS x FROM silver.flights => SUBSTRING from a place"
                        + " that isn't a number from 1",
                "SELECT 1 AS \"${x}\" => the name ${x}",
            })
    void refusesByNameWhatSparkHasNot(String sql, String what) {
        assertThatThrownBy(() -> print(sql))
                .hasMessageMatching(
                        "line 1, column \\d+: " + Pattern.quote(what) + " can't be said to Spark");
    }

    @Test
    void aRowFilterIsFoundWholeInWhatIsPrintedForSpark() {
        String condition = "origin <> 'it''s \\ ${x}'";
        Access access =
                new Access(
                        Optional.empty(),
                        List.of(new SqlText(new Place("policies/p.yaml", 1, 1), condition)),
                        Map.of(),
                        Map.of());
        String printed =
                print(
                        Sql.query(
                                "SELECT id FROM silver.flights",
                                BoundStatements.FLIGHTS,
                                table -> Optional.of(access)));
        read(printed);
        assertThat(printed).contains("'it\\'s \\\\ \\u0024{x}'");
    }

    @Test
    void printsEachOperandOnce() {
        NestedFunctions.assertPrintedOnce(SparkDialect.INSTANCE);
    }
}
