package org.tonle.openlineage;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.pipeline.RunEvent;

/**
 * Tells a catalog outside of runs, in their order and each at least once, off the runs' path: up to
 * {@value #ROOM} events wait, and what finds no room is counted and dropped. While the catalog
 * can't be reached, the oldest event is tried again. Thread-safe.
 */
public final class OpenLineage implements Consumer<RunEvent>, AutoCloseable {
    static final int ROOM = 1_000;

    private static final Logger log = LoggerFactory.getLogger(OpenLineage.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final Duration TO_DRAIN = Duration.ofSeconds(2);

    private final Destination destination;
    private final EventJson json;
    private final BlockingQueue<RunEvent> queue = new ArrayBlockingQueue<>(ROOM);
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = Thread.ofVirtual().name("openlineage").unstarted(this::run);

    /** What was dropped before the outage that is told of; nothing if there is none. */
    private @Nullable Long outage;

    private OpenLineage(String jobNamespace, Destination destination) {
        this.destination = destination;
        this.json = new EventJson(jobNamespace);
    }

    /**
     * Appends a line per event to a file.
     *
     * @param jobNamespace what jobs of this lake are told apart from others' by
     */
    public static OpenLineage toFile(String jobNamespace, Path file) {
        return start(jobNamespace, new LineageFile(file));
    }

    /**
     * Posts each event to a URL.
     *
     * @param apiKey sent as {@code Authorization: Bearer}
     */
    public static OpenLineage toServer(String jobNamespace, URI url, Optional<String> apiKey) {
        return start(jobNamespace, new LineageServer(url, apiKey));
    }

    static OpenLineage start(String jobNamespace, Destination destination) {
        OpenLineage started = new OpenLineage(jobNamespace, destination);
        started.thread.start();
        return started;
    }

    /** Takes an event, or counts it as dropped; returns at once. */
    @Override
    public void accept(RunEvent event) {
        if (closing.getCount() == 0 || !queue.offer(event)) {
            dropped.incrementAndGet();
        }
    }

    /** Events that were brought there. */
    public long sent() {
        return sent.get();
    }

    /** Events that nobody will be told of. */
    public long dropped() {
        return dropped.get();
    }

    /** Events that wait. */
    public int waiting() {
        return queue.size();
    }

    private void run() {
        try {
            boolean more = true;
            while (more) {
                more = next();
            }
        } catch (InterruptedException e) {
            // the lake doesn't wait any longer; close() says what is left
        }
    }

    /** Whether there may be another. */
    private boolean next() throws InterruptedException {
        // asked first: what was queued before the end is then still found
        boolean last = closing.getCount() == 0;
        RunEvent event = queue.poll(last ? 0 : 100, TimeUnit.MILLISECONDS);
        if (event == null) {
            return !last;
        }
        try {
            tell(event);
        } catch (InterruptedException e) {
            dropped.incrementAndGet();
            throw e;
        }
        return true;
    }

    private void tell(RunEvent event) throws InterruptedException {
        byte[] line;
        try {
            line = json.of(event);
        } catch (RuntimeException e) {
            dropped.incrementAndGet();
            log.error("an event of {} can't be told", event.run().dataset().name(), e);
            return;
        }
        Duration pause = FIRST_PAUSE;
        while (true) {
            try {
                destination.send(line);
                sent.incrementAndGet();
                over();
                return;
            } catch (Destination.Refused e) {
                dropped.incrementAndGet();
                failing(e);
                return;
            } catch (IOException | RuntimeException e) {
                failing(e);
                if (closing.await(pause.toNanos(), TimeUnit.NANOSECONDS)) {
                    // once more for each that waits, as long as close() does
                    dropped.incrementAndGet();
                    return;
                }
                pause =
                        pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0
                                ? LONGEST_PAUSE
                                : pause.multipliedBy(2);
            }
        }
    }

    /** Says so once. */
    private void failing(Exception e) {
        if (outage == null) {
            outage = dropped.get();
            log.warn(
                    "lineage doesn't arrive at {}: {}. Up to {} events wait and are tried again,"
                            + " more are dropped; runs go on",
                    destination,
                    String.valueOf(e.getMessage()),
                    ROOM);
        }
    }

    private void over() {
        Long before = outage;
        if (before != null) {
            log.info(
                    "lineage arrives at {} again; {} events were dropped meanwhile",
                    destination,
                    dropped.get() - before);
            outage = null;
        }
    }

    /** Takes no more events, and goes on with those that wait for two seconds at most. */
    @Override
    public void close() {
        long before = dropped.get();
        closing.countDown();
        try {
            if (!thread.join(TO_DRAIN)) {
                thread.interrupt();
                thread.join();
            }
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
        }
        dropped.addAndGet(queue.size());
        queue.clear();
        if (dropped.get() > before) {
            log.warn(
                    "{} lineage events didn't arrive at {} before the lake stopped",
                    dropped.get() - before,
                    destination);
        }
        destination.close();
    }
}
