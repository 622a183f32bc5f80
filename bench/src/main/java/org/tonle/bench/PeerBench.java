package org.tonle.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The same records of a topic into a typed Iceberg table: by a lake, which keeps them in bronze
 * besides and drops repeats, and by the Iceberg sink of Kafka Connect. Rounds take turns; the
 * broker's processor time is nobody's.
 */
final class PeerBench {
    private static final String SIDE_OF_TONLE = "tonle";
    private static final String SIDE_OF_PEER = "peer";
    private static final int PARTITIONS = 2;

    /** What both tables are asked: equal answers are taken for equal rows. */
    private static final String SUMS =
            """
            SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids, SUM(distance) AS distance,
              SUM(delay) AS delay, MIN(departed) AS earliest, MAX(departed) AS latest,
              COUNT(DISTINCT departed) AS times, SUM(CHAR_LENGTH(origin)) AS origins,
              COUNT(DISTINCT origin) AS origin, COUNT(DISTINCT destination) AS destination
            FROM FLIGHTS
            """;

    private final Path root;
    private final int events;
    private final int rounds;
    private final int warmUps;
    private final int commitSeconds;
    private final boolean tuned;
    private final List<Integer> sizes;

    PeerBench(Path root, Main.Options options) {
        this.root = root;
        this.events = options.number("events", 300_000);
        this.rounds = options.number("rounds", 2);
        this.warmUps = options.number("warm-ups", 1);
        this.commitSeconds = options.number("commit-seconds", 5);
        this.tuned = !options.text("peer", "").equals("defaults");
        this.sizes = options.numbers("bodies", "1000,100,1");
    }

    /** One of the two, at its work. */
    private interface Side {
        String name();

        Processes processes();

        long rows() throws IOException, InterruptedException;
    }

    /**
     * What a round took.
     *
     * @param seconds until all events could be read
     * @param broker CPU-seconds of the broker, which also took the records from us
     */
    private record Round(double seconds, Processes.Cpu cpu, double broker) {}

    ObjectNode run() throws IOException, InterruptedException, SQLException {
        Path libraries = root.resolve("bench/target/peer");
        if (!Files.isDirectory(libraries)) {
            throw new IOException(
                    libraries + " isn't there: start this by ./dev bench, which fetches the peer");
        }
        Path work = Files.createTempDirectory("tonle-bench");
        try (Broker broker = Broker.start(work.resolve("broker"))) {
            return measure(work, libraries, broker);
        } finally {
            LakeUnderTest.delete(work);
        }
    }

    private ObjectNode measure(Path work, Path libraries, Broker broker)
            throws IOException, InterruptedException, SQLException {
        broker.create(SIDE_OF_TONLE, PARTITIONS);
        broker.create(SIDE_OF_PEER, PARTITIONS);
        Path folder = IngestBench.folder(work, "lake", true);
        Files.writeString(
                folder.resolve("lake.yaml"),
                "name: lake\ningest: {commit-interval: %ds}\n".formatted(commitSeconds));
        Files.writeString(
                folder.resolve("sources/topic.yaml"),
                broker.source(SIDE_OF_TONLE) + IngestBench.COLUMNS);
        Files.writeString(
                folder.resolve("pipelines/topic.sql"),
                IngestBench.SILVER.replace("flights", "topic"));
        Path sink = Files.createDirectories(work.resolve("sink"));
        ObjectNode figures = new ObjectMapper().createObjectNode();
        try (LakeUnderTest lake = LakeUnderTest.start(root, folder);
                PeerUnderTest peer =
                        PeerUnderTest.start(
                                libraries, sink, broker, SIDE_OF_PEER, commitSeconds, tuned)) {
            List<Side> sides = List.of(side(lake), side(peer));
            List<List<Round>> measured = List.of(new ArrayList<>(), new ArrayList<>());
            for (int round = 0; round < warmUps + rounds; round++) {
                for (int i = 0; i < sides.size(); i++) {
                    Round took = round(broker, sides.get(i), round);
                    say(sides.get(i), round, took);
                    if (round >= warmUps) {
                        measured.get(i).add(took);
                    }
                }
            }
            requireEqual(lake, peer);
            figures.put("events_per_round", events)
                    .put("rounds", rounds)
                    .put("warm_up_events", warmUps * events)
                    .put("commit_interval_seconds", commitSeconds)
                    .put("partitions", PARTITIONS)
                    .put("peer_tuned", tuned);
            ObjectNode ours = put(figures.putObject(SIDE_OF_TONLE), measured.get(0));
            put(ours.putObject("silver"), lake, "silver");
            put(ours.putObject("bronze"), lake, "bronze");
            ours.put("resident_bytes", lake.processes().memory().resident());
            ObjectNode theirs = put(figures.putObject(SIDE_OF_PEER), measured.get(1));
            PeerUnderTest.Contents contents = peer.contents();
            theirs.putObject("table")
                    .put("files", contents.files().size())
                    .put("commits", contents.commits())
                    .put("bytes", contents.bytes());
            theirs.put("resident_bytes", peer.processes().memory().resident());
            figures.put(
                    "ratio_to_peer",
                    IngestBench.round(
                            perCpuSecond(measured.get(0)) / perCpuSecond(measured.get(1))));
            bodies(figures.putArray("http_bodies"), lake);
        }
        return figures;
    }

