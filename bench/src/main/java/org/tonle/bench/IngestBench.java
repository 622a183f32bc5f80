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
 * Events per CPU-second from HTTP to committed bronze, and to committed silver, for bodies of
 * several sizes, interleaved with the {@link Ceiling}. The load's own CPU isn't counted, and
 * nothing is before the lakes' compilers are quiet.
 */
final class IngestBench {
    /** How a source reads flights. */
    static final String COLUMNS =
            """
            id: id
            columns:
              departed: {type: timestamp, path: $.date, required: true}
              origin: {type: string, required: true}
              destination: {type: string, required: true}
              distance: {type: int, required: true}
              delay: {type: int, required: true}
            """;

    static final String SILVER =
            """
            CREATE STREAMING TABLE silver.flights AS
            SELECT event_id AS id, departed, origin, destination, distance, delay
            FROM STREAM bronze.flights;
            """;

    /** Requests that are under way at once: large bodies, and small ones. */
    private static final int CLIENTS = 4;

    private static final int CLIENTS_OF_SMALL = 64;

    /** A lake is warm when its compilers take less than this part of its processor time. */
    private static final double QUIET = 0.1;

    private static final int MOST_WARM_UPS = 8;

    /** What one round of a lake gave. */
    record Speed(double perCpuSecond, double compiling) {}

    private final Path root;
    private final int events;
    private final int rounds;
    private final List<Integer> sizes;

    IngestBench(Path root, Main.Options options) {
        this.root = root;
        this.events = options.number("events", 1_000_000);
        this.rounds = options.number("rounds", 3);
        this.sizes = options.numbers("bodies", "5000,500,50,1");
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
            figures.put("bronze_warm_up_events", warmUp(bronze));
            figures.put("silver_warm_up_events", warmUp(silver));
            Ceiling.measure(lines, events, work);
            for (int perBody : sizes) {
                // small bodies cost more each; as many as take about as long
                int count = perBody >= 500 ? events : Math.max(20_000, events * perBody / 100);
                speed(bronze, perBody + "-w-", count, perBody);
                speed(silver, perBody + "-w-", count, perBody);
                List<Speed> toBronze = new ArrayList<>();
                List<Speed> toSilver = new ArrayList<>();
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
                                            toBronze.getLast().perCpuSecond(),
                                            toSilver.getLast().perCpuSecond(),
                                            ceiling.bronze(),
                                            ceiling.silver()));
                }
                bodies.addObject()
                        .put("events_per_body", perBody)
                        .put("requests_at_once", clients(perBody))
                        .put("events", count)
                        .put("bronze_events_per_cpu_s", Math.round(median(perCpuSecond(toBronze))))
                        .put("bronze_compiling_share", round(median(compiling(toBronze))))
                        .put("silver_events_per_cpu_s", Math.round(median(perCpuSecond(toSilver))))
                        .put("silver_compiling_share", round(median(compiling(toSilver))));
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

    /**
     * Posts until the compilers are quiet, small bodies too: a path that is walked once per request
     * is compiled after thousands of requests, and would be while large bodies are measured.
     *
     * @return how many events that took
     */
    private int warmUp(LakeUnderTest lake) throws IOException, InterruptedException, SQLException {
        int small = Math.max(50, events / 4);
        for (int round = 1; ; round++) {
            speed(lake, "w" + round + "-50-", small, 50);
            Speed speed = speed(lake, "w" + round + "-5000-", events, 5000);
            say(
                    "warming up: %.0f events per CPU-second, %.0f %% of it compiling"
                            .formatted(speed.perCpuSecond(), speed.compiling() * 100));
            if (speed.compiling() < QUIET || round == MOST_WARM_UPS) {
                return round * (small + events);
            }
        }
    }

    private Speed speed(LakeUnderTest lake, String prefix, int count, int perBody)
            throws IOException, InterruptedException, SQLException {
        return speed(root, lake, prefix, count, perBody);
    }

    /** Posts flights, until silver has them. */
    static Speed speed(Path root, LakeUnderTest lake, String prefix, int count, int perBody)
            throws IOException, InterruptedException, SQLException {
        List<byte[]> bodies = Flights.bodies(root, prefix, count, perBody);
        Processes.Cpu before = lake.cpu();
        lake.post("flights", bodies, clients(perBody));
        lake.awaitSettled();
        Processes.Cpu used = lake.cpu().since(before);
        return new Speed(count / used.all(), used.compiling() / used.all());
    }

    private static int clients(int perBody) {
        return perBody >= 500 ? CLIENTS : CLIENTS_OF_SMALL;
    }

    private static List<Double> perCpuSecond(List<Speed> speeds) {
        return speeds.stream().map(Speed::perCpuSecond).toList();
    }

    private static List<Double> compiling(List<Speed> speeds) {
        return speeds.stream().map(Speed::compiling).toList();
    }

    /** A lake of flights that are posted. */
    static Path folder(Path work, String name, boolean silver) throws IOException {
        Path folder = Files.createDirectories(work.resolve(name));
        Files.createDirectories(folder.resolve("sources"));
        Files.writeString(folder.resolve("lake.yaml"), "name: " + name + "\n");
        Files.writeString(folder.resolve("sources/flights.yaml"), "kind: http\n" + COLUMNS);
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
