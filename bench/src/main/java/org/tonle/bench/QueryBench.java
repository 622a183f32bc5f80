package org.tonle.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.duckdb.DuckDBConnection;

/**
 * TPC-H over tables of a lake, asked by HTTP, beside DuckDB asked directly over the same files: in
 * turns, with the same threads, in CPU-seconds of all processes.
 */
final class QueryBench {
    private final Path root;
    private final double scale;
    private final int rounds;
    private final int clients;

    QueryBench(Path root, Main.Options options) {
        this.root = root;
        this.scale = options.number("scale-percent", 100) / 100.0;
        this.rounds = options.number("rounds", 3);
        this.clients = options.number("clients", 16);
    }

    private static long ownCpu() {
        return ((com.sun.management.OperatingSystemMXBean)
                        ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    ObjectNode run() throws IOException, InterruptedException, SQLException, ExecutionException {
        Path work = Files.createTempDirectory("tonle-bench");
        try (Connection plain = DriverManager.getConnection("jdbc:duckdb:")) {
            Files.writeString(work.resolve("lake.yaml"), "name: tpch\nquery: {cache: 0B}\n");
            try (Statement statement = plain.createStatement()) {
                statement.execute("SET threads=" + Runtime.getRuntime().availableProcessors());
                statement.execute("SET default_null_order='nulls_last'");
            }
            Map<String, List<Path>> files = Tpch.load(work, scale, plain);
            for (Map.Entry<String, List<Path>> table : files.entrySet()) {
                try (Statement statement = plain.createStatement()) {
                    statement.execute(
                            "CREATE VIEW "
                                    + table.getKey()
                                    + " AS FROM read_parquet(['"
                                    + String.join(
                                            "','",
                                            table.getValue().stream().map(Path::toString).toList())
                                    + "'])");
                }
            }
            try (LakeUnderTest lake = LakeUnderTest.start(root, work)) {
                return measure(lake, plain.unwrap(DuckDBConnection.class));
            }
        } finally {
            LakeUnderTest.delete(work);
        }
    }

    private ObjectNode measure(LakeUnderTest lake, DuckDBConnection plain)
            throws IOException, InterruptedException, SQLException, ExecutionException {
        List<String> queries = Tpch.queries();
        ObjectNode figures = new ObjectMapper().createObjectNode();
        ArrayNode each = figures.putArray("queries");
        // the least of the rounds: what else runs on the machine only adds
        double[] lakeCpu = filled(queries.size());
        double[] rawCpu = filled(queries.size());
        double[] lakeWall = filled(queries.size());
        double[] rawWall = filled(queries.size());
        for (int round = -1; round < rounds; round++) {
            System.err.println(round < 0 ? "warming up" : "round " + (round + 1));
            for (int q = 0; q < queries.size(); q++) {
                long started = System.nanoTime();
                long cpu = ownCpu();
                raw(plain, queries.get(q));
                double raw = (ownCpu() - cpu) / 1e9;
                double rawTook = (System.nanoTime() - started) / 1e9;
                LakeUnderTest.Cpu before = lake.cpu();
                started = System.nanoTime();
                var unused = lake.query(queries.get(q), Tpch.NAMESPACE);
                double lakeTook = (System.nanoTime() - started) / 1e9;
                double used = lake.cpu().since(before).all();
                if (round >= 0) {
                    rawCpu[q] = Math.min(rawCpu[q], raw);
                    rawWall[q] = Math.min(rawWall[q], rawTook);
                    lakeCpu[q] = Math.min(lakeCpu[q], used);
                    lakeWall[q] = Math.min(lakeWall[q], lakeTook);
                }
            }
        }
        for (int q = 0; q < queries.size(); q++) {
            each.addObject()
                    .put("query", q + 1)
                    .put("lake_cpu_seconds", IngestBench.round(lakeCpu[q]))
                    .put("raw_cpu_seconds", IngestBench.round(rawCpu[q]))
                    .put("lake_seconds", IngestBench.round(lakeWall[q]))
                    .put("raw_seconds", IngestBench.round(rawWall[q]));
        }
        figures.put("scale", scale);
        figures.put("ratio_to_raw", IngestBench.round(sum(lakeCpu) / sum(rawCpu)));
        figures.put("ratio_to_raw_in_time", IngestBench.round(sum(lakeWall) / sum(rawWall)));
        together(lake, plain, queries, figures);
        figures.put("resident_bytes", lake.residentBytes());
        return figures;
    }

    /** All queries at once from many clients, each in an order of its own. */
    private void together(
            LakeUnderTest lake, DuckDBConnection plain, List<String> queries, ObjectNode figures)
            throws IOException, InterruptedException, SQLException, ExecutionException {
        System.err.println(clients + " clients");
        double rawUsed = Double.MAX_VALUE;
        double lakeUsed = Double.MAX_VALUE;
        for (int round = 0; round < rounds; round++) {
            long cpu = ownCpu();
            List<Connection> connections = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                connections.add(plain.duplicate());
            }
            crowd(
                    queries,
                    (client, sql) -> {
                        raw(connections.get(client), sql);
                        return sql;
                    });
            for (Connection connection : connections) {
                connection.close();
            }
            rawUsed = Math.min(rawUsed, (ownCpu() - cpu) / 1e9);
            LakeUnderTest.Cpu before = lake.cpu();
            crowd(queries, (client, sql) -> lake.query(sql, Tpch.NAMESPACE));
            lakeUsed = Math.min(lakeUsed, lake.cpu().since(before).all());
        }
        figures.put("clients", clients);
        figures.put("ratio_to_raw_of_clients", IngestBench.round(lakeUsed / rawUsed));
    }

    private interface Ask {
        Object ask(int client, String sql) throws Exception;
    }

    private void crowd(List<String> queries, Ask ask)
            throws InterruptedException, ExecutionException {
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
    }

    private static void raw(Connection plain, String sql) throws SQLException {
        try (Statement statement = plain.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                for (int i = 1; i <= columns; i++) {
                    var unused = rows.getObject(i);
                }
            }
        }
    }

    private static double[] filled(int size) {
        double[] values = new double[size];
        Arrays.fill(values, Double.MAX_VALUE);
        return values;
    }

    private static double sum(double[] values) {
        return Arrays.stream(values).sum();
    }
}
