package org.tonle.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs one benchmark: progress on stderr, one JSON object on one line of stdout. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        if (args.length == 0) {
            usage();
            System.exit(2);
        }
        Path root = Path.of(System.getProperty("tonle.home", "."));
        Options options = Options.parse(List.of(args).subList(1, args.length));
        ObjectNode figures =
                switch (args[0]) {
                    case "ingest" ->
                            options.has("peer")
                                    ? new PeerBench(root, options).run()
                                    : new IngestBench(root, options).run();
                    case "memory" -> new MemoryBench(root, options).run();
                    case "query" -> new QueryBench(root, options).run();
                    case "freshness" -> new FreshnessBench(root, options).run();
                    case "cdc" -> new CdcBench(root, options).run();
                    case "cache" -> new CacheBench(root, options).run();
                    default -> {
                        System.err.println("There is no benchmark " + args[0]);
                        usage();
                        System.exit(2);
                        throw new IllegalStateException();
                    }
                };
        figures.put("bench", args[0]);
        figures.set("machine", MachineFacts.json());
        System.out.println(figures);
        // virtual threads of HTTP clients don't keep us
        System.exit(0);
    }

    private static void usage() {
        System.err.println(
                """
                ./dev bench ingest [--events N] [--rounds N] [--bodies N,N,…]
                    events per CPU-second from HTTP to bronze and to silver, against DuckDB
                    writing the same rows from a file; key: ratio_to_ceiling, with bodies of the
                    first size
                ./dev bench ingest --peer [defaults] [--events N] [--rounds N] [--warm-ups N]
                        [--commit-seconds N] [--bodies N,N,…]
                    records of a topic to typed rows, per CPU-second, by a lake (bronze, too) and by
                    the Iceberg sink of Kafka Connect in turn; key: ratio_to_peer. Both tables must
                    hold the same. Then events in request bodies of several sizes, by the lake.
                    The sink has the settings it costs least with, or its own defaults.
                    As it is it takes a minute or two and is half warm; figures to be told:
                    --events 1500000 --rounds 3 --warm-ups 2
                ./dev bench memory [--events N] [--rate N] [--from topic|http]
                    events of some 40 bytes (50,000,000, the default, take 20 minutes and 3 GB of
                    disk) through bronze to silver at a steady rate; keys: peak_resident_bytes of
                    all of the lake's processes (peak_own_bytes without pages of files), cpu_growth:
                    CPU per event in the last fifth by that in the first
                ./dev bench freshness [--seconds N] [--rate N] [--history N,N,…]
                    seconds from acknowledged to queryable; key: p95_seconds
                ./dev bench cache [--connections N] [--seconds N] [--rounds N]
                    answers that are kept, over HTTP; key: cached_per_second_per_core
                ./dev bench cdc [--rows N] [--changes N]
                    rows of a PostgreSQL table and then its changes into a change table, per
                    CPU-second; keys: snapshot_rows_per_cpu_s, stream_ratio_to_engine: against
                    Debezium's connector alone, which writes nowhere
                ./dev bench query [--scale-percent N] [--rounds N] [--clients N] [--crowds N]
                    TPC-H (100 is scale factor 1) by HTTP over tables of a lake, against DuckDB over
                    the same files; key: ratio_to_raw, of CPU-seconds with one client;
                    ratio_policy: the same under row filters and a mask, against views that hold
                    them; ratio_N_clients; front_end_p95_ms: from text to a bound statement with
                    policy in it\
                """);
    }

    /** {@code --name value} pairs, and names alone. */
    record Options(Map<String, String> values) {
        static Options parse(List<String> args) {
            Map<String, String> values = new HashMap<>();
            for (int i = 0; i < args.size(); ) {
                if (!args.get(i).startsWith("--")) {
                    usage();
                    System.exit(2);
                }
                boolean alone = i + 1 == args.size() || args.get(i + 1).startsWith("--");
                values.put(args.get(i).substring(2), alone ? "" : args.get(i + 1));
                i += alone ? 1 : 2;
            }
            return new Options(values);
        }

        boolean has(String name) {
            return values.containsKey(name);
        }

        String text(String name, String otherwise) {
            return values.getOrDefault(name, otherwise);
        }

        int number(String name, int otherwise) {
            return Integer.parseInt(values.getOrDefault(name, String.valueOf(otherwise)));
        }

        List<Integer> numbers(String name, String otherwise) {
            return List.of(values.getOrDefault(name, otherwise).split(",", -1)).stream()
                    .map(Integer::valueOf)
                    .toList();
        }
    }
}
