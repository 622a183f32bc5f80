package org.tonle.ingest;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.tonle.catalog.Compaction;
import org.tonle.catalog.LakeCatalog;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.ledger.SourceSwitch;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;
import org.tonle.spi.RecordDecoder;
import org.tonle.spi.Source;

/**
 * The way in: takes requests, makes them durable in the event log, and brings them from there to
 * {@code bronze.<source>}, each event once. Safe for use by many threads; calls block.
 */
public final class Ingest implements AutoCloseable {
    /** Reached while requests are taken and brought to bronze. */
    public static final List<String> FAIL_POINTS =
            Stream.concat(SourceSink.failPoints().stream(), SourceFeed.FAIL_POINTS.stream())
                    .toList();

    /** Request headers that are worth keeping; none of them holds a secret. */
    private static final List<String> KEPT_HEADERS =
            List.of("user-agent", "traceparent", "tracestate", "x-request-id", "x-correlation-id");

    /** CloudEvents in HTTP's binary mode. */
    private static final String KEPT_PREFIX = "ce-";

    private static final int LONGEST_HEADER = 1_024;

    /** A source is lagging when what came has waited for so many commit intervals. */
    private static final int PATIENCE = 10;

    private static final Duration LEAST_PATIENCE = Duration.ofSeconds(30);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);

    /** How events of a source come. */
    private sealed interface Way {
        record Requests(SourceDoor door) implements Way {}

        record Read(SourceFeed feed, Thread thread) implements Way {}

        record Topic(OutsideLog topic) implements Way {}
    }

    private record Running(
            SourceDefinition source,
            Way way,
            SourceSink sink,
            SourceProgress progress,
            Thread thread) {
        /** Begins what has failed anew. */
        void again() {
            sink.again();
            if (way instanceof Way.Read read) {
                read.feed().again();
            }
        }
    }

    private final EventLog log;
    private final LakeCatalog catalog;
    private final Clock clock;
    private final FailPoints failPoints;
    private final IngestSettings settings;
    private final Function<SourceDefinition, Source> outside;
    private final Function<SourceKind.Kafka, RecordDecoder> decoders;
    private final Map<String, Running> running = new LinkedHashMap<>();
    private final CompactionLoop compaction;
    private final Thread compactionThread;
    private final SwitchWatch switches;
    private final Thread switchThread;

    /**
     * Uses the log and the catalog, and closes neither.
     *
     * @param outside opens what a source reads; asked for kinds that are neither http nor kafka
     * @param decoders opens what reads the records of an outside topic
     */
    public Ingest(
            EventLog log,
            LakeCatalog catalog,
            Clock clock,
            FailPoints failPoints,
            IngestSettings settings,
            Function<SourceDefinition, Source> outside,
            Function<SourceKind.Kafka, RecordDecoder> decoders) {
        this.log = log;
        this.catalog = catalog;
        this.clock = clock;
        this.failPoints = failPoints;
        this.settings = settings;
        this.outside = outside;
        this.decoders = decoders;
        this.compaction =
                new CompactionLoop(
                        new BronzeCompaction(
                                catalog,
                                clock,
                                new Compaction(catalog, settings.compactionFanIn(), failPoints)),
                        this::status,
                        source -> get(source).source().tables());
        this.compactionThread = thread("ingest-compaction", compaction);
        this.switches = new SwitchWatch(catalog.ledger().sourceSwitches(), this::heed);
        this.switchThread = thread("ingest-switches", switches);
    }

    /**
     * Starts to work on each source and returns at once. What a source needs (topic, table) is
     * created; what doesn't answer is tried again. {@link #status} says how it goes.
     */
    public synchronized void start(List<SourceDefinition> sources) {
        for (SourceDefinition source : sources) {
            if (running.containsKey(source.name())) {
                continue;
            }
            SourceProgress progress = new SourceProgress(source.name(), clock, patience());
            RequestKeys keys = new RequestKeys(clock);
            Way way =
                    switch (source.kind()) {
                        case SourceKind.Http http ->
                                new Way.Requests(
                                        new SourceDoor(
                                                source,
                                                log,
                                                keys,
                                                progress,
                                                clock,
                                                failPoints,
                                                settings.rememberedKeys(),
                                                catalog));
                        case SourceKind.Files files -> read(source, progress);
                        case SourceKind.Postgres postgres -> read(source, progress);
                        case SourceKind.Kafka kafka ->
                                new Way.Topic(new OutsideLog(kafka, decoders.apply(kafka), clock));
                    };
            SourceSink sink =
                    new SourceSink(
                            source,
                            way instanceof Way.Topic(OutsideLog topic) ? topic : log,
                            catalog,
                            keys,
                            progress,
                            settings,
                            clock,
                            failPoints);
            Thread thread = thread("ingest-" + source.name(), sink);
            running.put(source.name(), new Running(source, way, sink, progress, thread));
            thread.start();
            if (way instanceof Way.Read reads) {
                reads.thread().start();
            }
        }
        if (compactionThread.getState() == Thread.State.NEW) {
            compactionThread.start();
            switchThread.start();
        }
    }

    private Duration patience() {
        Duration some = settings.commitInterval().multipliedBy(PATIENCE);
        return some.compareTo(LEAST_PATIENCE) > 0 ? some : LEAST_PATIENCE;
    }

    private Way.Read read(SourceDefinition source, SourceProgress progress) {
        SourceFeed feed =
                new SourceFeed(
                        source.name(),
                        () -> outside.apply(source),
                        log,
                        catalog,
                        progress,
                        clock,
                        failPoints);
        return new Way.Read(feed, thread("source-" + source.name(), feed));
    }

    private static Thread thread(String name, Runnable work) {
        return Thread.ofPlatform().daemon().name(name).unstarted(work);
    }

    /** Waits until every source's door is open or the source is failing; false after the limit. */
    public boolean awaitStarted(Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        for (Running each : all()) {
            if (!each.progress().awaitStarted(Duration.ofNanos(deadline - System.nanoTime()))) {
                return false;
            }
        }
        return true;
    }

    /**
     * Takes a request: checks its body, and returns when it is durable in the event log.
     *
     * @param body as it came, after decompression
     * @param contentType as it came; empty where none came
     * @param idempotencyKey a repeat with it within 24 hours answers the same and adds nothing
     * @param headers of the request; what is worth it is kept beside the events
     * @throws MalformedBodyException for a syntax error, with its event and byte; nothing was taken
     * @throws LakeException NOT_FOUND, TOO_LARGE, INVALID_REQUEST, IDEMPOTENCY_MISMATCH: ask
     *     differently; OVERLOADED, NOT_READY, LOG_UNAVAILABLE: send it again later; LOG_GAP: the
     *     source is failing
     */
    public IngestReceipt accept(
            String source,
            byte[] body,
            String contentType,
            Optional<String> idempotencyKey,
            Map<String, String> headers) {
        Running found = get(source);
        if (!(found.way() instanceof Way.Requests(SourceDoor door))) {
            throw new LakeException(
                    ErrorCode.NOT_FOUND,
                    "Source %s takes no requests, since its kind is %s. Send to a source of kind http."
                            .formatted(source, found.source().kind().name()));
        }
        return door.accept(body, contentType, idempotencyKey, kept(headers));
    }

    /**
     * Takes nothing from a source until it is resumed, at all processes of the lake, over restarts.
     * This one heeds it at once, others within seconds. What the event log holds goes to bronze.
     *
     * @param by who wants it
     * @throws LakeException NOT_FOUND, LEDGER_UNAVAILABLE
     */
    public SourceStatus pause(String source, String by) {
        Running found = get(source);
        switches.pause(source, by);
        return found.progress().status();
    }

    /**
     * Lets a source go on, exactly where it was paused; one that is failing, or waits to try again,
     * begins anew, at all processes.
     *
     * @throws LakeException NOT_FOUND, LEDGER_UNAVAILABLE
     */
    public SourceStatus resume(String source, String by) {
        Running found = get(source);
        switches.resume(source, by);
        return found.progress().status();
    }

    private void heed(SourceSwitch said) {
        Optional<Running> found =
                all().stream().filter(each -> each.source().name().equals(said.source())).findAny();
        found.ifPresent(each -> {
            each.progress().heed(Optional.of(said));
            if (!said.paused()) {
                each.again();
            }
        });
    }

    private static Map<String, String> kept(Map<String, String> headers) {
        Map<String, String> kept = new TreeMap<>();
        headers.forEach((name, value) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            if ((KEPT_HEADERS.contains(lower) || lower.startsWith(KEPT_PREFIX))
                    && value.length() <= LONGEST_HEADER) {
                kept.put(lower, value);
            }
        });
        return kept;
    }

    /**
     * Waits until bronze holds a position, so that whoever wrote it can read it.
     *
     * @return false if it doesn't when {@code limit} is over, or the source is failing
     */
    public boolean awaitInBronze(String source, int partition, long position, Duration limit)
            throws InterruptedException {
        return get(source).progress().awaitInBronze(partition, position, limit);
    }

    private synchronized Running get(String source) {
        Running found = running.get(source);
        if (found == null) {
            throw new LakeException(
                    ErrorCode.NOT_FOUND,
                    "There is no source %s; there are %s. Add sources/%s.yaml to the lake folder, or send to one of these."
                            .formatted(source, running.keySet(), source));
        }
        return found;
    }

    private synchronized List<Running> all() {
        return new ArrayList<>(running.values());
    }

    private List<Way.Read> reading() {
        return all().stream()
                .map(Running::way)
                .filter(Way.Read.class::isInstance)
                .map(Way.Read.class::cast)
                .toList();
    }

    private static Duration left(long deadline) {
        return Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
    }

    /** How every source is doing, in the order in which they were started. */
    public List<SourceStatus> status() {
        return all().stream().map(each -> each.progress().status()).toList();
    }

    /**
     * Closes the doors, brings everything acknowledged to bronze, and stops.
     *
     * @return false if that wasn't done when {@code limit} was over; the rest stays in the log and
     *     is brought to bronze after the next start
     */
    public boolean drain(Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        all().forEach(each -> each.progress().close());
        boolean drained = true;
        for (Running each : all()) {
            drained &= each.progress().awaitQuiet(Duration.ofNanos(deadline - System.nanoTime()));
        }
        reading().forEach(each -> each.feed().stop());
        for (Way.Read each : reading()) {
            drained &= each.thread().join(left(deadline));
        }
        all().forEach(each -> each.sink().drain());
        for (Running each : all()) {
            drained &= each.thread().join(left(deadline));
            drained &= each.progress().status().state() == SourceStatus.State.STOPPED;
        }
        close();
        return drained;
    }

    /** Stops without draining; what was acknowledged stays in the log. */
    @Override
    public void close() {
        all().forEach(each -> each.progress().close());
        reading().forEach(each -> each.feed().stop());
        all().forEach(each -> each.sink().stop());
        compaction.stop();
        switches.stop();
        List<Thread> threads = new ArrayList<>(all().stream().map(Running::thread).toList());
        reading().forEach(each -> threads.add(each.thread()));
        if (compactionThread.getState() != Thread.State.NEW) {
            threads.add(compactionThread);
            threads.add(switchThread);
        }
        boolean interrupted = false;
        for (Thread thread : threads) {
            try {
                if (!thread.join(STOP_LIMIT)) {
                    thread.interrupt();
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        for (Running each : all()) {
            if (each.way() instanceof Way.Topic(OutsideLog topic)) {
                topic.close();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
