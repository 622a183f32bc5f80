package org.tonle.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;

/**
 * What an answer that is kept costs over HTTP: answers per CPU-second of the lake at full load, and
 * their times at 70 % of it. The load's own CPU isn't counted in the first; both run on the same
 * machine, so it does slow the second.
 */
final class CacheBench {
    private static final String SOURCE =
            """
            kind: http
            columns:
              origin: {type: string, required: true}
              destination: {type: string, required: true}
              delay: {type: int, required: true}
            """;
    private static final String PIPELINE =
            """
            CREATE STREAMING TABLE silver.flights AS
            SELECT event_id AS id, origin, destination, delay FROM STREAM bronze.flights;
            CREATE MATERIALIZED VIEW gold.route AS
            SELECT origin, destination, COUNT(*) AS flights, AVG(delay) AS delay
            FROM silver.flights GROUP BY origin, destination;
            """;
    private static final String SQL =
            "SELECT origin, SUM(flights) AS flights FROM gold.route GROUP BY origin"
                    + " ORDER BY flights DESC, origin LIMIT 10";
    private static final double SHARE = 0.7;

    private final Path root;
    private final int connections;
    private final int seconds;
    private final int rounds;

    CacheBench(Path root, Main.Options options) {
        this.root = root;
        this.connections = options.number("connections", 16);
        this.seconds = options.number("seconds", 10);
        this.rounds = options.number("rounds", 3);
    }

    ObjectNode run() throws IOException, InterruptedException, SQLException {
        Path work = Files.createTempDirectory("tonle-bench");
        try {
            return measure(work);
        } finally {
            LakeUnderTest.delete(work);
        }
    }

    private ObjectNode measure(Path work) throws IOException, InterruptedException, SQLException {
        Path folder = Files.createDirectories(work.resolve("cache"));
        Files.createDirectories(folder.resolve("sources"));
        Files.createDirectories(folder.resolve("pipelines"));
        Files.writeString(folder.resolve("lake.yaml"), "name: cache\n");
        Files.writeString(folder.resolve("sources/flights.yaml"), SOURCE);
        Files.writeString(folder.resolve("pipelines/flights.sql"), PIPELINE);
        try (LakeUnderTest lake = LakeUnderTest.start(root, folder)) {
            lake.post("flights", Flights.bodies(root, "c", 20_000, 5000), 1);
            lake.awaitSettled();
            ObjectMapper json = new ObjectMapper();
            byte[] body = json.writeValueAsBytes(json.createObjectNode().put("sql", SQL));
            try (HttpLoad load = lake.load(body, connections)) {
                return load(lake, load);
            }
        }
    }

    private ObjectNode load(LakeUnderTest lake, HttpLoad load)
            throws IOException, InterruptedException {
        double fastest = 0;
        List<Double> perCore = new java.util.ArrayList<>();
        double compiling = 1;
        for (int round = 0; round < rounds || (compiling > 0.05 && round < 10); round++) {
            Processes.Cpu before = lake.cpu();
            HttpLoad.Result all = load.asFastAsItGoes(seconds);
            Processes.Cpu used = lake.cpu().since(before);
            compiling = used.compiling() / used.all();
            perCore.add(all.answers() / used.all());
            fastest = all.answers() / all.seconds();
            System.err.printf(
                    "%.0f answers per second, %.0f per CPU-second of the lake, %.0f %% of it compiling%n",
                    fastest, perCore.getLast(), compiling * 100);
        }
        List<Double> last = perCore.subList(perCore.size() - Math.min(3, rounds), perCore.size());
        ObjectNode figures = new ObjectMapper().createObjectNode();
        figures.put("cached_per_second_per_core", Math.round(IngestBench.median(last)));
        figures.put("answers_per_second", Math.round(fastest));
        figures.put("connections", connections);
        HttpLoad.Result calm = load.at(fastest * SHARE, seconds);
        figures.put(
                "answers_per_second_at_70_percent", Math.round(calm.answers() / calm.seconds()));
        figures.put("p50_ms", IngestBench.round(calm.p50()));
        figures.put("p95_ms", IngestBench.round(calm.p95()));
        figures.put("p99_ms", IngestBench.round(calm.p99()));
        return figures;
    }
}
