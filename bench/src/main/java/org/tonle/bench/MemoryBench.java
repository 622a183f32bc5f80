package org.tonle.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether a lake takes more memory, or more time for an event, the more events it has seen: they
 * pass at a steady rate from a topic, or from requests, through bronze to silver.
 */
final class MemoryBench {
    private static final String COLUMNS =
            "id: id\ncolumns: {n: {type: bigint, required: true}, grp: string}\n";
    private static final String SILVER =
            "CREATE STREAMING TABLE silver.ticks AS SELECT event_id AS id, n, grp FROM STREAM"
                    + " bronze.ticks;\n";
    private static final String TOPIC = "ticks";
    private static final int PER_BODY = 500;

    /** Events that go in together: several bodies at once, one of which waits for the disk. */
    private static final int STEP = 8 * PER_BODY;

    private static final int CLIENTS = 4;
    private static final Duration SAMPLE = Duration.ofSeconds(10);

    private final Path root;
    private final long events;
    private final long warmUp;
    private final int rate;
    private final boolean fromTopic;

    MemoryBench(Path root, Main.Options options) {
        this.root = root;
        this.events = options.number("events", 50_000_000);
        this.warmUp = options.number("warm-up", 3_000_000);
        this.rate = options.number("rate", 50_000);
        this.fromTopic = !options.text("from", "topic").equals("http");
    }

    /** Where events go in. */
    private interface Door {
        /** Takes some events; returns when more may come. */
        void put(long from, int count) throws IOException, InterruptedException;
    }

    /**
     * The lake at one time.
     *
     * @param rows of silver
     * @param cpu CPU-seconds since its start
     */
    private record Sample(long nanos, long rows, double cpu, Processes.Memory memory) {}

    ObjectNode run() throws IOException, InterruptedException {
        Path work = Files.createTempDirectory("tonle-bench");
        try {
            Path folder = work.resolve("lake");
            Files.createDirectories(folder.resolve("sources"));
            Files.createDirectories(folder.resolve("pipelines"));
            Files.writeString(folder.resolve("lake.yaml"), "name: memory\n");
            Files.writeString(folder.resolve("pipelines/ticks.sql"), SILVER);
            Path source = folder.resolve("sources/ticks.yaml");
            if (!fromTopic) {
                Files.writeString(source, "kind: http\n" + COLUMNS);
                try (LakeUnderTest lake = LakeUnderTest.start(root, folder)) {
                    return measure(
                            work,
                            lake,
                            (from, count) -> lake.post("ticks", bodies(from, count), CLIENTS));
                }
            }
            try (Broker broker = Broker.start(work.resolve("broker"))) {
                broker.create(TOPIC, 2);
                Files.writeString(source, broker.source(TOPIC) + COLUMNS);
                try (LakeUnderTest lake = LakeUnderTest.start(root, folder)) {
                    return measure(
                            work,
                            lake,
                            (from, count) -> {
                                for (long n = from; n < from + count; n++) {
                                    broker.send(TOPIC, event(n).getBytes(StandardCharsets.UTF_8));
                                }
                            });
                }
            }
        } finally {
            LakeUnderTest.delete(work);
        }
    }

    private ObjectNode measure(Path work, LakeUnderTest lake, Door door)
            throws IOException, InterruptedException {
        List<Sample> samples = new ArrayList<>();
        pass(lake, door, 0, warmUp, new ArrayList<>());
        long start = System.nanoTime();
        samples.add(sample(lake));
        pass(lake, door, warmUp, warmUp + events, samples);
        double seconds = (System.nanoTime() - start) / 1e9;
        if (samples.size() < 3) {
            throw new IllegalStateException(
                    "%d events at %d a second are over before %s: ask for more"
                            .formatted(events, rate, SAMPLE.multipliedBy(2)));
        }
        ObjectNode figures =
                new ObjectMapper()
                        .createObjectNode()
                        .put("from", fromTopic ? "topic" : "http")
                        .put("warm_up_events", warmUp)
                        .put("events", events)
                        .put("event_bytes", event(warmUp + events).length())
                        .put("events_per_second", Math.round(events / seconds))
                        .put("disk_bytes", LakeUnderTest.bytes(work));
        figures.put("peak_resident_bytes", peak(samples, Processes.Memory::resident))
                .put("peak_proportional_bytes", peak(samples, Processes.Memory::proportional))
                .put("peak_own_bytes", peak(samples, Processes.Memory::own));
        double first = microsPerEvent(samples.getFirst(), samples.get(near(samples, events / 5)));
        double last =
                microsPerEvent(samples.get(near(samples, events - events / 5)), samples.getLast());
        figures.put("first_cpu_us_per_event", IngestBench.round(first))
                .put("last_cpu_us_per_event", IngestBench.round(last))
                .put("cpu_growth", IngestBench.round(last / first));
        ArrayNode all = figures.putArray("samples");
        for (int i = 1; i < samples.size(); i++) {
            all.add(json(samples.get(i - 1), samples.get(i), start));
        }
        return figures;
    }

