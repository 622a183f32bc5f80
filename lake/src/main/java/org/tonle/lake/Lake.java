package org.tonle.lake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.Compaction;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.definition.EventLogDefinition;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.LedgerDefinition;
import org.tonle.duckdb.DuckDbEngine;
import org.tonle.duckdb.DuckDbSettings;
import org.tonle.embedded.EmbeddedKafka;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.ingest.EventLog;
import org.tonle.ingest.EventLogSettings;
import org.tonle.ingest.Ingest;
import org.tonle.ingest.IngestReceipt;
import org.tonle.ingest.IngestSettings;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.pipeline.PipelineRunner;
import org.tonle.pipeline.PipelineSettings;
import org.tonle.query.QueryService;
import org.tonle.query.QuerySettings;
import org.tonle.query.RunningQuery;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.Dataset;
import org.tonle.sql.Pipelines;
import org.tonle.sql.SqlEngine;

/** A running lake. Safe for use by many threads; calls block. */
public final class Lake implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Lake.class);
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(8);
    private static final Duration LEASE = Duration.ofSeconds(10);
    private static final int STATEMENTS = 12;

    private final LakeDefinition definition;
    private final LakeCatalog catalog;
    private final LakeStatus status;
    private final Ingest ingest;
    private final PipelineRunner pipelines;
    private final QueryService queries;
    private final Supplier<Optional<String>> eventLogFault;
    private final Deque<AutoCloseable> parts;
    private volatile boolean ready;

    private Lake(
            LakeDefinition definition,
            LakeCatalog catalog,
            List<Dataset> datasets,
            Ingest ingest,
            PipelineRunner pipelines,
            QueryService queries,
            Supplier<Optional<String>> eventLogFault,
            Deque<AutoCloseable> parts) {
        this.definition = definition;
        this.catalog = catalog;
        this.status = new LakeStatus(catalog, definition.sources(), datasets, ingest, pipelines);
        this.ingest = ingest;
        this.pipelines = pipelines;
        this.queries = queries;
        this.eventLogFault = eventLogFault;
        this.parts = parts;
    }

    /**
     * Reads a lake folder and starts everything that it says.
     *
     * @throws org.tonle.definition.DefinitionException with every problem of the folder
     * @throws LakeException IN_USE if another process holds the folder; what keeps a part from
     *     starting otherwise; CANCELLED if the thread is interrupted. What was started is stopped
     *     then.
     */
    public static Lake open(Path folder, LakeOptions options) {
        LakeDefinition definition = LakeDefinition.load(folder, options.environment());
        List<Dataset> datasets =
                Pipelines.of(definition).datasets().stream()
                        .map(Pipelines.Planned::dataset)
                        .toList();
        Deque<AutoCloseable> parts = new ArrayDeque<>();
        try {
            Lake lake = start(definition, datasets, options, parts);
            lake.ready = true;
            return lake;
        } catch (RuntimeException | Error e) {
            closeAll(parts);
            if (e instanceof RuntimeException && Thread.currentThread().isInterrupted()) {
                // whatever it was that noticed
                throw new LakeException(ErrorCode.CANCELLED, "The start was interrupted", e);
            }
            throw e;
        }
    }

    /** The name of every step at which {@link LakeOptions#failPoints} is told. */
    public static List<String> failPoints() {
        List<String> all = new ArrayList<>(Ingest.FAIL_POINTS);
        all.addAll(StagedCommit.FAIL_POINTS);
        all.addAll(Ledger.failPoints());
        all.addAll(PipelineRunner.failPoints());
        all.addAll(Compaction.FAIL_POINTS);
        return all;
    }

    private static Lake start(
            LakeDefinition definition,
            List<Dataset> datasets,
            LakeOptions options,
            Deque<AutoCloseable> parts) {
        Path state = definition.state();
        opened(parts, FolderLock.take(state));
        String holder = holder(state);
        Ledger ledger = opened(parts, openLedger(definition, options, parts));
        EventLog eventLog = opened(parts, openEventLog(definition, parts));
        BufferAllocator allocator = opened(parts, new RootAllocator());
        LakeCatalog catalog =
                new LakeCatalog(ledger, definition.storage().root(), options.failPoints());
        SqlEngine engine = opened(parts, openEngine(definition, allocator));

        Ingest ingest =
                opened(
                        parts,
                        new Ingest(
                                eventLog,
                                catalog,
                                options.clock(),
                                options.failPoints(),
                                new IngestSettings(
                                        holder,
                                        definition.ingest().commitInterval(),
                                        definition.ingest().commitSizeBytes(),
                                        IngestSettings.DEFAULT_REMEMBERED_KEYS)));
        ingest.start(definition.sources());
        try {
            if (!ingest.awaitStarted(START_LIMIT)) {
                log.warn("not every source has started: {}", ingest.status());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LakeException(ErrorCode.CANCELLED, "The start was interrupted", e);
        }
        LeaseKeeper leases =
                opened(parts, new LeaseKeeper(ledger, holder + "/" + UUID.randomUUID(), LEASE));
        PipelineRunner pipelines =
                opened(
                        parts,
                        new PipelineRunner(
                                datasets,
                                definition.sources(),
                                catalog,
                                engine,
                                leases,
                                new PipelineSettings(
                                        definition.refreshInterval(), directory(state, "tmp")),
                                options.failPoints()));
        pipelines.apply();
        pipelines.start();
        QueryService queries =
                new QueryService(catalog, definition.sources(), engine, QuerySettings.DEFAULT);
        Supplier<Optional<String>> fault =
                parts.stream()
                        .filter(EmbeddedKafka.class::isInstance)
                        .map(EmbeddedKafka.class::cast)
                        .findFirst()
                        .<Supplier<Optional<String>>>map(kafka -> kafka::fault)
                        .orElse(Optional::empty);
        return new Lake(definition, catalog, datasets, ingest, pipelines, queries, fault, parts);
    }

    private static <T extends AutoCloseable> T opened(Deque<AutoCloseable> parts, T part) {
        parts.push(part);
        if (Thread.currentThread().isInterrupted()) {
            throw new LakeException(ErrorCode.CANCELLED, "The start is not to go on");
        }
        return part;
    }

    /** The same for a folder as long as it lives, so that a restart takes its own leases over. */
    private static String holder(Path state) {
        Path file = state.resolve("holder");
        try {
            if (!Files.exists(file)) {
                Path fresh =
                        Files.writeString(state.resolve("holder.new"), UUID.randomUUID() + "\n");
                Files.move(fresh, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
            }
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + file, e);
        }
    }

    private static Ledger openLedger(
            LakeDefinition definition, LakeOptions options, Deque<AutoCloseable> parts) {
        LedgerConfig config =
                switch (definition.ledger()) {
                    case LedgerDefinition.Embedded embedded -> {
                        EmbeddedPostgres postgres =
                                opened(
                                        parts,
                                        EmbeddedPostgres.start(
                                                definition.state().resolve("postgres")));
                        yield new LedgerConfig(
                                postgres.jdbcUrl(), postgres.user(), postgres.password());
                    }
                    case LedgerDefinition.Postgres postgres ->
                            new LedgerConfig(
                                    postgres.url(),
                                    postgres.user(),
                                    postgres.password().map(secret -> secret.reveal()).orElse(""));
                };
        return Ledger.open(config, options.failPoints());
    }

    private static EventLog openEventLog(LakeDefinition definition, Deque<AutoCloseable> parts) {
        return EventLog.open(
                switch (definition.eventLog()) {
                    case EventLogDefinition.Embedded embedded -> {
                        EmbeddedKafka kafka =
                                opened(
                                        parts,
                                        EmbeddedKafka.start(definition.state().resolve("kafka")));
                        yield new EventLogSettings(
                                definition.name(), kafka.clientProperties(), true);
                    }
                    case EventLogDefinition.Cluster cluster -> {
                        Map<String, String> client = new HashMap<>();
                        cluster.properties()
                                .forEach((name, value) -> client.put(name, value.reveal()));
                        client.put("bootstrap.servers", cluster.bootstrapServers());
                        yield new EventLogSettings(definition.name(), client, false);
                    }
                });
    }

    private static SqlEngine openEngine(LakeDefinition definition, BufferAllocator allocator) {
        return DuckDbEngine.open(
                new DuckDbSettings(
                        List.of(definition.storage().root()),
                        directory(definition.state(), "duckdb"),
                        definition.engine().memoryBytes(),
                        definition.engine().threads(),
                        STATEMENTS),
                allocator);
    }

    private static Path directory(Path state, String name) {
        try {
            return Files.createDirectories(state.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException("can't create " + state.resolve(name), e);
        }
    }

    public LakeDefinition definition() {
        return definition;
    }

    /** The lake's tables as they are; for programs that embed it. */
    public LakeCatalog catalog() {
        return catalog;
    }

    /** Why it takes no requests now; empty if it does. */
    public Optional<String> notReady() {
        return ready
                ? eventLogFault.get().map(fault -> "the embedded event log has stopped: " + fault)
                : Optional.of("the lake is starting or stopping");
    }

    /**
     * Makes a request's events durable; see {@link Ingest#accept}.
     *
     * @throws LakeException NOT_READY while the lake stops, and what {@link Ingest#accept} says
     */
    public IngestReceipt ingest(
            String source,
            byte[] body,
            String contentType,
            Optional<String> idempotencyKey,
            Map<String, String> headers) {
        return ingest.accept(source, body, contentType, idempotencyKey, headers);
    }

    /** Starts a query; see {@link QueryService#run}. */
    public RunningQuery query(String sql) {
        return queries.run(sql);
    }

    /** The bronze table of every source, then every dataset after those that it reads. */
    public List<TableStatus> tables() {
        return status.tables();
    }

    /**
     * Takes no more requests, brings what was acknowledged to bronze and what is in bronze through
     * every dataset. Takes a few seconds at most; what isn't done then (it is logged) is done after
     * the next start. Queries go on until {@link #close}.
     */
    public void drain() {
        if (!ready) {
            return;
        }
        ready = false;
        long deadline = System.nanoTime() + DRAIN_LIMIT.toNanos();
        try {
            if (!ingest.drain(DRAIN_LIMIT)) {
                log.warn("what is left in the event log goes to bronze after the next start");
            }
            List<String> left = pipelines.drain(Duration.ofNanos(deadline - System.nanoTime()));
            if (!left.isEmpty()) {
                log.warn(
                        "{} don't hold all of the lake yet; they go on after the next start",
                        String.join(", ", left));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (LakeException e) {
            log.warn("what is left is done after the next start: {}", e.getMessage());
        }
    }

    /** {@linkplain #drain Drains} the lake if nobody has, and stops everything. */
    @Override
    public void close() {
        drain();
        closeAll(parts);
    }

    /** Whoever is interrupted is so afterwards: no part may be left running. */
    private static void closeAll(Deque<AutoCloseable> parts) {
        boolean interrupted = Thread.interrupted();
        while (!parts.isEmpty()) {
            AutoCloseable part = parts.pop();
            try {
                part.close();
            } catch (Exception e) {
                log.error("{} didn't close", part.getClass().getSimpleName(), e);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
