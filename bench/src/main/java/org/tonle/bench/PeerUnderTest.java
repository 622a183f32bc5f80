package org.tonle.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotSummary;
import org.apache.iceberg.StaticTableOperations;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Types;
import org.tonle.catalog.LocalFileIO;

/**
 * The Iceberg sink of Kafka Connect in a worker of its own, which writes flights of a topic to a
 * table that a catalog of files names: what costs it least.
 */
final class PeerUnderTest implements AutoCloseable {
    private static final String CONTROL = "control-iceberg";
    private static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.optional(1, "id", Types.StringType.get()),
                    Types.NestedField.optional(2, "date", Types.TimestampType.withoutZone()),
                    Types.NestedField.optional(3, "origin", Types.StringType.get()),
                    Types.NestedField.optional(4, "destination", Types.StringType.get()),
                    Types.NestedField.optional(5, "distance", Types.IntegerType.get()),
                    Types.NestedField.optional(6, "delay", Types.IntegerType.get()));

    private final Process process;
    private final Processes processes;
    private final Path table;
    private final Path log;
    private final LocalFileIO files = new LocalFileIO();

    private PeerUnderTest(Process process, Path folder, Path table, Path log) {
        this.process = process;
        this.processes = new Processes(process, folder.resolve("none"));
        this.table = table;
        this.log = log;
    }

    /** What a table is made of. */
    record Contents(long commits, List<String> files, long bytes) {}

    /**
     * @param libraries the folder of the worker's and the sink's jars
     * @param tuned whether it has what it costs least with, or what its scripts start it with
     */
    static PeerUnderTest start(
            Path libraries,
            Path folder,
            Broker broker,
            String topic,
            int commitSeconds,
            boolean tuned)
            throws IOException, InterruptedException {
        Path table = folder.resolve("warehouse/bench/flights");
        create(table);
        broker.create(CONTROL, 1);
        Path worker = folder.resolve("worker.properties");
        Path sink = folder.resolve("sink.properties");
        write(worker, worker(folder, broker, tuned));
        write(sink, sink(folder, broker, topic, commitSeconds));
        Path logging = folder.resolve("logback.xml");
        Files.writeString(
                logging,
                """
                <configuration>
                  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
                    <encoder><pattern>%d %-5level %logger{0}: %msg%n</pattern></encoder>
                  </appender>
                  <root level="WARN"><appender-ref ref="out"/></root>
                </configuration>
                """);
        List<String> command = new ArrayList<>(LakeUnderTest.java(libraries + "/*"));
        if (!tuned) {
            command.remove("-XX:+UseSerialGC");
            command.addAll(List.of("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"));
        }
        command.addAll(
                List.of(
                        // the worker's own default; a lake has less
                        "-Xmx2g",
                        "-Dlogback.configurationFile=" + logging,
                        "org.apache.kafka.connect.cli.ConnectStandalone",
                        worker.toString(),
                        sink.toString()));
        Path log = folder.resolve("peer.log");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        return new PeerUnderTest(process, folder, table, log);
    }

    /** An empty table with typed columns: the sink itself would make every number a long. */
    private static void create(Path table) throws IOException {
        Files.createDirectories(table.resolve("metadata"));
        TableMetadata metadata =
                TableMetadata.newTableMetadata(
                        SCHEMA,
                        PartitionSpec.unpartitioned(),
                        table.toString(),
                        Map.of(
                                TableProperties.FORMAT_VERSION, "2",
                                TableProperties.PARQUET_COMPRESSION, "zstd",
                                TableProperties.PARQUET_COMPRESSION_LEVEL, "1"));
        TableMetadataParser.write(
                metadata,
                new LocalFileIO()
                        .newOutputFile(table.resolve("metadata/v1.metadata.json").toString()));
        Files.writeString(table.resolve("metadata/version-hint.text"), "1");
    }

    private static Map<String, String> worker(Path folder, Broker broker, boolean tuned) {
        Map<String, String> settings = new HashMap<>();
        for (String of : List.of("", "consumer.", "producer.", "admin.")) {
            broker.client().forEach((name, value) -> settings.put(of + name, value));
        }
        // as a lake's own consumers: larger steps than the defaults, which cost more
        if (tuned) {
            settings.put("consumer.max.poll.records", "20000");
            settings.put("consumer.fetch.min.bytes", "1048576");
            settings.put("consumer.max.partition.fetch.bytes", "16777216");
        }
        settings.put("key.converter", "org.apache.kafka.connect.converters.ByteArrayConverter");
        settings.put("value.converter", "org.apache.kafka.connect.json.JsonConverter");
        settings.put("value.converter.schemas.enable", "false");
        settings.put("plugin.discovery", "service_load");
        settings.put("offset.storage.file.filename", folder.resolve("offsets").toString());
        // where no record comes a task hears of a commit only this often
        settings.put("offset.flush.interval.ms", "1000");
        settings.put("listeners", "http://127.0.0.1:0");
        return settings;
    }

    private static Map<String, String> sink(
            Path folder, Broker broker, String topic, int commitSeconds) {
        Map<String, String> settings = new HashMap<>();
        settings.put("name", "peer");
        settings.put("connector.class", "org.apache.iceberg.connect.IcebergSinkConnector");
        settings.put("tasks.max", "1");
        settings.put("topics", topic);
        settings.put("iceberg.tables", "bench.flights");
        settings.put("iceberg.catalog.type", "hadoop");
        settings.put("iceberg.catalog.warehouse", folder.resolve("warehouse").toString());
        // without a second file of checksums beside each
        settings.put("iceberg.hadoop.fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem");
        settings.put("iceberg.control.topic", CONTROL);
        settings.put("iceberg.control.commit.interval-ms", String.valueOf(commitSeconds * 1000));
        broker.client().forEach((name, value) -> settings.put("iceberg.kafka." + name, value));
        return settings;
    }

    private static void write(Path file, Map<String, String> settings) throws IOException {
        Properties properties = new Properties();
        properties.putAll(settings);
        try (Writer out = Files.newBufferedWriter(file, UTF_8)) {
            properties.store(out, null);
        }
    }

    Processes processes() {
        return processes;
    }

    /** How many rows the table has now. */
    long rows() throws IOException {
        if (!process.isAlive()) {
            throw new IllegalStateException("the peer ended:\n" + Files.readString(log));
        }
        Snapshot snapshot = metadata().currentSnapshot();
        return snapshot == null
                ? 0
                : Long.parseLong(snapshot.summary().get(SnapshotSummary.TOTAL_RECORDS_PROP));
    }

    Contents contents() throws IOException {
        TableMetadata metadata = metadata();
        List<String> paths = new ArrayList<>();
        long bytes = 0;
        try (CloseableIterable<FileScanTask> tasks =
                new BaseTable(
                                new StaticTableOperations(metadata.metadataFileLocation(), files),
                                "bench.flights")
                        .newScan()
                        .planFiles()) {
            for (FileScanTask task : tasks) {
                paths.add(LocalFileIO.path(task.file().location()).toString());
                bytes += task.file().fileSizeInBytes();
            }
        }
        return new Contents(metadata.lastSequenceNumber(), paths, bytes);
    }

    private TableMetadata metadata() throws IOException {
        try (Stream<Path> all = Files.list(table.resolve("metadata"))) {
            int newest =
                    all.map(file -> file.getFileName().toString())
                            .filter(name -> name.matches("v[0-9]+[.]metadata[.]json"))
                            .mapToInt(
                                    name -> Integer.parseInt(name.substring(1, name.indexOf('.'))))
                            .max()
                            .orElseThrow();
            return TableMetadataParser.read(
                    files, table.resolve("metadata/v" + newest + ".metadata.json").toString());
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
