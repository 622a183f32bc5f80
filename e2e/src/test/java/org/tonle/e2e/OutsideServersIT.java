package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.embedded.EmbeddedKafka;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.spi.FailPoints;

/**
 * Two Tonle processes on a Kafka and a PostgreSQL that are not theirs, and what can befall them.
 */
class OutsideServersIT {
    /** Longer than a lease lasts. */
    private static final Duration PAST_THE_LEASE = Duration.ofSeconds(12);

    @TempDir private Path dir;
    private EmbeddedPostgres postgres;
    private EmbeddedKafka kafka;
    private Path one;
    private Path two;

    @BeforeEach
    void servers() throws Exception {
        postgres = EmbeddedPostgres.start(dir.resolve("postgres"));
        kafka = EmbeddedKafka.start(dir.resolve("kafka"));
        one = folder("one");
        two = folder("two");
    }

    @AfterEach
    void stopServers() {
        kafka.close();
        postgres.close();
    }

    private Path folder(String name) throws Exception {
        Path folder = Files.createDirectories(dir.resolve(name).resolve("lake"));
        Files.writeString(dir.resolve("password"), postgres.password());
        Files.writeString(dir.resolve("jaas"), kafka.clientProperties().get("sasl.jaas.config"));
        LakeFolder.write(
                folder,
                """
                storage: %s
                ledger: {url: '%s', user: '%s', password: '${file:%s}'}
                event-log:
                  bootstrap-servers: '%s'
                  properties:
                    security.protocol: %s
                    sasl.mechanism: %s
                    sasl.jaas.config: '${file:%s}'
                """
                        .formatted(
                                dir.resolve("warehouse"),
                                postgres.jdbcUrl(),
                                postgres.user(),
                                dir.resolve("password"),
                                kafka.clientProperties().get("bootstrap.servers"),
                                kafka.clientProperties().get("security.protocol"),
                                kafka.clientProperties().get("sasl.mechanism"),
                                dir.resolve("jaas")));
        return folder;
    }

    private Optional<LakeProcess.Address> anyAddress() {
        List<LakeProcess.Address> addresses =
                Stream.of(one, two)
                        .flatMap(folder -> LakeProcess.address(folder).stream())
                        .toList();
        return addresses.isEmpty()
                ? Optional.empty()
                : Optional.of(addresses.get(ThreadLocalRandom.current().nextInt(addresses.size())));
    }

    /** Waits until so many more requests were answered. */
    private static void progress(RetryingClient client) throws InterruptedException {
        long goal = client.answers() + 20;
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (client.answers() < goal) {
            assertThat(System.nanoTime())
                    .as("the lake answers no more: %s, %s", client.broken(), client.refused())
                    .isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    @Test
    void nothingIsLostOrDoubledThoughEitherProcessOrEitherServerGoesAndComesBack()
            throws Exception {
        LakeProcess a = LakeProcess.start(one);
        LakeProcess b = LakeProcess.start(two);
        try (RetryingClient client =
                new RetryingClient(
                        this::anyAddress, 3, RetryingClient.Manners.OF_SEVERAL_PROCESSES)) {
            assertThat(a.awaitAddress()).as(a.output()).isPresent();
            assertThat(b.awaitAddress()).as(b.output()).isPresent();
            progress(client);

            a.kill();
            progress(client);
            a = LakeProcess.start(one);
            assertThat(a.awaitAddress()).as(a.output()).isPresent();
            b.kill();
            progress(client);
            b = LakeProcess.start(two);
            assertThat(b.awaitAddress()).as(b.output()).isPresent();

            // a zombie: it wakes when another process does its work
            for (LakeProcess zombie : List.of(a, b)) {
                zombie.signal("STOP");
                Thread.sleep(PAST_THE_LEASE);
                zombie.signal("CONT");
                progress(client);
            }

            ProcessHandle.of(postgres.pid()).orElseThrow().destroyForcibly();
            Thread.sleep(500);
            postgres.close();
            postgres = EmbeddedPostgres.start(dir.resolve("postgres"));
            progress(client);

            kafka.close();
            Thread.sleep(2_000);
            kafka = EmbeddedKafka.start(dir.resolve("kafka"));
            progress(client);

            client.close();
            CrashRun.settled(List.of(one, two));
            assertThat(a.terminate()).isZero();
            assertThat(b.terminate()).isZero();

            assertThat(client.broken()).isEmpty();
            try (Ledger ledger =
                            Ledger.open(
                                    new LedgerConfig(
                                            postgres.jdbcUrl(),
                                            postgres.user(),
                                            postgres.password()),
                                    FailPoints.NONE);
                    History history = new History(ledger, dir.resolve("warehouse"))) {
                History.Verdict verdict = history.check(client);
                System.out.printf(
                        "two processes: acknowledged %d, lost %d, doubled %d%n",
                        verdict.acknowledged(), verdict.lost(), verdict.doubled());
                assertThat(verdict.lost()).isZero();
                assertThat(verdict.doubled()).isZero();
            }
        } finally {
            a.close();
            b.close();
        }
    }
}
