package org.tonle.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnknownServerException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A disk that is full ends the servers, and they come back when it has room: on a file system of a
 * few hundred MB that only the test's own process sees.
 */
class SmallDiskIT {
    private static final Duration LIMIT = Duration.ofSeconds(90);

    @TempDir Path dir;

    @Test
    void kafkaComesBackWithAllThatItAcknowledged() throws Exception {
        run(FillKafka.class);
    }

    @Test
    void postgresComesBackWithAllThatItAcknowledged() throws Exception {
        run(FillPostgres.class);
    }

    private void run(Class<?> main) throws Exception {
        Path disk = Files.createDirectory(dir.resolve("disk"));
        List<String> command =
                List.of(
                        "unshare",
                        "--user",
                        "--map-root-user",
                        "--mount",
                        "sh",
                        "-c",
                        "mount -t tmpfs -o size=300m tonle \"$0\" || exit 99; exec \"$@\"",
                        disk.toString(),
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName(),
                        disk.toString());
        Path said = dir.resolve("said");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        try {
            assertThat(process.waitFor(240, TimeUnit.SECONDS)).as(Files.readString(said)).isTrue();
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
        if (process.exitValue() == 99 || Files.readString(said).contains("unshare failed")) {
            System.err.println("NOT SHOWN: no file system can be mounted here");
            return;
        }
        System.out.println(Files.readString(said));
        assertThat(process.exitValue()).as(Files.readString(said)).isZero();
    }

    private static void fill(Path filler) throws IOException {
        byte[] zeros = new byte[1 << 20];
        try (var out = Files.newOutputStream(filler)) {
            while (true) {
                out.write(zeros);
            }
        } catch (IOException full) {
            assertThat(full).hasMessageContaining("No space");
        }
    }

    private static void await(String what, Supplier<Boolean> done) throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!done.get()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    /** Appends until the disk is full, makes room, and reads everything back. */
    static final class FillKafka {
        public static void main(String[] arguments) throws Exception {
            Path disk = Path.of(arguments[0]);
            Path filler = disk.resolve("filler");
            try (EmbeddedKafka kafka = EmbeddedKafka.start(disk.resolve("kafka"))) {
                // the less is left, the earlier in an append there is no room: for the record, or
                // for the first page of an index
                for (int leftPages : List.of(0, 2, 3, 4, 5)) {
                    fillAndFree(kafka, disk.resolve("filler"), leftPages);
                }
            }
            System.exit(0);
        }

        private static void fillAndFree(EmbeddedKafka kafka, Path filler, int leftPages)
                throws Exception {
            String topic = "kept-" + leftPages;
            List<String> acknowledged = new ArrayList<>();
            try (Admin admin = Admin.create(properties(kafka))) {
                admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1)))
                        .all()
                        .get(90, TimeUnit.SECONDS);
            }
            try (KafkaProducer<byte[], byte[]> producer = producer(kafka)) {
                append(kafka, producer, topic, 1, acknowledged);
                fill(filler);
                try (FileChannel channel = FileChannel.open(filler, StandardOpenOption.WRITE)) {
                    channel.truncate(channel.size() - leftPages * 4096L);
                }
                append(kafka, producer, topic, 100_000, acknowledged);
                await("it says that it is down", () -> kafka.fault().isPresent());
                await("it says why", () -> kafka.fault().orElse("").contains("MB left"));
                System.out.println(leftPages + " pages left: " + kafka.fault());
                Files.delete(filler);
                await("it runs again", () -> kafka.fault().isEmpty());
                int before = acknowledged.size();
                append(kafka, producer, topic, 20, acknowledged);
                assertThat(acknowledged).hasSize(before + 20);
            }
            List<String> found = read(kafka, topic, acknowledged.getLast());
            // what was not acknowledged may be there, too
            found.retainAll(acknowledged);
            assertThat(found).isEqualTo(acknowledged);
        }

        private static int number;

        /** Ends early when the broker takes no more. */
        private static void append(
                EmbeddedKafka kafka,
                KafkaProducer<byte[], byte[]> producer,
                String topic,
                int records,
                List<String> acknowledged)
                throws InterruptedException {
            String filling = "x".repeat(3_000);
            for (int i = 0; i < records; i++) {
                String id = "record " + number++;
                try {
                    producer.send(
                                    new ProducerRecord<>(
                                            topic,
                                            (id + "|" + filling).getBytes(StandardCharsets.UTF_8)),
                                    (metadata, failure) -> {
                                        if (failure instanceof UnknownServerException) {
                                            System.out.println("gives up for " + failure);
                                            kafka.giveUp(failure.toString());
                                        }
                                    })
                            .get();
                    acknowledged.add(id);
                } catch (ExecutionException e) {
                    System.out.println(acknowledged.size() + " records, then " + e.getCause());
                    return;
                }
            }
        }

        private static KafkaProducer<byte[], byte[]> producer(EmbeddedKafka kafka) {
            Map<String, Object> settings = properties(kafka);
            settings.put("acks", "all");
            settings.put("request.timeout.ms", 1_000);
            settings.put("delivery.timeout.ms", 2_000);
            settings.put("max.block.ms", 10_000);
            return new KafkaProducer<>(
                    settings, new ByteArraySerializer(), new ByteArraySerializer());
        }

        private static List<String> read(EmbeddedKafka kafka, String topic, String last) {
            Map<String, Object> settings = properties(kafka);
            settings.put("auto.offset.reset", "none");
            try (KafkaConsumer<byte[], byte[]> consumer =
                    new KafkaConsumer<>(
                            settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                TopicPartition partition = new TopicPartition(topic, 0);
                consumer.assign(List.of(partition));
                consumer.seek(partition, 0);
                List<String> found = new ArrayList<>();
                long deadline = System.nanoTime() + LIMIT.toNanos();
                while (!found.contains(last) && System.nanoTime() < deadline) {
                    for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(200))) {
                        String text = new String(r.value(), StandardCharsets.UTF_8);
                        found.add(text.substring(0, text.indexOf('|')));
                    }
                }
                return found;
            }
        }

        private static Map<String, Object> properties(EmbeddedKafka kafka) {
            return new HashMap<>(kafka.clientProperties());
        }
    }

    /** Commits until the disk is full, makes room, and counts. */
    static final class FillPostgres {
        public static void main(String[] arguments) throws Exception {
            Path disk = Path.of(arguments[0]);
            Path filler = disk.resolve("filler");
            try (EmbeddedPostgres postgres = EmbeddedPostgres.start(disk.resolve("postgres"))) {
                try (Connection connection = connect(postgres);
                        Statement statement = connection.createStatement()) {
                    statement.execute("CREATE TABLE kept (id int)");
                }
                AtomicInteger rows = new AtomicInteger(insert(postgres, 10, 0));
                fill(filler);
                await(
                        "it says why",
                        () -> {
                            // it may come to itself once or twice before it gives up
                            rows.set(insert(postgres, 100, rows.get()));
                            return postgres.fault().orElse("").contains("MB left");
                        });
                int kept = rows.get();
                System.out.println(kept + " rows; " + postgres.fault());
                Files.delete(filler);
                await("it runs again", () -> postgres.fault().isEmpty());
                await("it takes rows again", () -> insert(postgres, 1, kept) > kept);
                try (Connection connection = connect(postgres);
                        Statement statement = connection.createStatement();
                        ResultSet row =
                                statement.executeQuery(
                                        "SELECT count(DISTINCT id), max(id) FROM kept")) {
                    row.next();
                    assertThat(row.getInt(1)).isEqualTo(kept + 1);
                    assertThat(row.getInt(2)).isEqualTo(kept);
                }
            }
            System.exit(0);
        }

        /** How many rows there are then; fewer than asked for if it takes no more. */
        private static int insert(EmbeddedPostgres postgres, int rows, int from) {
            int next = from;
            try (Connection connection = connect(postgres);
                    Statement statement = connection.createStatement()) {
                for (int i = 0; i < rows; i++) {
                    statement.execute("INSERT INTO kept VALUES (%d)".formatted(next));
                    next++;
                    // a new file of its log each time: it ends when there is no room for one
                    statement.execute("SELECT pg_switch_wal()");
                }
            } catch (SQLException e) {
                System.out.println(next + " rows, then " + e.getMessage());
            }
            return next;
        }

        private static Connection connect(EmbeddedPostgres postgres) throws SQLException {
            return DriverManager.getConnection(
                    postgres.jdbcUrl(), postgres.user(), postgres.password());
        }
    }
}
