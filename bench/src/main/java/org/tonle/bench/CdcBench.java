package org.tonle.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.debezium.connector.postgresql.PostgresConnector;
import io.debezium.connector.postgresql.PostgresConnectorTask;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;
import org.jspecify.annotations.Nullable;
import org.tonle.lake.LocalDatabase;

/**
 * A table of PostgreSQL into a change table: its rows, then a stream of updates, inserts and
 * deletes; in CPU-seconds of all of the lake's processes, the database's own apart. Beside it the
 * same stream read by Debezium's connector alone, which writes nowhere.
 */
final class CdcBench {
    private static final String DATABASE = "postgres";

    /** Of one transaction. */
    private static final int CHANGES = 100;

    private final Path root;
    private final int rows;
    private final int changes;

    CdcBench(Path root, Main.Options options) {
        this.root = root;
        this.rows = options.number("rows", 2_000_000);
        this.changes = options.number("changes", 500_000);
    }

    ObjectNode run() throws IOException, InterruptedException, SQLException {
        Path work = Files.createTempDirectory("tonle-bench");
        try {
            Path lake = Files.createDirectory(work.resolve("lake"));
            double idle = start(lake);
            try (LocalDatabase database = LocalDatabase.start(work.resolve("database"))) {
                return measure(lake, database, idle);
            }
        } finally {
            LakeUnderTest.delete(work);
        }
    }

    /** What starting takes, before anything is read; the folders are there afterwards. */
    private double start(Path folder) throws IOException, InterruptedException {
        Files.writeString(folder.resolve("lake.yaml"), "name: cdc\n");
        try (LakeUnderTest lake = LakeUnderTest.start(root, folder)) {
            return lake.cpu().all();
        }
    }

    private static void run(LocalDatabase database, String... statements) throws SQLException {
        try (Connection connection = database.connect(DATABASE);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private ObjectNode measure(Path folder, LocalDatabase database, double idle)
            throws IOException, InterruptedException, SQLException {
        run(
                database,
                "CREATE TABLE accounts (id bigint PRIMARY KEY, name text, city text, balance"
                        + " numeric(12,2), at timestamptz)",
                "INSERT INTO accounts SELECT i, 'Name of ' || i, 'City ' || i % 100, i / 7.0,"
                        + " timestamptz '2026-01-01' + i * interval '1 second' FROM"
                        + " generate_series(1, "
                        + rows
                        + ") AS t(i)");
        write(folder, database);
        ObjectNode figures = new ObjectMapper().createObjectNode();
        long from;
        try (LakeUnderTest lake = LakeUnderTest.start(root, folder)) {
            await(lake, database);
            Processes.Cpu snapshot = lake.cpu();
            figures.put("snapshot_rows", rows)
                    .put("snapshot_cpu_seconds", IngestBench.round(snapshot.all() - idle))
                    .put("snapshot_compiling_seconds", IngestBench.round(snapshot.compiling()))
                    .put("snapshot_rows_per_cpu_s", Math.round(rows / (snapshot.all() - idle)));
            System.err.println(figures);
            from = slot(database);
            change(database);
            await(lake, database);
            double cpu = lake.cpu().since(snapshot).all();
            figures.put("stream_changes", changes)
                    .put("stream_cpu_seconds", IngestBench.round(cpu))
                    .put("stream_changes_per_cpu_s", Math.round(changes / cpu))
                    .put("resident_bytes", lake.residentBytes());
        }
        double bare = bare(database, from);
        return figures.put("engine_changes_per_cpu_s", Math.round(changes / bare))
                .put(
                        "stream_ratio_to_engine",
                        IngestBench.round(bare / figures.path("stream_cpu_seconds").asDouble()));
    }

    private static void write(Path folder, LocalDatabase database) throws IOException {
        Files.createDirectories(folder.resolve("sources"));
        Files.createDirectories(folder.resolve("pipelines"));
        Files.writeString(folder.resolve("password"), database.password());
        Files.writeString(
                folder.resolve("sources/bank.yaml"),
                """
                kind: postgres
                host: 127.0.0.1
                port: %d
                database: postgres
                user: %s
                password: ${file:password}
                tables:
                  accounts: {id: bigint, name: string, city: string, balance: "decimal(12,2)", at: timestamptz}
                """
                        .formatted(database.port(), database.user()));
        Files.writeString(
                folder.resolve("pipelines/bank.sql"),
                "AUTO CDC INTO silver.accounts FROM STREAM bronze.bank_accounts KEYS (id);\n");
    }

    /** Transactions of updates, seven of ten, inserts and deletes all over the table. */
    private void change(LocalDatabase database) throws SQLException {
        try (Connection connection = database.connect(DATABASE);
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < changes / CHANGES; i++) {
                long at = 1 + i * 7919L % (rows - CHANGES);
                String which =
                        "WHERE id IN (SELECT id FROM accounts WHERE id >= %d ORDER BY id LIMIT %d)"
                                .formatted(at, CHANGES);
                statement.execute(
                        switch (i % 10) {
                            case 0, 1, 2, 3, 4, 5, 6 ->
                                    "UPDATE accounts SET balance = balance + 1 " + which;
                            case 7, 8 ->
                                    "INSERT INTO accounts SELECT %d + g, 'New ' || g, 'City', g, now() FROM generate_series(1, %d) AS t(g)"
                                            .formatted(rows + (long) i * CHANGES, CHANGES);
                            default -> "DELETE FROM accounts " + which;
                        });
                connection.commit();
            }
        }
    }

    /** Waits until silver has the table's rows: as many, with the same sum. */
    private static void await(LakeUnderTest lake, LocalDatabase database)
            throws IOException, InterruptedException, SQLException {
        String sql = "SELECT COUNT(*) AS n, CAST(SUM(balance) AS VARCHAR) AS s FROM %s";
        String wanted;
        try (Connection connection = database.connect(DATABASE);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql.formatted("accounts"))) {
            row.next();
            wanted = row.getString(1) + " " + row.getString(2);
        }
        while (true) {
            var row = lake.query(sql.formatted("silver.accounts")).path(0);
            if (wanted.equals(row.path("n").asText() + " " + row.path("s").asText())) {
                return;
            }
            Thread.sleep(1000);
        }
    }

