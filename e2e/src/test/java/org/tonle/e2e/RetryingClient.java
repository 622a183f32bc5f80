package org.tonle.e2e;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Clients that post without end, each request with an Idempotency-Key, and send it again until it
 * is answered, as a careful client does. Every now and then an event is sent again in another
 * request, and a request again though it was answered.
 */
final class RetryingClient implements AutoCloseable {
    /** How a client behaves, and what it may expect. */
    enum Manners {
        /** The same key on every try; a repeat answers the same. */
        RIGHT,
        /** The same, of several processes: a repeat at another one may name another position. */
        OF_SEVERAL_PROCESSES,
        /** A mutant: a new key on every try. */
        NEW_KEY_ON_RETRY
    }

    private final Supplier<Optional<LakeProcess.Address>> url;
    private final Manners manners;
    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(2))
                    .build();
    private final Map<String, Integer> acknowledged = new ConcurrentHashMap<>();
    private final Map<String, Integer> carried = new ConcurrentHashMap<>();
    private final Map<String, String> broken = new ConcurrentHashMap<>();
    private final AtomicLong answers = new AtomicLong();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopping;
    private volatile String refused = "";

    /** A client as it should be, of one process. */
    RetryingClient(Supplier<Optional<LakeProcess.Address>> url, int writers) {
        this(url, writers, Manners.RIGHT);
    }

    RetryingClient(Supplier<Optional<LakeProcess.Address>> url, int writers, Manners manners) {
        this.url = url;
        this.manners = manners;
        for (int writer = 0; writer < writers; writer++) {
            int seed = writer;
            threads.add(Thread.ofVirtual().start(() -> write(seed)));
        }
    }

    /** How many events each acknowledged Idempotency-Key had. */
    Map<String, Integer> acknowledged() {
        return Map.copyOf(acknowledged);
    }

    /** In how many requests each event was sent, tries apart. */
    Map<String, Integer> carried() {
        return Map.copyOf(carried);
    }

    long answers() {
        return answers.get();
    }

    /** Answers that a correct lake doesn't give. */
    Map<String, String> broken() {
        return Map.copyOf(broken);
    }

    /** The last answer that wasn't 202: status, Retry-After and body. */
    String refused() {
        return refused;
    }

    private void write(int writer) {
        Random random = new Random(writer);
        List<String> old = new ArrayList<>();
        for (int request = 0; !stopping; request++) {
            String key = "w" + writer + "-" + request;
            StringBuilder body = new StringBuilder();
            int events = 1 + random.nextInt(20);
            Set<String> inside = new HashSet<>();
            for (int i = 0; i < events; i++) {
                String id = key + "-" + i;
                String event =
                        "{\"id\":\"%s\",\"grp\":\"g%d\",\"amount\":%d}"
                                .formatted(id, random.nextInt(5), random.nextInt(1000));
                if (!old.isEmpty() && random.nextInt(50) == 0) {
                    String again = old.get(random.nextInt(old.size()));
                    String againId = again.split("\"", -1)[3];
                    if (inside.add(againId)) {
                        event = again;
                        id = againId;
                    }
                } else if (old.size() < 200) {
                    old.add(event);
                }
                inside.add(id);
                carried.merge(id, 1, Integer::sum);
                body.append(event).append('\n');
            }
            String answer = post(key, body.toString());
            if (answer == null) {
                return;
            }
            acknowledged.put(key, events);
            answers.incrementAndGet();
            if (random.nextInt(20) == 0) {
                String again = post(key, body.toString());
                if (manners == Manners.RIGHT && again != null && !again.equals(answer)) {
                    broken.put(key, answer + " and then " + again);
                }
            }
        }
    }

    /** The body of the 202, or null if the client was stopped before there was one. */
    private String post(String key, String body) {
        for (int attempt = 0; ; attempt++) {
            String sent = manners == Manners.NEW_KEY_ON_RETRY ? key + "/" + attempt : key;
            try {
                Optional<LakeProcess.Address> target = url.get();
                if (target.isPresent()) {
                    HttpResponse<String> response =
                            http.send(
                                    target.get()
                                            .request("/api/v1/ingest/" + LakeFolder.SOURCE)
                                            .timeout(Duration.ofSeconds(10))
                                            .header("Content-Type", "application/x-ndjson")
                                            .header("Idempotency-Key", sent)
                                            .POST(HttpRequest.BodyPublishers.ofString(body))
                                            .build(),
                                    HttpResponse.BodyHandlers.ofString());
                    if (response.statusCode() == 202) {
                        return response.body();
                    }
                    refused =
                            "%d, Retry-After %s: %s"
                                    .formatted(
                                            response.statusCode(),
                                            response.headers()
                                                    .firstValue("Retry-After")
                                                    .orElse("never"),
                                            response.body());
                    if (response.statusCode() != 429 && response.statusCode() < 500) {
                        broken.put(key, response.statusCode() + " " + response.body());
                        return null;
                    }
                }
                if (stopping) {
                    return null;
                }
                Thread.sleep(20);
            } catch (IOException e) {
                if (stopping) {
                    return null;
                }
                try {
                    Thread.sleep(20);
                } catch (InterruptedException interrupted) {
                    return null;
                }
            } catch (InterruptedException e) {
                return null;
            }
        }
    }

    /** Ends the writers; a request that isn't answered any more may or may not have arrived. */
    @Override
    public void close() {
        stopping = true;
        for (Thread thread : threads) {
            try {
                if (!thread.join(Duration.ofSeconds(30))) {
                    thread.interrupt();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        http.close();
    }
}
