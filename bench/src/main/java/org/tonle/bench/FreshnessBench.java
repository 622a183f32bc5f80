package org.tonle.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Seconds from a request's acknowledgement until a query sees its events, in silver and in a gold
 * view over it, at a steady rate on top of rows that are there already.
 */
final class FreshnessBench {
    private static final String PIPELINE =
            """
            CREATE STREAMING TABLE silver.ticks AS
            SELECT event_id AS id, n, grp FROM STREAM bronze.ticks;
            CREATE MATERIALIZED VIEW gold.newest AS
            SELECT grp, COUNT(*) AS ticks, MAX(n) AS newest FROM silver.ticks GROUP BY grp;
            """;
    private static final int PER_BODY = 500;

    private final Path root;
    private final int seconds;
    private final int rate;
    private final List<Integer> histories;

    FreshnessBench(Path root, Main.Options options) {
        this.root = root;
        this.seconds = options.number("seconds", 120);
        this.rate = options.number("rate", 10_000);
        this.histories = options.numbers("history", "0,3000000,30000000");
    }

    ObjectNode run() throws IOException, InterruptedException, SQLException {
        ObjectNode figures = new ObjectMapper().createObjectNode();
        ArrayNode runs = figures.putArray("histories");
        double worst = 0;
        for (int history : histories) {
            Path work = Files.createTempDirectory("tonle-bench");
            try {
                ObjectNode run = measure(work, history);
                worst = Math.max(worst, run.path("silver_p95_seconds").asDouble());
                runs.add(run);
                System.err.println(run);
            } finally {
                LakeUnderTest.delete(work);
            }
        }
        figures.put("events_per_second", rate);
        figures.put("p95_seconds", worst);
        return figures;
    }

    private ObjectNode measure(Path work, int history) throws IOException, InterruptedException {
        Files.createDirectories(work.resolve("sources"));
        Files.createDirectories(work.resolve("pipelines"));
        Files.writeString(work.resolve("lake.yaml"), "name: freshness\n");
        Files.writeString(
                work.resolve("sources/ticks.yaml"),
                "kind: http\nid: id\ncolumns: {n: {type: bigint, required: true}, grp: string}\n");
        Files.writeString(work.resolve("pipelines/ticks.sql"), PIPELINE);
        try (LakeUnderTest lake = LakeUnderTest.start(root, work)) {
            long next = fill(lake, history);
            lake.awaitSettled();
            Processes.Cpu cpuBefore = lake.cpu();
            // by the number of its newest event, when each request was acknowledged
            ConcurrentSkipListMap<Long, Long> acknowledged = new ConcurrentSkipListMap<>();
            Watch silver = new Watch(lake, "SELECT MAX(n) AS n FROM silver.ticks", acknowledged);
            Watch gold = new Watch(lake, "SELECT MAX(newest) AS n FROM gold.newest", acknowledged);
            silver.start();
            gold.start();
            long start = System.nanoTime();
            for (long sent = 0; sent < (long) seconds * rate; sent += PER_BODY) {
                long due = start + sent * 1_000_000_000L / rate;
                long early = due - System.nanoTime();
                if (early > 0) {
                    Thread.sleep(java.time.Duration.ofNanos(early));
                }
                lake.post("ticks", body(next, PER_BODY));
                next += PER_BODY;
                acknowledged.put(next - 1, System.nanoTime());
            }
            double took = (System.nanoTime() - start) / 1e9;
            lake.awaitSettled();
            silver.finish(next - 1);
            gold.finish(next - 1);
            return new ObjectMapper()
                    .createObjectNode()
                    .put("history_rows", history)
                    .put("events", (long) seconds * rate)
                    .put("events_per_second", Math.round((double) seconds * rate / took))
                    .put("silver_p50_seconds", silver.percentile(0.5))
                    .put("silver_p95_seconds", silver.percentile(0.95))
                    .put("gold_p50_seconds", gold.percentile(0.5))
                    .put("gold_p95_seconds", gold.percentile(0.95))
                    .put(
                            "cpu_seconds_per_second",
                            IngestBench.round(lake.cpu().since(cpuBefore).all() / took))
                    .put("resident_bytes", lake.residentBytes());
        }
    }

    private static long fill(LakeUnderTest lake, int history)
            throws IOException, InterruptedException {
        long next = 0;
        while (next < history) {
            List<byte[]> bodies = new ArrayList<>();
            for (int i = 0; i < 100 && next < history; i++) {
                bodies.add(body(next, 5000));
                next += 5000;
            }
            lake.post("ticks", bodies, 4);
        }
        return next;
    }

    private static byte[] body(long from, int events) {
        StringBuilder body = new StringBuilder();
        for (long n = from; n < from + events; n++) {
            body.append("{\"id\":\"t").append(n).append("\",\"n\":").append(n);
            body.append(",\"grp\":\"g").append(n % 100).append("\"}\n");
        }
        return body.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Asks again and again for the newest event, and so sees when each request is there. */
    private static final class Watch {
        private final LakeUnderTest lake;
        private final String sql;
        private final ConcurrentSkipListMap<Long, Long> acknowledged;
        private final TreeMap<Long, Double> waits = new TreeMap<>();
        private final Thread thread = Thread.ofPlatform().unstarted(this::watch);
        private long seen = -1;
        private volatile long last = Long.MAX_VALUE;

        Watch(LakeUnderTest lake, String sql, ConcurrentSkipListMap<Long, Long> acknowledged) {
            this.lake = lake;
            this.sql = sql;
            this.acknowledged = acknowledged;
        }

        void start() {
            thread.start();
        }

        void finish(long newest) throws InterruptedException {
            last = newest;
            thread.join();
        }

        private void watch() {
            try {
                while (seen < last) {
                    long newest = lake.query(sql).path(0).path("n").asLong(-1);
                    long now = System.nanoTime();
                    acknowledged
                            .subMap(seen, false, newest, true)
                            .forEach((event, at) -> waits.put(event, (now - at) / 1e9));
                    seen = Math.max(seen, newest);
                    Thread.sleep(100);
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        double percentile(double share) {
            List<Double> sorted = waits.values().stream().sorted().toList();
            return IngestBench.round(
                    sorted.get((int) Math.min(sorted.size() - 1L, (long) (sorted.size() * share))));
        }
    }
}
