package org.tonle.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.duckdb.DuckDBConnection;
import org.tonle.lake.Lake;
import org.tonle.lake.LakeOptions;

/**
 * TPC-H over tables of a lake, asked by HTTP, beside DuckDB asked directly over the same files: in
 * turns, with the same threads, in CPU-seconds of all processes. Once by an administrator, and once
 * by somebody whom a policy holds for, beside views in which the same stands written by hand.
 */
final class QueryBench {
    private final Path root;
    private final double scale;
    private final int rounds;
    private final int clients;
    private final int crowds;

    QueryBench(Path root, Main.Options options) {
        this.root = root;
        this.scale = options.number("scale-percent", 100) / 100.0;
        this.rounds = options.number("rounds", 3);
        this.clients = options.number("clients", 16);
        this.crowds = options.number("crowds", 1);
    }

    /**
     * Who asks.
     *
     * @param schema of the views that DuckDB is asked over
     */
    private record Asker(String name, String token, String schema) {}

    /** The least that was seen of each query, and of all of them in one round, in seconds. */
    private static final class Least {
        private final double[] cpu;
        private final double[] wall;
        private double allCpu = Double.MAX_VALUE;
        private double allWall = Double.MAX_VALUE;
        private double roundCpu;
        private double roundWall;

        Least(int queries) {
            cpu = new double[queries];
            wall = new double[queries];
            Arrays.fill(cpu, Double.MAX_VALUE);
            Arrays.fill(wall, Double.MAX_VALUE);
        }

        void add(int query, double cpuSeconds, double seconds) {
            cpu[query] = Math.min(cpu[query], cpuSeconds);
            wall[query] = Math.min(wall[query], seconds);
            roundCpu += cpuSeconds;
            roundWall += seconds;
        }

        void endRound() {
            allCpu = Math.min(allCpu, roundCpu);
            allWall = Math.min(allWall, roundWall);
            roundCpu = 0;
            roundWall = 0;
        }
    }

    private interface Work {
        Object run() throws Exception;
    }

    ObjectNode run() throws Exception {
        Path work = Files.createTempDirectory("tonle-bench");
        ObjectNode figures = new ObjectMapper().createObjectNode();
        figures.put("scale", scale);
        List<String> queries = Tpch.queries();
        try (DuckDBConnection plain =
                DriverManager.getConnection("jdbc:duckdb:").unwrap(DuckDBConnection.class)) {
            execute(plain, "SET threads=" + Runtime.getRuntime().availableProcessors());
            execute(plain, "SET default_null_order='nulls_last'");
            Tpch.define(work);
            try (Lake lake = Lake.open(work, LakeOptions.ofProcess())) {
                Map<String, Path> files = Tpch.load(lake, work, scale, plain);
                new FrontEnd(lake, queries).measure(figures);
                views(plain, files);
            }
            try (LakeUnderTest lake = LakeUnderTest.start(root, work)) {
                Asker open = new Asker("", lake.token(), "main");
                Asker held = new Asker("policy_", lake.key(Tpch.ANALYST), "guarded");
                alone(lake, plain, queries, List.of(open, held), figures);
                together(lake, plain, queries, List.of(open, held), figures);
                figures.put("resident_bytes", lake.residentBytes());
            }
        } finally {
            LakeUnderTest.delete(work);
        }
        return figures;
    }

    private static void views(Connection plain, Map<String, Path> files) throws SQLException {
        execute(plain, "CREATE SCHEMA guarded");
        for (Map.Entry<String, Path> table : files.entrySet()) {
            execute(
                    plain,
                    "CREATE VIEW main.%s AS FROM read_parquet('%s')"
                            .formatted(table.getKey(), table.getValue()));
            execute(
                    plain,
                    "CREATE VIEW guarded.%s AS %s"
                            .formatted(
                                    table.getKey(),
                                    Tpch.GUARDED.getOrDefault(
                                            table.getKey(), "FROM main." + table.getKey())));
        }
    }

