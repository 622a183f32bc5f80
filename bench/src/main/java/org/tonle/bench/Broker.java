package org.tonle.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.tonle.embedded.EmbeddedKafka;

/** A Kafka in a process of its own, which is nobody's cost, and what fills its topics. */
final class Broker implements AutoCloseable {
    private static final String CLIENT = "client.properties";

    private final Process process;
    private final Processes processes;
    private final Path folder;
    private final Map<String, String> client;
    private final KafkaProducer<byte[], byte[]> producer;
    private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();

    private Broker(Process process, Path folder, Map<String, String> client) {
        this.process = process;
        this.processes = new Processes(process, folder.resolve("none"));
        this.folder = folder;
        this.client = client;
        Map<String, Object> settings = new HashMap<>(client);
        settings.put("linger.ms", 20);
        settings.put("batch.size", 512 << 10);
        settings.put("compression.type", "lz4");
        this.producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** The process itself: ends when nobody holds its input any more. */
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"))) {
            Properties properties = new Properties();
            properties.putAll(kafka.clientProperties());
            Path written = folder.resolve(CLIENT + ".new");
            try (Writer out = Files.newBufferedWriter(written, UTF_8)) {
                properties.store(out, null);
            }
            Files.move(written, folder.resolve(CLIENT), StandardCopyOption.ATOMIC_MOVE);
            System.in.transferTo(java.io.OutputStream.nullOutputStream());
        }
    }

    static Broker start(Path folder) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        List<String> command =
                new ArrayList<>(LakeUnderTest.java(System.getProperty("java.class.path")));
        command.addAll(List.of(Broker.class.getName(), folder.toString()));
        Path log = folder.resolve("broker.log");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        while (!Files.exists(folder.resolve(CLIENT))) {
            if (!process.isAlive()) {
                throw new IllegalStateException("the broker ended:\n" + Files.readString(log));
            }
            Thread.sleep(50);
        }
        Properties properties = new Properties();
        try (Reader in = Files.newBufferedReader(folder.resolve(CLIENT), UTF_8)) {
            properties.load(in);
        }
        Map<String, String> client = new HashMap<>();
        properties.stringPropertyNames().forEach(n -> client.put(n, properties.getProperty(n)));
        return new Broker(process, folder, client);
    }

    /** What a client has to be configured with. */
    Map<String, String> client() {
        return client;
    }

    /** A source of a topic, without its columns; what the broker asks for is written to files. */
    String source(String topic) throws IOException {
        StringBuilder yaml =
                new StringBuilder("kind: kafka\ntopic: ")
                        .append(topic)
                        .append("\nbootstrap-servers: ")
                        .append(client.get("bootstrap.servers"))
                        .append("\nproperties:\n");
        for (Map.Entry<String, String> setting : client.entrySet()) {
            if (!setting.getKey().equals("bootstrap.servers")) {
                Path file = folder.resolve(setting.getKey());
                Files.writeString(file, setting.getValue());
                yaml.append("  %s: ${file:%s}\n".formatted(setting.getKey(), file));
            }
        }
        return yaml.toString();
    }

    Processes processes() {
        return processes;
    }

    void create(String topic, int partitions) throws InterruptedException {
        try (Admin admin = Admin.create(new HashMap<String, Object>(client))) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Sends a record; it may be on its way until {@link #flush}. */
    void send(String topic, byte[] value) {
        var _ =
                producer.send(
                        new ProducerRecord<>(topic, value),
                        (metadata, failed) -> {
                            if (failed != null) {
                                failure.compareAndSet(null, failed);
                            }
                        });
    }

    /**
     * Returns when the broker has all records.
     *
     * @throws IllegalStateException if it doesn't have one
     */
    void flush() {
        producer.flush();
        if (failure.get() != null) {
            throw new IllegalStateException(failure.get());
        }
    }

    @Override
    public void close() throws IOException {
        producer.close();
        process.getOutputStream().close();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
