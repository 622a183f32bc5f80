package org.tonle.duckdb;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.catalog.BronzeTable;
import org.tonle.contracts.SqlKit;
import org.tonle.definition.ColumnType.Simple;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.sql.BoundStream;
import org.tonle.sql.DataFile;
import org.tonle.sql.Dataset;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.ReadColumn;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlTable;
import org.tonle.sql.StreamResult;
import org.tonle.sql.StreamTarget;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/**
 * Real flights as events, through the statements of the example lake, beside the same answers
 * computed from the original file by plain DuckDB. The size can be set: {@code
 * -Dtonle.flights=3000000}.
 */
class FlightsTest {
    private static final int EVENTS = Integer.getInteger("tonle.flights", 300_000);
    private static final Path FLIGHTS =
            Path.of(System.getProperty("tonle.root"), "examples/flights/data/flights-3m.parquet");

    private static final SqlTable SOURCE =
            new SqlTable(
                    new TableName("bronze", "flights"),
                    BronzeTable.SCHEMA,
                    List.of(
                            new ReadColumn(
                                    "departed", Simple.TIMESTAMP, JsonPath.field("date"), true),
                            new ReadColumn("origin", Simple.STRING, JsonPath.field("origin"), true),
                            new ReadColumn(
                                    "destination",
                                    Simple.STRING,
                                    JsonPath.field("destination"),
                                    true),
                            new ReadColumn(
                                    "distance", Simple.INT, JsonPath.field("distance"), true),
                            new ReadColumn("delay", Simple.INT, JsonPath.field("delay"), true)),
                    Optional.empty());

    private static final String SILVER =
            """
            CREATE STREAMING TABLE silver.flights (
              CONSTRAINT plausible_delay EXPECT (delay BETWEEN -120 AND 2880) ON VIOLATION DROP ROW,
              CONSTRAINT at_most_an_hour_early EXPECT (delay >= -60)
            ) AS SELECT event_id AS id, departed, origin, destination, distance, delay
            FROM STREAM bronze.flights\
            """;

    private static final String ROUTE =
            "SELECT origin, destination, COUNT(*) AS flights, AVG(CAST(delay AS DOUBLE)) AS"
                    + " mean_delay, MAX(delay) AS worst_delay, MAX(distance) AS distance FROM"
                    + " silver.flights GROUP BY origin, destination";

    @TempDir Path directory;
    private RootAllocator allocator;
    private DuckDbEngine engine;
    private SqlKit kit;

    @BeforeEach
    void openEngine() {
        allocator = new RootAllocator();
        engine =
                DuckDbEngine.open(
                        new DuckDbSettings(List.of(directory), directory, 1L << 30, 2, 2),
                        allocator);
        kit = new SqlKit(engine, directory);
    }

    @AfterEach
    void closeEngine() {
        engine.close();
        allocator.close();
    }

    /** Bronze as ingest would have it: every 100th event twice, 3 of the wrong shape. */
    private long makeEvents(Connection plain) throws SQLException {
        Path file = directory.resolve("bronze.parquet");
        try (Statement statement = plain.createStatement()) {
            statement.execute("SET threads=2");
            statement.execute(
                    "CREATE TEMP TABLE f AS SELECT row_number() OVER () AS n, * FROM (SELECT * FROM '"
                            + FLIGHTS
                            + "' LIMIT "
                            + EVENTS
                            + ")");
            statement.execute(
                    "CREATE TEMP TABLE e AS SELECT 'f' || n AS event_id, '{\"id\":\"f' || n ||"
                            + " '\",\"date\":\"' || strftime(date, '%Y-%m-%d %H:%M') || '\",\"delay\":'"
                            + " || delay || ',\"distance\":' || distance || ',\"origin\":\"' || origin"
                            + " || '\",\"destination\":\"' || destination || '\"}' AS payload FROM f"
                            + " UNION ALL SELECT 'f' || n, '{\"again\":true}' FROM f WHERE n % 100 = 0"
                            + " UNION ALL SELECT 'wrong' || n, '{\"origin\":' || n || '}' FROM f WHERE n"
                            + " <= 3");
            statement.execute(
                    "COPY (SELECT event_id, NULL::TIMESTAMPTZ AS event_time,"
                            + " make_timestamptz(1767225600000000 + rowid) AS ingest_time, 'flights' AS"
                            + " source, 't' AS topic, 0::INTEGER AS partition, (rowid // 500)::BIGINT"
                            + " AS position, (rowid % 500)::INTEGER AS index, NULL::VARCHAR AS key,"
                            + " NULL::MAP(VARCHAR, VARCHAR) AS headers, 'application/x-ndjson' AS"
                            + " content_type, payload FROM e) TO '"
                            + file
                            + "' (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {event_id:1,"
                            + " event_time:2, ingest_time:3, source:4, topic:5, partition:6, position:7,"
                            + " index:8, key:9, headers:{__duckdb_field_id:10, key:13, value:14},"
                            + " content_type:11, payload:12})");
            try (ResultSet count = statement.executeQuery("SELECT count(*) FROM e")) {
                count.next();
                long rows = count.getLong(1);
                kit.give(SOURCE, List.of(new DataFile(file, rows, true)));
                return rows;
            }
        }
    }

