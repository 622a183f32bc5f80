package org.tonle.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Events per CPU-second from HTTP to committed bronze, and to committed silver, for bodies of 1,
 * 50, 500 and 5,000 events, interleaved with the {@link Ceiling}. The load's own CPU isn't counted.
 */
final class IngestBench {
    private static final String SOURCE =
            """
            kind: http
            id: id
            columns:
              departed: {type: timestamp, path: $.date, required: true}
              origin: {type: string, required: true}
              destination: {type: string, required: true}
              distance: {type: int, required: true}
              delay: {type: int, required: true}
            """;
    private static final String SILVER =
            """
            CREATE STREAMING TABLE silver.flights AS
            SELECT event_id AS id, departed, origin, destination, distance, delay
            FROM STREAM bronze.flights;
            """;

    private final Path root;
    private final int events;
    private final int rounds;

    IngestBench(Path root, Main.Options options) {
        this.root = root;
        this.events = options.number("events", 1_000_000);
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
        Path lines = work.resolve("events.ndjson");
        Flights.write(root, "c", events, lines);
        ObjectNode figures = new ObjectMapper().createObjectNode();
        ArrayNode bodies = figures.putArray("bodies");
        List<Double> ceilingBronze = new ArrayList<>();
        List<Double> ceilingSilver = new ArrayList<>();
        Path bronzeFolder = folder(work, "bronze", false);
        Path silverFolder = folder(work, "silver", true);
        try (LakeUnderTest bronze = LakeUnderTest.start(root, bronzeFolder);
                LakeUnderTest silver = LakeUnderTest.start(root, silverFolder)) {
            say("warming up");
            for (LakeUnderTest lake : List.of(bronze, silver)) {
                speed(lake, "w", events, 5000);
            }
            Ceiling.measure(lines, events, work);
            for (int perBody : List.of(5000, 500, 50, 1)) {
                // small bodies cost more each; as many as take about as long
                int count = perBody >= 500 ? events : Math.max(2_000, events * perBody / 500);
                List<Double> toBronze = new ArrayList<>();
                List<Double> toSilver = new ArrayList<>();
                for (int round = 0; round < rounds; round++) {
                    Ceiling.Speed ceiling = Ceiling.measure(lines, events, work);
                    ceilingBronze.add(ceiling.bronze());
                    ceilingSilver.add(ceiling.silver());
                    String prefix = perBody + "-" + round + "-";
                    toBronze.add(speed(bronze, prefix, count, perBody));
                    toSilver.add(speed(silver, prefix, count, perBody));
                    say(
                            "bodies of %d: %.0f to bronze, %.0f to silver, ceiling %.0f and %.0f events per CPU-second"
                                    .formatted(
                                            perBody,
                                            toBronze.getLast(),
                                            toSilver.getLast(),
                                            ceiling.bronze(),
                                            ceiling.silver()));
                }
                bodies.addObject()
                        .put("events_per_body", perBody)
                        .put("events", count)
                        .put("bronze_events_per_cpu_s", Math.round(median(toBronze)))
                        .put("silver_events_per_cpu_s", Math.round(median(toSilver)));
            }
            figures.put("resident_bytes", silver.residentBytes());
        }
        double bronze = bodies.get(0).path("bronze_events_per_cpu_s").asDouble();
        double silver = bodies.get(0).path("silver_events_per_cpu_s").asDouble();
        figures.put("ceiling_bronze_events_per_cpu_s", Math.round(median(ceilingBronze)));
        figures.put("ceiling_silver_events_per_cpu_s", Math.round(median(ceilingSilver)));
        figures.put("ratio_to_ceiling", round(bronze / median(ceilingBronze)));
        figures.put("silver_ratio_to_ceiling", round(silver / median(ceilingSilver)));
        return figures;
    }

    private double speed(LakeUnderTest lake, String prefix, int count, int perBody)
            throws IOException, InterruptedException, SQLException {
        List<byte[]> bodies = Flights.bodies(root, prefix, count, perBody);
        double before = lake.cpuSeconds();
        lake.post("flights", bodies, 4);
        lake.awaitSettled();
        return count / (lake.cpuSeconds() - before);
    }

    private static Path folder(Path work, String name, boolean silver) throws IOException {
        Path folder = Files.createDirectories(work.resolve(name));
        Files.createDirectories(folder.resolve("sources"));
        Files.writeString(folder.resolve("lake.yaml"), "name: " + name + "\n");
        Files.writeString(folder.resolve("sources/flights.yaml"), SOURCE);
        if (silver) {
            Files.createDirectories(folder.resolve("pipelines"));
            Files.writeString(folder.resolve("pipelines/flights.sql"), SILVER);
        }
        return folder;
    }

    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.get(sorted.size() / 2);
    }

    static double round(double value) {
        return Math.round(value * 1000) / 1000.0;
    }

    private static void say(String line) {
        System.err.println(line);
    }
}
