package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Lets the {@link LakeFolder} lake compute silver anew, over and over while it comes and goes: all
 * of it, and what was taken in lately. A reader looks on. No event is ever taken away, so that a
 * table with fewer rows than before is one of which only a part is there.
 */
final class Refresher implements AutoCloseable {
    private static final long PAUSE_MILLIS = 300;
    private static final long LOOK_MILLIS = 50;
    private static final Duration LATELY = Duration.ofSeconds(3);
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final List<String> TABLES =
            List.of("silver.events", "quarantine.silver_events", "gold.groups");
    private static final String LOOK =
            "SELECT (SELECT COUNT(*) FROM silver.events) AS a,"
                    + " (SELECT COUNT(*) FROM quarantine.silver_events) AS b,"
                    + " (SELECT COALESCE(SUM(n), 0) FROM gold.groups) AS c";

    private final Path lake;
    private final HttpClient http = HttpClient.newHttpClient();
    private final AtomicInteger whole = new AtomicInteger();
    private final AtomicInteger lately = new AtomicInteger();
    private final AtomicInteger cut = new AtomicInteger();
    private final AtomicInteger looks = new AtomicInteger();
    private final Map<String, String> broken = new ConcurrentHashMap<>();
    private final List<Thread> threads;
    private volatile boolean underWay;
    private volatile boolean stopped;

    Refresher(Path lake) {
        this.lake = lake;
        this.threads =
                List.of(
                        Thread.ofPlatform().name("refresher").start(this::refreshAlways),
                        Thread.ofPlatform().name("reader").start(this::lookAlways));
    }

    private void refreshAlways() {
        try {
            for (int round = 0; !stopped; round++) {
                Optional<LakeProcess.Address> address = LakeProcess.address(lake);
                if (address.isPresent()) {
                    boolean all = round % 2 == 0;
                    underWay = true;
                    try {
                        if (refresh(address.get(), all)) {
                            (all ? whole : lately).incrementAndGet();
                        }
                    } catch (IOException e) {
                        cut.incrementAndGet();
                    } finally {
                        underWay = false;
                    }
                }
                Thread.sleep(PAUSE_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether the lake says that it has done it. */
    private boolean refresh(LakeProcess.Address address, boolean all)
            throws IOException, InterruptedException {
        String from = all ? "" : "\"from\":\"%s\"".formatted(Instant.now().minus(LATELY));
        HttpResponse<String> answer = post(http, address, "{" + from + "}");
        if (answer.statusCode() >= 400 && answer.statusCode() < 500 && !CrashRun.isLater(answer)) {
            broken.put("refresh", answer.statusCode() + " " + answer.body());
        }
        return answer.statusCode() == 200;
    }

    private static HttpResponse<String> post(
            HttpClient http, LakeProcess.Address address, String body)
            throws IOException, InterruptedException {
        return http.send(
                address.request("/api/v1/datasets/silver.events/refresh")
                        .timeout(LIMIT)
                        .header("content-type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    /**
     * Lets an idle lake that ends at a step of it compute all of silver anew, and waits for the
     * end.
     */
    static void refreshUntilItEnds(LakeProcess lake) throws InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            LakeProcess.Address address = lake.awaitAddress().orElseThrow();
            long end = System.nanoTime() + LIMIT.toNanos();
            HttpResponse<String> answer = post(http, address, "{}");
            // the leases of a lake that was ended before have their time
            while (CrashRun.isLater(answer) && System.nanoTime() < end) {
                Thread.sleep(PAUSE_MILLIS);
                answer = post(http, address, "{}");
            }
            throw new AssertionError("it went on: " + answer.body() + lake.output());
        } catch (IOException e) {
            // it is gone
        }
    }

    private void lookAlways() {
        long[] most = new long[TABLES.size()];
        try {
            while (!stopped) {
                Optional<LakeProcess.Address> address = LakeProcess.address(lake);
                if (address.isPresent()) {
                    look(address.get(), most);
                }
                Thread.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void look(LakeProcess.Address address, long[] most) throws InterruptedException {
        try {
            JsonNode row = CrashRun.ask(http, address, LOOK).path(0);
            if (!row.isObject()) {
                return;
            }
            looks.incrementAndGet();
            int table = 0;
            for (JsonNode value : row) {
                long rows = value.asLong();
                if (rows < most[table]) {
                    broken.put(
                            TABLES.get(table),
                            "has %d rows and had %d".formatted(rows, most[table]));
                }
                most[table++] = rows;
            }
        } catch (IOException e) {
            // it was killed
        }
    }

    /** Waits until a running lake has said that it has done both. */
    void awaitBoth() throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (whole.get() == 0 || lately.get() == 0) {
            assertThat(System.nanoTime()).as("a refresh; %s", broken).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    /** Waits until a running lake is asked for one. */
    void awaitUnderWay() throws InterruptedException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!underWay) {
            assertThat(System.nanoTime()).as("a refresh; %s", broken).isLessThan(deadline);
            Thread.sleep(1);
        }
    }

    /** Stops, and says what was seen. */
    void check() throws InterruptedException {
        stop();
        System.out.printf(
                "refreshed %d times in full, %d from a time on, %d cut off; %d looks at it%n",
                whole.get(), lately.get(), cut.get(), looks.get());
        assertThat(broken).isEmpty();
        assertThat(looks.get()).isPositive();
    }

    private void stop() throws InterruptedException {
        stopped = true;
        for (Thread thread : threads) {
            thread.join();
        }
    }

    @Override
    public void close() throws InterruptedException {
        stop();
        http.close();
    }
}
