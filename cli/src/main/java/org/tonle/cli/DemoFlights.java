package org.tonle.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;

/** The Parquet file of flights: as request bodies, and as what must come out at the other end. */
final class DemoFlights {
    /**
     * One request.
     *
     * @param key its Idempotency-Key, made of the content: the same body has the same key in every
     *     run
     * @param flights intact ones in it that weren't sent before
     */
    @SuppressWarnings("ArrayRecordComponent") // handed over once, never compared
    record Body(int number, byte[] ndjson, String key, int flights) {}

    /** Takes one body after the other; may wait. */
    interface Sink {
        void take(Body body) throws InterruptedException;
    }

    /**
     * What silver has to hold, computed from the file alone.
     *
     * @param implausible flights that the expectation plausible_delay drops
     * @param kept the others
     * @param delays sum over those kept
     * @param distances likewise
     */
    record Expected(long kept, long implausible, long delays, long distances) {}

    private static final List<String> MALFORMED =
            List.of(
                    "{\"id\":\"bad-%d\",\"date\":\"the day before\",\"delay\":3,\"distance\":9,\"origin\":\"SFO\",\"destination\":\"LAX\"}",
                    "{\"id\":\"bad-%d\",\"date\":\"2001-01-01 06:00\",\"delay\":\"late\",\"distance\":9,\"origin\":\"SFO\",\"destination\":\"LAX\"}",
                    "{\"id\":\"bad-%d\",\"date\":\"2001-01-01 06:00\",\"delay\":3,\"distance\":9,\"origin\":\"SFO\"}",
                    "{\"id\":\"bad-%d\",\"date\":\"2001-01-01 06:00\",\"delay\":3,\"distance\":null,\"origin\":\"SFO\",\"destination\":\"LAX\"}",
                    "[\"bad-%d\",\"2001-01-01 06:00\",3]",
                    "\"bad-%d\"");

    private final Path file;
    private final DemoPlan plan;

    DemoFlights(Path file, DemoPlan plan) {
        if (!Files.isRegularFile(file)) {
            throw new Failure(
                    Exit.FAILED, file + " is missing; run ./tonle from a complete checkout");
        }
        this.file = file;
        this.plan = plan;
    }

    private String table() {
        return "read_parquet('" + file.toString().replace("'", "''") + "', file_row_number = true)";
    }

    private static Connection connect() throws SQLException {
        Properties properties = new Properties();
        // rows come as they are read, not all at once
        properties.setProperty("jdbc_stream_results", "true");
        properties.setProperty("threads", "1");
        properties.setProperty("memory_limit", "256MB");
        return DriverManager.getConnection("jdbc:duckdb:", properties);
    }

    /** Hands over all bodies in order. */
    void forEachBody(Sink sink) throws InterruptedException {
        String sql =
                """
                SELECT '{"id":"f' || file_row_number
                  || '","date":"' || strftime("date", '%%Y-%%m-%%d %%H:%%M')
                  || '","delay":' || delay || ',"distance":' || distance
                  || ',"origin":"' || origin || '","destination":"' || destination || '"}'
                FROM %s LIMIT %d\
                """
                        .formatted(table(), plan.events());
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> before = List.of();
            for (int number = 0; number < plan.bodies(); number++) {
                List<String> flights = new ArrayList<>(plan.flightsIn(number));
                while (flights.size() < plan.flightsIn(number) && rows.next()) {
                    flights.add(rows.getString(1));
                }
                sink.take(body(number, flights, number == 0 ? flights : before));
                before = flights;
            }
        } catch (SQLException e) {
            throw new Failure(Exit.FAILED, "can't read " + file + ": " + e.getMessage());
        }
    }

    private Body body(int number, List<String> flights, List<String> before) {
        StringBuilder text = new StringBuilder(flights.size() * 112);
        flights.forEach(flight -> text.append(flight).append('\n'));
        before.subList(0, plan.repeatedIn(number)).forEach(f -> text.append(f).append('\n'));
        int first = plan.firstMalformedIn(number);
        for (int i = first; i < first + plan.malformedIn(number); i++) {
            text.append(MALFORMED.get(i % MALFORMED.size()).formatted(i)).append('\n');
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        return new Body(number, bytes, "flights-" + number + "-" + digest(bytes), flights.size());
    }

    private static String digest(byte[] bytes) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
            return HexFormat.of().formatHex(digest, 0, 12);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    Expected expected() {
        String sql =
                """
                SELECT count(*) FILTER (plausible), count(*) FILTER (NOT plausible),
                  coalesce(sum(delay) FILTER (plausible), 0)::BIGINT,
                  coalesce(sum(distance) FILTER (plausible), 0)::BIGINT
                FROM (SELECT *, delay BETWEEN -120 AND 2880 AS plausible FROM %s
                  WHERE file_row_number < %d)\
                """
                        .formatted(table(), plan.events());
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return new Expected(row.getLong(1), row.getLong(2), row.getLong(3), row.getLong(4));
        } catch (SQLException e) {
            throw new Failure(Exit.FAILED, "can't read " + file + ": " + e.getMessage());
        }
    }
}
