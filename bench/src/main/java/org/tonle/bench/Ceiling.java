package org.tonle.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The same rows written by DuckDB alone, from a file of events to Parquet (zstd 1): what the work
 * costs without a network, a log, a ledger or a promise.
 */
final class Ceiling {
    private static final String BRONZE =
            """
            COPY (SELECT payload->>'id' AS event_id, NULL::TIMESTAMPTZ AS event_time,
              now() AS ingest_time, 'flights' AS source, 'tonle.flights' AS topic,
              0 AS "partition", file_row_number // 5000 AS "position",
              (file_row_number % 5000)::INT AS "index", payload->>'id' AS "key",
              MAP {'content-type': 'application/x-ndjson'} AS headers,
              'application/x-ndjson' AS content_type, payload
            FROM (SELECT column0 AS payload, row_number() OVER () - 1 AS file_row_number FROM ROWS))
            TO 'FILE' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)
            """;
    private static final String SILVER =
            """
            COPY (SELECT id, departed, origin, destination, distance, delay, id AS _key,
                         now() AS _ingest_time
              FROM (SELECT v[1] AS id, TRY_CAST(v[2] || ':00' AS TIMESTAMP) AS departed,
                      v[3] AS origin, v[4] AS destination, TRY_CAST(v[5] AS INT) AS distance,
                      TRY_CAST(v[6] AS INT) AS delay
                FROM (SELECT json_extract_string(column0, ['$.id', '$.date', '$.origin',
                        '$.destination', '$.distance', '$.delay']) AS v FROM ROWS)))
            TO 'FILE' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)
            """;
    private static final String LINES =
            "read_csv('EVENTS', header=false, delim=E'\\x01', quote='', escape='',"
                    + " columns={'column0': 'VARCHAR'})";

    /**
     * What else runs on the machine only adds to a few seconds of work: the least of some counts.
     */
    private static final int TIMES = 3;

    /** Events per CPU-second of this process while DuckDB writes bronze, and bronze and silver. */
    record Speed(double bronze, double silver) {}

    private Ceiling() {}

    static Speed measure(Path lines, int events, Path out) throws SQLException {
        try (Connection duck = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = duck.createStatement()) {
            double bronze = cpu(statement, fill(BRONZE, lines, out.resolve("bronze.parquet")));
            double silver = cpu(statement, fill(SILVER, lines, out.resolve("silver.parquet")));
            return new Speed(events / bronze, events / (bronze + silver));
        }
    }

    private static String fill(String sql, Path lines, Path file) {
        return sql.replace("ROWS", LINES.replace("EVENTS", lines.toString()))
                .replace("FILE", file.toString());
    }

    private static double cpu(Statement statement, String sql) throws SQLException {
        OperatingSystemMXBean system =
                (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long least = Long.MAX_VALUE;
        for (int i = 0; i < TIMES; i++) {
            long before = system.getProcessCpuTime();
            statement.execute(sql);
            least = Math.min(least, system.getProcessCpuTime() - before);
        }
        return least / 1e9;
    }
}