    private static Side side(LakeUnderTest lake) {
        return new Side() {
            @Override
            public String name() {
                return SIDE_OF_TONLE;
            }

            @Override
            public Processes processes() {
                return lake.processes();
            }

            @Override
            public long rows() throws IOException, InterruptedException {
                return lake.rows("silver.topic");
            }
        };
    }

    private static Side side(PeerUnderTest peer) {
        return new Side() {
            @Override
            public String name() {
                return SIDE_OF_PEER;
            }

            @Override
            public Processes processes() {
                return peer.processes();
            }

            @Override
            public long rows() throws IOException {
                return peer.rows();
            }
        };
    }

    /** The records are the same for both; nothing of a round is left when it ends. */
    private Round round(Broker broker, Side side, int round)
            throws IOException, InterruptedException, SQLException {
        Processes.Cpu before = side.processes().cpu();
        double brokerBefore = broker.processes().cpu().all();
        long start = System.nanoTime();
        Flights.forEach(
                root,
                "r" + round + "-",
                events,
                line -> broker.send(side.name(), line.getBytes(StandardCharsets.UTF_8)));
        broker.flush();
        long expected = (round + 1L) * events;
        for (long rows = side.rows(); rows != expected; rows = side.rows()) {
            if (rows > expected) {
                throw new IllegalStateException(
                        "%s has %d rows of %d events".formatted(side.name(), rows, expected));
            }
            Thread.sleep(500);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        side.processes().awaitQuiet();
        return new Round(
                seconds,
                side.processes().cpu().since(before),
                broker.processes().cpu().all() - brokerBefore);
    }

    private void requireEqual(LakeUnderTest lake, PeerUnderTest peer)
            throws IOException, InterruptedException, SQLException {
        JsonNode row = lake.query(SUMS.replace("FLIGHTS", "silver.topic")).path(0);
        String files =
                peer.contents().files().stream().collect(Collectors.joining("', '", "'", "'"));
        try (Connection duck = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = duck.createStatement();
                ResultSet theirs =
                        statement.executeQuery(
                                SUMS.replace(
                                        "FLIGHTS",
                                        "(SELECT *, date AS departed FROM read_parquet([%s]))"
                                                .formatted(files)))) {
            theirs.next();
            for (int i = 1; i <= theirs.getMetaData().getColumnCount(); i++) {
                String name = theirs.getMetaData().getColumnName(i);
                String ours = row.path(name).asText();
                boolean equal =
                        theirs.getObject(i) instanceof Timestamp at
                                ? at.toLocalDateTime().equals(LocalDateTime.parse(ours))
                                : theirs.getString(i).equals(ours);
                if (!equal) {
                    throw new IllegalStateException(
                            "the tables differ in %s: %s in the lake, %s in the peer's"
                                    .formatted(name, ours, theirs.getString(i)));
                }
            }
        }
    }

    private ObjectNode put(ObjectNode figures, List<Round> measured) {
        double seconds = IngestBench.median(measured.stream().map(Round::seconds).toList());
        return figures.put("events_per_s", Math.round(events / seconds))
                .put("events_per_cpu_s", Math.round(perCpuSecond(measured)))
                .put(
                        "compiling_share",
                        IngestBench.round(
                                IngestBench.median(
                                        measured.stream()
                                                .map(r -> r.cpu().compiling() / r.cpu().all())
                                                .toList())))
                .put(
                        "broker_cpu_seconds",
                        IngestBench.round(
                                IngestBench.median(measured.stream().map(Round::broker).toList())));
    }

    private double perCpuSecond(List<Round> measured) {
        return IngestBench.median(measured.stream().map(r -> events / r.cpu().all()).toList());
    }

    private static void put(ObjectNode figures, LakeUnderTest lake, String namespace)
            throws IOException, InterruptedException {
        JsonNode files =
                lake.query(
                                """
                                SELECT COUNT(*) AS files, SUM(byte_count) AS bytes FROM system.files
                                WHERE namespace = '%s' AND table_name = 'topic'
                                """
                                        .formatted(namespace))
                        .path(0);
        JsonNode commits =
                lake.query(
                                """
                                SELECT COUNT(*) AS commits FROM system.changes
                                WHERE namespace = '%s' AND table_name = 'topic'
                                """
                                        .formatted(namespace))
                        .path(0);
        figures.put("files", files.path("files").asLong())
                .put("commits", commits.path("commits").asLong())
                .put("bytes", files.path("bytes").asLong());
    }

    /** Requests of several sizes to the same lake, in their own source and dataset. */
    private void bodies(ArrayNode figures, LakeUnderTest lake)
            throws IOException, InterruptedException, SQLException {
        for (int perBody : sizes) {
            int count = Math.min(events, Math.max(2_000, 1_000 * perBody));
            IngestBench.speed(root, lake, "w" + perBody + "-", count, perBody);
            IngestBench.Speed speed =
                    IngestBench.speed(root, lake, "m" + perBody + "-", count, perBody);
            ObjectNode one =
                    figures.addObject()
                            .put("events_per_body", perBody)
                            .put("events", count)
                            .put("silver_events_per_cpu_s", Math.round(speed.perCpuSecond()))
                            .put("compiling_share", IngestBench.round(speed.compiling()));
            System.err.println(one);
        }
    }

    private void say(Side side, int round, Round took) {
        System.err.printf(
                "%s%s: %.0f events per CPU-second, %.0f per second, %.0f %% of it compiling%n",
                side.name(),
                round < warmUps ? " (warming up)" : "",
                events / took.cpu().all(),
                events / took.seconds(),
                100 * took.cpu().compiling() / took.cpu().all());
    }
}
