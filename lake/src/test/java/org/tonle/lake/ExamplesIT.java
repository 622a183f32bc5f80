package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.lake.Answers.await;
import static org.tonle.lake.Answers.rows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tonle.definition.LakeDefinition;
import org.tonle.embedded.EmbeddedKafka;
import org.tonle.sql.Pipelines;

/** The lakes under examples/ do what they show. */
class ExamplesIT {
    private static final Path EXAMPLES = Path.of("..", "examples");

    @TempDir private Path dir;

    static List<Path> examples() throws IOException {
        try (Stream<Path> all = Files.list(EXAMPLES)) {
            return all.filter(Files::isDirectory).sorted().toList();
        }
    }

    private Path copy(String example) throws IOException {
        Path from = EXAMPLES.resolve(example);
        Path to = dir.resolve(example);
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                Files.createDirectories(target.getParent());
                Files.copy(file, target);
            }
        }
        Files.writeString(
                to.resolve("lake.yaml"),
                "ingest: {commit-interval: 200ms}\nrefresh-interval: 200ms\n",
                StandardOpenOption.APPEND);
        return to;
    }

    @ParameterizedTest
    @MethodSource("examples")
    void everyExampleIsAValidLake(Path example) throws IOException {
        Path folder = Files.createDirectories(dir.resolve("x"));
        for (String part : List.of("lake.yaml", "sources", "pipelines")) {
            assertThat(example.resolve(part)).exists();
        }
        try (Stream<Path> files = Files.walk(example)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = example.relativize(file).toString();
                if (!name.startsWith("data")) {
                    Files.createDirectories(folder.resolve(name).getParent());
                    Files.copy(file, folder.resolve(name));
                }
            }
        }
        if (example.endsWith("orders")) {
            Files.createDirectory(folder.resolve("shop-database"));
            Files.writeString(folder.resolve("shop-database/password"), "x");
        }
        LakeDefinition definition = LakeDefinition.load(folder, Map.of(), Pipelines::problems);
        assertThat(definition.sources()).isNotEmpty();
    }

    @Test
    void filesOfAFolder() throws Exception {
        try (Lake lake = Lake.open(copy("files"), LakeOptions.ofProcess())) {
            await(
                    lake,
                    "SELECT * FROM gold.sensor ORDER BY sensor",
                    "sensor,readings,coldest,warmest\nnorth,3,-8.00,-3.50\nsouth,2,6.50,7.00\n");
            assertThat(
                            rows(
                                    lake,
                                    "SELECT \"rule\", COUNT(*) AS n FROM quarantine.silver_readings"
                                            + " GROUP BY \"rule\" ORDER BY 1"))
                    .isEqualTo("rule,n\ncelsius,1\npayload,1\nplausible,1\n");
        }
    }

    @Test
    void aTopicOfAnotherCluster() throws Exception {
        Path folder = copy("topics");
        try (EmbeddedKafka kafka = EmbeddedKafka.start(dir.resolve("kafka"))) {
            Map<String, String> client = kafka.clientProperties();
            StringBuilder properties = new StringBuilder("properties:\n");
            client.forEach((name, value) -> {
                if (!name.equals("bootstrap.servers")) {
                    properties.append("  %s: '%s'%n".formatted(name, secret(name, value)));
                }
            });
            Path source = folder.resolve("sources/payments.yaml");
            Files.writeString(
                    source,
                    Files.readString(source)
                                    .replace("localhost:9092", client.get("bootstrap.servers"))
                            + properties);
            produce(client);
            try (Lake lake = Lake.open(folder, LakeOptions.ofProcess())) {
                await(
                        lake,
                        "SELECT * FROM gold.account ORDER BY account",
                        "account,payments,paid\n1,2,12.50\n2,1,7.00\n");
                assertThat(rows(lake, "SELECT COUNT(*) AS n FROM bronze.payments"))
                        .isEqualTo("n\n4\n");
            }
        }
    }

    private String secret(String name, String value) {
        if (!name.contains("jaas")) {
            return value;
        }
        try {
            Path file = dir.resolve("jaas");
            Files.writeString(file, value, StandardCharsets.UTF_8);
            return "${file:" + file + "}";
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void produce(Map<String, String> client) throws Exception {
        Map<String, Object> settings = new HashMap<>(client);
        try (Admin admin = Admin.create(settings)) {
            admin.createTopics(List.of(new NewTopic("shop.payments", 3, (short) 1)))
                    .all()
                    .get(90, TimeUnit.SECONDS);
        }
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (String payment : List.of("p1 1 10.00", "p2 1 2.50", "p3 2 7.00", "p3 2 7.00")) {
                String[] of = payment.split(" ");
                String value =
                        "{\"payment\":\"%s\",\"account\":%s,\"amount\":\"%s\"}"
                                .formatted(of[0], of[1], of[2]);
                producer.send(new ProducerRecord<>("shop.payments", of[1], value)).get();
            }
        }
    }
}