    @Test
    void giveTheSameAnswersAsTheFileTheyAreFrom() throws SQLException, IOException {
        try (Connection plain = DriverManager.getConnection("jdbc:duckdb:")) {
            long events = makeEvents(plain);
            BoundStream stream =
                    Sql.stream(
                            (Dataset.StreamingTable)
                                    Sql.dataset(
                                            new SqlText(new Place("flights.sql", 1, 1), SILVER)),
                            kit);
            StreamResult result =
                    engine.writeStream(
                            stream,
                            kit.inputs(),
                            new Keys(),
                            new StreamTarget(
                                    new TableName("silver", "flights"),
                                    "commit",
                                    directory,
                                    quarantine(),
                                    "silver",
                                    stream.schema()));

            long absurd =
                    count(plain, "SELECT count(*) FROM f WHERE delay NOT BETWEEN -120 AND 2880");
            assertThat(result.input()).isEqualTo(events);
            assertThat(result.duplicates()).isEqualTo(EVENTS / 100);
            assertThat(result.malformed()).isEqualTo(3);
            assertThat(result.dropped()).isEqualTo(absurd);
            assertThat(result.written()).isEqualTo(EVENTS - absurd);
            assertThat(result.expectations().get(1).failed())
                    .isEqualTo(count(plain, "SELECT count(*) FROM f WHERE delay < -60"));

            SqlTable silver = SqlTable.of(new TableName("silver", "flights"), stream.schema());
            kit.give(silver, files(result.rows()));
            assertThat(result.rows()).hasSize(1);
            Path silverFile = result.rows().getFirst().path();
            assertThat(
                            count(
                                    plain,
                                    "SELECT count(*) FROM (SELECT 'f' || n, date, origin,"
                                            + " destination, distance, delay FROM f WHERE delay"
                                            + " BETWEEN -120 AND 2880 EXCEPT ALL SELECT id,"
                                            + " departed, origin, destination, distance, delay FROM"
                                            + " '"
                                            + silverFile
                                            + "')"))
                    .isZero();

            var query = kit.bind(ROUTE);
            List<WrittenFile> gold =
                    engine.write(
                            query,
                            new Inputs(Map.of(silver.name(), files(result.rows()))),
                            new FileTarget(directory, "gold", query.schema()));
            assertThat(
                            count(
                                    plain,
                                    "SELECT count(*) FROM (SELECT origin, destination, count(*),"
                                            + " round(avg(delay), 6), max(delay), max(distance) FROM f"
                                            + " WHERE delay BETWEEN -120 AND 2880 GROUP BY ALL EXCEPT"
                                            + " ALL SELECT origin, destination, flights,"
                                            + " round(mean_delay, 6), worst_delay, distance FROM '"
                                            + gold.getFirst().path()
                                            + "')"))
                    .isZero();
        }
    }

    private Path quarantine() throws IOException {
        return Files.createDirectory(directory.resolve("quarantine"));
    }

    private static List<DataFile> files(List<WrittenFile> written) {
        List<DataFile> files = new ArrayList<>();
        written.forEach(file -> files.add(new DataFile(file.path(), file.records(), false)));
        return files;
    }

    private static long count(Connection plain, String sql) throws SQLException {
        try (Statement statement = plain.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    private static final class Keys implements KeyFilter {
        private final Set<String> seen = new HashSet<>();

        @Override
        public BitSet duplicates(org.tonle.sql.KeyBatch batch) {
            BitSet duplicates = new BitSet();
            for (int i = 0; i < batch.size(); i++) {
                duplicates.set(i, !seen.add(new String(batch.key(i), StandardCharsets.UTF_8)));
            }
            return duplicates;
        }
    }
}
