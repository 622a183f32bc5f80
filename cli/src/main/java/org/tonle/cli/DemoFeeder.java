package org.tonle.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Posts bodies over HTTP as any client would, a few at a time. A request without an answer is sent
 * again with its key until there is one: what was durable already is not taken twice.
 */
final class DemoFeeder implements DemoFlights.Sink, AutoCloseable {
    private static final int AT_ONCE = 3;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration PAUSE = Duration.ofMillis(200);

    private final LakeClient client;
    private final Supplier<String> url;
    private final DemoPlan plan;
    private final Semaphore free = new Semaphore(AT_ONCE);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicLong flights = new AtomicLong();
    private final AtomicInteger bodies = new AtomicInteger();
    private final AtomicInteger retries = new AtomicInteger();
    private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();

    /**
     * @param url where the lake is now; another one after it was killed
     */
    DemoFeeder(LakeClient client, Supplier<String> url, DemoPlan plan) {
        this.client = client;
        this.url = url;
        this.plan = plan;
    }

    /** Returns when a place is free; the request may still be under way. */
    @Override
    public void take(DemoFlights.Body body) throws InterruptedException {
        free.acquire();
        rethrow();
        threads.execute(() -> {
            try {
                send(body);
            } catch (RuntimeException e) {
                failure.compareAndSet(null, e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                free.release();
            }
        });
    }

    private void send(DemoFlights.Body body) throws InterruptedException {
        LakeClient.Receipt receipt = untilAnswered(body);
        if (plan.resends(body.number())) {
            LakeClient.Receipt again = untilAnswered(body);
            if (!again.equals(receipt)) {
                throw new Failure(
                        Exit.FAILED,
                        "a repeated request was answered " + again + " instead of " + receipt);
            }
        }
        flights.addAndGet(body.flights());
        bodies.incrementAndGet();
    }

    private LakeClient.Receipt untilAnswered(DemoFlights.Body body) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return client.ingest(url.get(), "flights", body.ndjson(), body.key());
            } catch (LakeClient.Refused e) {
                if (e.retryAfter().isEmpty() || System.nanoTime() > deadline) {
                    throw e;
                }
                TimeUnit.SECONDS.sleep(e.retryAfter().getAsLong());
            } catch (IOException e) {
                if (System.nanoTime() > deadline) {
                    throw new Failure(
                            Exit.FAILED, "the lake doesn't answer at " + url.get() + ": " + e);
                }
                Thread.sleep(PAUSE);
            }
            retries.incrementAndGet();
        }
    }

    private void rethrow() {
        RuntimeException e = failure.get();
        if (e != null) {
            throw e;
        }
    }

    /** Flights that are durable. */
    long flights() {
        return flights.get();
    }

    /** Requests that are answered. */
    int bodies() {
        return bodies.get();
    }

    /** Requests that had to be sent again because no answer came. */
    int retries() {
        return retries.get();
    }

    /** Waits for the requests under way. */
    void finish() throws InterruptedException {
        free.acquire(AT_ONCE);
        free.release(AT_ONCE);
        rethrow();
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
