package org.tonle.lake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tonle.lake.Answers.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.ingest.SourceStatus.State;

/** A topic that is reached by TLS and with a password, which is wrong, expires, and is renewed. */
class GuardedTopicIT {
    private static final String COUNTS =
            "SELECT COUNT(*) AS n, COUNT(DISTINCT event_id) AS d FROM bronze.orders";

    @TempDir private Path dir;
    private GuardedKafka kafka;

    @BeforeEach
    void startKafka() throws Exception {
        kafka = GuardedKafka.start(dir.resolve("kafka"));
        kafka.create("orders", 3);
        kafka.password("first");
        write("lake.yaml", "name: shop\ningest: {commit-interval: 100ms}\n");
        write("sources/clicks.yaml", "kind: http\n");
    }

    @AfterEach
    void stopKafka() {
        kafka.close();
    }

    private void write(String name, String text) throws IOException {
        Path file = dir.resolve("lake").resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void source(Path certificate, String password) throws IOException {
        Path jaas = dir.resolve("jaas");
        Files.writeString(
                jaas,
                "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";"
                        .formatted(GuardedKafka.USER, password));
        write(
                "sources/orders.yaml",
                """
                kind: kafka
                topic: orders
                bootstrap-servers: '%s'
                id: id
                properties:
                  security.protocol: SASL_SSL
                  sasl.mechanism: SCRAM-SHA-512
                  sasl.jaas.config: ${file:%s}
                  ssl.truststore.type: PEM
                  ssl.truststore.location: %s
                """
                        .formatted(kafka.address(), jaas, certificate));
    }

    private Lake open() {
        return Lake.open(dir.resolve("lake"), LakeOptions.ofProcess());
    }

    private static SourceReport report(Lake lake, String source) {
        return lake.sources().stream()
                .filter(report -> report.name().equals(source))
                .findFirst()
                .orElseThrow();
    }

    /** Waits until it is failing for a reason; nothing of the others hangs on it. */
    private static void awaitFailing(Lake lake, String reason) throws Exception {
        Answers.until(
                () -> report(lake, "orders").toString(),
                () ->
                        report(lake, "orders").state() == State.FAILING
                                && report(lake, "orders").reason().orElse("").contains(reason));
        assertThat(report(lake, "orders").toString()).doesNotContain("first", "second", "third");
        assertThat(report(lake, "clicks").state()).isEqualTo(State.RUNNING);
    }

    @Test
    void whoSignedForTheBrokerHasToBeTrustedAndThePasswordToHold() throws Exception {
        kafka.produce("orders", 1, 100);
        source(GuardedKafka.certificate(dir.resolve("stranger.p12")), "first");
        try (Lake lake = open()) {
            awaitFailing(lake, "and the lake don't trust each other: ");
        }
        source(dir.resolve("nowhere.pem"), "first");
        try (Lake lake = open()) {
            Answers.until(
                    () -> report(lake, "orders").toString(),
                    () -> report(lake, "orders").reason().orElse("").contains("nowhere.pem"));
            assertThat(report(lake, "clicks").state()).isEqualTo(State.RUNNING);
        }
        source(kafka.certificate(), "second");
        try (Lake lake = open()) {
            awaitFailing(lake, "refuses the source's credentials: Authentication failed");
            // mended there
            kafka.password("second");
            await(lake, COUNTS, "n,d\n100,100\n");
            Answers.until(
                    () -> report(lake, "orders").toString(),
                    () -> report(lake, "orders").reason().isEmpty());
        }
        source(kafka.certificate(), "third");
        kafka.produce("orders", 101, 200);
        try (Lake lake = open()) {
            awaitFailing(lake, "refuses the source's credentials: Authentication failed");
        }
        // mended here
        source(kafka.certificate(), "second");
        try (Lake lake = open()) {
            await(lake, COUNTS, "n,d\n200,200\n");
        }
    }

    @Test
    void aPasswordThatExpiresWhileTheTopicIsReadLosesNothing() throws Exception {
        source(kafka.certificate(), "first");
        try (Lake lake = open()) {
            kafka.produce("orders", 1, 100);
            await(lake, COUNTS, "n,d\n100,100\n");
            kafka.withdraw();
            kafka.produce("orders", 101, 200);
            awaitFailing(lake, "refuses the source's credentials: Authentication failed");
            kafka.produce("orders", 201, 300);
            kafka.password("first");
            await(lake, COUNTS, "n,d\n300,300\n");
            kafka.password("second");
            awaitFailing(lake, "refuses the source's credentials: Authentication failed");
            kafka.produce("orders", 301, 400);
            kafka.password("first");
            await(lake, COUNTS, "n,d\n400,400\n");
            Answers.until(
                    () -> report(lake, "orders").toString(),
                    () -> report(lake, "orders").state() == State.RUNNING);
        }
    }
}
