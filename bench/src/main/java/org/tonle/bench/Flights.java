package org.tonle.bench;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Real flights as JSON events, some 114 bytes each. */
final class Flights {
    private static final String LINES =
            """
            SELECT '{"id":"PREFIX' || i || '","date":"' || strftime(date, '%Y-%m-%d %H:%M')
              || '","delay":' || delay || ',"distance":' || distance || ',"origin":"' || origin
              || '","destination":"' || destination || '"}' AS line
            FROM (SELECT *, file_row_number AS i FROM read_parquet('FILE', file_row_number=true)
                  LIMIT EVENTS)
            """;

    private Flights() {}

    private static String lines(Path root, String prefix, int events) {
        return LINES.replace("PREFIX", prefix)
                .replace("FILE", root + "/examples/flights/data/flights-3m.parquet")
                .replace("EVENTS", String.valueOf(events));
    }

    /**
     * Request bodies.
     *
     * @param prefix of the ids, so that runs don't repeat each other's events
     */
    static List<byte[]> bodies(Path root, String prefix, int events, int perBody)
            throws SQLException {
        List<byte[]> bodies = new ArrayList<>();
        StringBuilder body = new StringBuilder();
        int[] held = {0};
        forEach(
                root,
                prefix,
                events,
                line -> {
                    body.append(line).append('\n');
                    if (++held[0] == perBody) {
                        bodies.add(body.toString().getBytes(StandardCharsets.UTF_8));
                        body.setLength(0);
                        held[0] = 0;
                    }
                });
        if (held[0] > 0) {
            bodies.add(body.toString().getBytes(StandardCharsets.UTF_8));
        }
        return bodies;
    }

    /** The events one by one, always in the same order. */
    static void forEach(Path root, String prefix, int events, Consumer<String> each)
            throws SQLException {
        try (Connection duck = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = duck.createStatement();
                ResultSet rows = statement.executeQuery(lines(root, prefix, events))) {
            while (rows.next()) {
                each.accept(rows.getString(1));
            }
        }
    }

    /** The same events, a line each. */
    static void write(Path root, String prefix, int events, Path to) throws SQLException {
        try (Connection duck = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = duck.createStatement()) {
            statement.execute(
                    "COPY (%s) TO '%s' (FORMAT csv, HEADER false, QUOTE '', DELIMITER E'\\x01')"
                            .formatted(lines(root, prefix, events), to));
        }
    }
}
