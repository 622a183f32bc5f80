package org.tonle.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.duckdb.DuckDbEngine;
import org.tonle.duckdb.DuckDbSettings;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.Inputs;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.TableResolver;

/** How values of every type look on their way out. */
class RowWriterTest {
    @TempDir Path directory;
    private RootAllocator allocator;
    private DuckDbEngine engine;

    @BeforeEach
    void openEngine() {
        allocator = new RootAllocator();
        engine =
                DuckDbEngine.open(
                        new DuckDbSettings(List.of(directory), directory, 512L << 20, 1, 1),
                        allocator);
    }

    @AfterEach
    void closeEngine() {
        engine.close();
        allocator.close();
    }

    private String write(String sql, RowFormat format) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        write(sql, format, out);
        return out.toString(StandardCharsets.UTF_8);
    }

    private void write(String sql, RowFormat format, OutputStream out) throws IOException {
        BoundQuery query =
                Sql.query(
                        sql,
                        new TableResolver() {
                            @Override
                            public Optional<SqlTable> table(TableName name) {
                                return Optional.empty();
                            }

                            @Override
                            public List<TableName> names() {
                                return List.of();
                            }
                        });
        QueryResult result =
                engine.run(query, new Inputs(Map.of()), new QueryLimits(Duration.ofMinutes(1)));
        try (RunningQuery rows =
                new RunningQuery(
                        7, result, QuerySettings.DEFAULT.everybody(), new Unwatched(), () -> {})) {
            rows.writeTo(out, format);
        }
    }

    private static final String ALL =
            """
            SELECT TRUE AS b, -7 AS i, 9223372036854775807 AS l, CAST(1.5 AS REAL) AS r,
              CAST(1e300 AS DOUBLE) AS d, 0.10 AS x, 'q"\\ü🚲
            	' AS s, DATE '1969-12-31' AS "day", TIMESTAMP '2001-01-05 10:11:12.500' AS t,
              TIMESTAMP WITH LOCAL TIME ZONE '1900-01-01 00:00:00' AS z, TIME '01:02:03' AS c,
              ARRAY[1, 2] AS a, MAP['k"', 1.5] AS m, CAST(NULL AS INTEGER) AS n, '' AS e,
              CAST(12345678901234567890123456789012345.678 AS DECIMAL(38, 3)) AS big\
            """;

    @Test
    void writesEachTypeAsJson() throws IOException {
        JsonNode rows = new ObjectMapper().readTree(write(ALL, RowFormat.JSON));
        assertThat(rows)
                .hasToString(
                        "[{\"b\":true,\"i\":-7,\"l\":9223372036854775807,\"r\":1.5,\"d\":1.0E300,"
                                + "\"x\":\"0.10\",\"s\":\"q\\\"\\\\ü🚲\\n\\t\",\"day\":\"1969-12-31\","
                                + "\"t\":\"2001-01-05T10:11:12.5\",\"z\":\"1900-01-01T00:00:00Z\","
                                + "\"c\":\"01:02:03\",\"a\":[1,2],\"m\":{\"k\\\"\":\"1.5\"},"
                                + "\"n\":null,\"e\":\"\","
                                + "\"big\":\"12345678901234567890123456789012345.678\"}]");
    }

    @Test
    void writesEachTypeAsCsv() throws IOException {
        assertThat(write(ALL, RowFormat.CSV))
                .isEqualTo(
                        "b,i,l,r,d,x,s,day,t,z,c,a,m,n,e,big\n"
                                + "true,-7,9223372036854775807,1.5,1.0E300,0.10,\"q\"\"\\ü🚲\n\t\","
                                + "1969-12-31,2001-01-05T10:11:12.5,1900-01-01T00:00:00Z,01:02:03,"
                                + "\"[1,2]\",\"{\"\"k\\\"\"\"\":\"\"1.5\"\"}\",,\"\","
                                + "12345678901234567890123456789012345.678\n");
    }

    @Test
    void writesWhatIsNoNumberAsText() throws IOException {
        assertThat(
                        write(
                                "SELECT CAST('NaN' AS DOUBLE) AS a, CAST('-Infinity' AS DOUBLE) AS"
                                        + " b",
                                RowFormat.NDJSON))
                .isEqualTo("{\"a\":\"NaN\",\"b\":\"-Infinity\"}\n");
    }

    @Test
    void tellsColumnsOfOneNameApart() throws IOException {
        assertThat(write("SELECT 1 AS a, 2 AS A, 3 AS a, 4", RowFormat.CSV))
                .isEqualTo("a,A_2,a_3,EXPR$2\n1,2,3,4\n");
    }

    @Test
    void writesMoreThanFitsInOnePiece() throws IOException {
        String ten = "(VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9))";
        String sql =
                "SELECT 'some text that is long enough' AS s, a.x + 10 * b.x + 100 * c.x + 1000 *"
                        + " d.x AS n FROM %1$s AS a(x), %1$s AS b(x), %1$s AS c(x), %1$s AS d(x)"
                                .formatted(ten);
        JsonNode rows = new ObjectMapper().readTree(write(sql, RowFormat.JSON));
        assertThat(rows).hasSize(10_000);
        long sum = 0;
        for (JsonNode row : rows) {
            sum += row.get("n").asLong();
        }
        assertThat(sum).isEqualTo(49_995_000L);
    }

    /** Of all rows together: from a single one no text as long is made. */
    private static String longText(String part, int times) {
        return "SELECT LISTAGG(REPEAT('" + part + "', " + times + "), '')";
    }

    /** Two to the power of {@code doublings} rows. */
    private static String rows(int doublings) {
        return IntStream.range(0, doublings)
                .mapToObj(i -> "(VALUES (0), (1)) AS t" + i + "(x)")
                .collect(Collectors.joining(", "));
    }

    /** Whoever asks decides how long a text is; what is held of it on the heap is not theirs. */
    @Test
    void writesALongTextPieceByPiece() throws IOException {
        AtomicInteger longest = new AtomicInteger();
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        write(
                longText("aé", 4096) + " AS x FROM " + rows(10),
                RowFormat.JSON,
                new FilterOutputStream(whole) {
                    @Override
                    public void write(byte[] bytes, int from, int length) {
                        longest.accumulateAndGet(length, Math::max);
                        whole.write(bytes, from, length);
                    }
                });
        assertThat(longest).hasValueLessThanOrEqualTo(64 << 10);
        assertThat(new ObjectMapper().readTree(whole.toByteArray()).get(0).get("x").asText())
                .isEqualTo("aé".repeat(4 << 20));
    }

    @Test
    void refusesATextThatIsTooLongForAFieldOfCsv() throws IOException {
        String text = longText("x", 5 << 10);
        assertThat(write(text + " AS x FROM " + rows(13), RowFormat.CSV)).hasSize((40 << 20) + 3);
        assertThatThrownBy(() -> write(text + " || 'x' AS x FROM " + rows(13), RowFormat.CSV))
                .isInstanceOfSatisfying(
                        LakeException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.OUT_OF_RESOURCES));
    }

    private record Unwatched() implements QueryObserver {
        @Override
        public void finished(long rows) {}

        @Override
        public void failed(Throwable error, long rows) {}

        @Override
        public void left(long rows) {}
    }
}