    /** Makes a slot that nobody reads yet; where it begins. */
    private static long slot(LocalDatabase database) throws SQLException {
        try (Connection connection = database.connect(DATABASE);
                Statement statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT CAST(lsn - '0/0' AS bigint) FROM"
                                        + " pg_create_logical_replication_slot('bare', 'pgoutput')")) {
            row.next();
            return row.getLong(1);
        }
    }

    /** CPU-seconds of this process while the connector alone reads what the lake has read. */
    private double bare(LocalDatabase database, long lsn) throws InterruptedException {
        Map<String, String> settings = new HashMap<>();
        settings.put("name", "bare");
        settings.put("connector.class", PostgresConnector.class.getName());
        settings.put("topic.prefix", "bare");
        settings.put("database.hostname", "127.0.0.1");
        settings.put("database.port", String.valueOf(database.port()));
        settings.put("database.dbname", DATABASE);
        settings.put("database.user", database.user());
        settings.put("database.password", database.password());
        settings.put("plugin.name", "pgoutput");
        settings.put("slot.name", "bare");
        settings.put("publication.name", "tonle_bank");
        settings.put("publication.autocreate.mode", "disabled");
        settings.put("table.include.list", "public.accounts");
        settings.put("snapshot.mode", "no_data");
        settings.put("tombstones.on.delete", "false");
        settings.put("poll.interval.ms", "50");
        PostgresConnectorTask task = new PostgresConnectorTask();
        task.initialize(new Nowhere(settings, lsn));
        task.start(settings);
        try {
            double before = cpu();
            for (long read = 0; read < changes; ) {
                List<SourceRecord> records = task.poll();
                read += records == null ? 0 : records.size();
            }
            return cpu() - before;
        } finally {
            task.stop();
        }
    }

    private static double cpu() {
        return ((com.sun.management.OperatingSystemMXBean)
                                ManagementFactory.getOperatingSystemMXBean())
                        .getProcessCpuTime()
                / 1e9;
    }

    /** Begins at a place of the database's log, and keeps nothing. */
    private record Nowhere(Map<String, String> configs, long lsn) implements SourceTaskContext {
        @Override
        public OffsetStorageReader offsetStorageReader() {
            return new OffsetStorageReader() {
                @Override
                public <T> Map<String, Object> offset(Map<String, T> partition) {
                    return Map.of("lsn", lsn);
                }

                @Override
                public <T> Map<Map<String, T>, Map<String, Object>> offsets(
                        Collection<Map<String, T>> partitions) {
                    Map<Map<String, T>, Map<String, Object>> offsets = new HashMap<>();
                    partitions.forEach(partition -> offsets.put(partition, offset(partition)));
                    return offsets;
                }
            };
        }

        @Override
        public @Nullable PluginMetrics pluginMetrics() {
            return null;
        }
    }
}