    /** One query after the other; the ratios are of the round that took least on either side. */
    private void alone(
            LakeUnderTest lake,
            DuckDBConnection plain,
            List<String> queries,
            List<Asker> askers,
            ObjectNode figures)
            throws Exception {
        List<Least> raws = askers.stream().map(asker -> new Least(queries.size())).toList();
        List<Least> lakes = askers.stream().map(asker -> new Least(queries.size())).toList();
        try (Connection connection = plain.duplicate()) {
            for (int round = -1; round < rounds; round++) {
                System.err.println(round < 0 ? "warming up" : "round " + (round + 1));
                for (int a = 0; a < askers.size(); a++) {
                    Asker asker = askers.get(a);
                    execute(connection, "USE " + asker.schema());
                    Least raw = round < 0 ? new Least(queries.size()) : raws.get(a);
                    Least mine = round < 0 ? new Least(queries.size()) : lakes.get(a);
                    for (int q = 0; q < queries.size(); q++) {
                        String sql = queries.get(q);
                        long from = System.nanoTime();
                        double cpu = cpuOf(() -> raw(connection, sql));
                        raw.add(q, cpu, (System.nanoTime() - from) / 1e9);
                        Processes.Cpu before = lake.cpu();
                        from = System.nanoTime();
                        var unused = lake.query(sql, Tpch.NAMESPACE, asker.token());
                        double took = (System.nanoTime() - from) / 1e9;
                        mine.add(q, lake.cpu().since(before).all(), took);
                    }
                    raw.endRound();
                    mine.endRound();
                }
            }
        }
        ArrayNode each = figures.putArray("queries");
        for (int q = 0; q < queries.size(); q++) {
            ObjectNode query = each.addObject().put("query", q + 1);
            for (int a = 0; a < askers.size(); a++) {
                String name = askers.get(a).name();
                put(query, name + "lake_cpu_seconds", lakes.get(a).cpu[q]);
                put(query, name + "raw_cpu_seconds", raws.get(a).cpu[q]);
                put(query, name + "lake_seconds", lakes.get(a).wall[q]);
                put(query, name + "raw_seconds", raws.get(a).wall[q]);
            }
        }
        for (int a = 0; a < askers.size(); a++) {
            String name = askers.get(a).name();
            put(figures, name + "raw_cpu_seconds", raws.get(a).allCpu);
            put(figures, name + "lake_cpu_seconds", lakes.get(a).allCpu);
            put(
                    figures,
                    name.isEmpty() ? "ratio_to_raw" : "ratio_policy",
                    lakes.get(a).allCpu / raws.get(a).allCpu);
            put(
                    figures,
                    name.isEmpty() ? "ratio_to_raw_in_time" : "ratio_policy_in_time",
                    lakes.get(a).allWall / raws.get(a).allWall);
        }
    }

    /** All queries at once from many clients, each in an order of its own. */
    private void together(
            LakeUnderTest lake,
            DuckDBConnection plain,
            List<String> queries,
            List<Asker> askers,
            ObjectNode figures)
            throws Exception {
        if (crowds == 0) {
            return;
        }
        for (Asker asker : askers) {
            System.err.println(clients + " clients " + asker.name());
            double rawUsed = Double.MAX_VALUE;
            double lakeUsed = Double.MAX_VALUE;
            for (int round = 0; round < crowds; round++) {
                List<Connection> connections = new ArrayList<>();
                for (int i = 0; i < clients; i++) {
                    Connection connection = plain.duplicate();
                    execute(connection, "USE " + asker.schema());
                    connections.add(connection);
                }
                rawUsed =
                        Math.min(
                                rawUsed,
                                cpuOf(() ->
                                        crowd(
                                                queries,
                                                (client, sql) ->
                                                        raw(connections.get(client), sql))));
                for (Connection connection : connections) {
                    connection.close();
                }
                Processes.Cpu before = lake.cpu();
                var unused =
                        crowd(
                                queries,
                                (client, sql) -> lake.query(sql, Tpch.NAMESPACE, asker.token()));
                lakeUsed = Math.min(lakeUsed, lake.cpu().since(before).all());
            }
            String name = "ratio_%s%d_clients".formatted(asker.name(), clients);
            put(figures, name, lakeUsed / rawUsed);
        }
    }

    private interface Ask {
        Object ask(int client, String sql) throws Exception;
    }

    private int crowd(List<String> queries, Ask ask) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(clients)) {
            List<Callable<Object>> tasks = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                int client = i;
                tasks.add(() -> {
                    for (int q = 0; q < queries.size(); q++) {
                        var unused =
                                ask.ask(client, queries.get((q + client * 5) % queries.size()));
                    }
                    return client;
                });
            }
            for (Future<Object> done : threads.invokeAll(tasks)) {
                var unused = done.get();
            }
        }
        return clients;
    }

    /** The CPU-seconds that work takes of this process. */
    private static double cpuOf(Work work) throws Exception {
        var system =
                (com.sun.management.OperatingSystemMXBean)
                        ManagementFactory.getOperatingSystemMXBean();
        long before = system.getProcessCpuTime();
        var unused = work.run();
        return (system.getProcessCpuTime() - before) / 1e9;
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static int raw(Connection plain, String sql) throws SQLException {
        int count = 0;
        try (Statement statement = plain.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                count++;
                for (int i = 1; i <= columns; i++) {
                    var unused = rows.getObject(i);
                }
            }
        }
        return count;
    }

    private static void put(ObjectNode figures, String name, double value) {
        figures.put(name, IngestBench.round(value));
    }
}
