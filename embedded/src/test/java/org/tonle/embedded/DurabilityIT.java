package org.tonle.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is acknowledged was forced to disk before: read from a trace of the system calls, because a
 * kill keeps the page cache and would prove nothing.
 */
class DurabilityIT {
    private static final int TIMES = 10;
    private static final Pattern DONE =
            Pattern.compile("^(\\d+) +(?:fsync|fdatasync)\\(\\d+<([^>]*)>\\) += 0");
    private static final Pattern BEGUN =
            Pattern.compile("^(\\d+) +(?:fsync|fdatasync)\\(\\d+<([^>]*)> *<unfinished");
    private static final Pattern RESUMED =
            Pattern.compile("^(\\d+) +<\\.\\.\\. (?:fsync|fdatasync) resumed>\\) += 0");
    private static final Pattern ACKNOWLEDGED =
            Pattern.compile("^\\d+ +write\\(1<.*\"acknowledged ");

    @TempDir Path dir;

    @Test
    void kafkaForcesEachRecordBeforeItAcknowledgesIt() throws Exception {
        assertForcedBeforeEach(trace(Produce.class), "/kept-0/");
    }

    @Test
    void postgresForcesTheWalBeforeItAcknowledgesACommit() throws Exception {
        assertForcedBeforeEach(trace(Commit.class), "/pg_wal/");
    }

    private List<String> trace(Class<?> main) throws Exception {
        Path trace = dir.resolve("trace");
        List<String> command =
                List.of(
                        "strace",
                        "-f",
                        "-y",
                        "-s",
                        "20",
                        "-e",
                        "trace=fsync,fdatasync,write",
                        "-e",
                        "signal=none",
                        "-o",
                        trace.toString(),
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName(),
                        dir.resolve("data").toString());
        Process process;
        try {
            process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(dir.resolve("said").toFile())
                            .start();
        } catch (IOException e) {
            System.err.println("NOT SHOWN, strace is missing: " + main.getSimpleName());
            return List.of();
        }
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(() -> read(dir.resolve("said"))).isZero();
        return Files.readAllLines(trace, StandardCharsets.ISO_8859_1);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Between two acknowledgements lies at least one completed fsync of {@code where}. */
    private static void assertForcedBeforeEach(List<String> trace, String where) {
        if (trace.isEmpty()) {
            return;
        }
        Map<String, String> begun = new HashMap<>();
        List<Integer> forcedBefore = new ArrayList<>();
        int forced = 0;
        for (String line : trace) {
            Matcher done = DONE.matcher(line);
            Matcher start = BEGUN.matcher(line);
            Matcher resumed = RESUMED.matcher(line);
            if (done.find()) {
                forced += done.group(2).contains(where) ? 1 : 0;
            } else if (start.find()) {
                begun.put(start.group(1), start.group(2));
            } else if (resumed.find()) {
                forced += begun.getOrDefault(resumed.group(1), "").contains(where) ? 1 : 0;
            } else if (ACKNOWLEDGED.matcher(line).find()) {
                forcedBefore.add(forced);
                forced = 0;
            }
        }
        assertThat(forcedBefore).hasSize(TIMES).allMatch(count -> count > 0);
    }

    private static void acknowledged(int i) {
        System.out.print("acknowledged " + i + "\n");
        System.out.flush();
    }

    static final class Produce {
        public static void main(String[] arguments) throws Exception {
            try (EmbeddedKafka kafka = EmbeddedKafka.start(Path.of(arguments[0]))) {
                Map<String, Object> settings = new HashMap<>(kafka.clientProperties());
                try (Admin admin = Admin.create(settings)) {
                    admin.createTopics(List.of(new NewTopic("kept", 1, (short) 1)))
                            .all()
                            .get(60, TimeUnit.SECONDS);
                }
                settings.put("acks", "all");
                try (KafkaProducer<byte[], byte[]> producer =
                        new KafkaProducer<>(
                                settings, new ByteArraySerializer(), new ByteArraySerializer())) {
                    for (int i = 0; i < TIMES; i++) {
                        producer.send(new ProducerRecord<>("kept", new byte[100]))
                                .get(60, TimeUnit.SECONDS);
                        acknowledged(i);
                    }
                }
            }
        }
    }

    static final class Commit {
        public static void main(String[] arguments) throws Exception {
            try (EmbeddedPostgres postgres = EmbeddedPostgres.start(Path.of(arguments[0]));
                    Connection connection =
                            DriverManager.getConnection(
                                    postgres.jdbcUrl(), postgres.user(), postgres.password());
                    Statement statement = connection.createStatement()) {
                statement.execute("CREATE TABLE kept (i int)");
                for (int i = 0; i < TIMES; i++) {
                    statement.execute("INSERT INTO kept VALUES (1)");
                    acknowledged(i);
                }
            }
        }
    }
}
