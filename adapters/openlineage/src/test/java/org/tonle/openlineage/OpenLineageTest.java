package org.tonle.openlineage;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class OpenLineageTest {
    @TempDir private Path dir;

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(5);
        }
    }

    /** A server that answers what {@link #status} says and keeps what it took. */
    private static final class Server implements AutoCloseable {
        final List<String> taken = new CopyOnWriteArrayList<>();
        final List<String> keys = new CopyOnWriteArrayList<>();
        volatile int status = 201;
        private final HttpServer http;

        Server() throws IOException {
            http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            http.createContext(
                    "/api/v1/lineage",
                    exchange -> {
                        String body = new String(exchange.getRequestBody().readAllBytes());
                        int answer = status;
                        if (answer == 201) {
                            taken.add(body);
                            keys.add(
                                    String.valueOf(
                                            exchange.getRequestHeaders()
                                                    .getFirst("authorization")));
                        }
                        exchange.sendResponseHeaders(answer, -1);
                        exchange.close();
                    });
            http.start();
        }

        URI url() {
            return URI.create(
                    "http://127.0.0.1:" + http.getAddress().getPort() + "/api/v1/lineage");
        }

        @Override
        public void close() {
            http.stop(0);
        }
    }

    @Test
    void aFileGrowsByALinePerEventAlsoWhenItWasMovedAway() throws Exception {
        Path file = dir.resolve("out/lineage.ndjson");
        try (OpenLineage lineage = OpenLineage.toFile("tonle://l", file)) {
            lineage.accept(Runs.started());
            lineage.accept(Runs.completed());
            await(() -> lineage.sent() == 2);
            Files.move(file, dir.resolve("old.ndjson"));
            lineage.accept(Runs.failed());
        }
        assertThat(Files.readAllLines(dir.resolve("old.ndjson")))
                .satisfiesExactly(
                        line -> assertThat(line).contains("\"START\"").endsWith("}"),
                        line -> assertThat(line).contains("\"COMPLETE\"").endsWith("}"));
        assertThat(Files.readAllLines(file))
                .singleElement()
                .satisfies(line -> assertThat(line).contains("\"FAIL\""));
    }

    @Test
    void aServerGetsEachEventInOrderWithTheKey() throws Exception {
        try (Server server = new Server()) {
            try (OpenLineage lineage =
                    OpenLineage.toServer("tonle://l", server.url(), Optional.of("secret"))) {
                lineage.accept(Runs.started());
                lineage.accept(Runs.completed());
            }
            assertThat(server.taken)
                    .satisfiesExactly(
                            first -> assertThat(first).contains("\"START\""),
                            second -> assertThat(second).contains("\"COMPLETE\""));
            assertThat(server.keys).containsOnly("Bearer secret");
        }
    }

    @Test
    void whatWasSaidBeforeTheEndIsToldHoweverSoonTheEndComes() {
        for (int i = 0; i < 200; i++) {
            OpenLineage lineage = OpenLineage.toFile("tonle://l", dir.resolve("l.ndjson"));
            lineage.accept(Runs.started());
            lineage.close();
            assertThat(lineage.sent()).as("%d", i).isEqualTo(1);
            assertThat(lineage.dropped()).isZero();
        }
    }

    @Test
    void whatWaitsDuringAnOutageArrivesAfterIt() throws Exception {
        try (Server server = new Server()) {
            server.status = 503;
            try (OpenLineage lineage =
                    OpenLineage.toServer("tonle://l", server.url(), Optional.empty())) {
                lineage.accept(Runs.started());
                lineage.accept(Runs.completed());
                await(() -> lineage.waiting() == 1);
                server.status = 201;
                await(() -> lineage.sent() == 2);
                assertThat(lineage.dropped()).isZero();
            }
            assertThat(server.taken).hasSize(2);
        }
    }

    @Test
    void anEventThatIsRefusedIsDroppedAndDoesntKeepTheNextOneWaiting() throws Exception {
        try (Server server = new Server();
                OpenLineage lineage =
                        OpenLineage.toServer("tonle://l", server.url(), Optional.empty())) {
            server.status = 422;
            lineage.accept(Runs.started());
            await(() -> lineage.dropped() == 1);
            server.status = 201;
            lineage.accept(Runs.completed());
            await(() -> lineage.sent() == 1);
        }
    }

    @Test
    void whatFindsNoRoomIsCountedAndNobodyWaitsForIt() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch letGo = new CountDownLatch(1);
        Destination stuck =
                new Destination() {
                    @Override
                    public void send(byte[] event) throws InterruptedException {
                        inside.countDown();
                        letGo.await();
                    }

                    @Override
                    public void close() {}
                };
        try (OpenLineage lineage = OpenLineage.start("tonle://l", stuck)) {
            lineage.accept(Runs.started());
            inside.await();
            for (int i = 0; i < OpenLineage.ROOM + 7; i++) {
                lineage.accept(Runs.started());
            }
            assertThat(lineage.dropped()).isEqualTo(7);
            assertThat(lineage.waiting()).isEqualTo(OpenLineage.ROOM);
            letGo.countDown();
            await(() -> lineage.sent() == OpenLineage.ROOM + 1L);
        }
    }

    @Test
    void closingWaitsTwoSecondsAtMostAndCountsWhatIsLeft() throws Exception {
        OpenLineage lineage;
        long start;
        CountDownLatch inside = new CountDownLatch(1);
        Destination stuck =
                new Destination() {
                    @Override
                    public void send(byte[] event) throws IOException, InterruptedException {
                        inside.countDown();
                        new CountDownLatch(1).await();
                    }

                    @Override
                    public void close() {}
                };
        lineage = OpenLineage.start("tonle://l", stuck);
        lineage.accept(Runs.started());
        inside.await();
        lineage.accept(Runs.completed());
        start = System.nanoTime();
        lineage.close();
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isGreaterThan(Duration.ofMillis(1900));
        assertThat(lineage.sent()).isZero();
        assertThat(lineage.dropped()).isEqualTo(2);
        lineage.accept(Runs.started());
        assertThat(lineage.dropped()).isEqualTo(3);
    }
}