    /** Puts events in at the rate, and waits until silver has them. */
    private void pass(LakeUnderTest lake, Door door, long from, long to, List<Sample> samples)
            throws IOException, InterruptedException {
        long start = System.nanoTime();
        long due = start + SAMPLE.toNanos();
        for (long next = from; next < to; next += STEP) {
            long early = start + (long) ((next - from) * 1e9 / rate) - System.nanoTime();
            if (early > 1_000_000) {
                Thread.sleep(Duration.ofNanos(early));
            }
            door.put(next, (int) Math.min(STEP, to - next));
            if (System.nanoTime() > due) {
                samples.add(say(sample(lake)));
                due += SAMPLE.toNanos();
            }
        }
        for (long rows = lake.rows("silver.ticks"); rows < to; rows = lake.rows("silver.ticks")) {
            Thread.sleep(500);
        }
        samples.add(say(sample(lake)));
        if (samples.getLast().rows() != to) {
            throw new IllegalStateException(
                    "%d events are %d rows of silver".formatted(to, samples.getLast().rows()));
        }
    }

    private static Sample sample(LakeUnderTest lake) throws IOException, InterruptedException {
        return new Sample(
                System.nanoTime(),
                lake.rows("silver.ticks"),
                lake.cpu().all(),
                lake.processes().memory());
    }

    private static Sample say(Sample sample) {
        System.err.printf(
                "%,d rows, %,d MB resident, %,d MB without files, %.1f CPU-seconds%n",
                sample.rows(),
                sample.memory().resident() >> 20,
                sample.memory().own() >> 20,
                sample.cpu());
        return sample;
    }

    private static long peak(
            List<Sample> samples, java.util.function.ToLongFunction<Processes.Memory> of) {
        return samples.stream().map(Sample::memory).mapToLong(of).max().orElse(0);
    }

    private static double microsPerEvent(Sample first, Sample last) {
        return (last.cpu() - first.cpu()) * 1e6 / (last.rows() - first.rows());
    }

    /** The number of the sample next to so many events, among those but the ends. */
    private static int near(List<Sample> samples, long events) {
        long rows = samples.getFirst().rows() + events;
        int nearest = 1;
        for (int i = 1; i < samples.size() - 1; i++) {
            if (Math.abs(samples.get(i).rows() - rows)
                    < Math.abs(samples.get(nearest).rows() - rows)) {
                nearest = i;
            }
        }
        return nearest;
    }

    private static ObjectNode json(Sample before, Sample sample, long start) {
        ObjectNode node =
                new ObjectMapper()
                        .createObjectNode()
                        .put("seconds", Math.round((sample.nanos() - start) / 1e9))
                        .put("rows", sample.rows())
                        .put("resident_bytes", sample.memory().resident())
                        .put("proportional_bytes", sample.memory().proportional())
                        .put("own_bytes", sample.memory().own());
        long rows = sample.rows() - before.rows();
        return rows == 0
                ? node
                : node.put(
                        "cpu_us_per_event",
                        IngestBench.round((sample.cpu() - before.cpu()) * 1e6 / rows));
    }

    private static String event(long n) {
        return "{\"id\":\"t" + n + "\",\"n\":" + n + ",\"grp\":\"g" + n % 100 + "\"}";
    }

    private static List<byte[]> bodies(long from, int count) {
        List<byte[]> bodies = new ArrayList<>();
        for (int i = 0; i < count; i += PER_BODY) {
            bodies.add(body(from + i, Math.min(PER_BODY, count - i)));
        }
        return bodies;
    }

    private static byte[] body(long from, int count) {
        StringBuilder body = new StringBuilder();
        for (long n = from; n < from + count; n++) {
            body.append(event(n)).append('\n');
        }
        return body.toString().getBytes(StandardCharsets.UTF_8);
    }
}
