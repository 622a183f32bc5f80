package org.tonle.ingest;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.LakeCatalog;
import org.tonle.ingest.SourceStatus.State;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.Source;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/**
 * Reads what lies outside into the event log, in a thread of its own, while this process brings the
 * source to bronze. It goes on from the marks in bronze and in the log; what it writes twice, since
 * it or another process didn't know that it was written, the sink drops by its mark.
 */
final class SourceFeed implements Runnable, RetryLoop.Work {
    private static final Logger logger = LoggerFactory.getLogger(SourceFeed.class);

    /** Reached while something outside is read into the log. */
    static final List<String> FAIL_POINTS = List.of("source.before-append", "source.after-append");

    /** How many bodies may wait in the log before reading waits for bronze. */
    private static final int MOST_WAITING = 256;

    private static final Duration WAIT = Duration.ofMillis(500);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration SETTLE = Duration.ofSeconds(5);
    private static final Duration WARN_EVERY = Duration.ofSeconds(10);

    private final String name;
    private final String consumer;
    private final Supplier<Source> open;
    private final EventLog log;
    private final LakeCatalog catalog;
    private final SourceProgress progress;
    private final Clock clock;
    private final FailPoints failPoints;
    private final SourceRecords records = new SourceRecords();
    private final RetryLoop retries;
    private long lookedNanos = System.nanoTime() - WARN_EVERY.toNanos();

    /** Items whose last body in the log becomes visible with the next one only. */
    private final Set<String> unfinished = new HashSet<>();

    /**
     * @param open makes a reader; it is closed here
     */
    SourceFeed(
            String name,
            Supplier<Source> open,
            EventLog log,
            LakeCatalog catalog,
            SourceProgress progress,
            Clock clock,
            FailPoints failPoints) {
        this.name = name;
        this.consumer = SourceSink.consumer(name);
        this.open = open;
        this.log = log;
        this.catalog = catalog;
        this.progress = progress;
        this.clock = clock;
        this.failPoints = failPoints;
        this.retries = new RetryLoop(name);
    }

    /** Ends soon; what was appended stays in the log. */
    void stop() {
        retries.stop();
    }

    /** Lets it begin anew if it is failing, or at once if it waits. */
    void again() {
        retries.again();
    }

    @Override
    public void run() {
        var unused = retries.run(this);
    }

    @Override
    public boolean isFinal(LakeException e) {
        return switch (e.code()) {
            case UNAUTHENTICATED, FORBIDDEN, INTERNAL -> false;
            default -> !e.code().retryable();
        };
    }

    @Override
    public void trouble(State state, LakeException why) {
        progress.reading(state, why);
    }

    @Override
    public void anew() {
        progress.reading(State.STARTING, null);
    }

    @Override
    public boolean work() throws InterruptedException {
        if (!progress.awaitRoom(Integer.MAX_VALUE, WAIT)) {
            if (progress.isPaused() && progress.isRunning()) {
                rest();
            }
            return stopping();
        }
        SourceTopic topic = progress.topic().orElseThrow();
        Map<String, SourceMark> taken = records.begin(taken(topic));
        try (Source source = open.get()) {
            source.begin(taken);
            boolean isWell = false;
            while (!stopping() && progress.isReading()) {
                // bronze waits for the end of a transaction, however long it is
                if (!unfinished.isEmpty() || progress.awaitRoom(MOST_WAITING, WAIT)) {
                    append(topic, source.poll(WAIT));
                    if (!isWell) {
                        // not before: whoever looks how long it has failed is to see it
                        progress.reading(null, null);
                        isWell = true;
                    }
                }
                confirm(source);
                look(source);
            }
            if (progress.isPaused() && !stopping()) {
                // what is told to have been taken isn't kept for the lake any longer
                progress.awaitAll(SETTLE);
                confirm(source);
            }
        }
        return stopping();
    }

    private void confirm(Source source) {
        Map<String, SourceMark> committed = progress.takeMarks();
        if (!committed.isEmpty()) {
            source.committed(committed);
        }
    }

    /** While nothing is taken, what is kept for the lake grows. */
    private void rest() {
        if (System.nanoTime() - lookedNanos >= WARN_EVERY.toNanos()) {
            try (Source source = open.get()) {
                look(source);
            }
            progress.reading(null, null);
        }
    }

    private void look(Source source) {
        if (System.nanoTime() - lookedNanos < WARN_EVERY.toNanos()) {
            return;
        }
        lookedNanos = System.nanoTime();
        progress.held(source.heldBytes());
        Optional<String> warning = source.warning();
        if (progress.warnReading(warning)) {
            logger.warn("Source {}: {}", name, warning.orElseThrow());
        }
    }

    private boolean stopping() {
        return retries.isStopping();
    }

    /** Sends all at once: one that gets lost takes with it those that follow it. */
    private void append(SourceTopic topic, List<SourceBody> bodies) {
        long now = RequestKeys.micros(clock.instant());
        List<EventLog.Sent> sent = new ArrayList<>();
        for (SourceBody body : bodies) {
            within(body.mark(), body.continues());
            int partition = RequestKey.of(body.mark().item()).partition(topic.partitions());
            for (BodyRecord record : records.of(body, now)) {
                failPoints.reach("source.before-append");
                sent.add(log.send(topic, partition, record));
            }
        }
        for (EventLog.Sent each : sent) {
            progress.appended(each.partition(), each.await(), RequestKeys.instant(now));
            failPoints.reach("source.after-append");
        }
    }

    private void within(SourceMark mark, boolean continues) {
        if (continues) {
            unfinished.add(mark.item());
        } else {
            unfinished.remove(mark.item());
        }
    }

    /** The last mark of each item: in bronze, or in the log's rest. */
    private Map<String, SourceMark> taken(SourceTopic topic) {
        unfinished.clear();
        Map<Integer, LogReader.From> from = new HashMap<>();
        catalog.ledger()
                .logPositions(consumer)
                .forEach((partition, known) -> from.put(partition, LogReader.From.behind(known)));
        // asked second: what was committed in between follows nothing any more, and is left
        Map<String, SourceMark> taken = new HashMap<>(catalog.ledger().sourceMarks(name));
        try (LogReader tail = log.reader(topic, from)) {
            Map<Integer, Long> ends = tail.ends();
            while (!stopping() && !tail.reached(ends)) {
                for (LogRecord record : tail.poll(POLL)) {
                    record.body()
                            .mark()
                            .filter(at -> at.follows(taken.get(at.mark().item())))
                            .ifPresent(at -> {
                                taken.put(at.mark().item(), at.mark());
                                within(at.mark(), at.continues());
                            });
                }
            }
        }
        return taken;
    }
}
