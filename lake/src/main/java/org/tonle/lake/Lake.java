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
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.Compaction;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.definition.EventLogDefinition;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.LedgerDefinition;
import org.tonle.definition.LineageDefinition;
import org.tonle.definition.QueryDefinition;
import org.tonle.definition.Secret;
import org.tonle.duckdb.DuckDbEngine;
import org.tonle.duckdb.DuckDbSettings;
import org.tonle.embedded.EmbeddedKafka;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.embedded.PrivateFile;
import org.tonle.ingest.EventLog;
import org.tonle.ingest.EventLogSettings;
import org.tonle.ingest.Ingest;
import org.tonle.ingest.IngestReceipt;
import org.tonle.ingest.IngestSettings;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.openlineage.OpenLineage;
import org.tonle.pipeline.PipelineRunner;
import org.tonle.pipeline.PipelineSettings;
import org.tonle.pipeline.RunEvent;
import org.tonle.query.Answer;
import org.tonle.query.Audit;
import org.tonle.query.ColumnLineage;
import org.tonle.query.MemoryCache;
import org.tonle.query.QueryService;
import org.tonle.query.QuerySettings;
import org.tonle.query.Question;
import org.tonle.query.ReadPoint;
import org.tonle.query.RunningQuery;
import org.tonle.query.SystemTables;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Dataset;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Policies;
import org.tonle.sql.SqlEngine;

/** A running lake. Safe for use by many threads; calls block. */
public final class Lake implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Lake.class);
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(8);
    private static final Duration LEASE = Duration.ofSeconds(10);
    private static final int STATEMENTS = 12;

    /** In the folder of the lake's state: the token of whoever may read that folder. */
    private static final String ADMIN_TOKEN = "admin-token";

    private final LakeDefinition definition;
    private final LakeCatalog catalog;
    private final LakeStatus status;
    private final Ingest ingest;
    private final PipelineRunner pipelines;
    private final QueryService queries;
    private final Optional<OpenLineage> lineage;
    private final LakeAccess access;
    private final EmbeddedHealth health;
    private final Deque<AutoCloseable> parts;
    private volatile boolean ready;

    private Lake(
            LakeDefinition definition,
            LakeCatalog catalog,
            LakeStatus status,
            Ingest ingest,
            PipelineRunner pipelines,
            Optional<OpenLineage> lineage,
            QueryService queries,
            Policies policies,
            Authenticator authenticator,
            EmbeddedHealth health,
            Deque<AutoCloseable> parts) {
        this.definition = definition;
        this.catalog = catalog;
        this.status = status;
        this.ingest = ingest;
        this.pipelines = pipelines;
        this.lineage = lineage;
        this.queries = queries;
        this.access = new LakeAccess(this, policies, authenticator);
        this.health = health;
        this.parts = parts;
    }

    /**
     * Reads a lake folder and starts everything that it says.
     *
     * @throws org.tonle.definition.DefinitionException with every problem of the folder
     * @throws LakeException IN_USE if another process holds the folder; INCOMPATIBLE_CHANGE if the
     *     lake was given another name; CANCELLED if the thread is interrupted; what keeps a part
     *     from starting otherwise. What was started is stopped then.
     */
    public static Lake open(Path folder, LakeOptions options) {
        LakeDefinition definition =
                LakeDefinition.load(folder, options.environment(), Pipelines::problems);
        Pipelines planned = Pipelines.of(definition);
        Policies policies = Policies.of(definition.policy(), planned);
        List<Dataset> datasets =
                planned.datasets().stream().map(Pipelines.Planned::dataset).toList();
        Deque<AutoCloseable> parts = new ArrayDeque<>();
        try {
            Lake lake = start(definition, datasets, policies, options, parts);
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
            LakeDefinition written,
            List<Dataset> datasets,
            Policies policies,
            LakeOptions options,
            Deque<AutoCloseable> parts) {
        Path state = written.state();
        opened(parts, FolderLock.take(state));
        String holder = holder(state);
        Ledger ledger = opened(parts, openLedger(written, options, parts));
        requireSameStorage(written, ledger);
        // closed after whatever answers statements, and before what keeps the records
        Audit audit = opened(parts, Audit.start(ledger.listings(), options.clock()));
        LakeDefinition definition = written.named(name(written, ledger));
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
        // closed after the pipelines, with what they said last
        Optional<OpenLineage> lineage =
                definition.lineage().map(to -> opened(parts, openLineage(definition, to)));
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
                                options.failPoints(),
                                lineage.<Consumer<RunEvent>>map(to -> to).orElse(event -> {}),
                                options.clock()));
        pipelines.apply();
        pipelines.start();
        LakeStatus status =
                new LakeStatus(catalog, definition, datasets, ingest, pipelines, options.clock());
        QueryService queries =
                new QueryService(
                        catalog,
                        definition.sources(),
                        policies::of,
                        new SystemTables(catalog, audit, statements(state), status.systemTables()),
                        audit,
                        engine,
                        new MemoryCache(definition.query().cacheBytes()),
                        settings(definition.query()),
                        options.clock());
        Authenticator authenticator =
                opened(
                        parts,
                        Authenticator.start(
                                PrivateFile.secret(state.resolve(ADMIN_TOKEN)),
                                ledger.apiKeys(),
                                policies,
                                options.clock()));
        EmbeddedHealth health =
                new EmbeddedHealth(
                        state,
                        part(parts, EmbeddedKafka.class),
                        part(parts, EmbeddedPostgres.class));
        return new Lake(
                definition,
                catalog,
                status,
                ingest,
                pipelines,
                lineage,
                queries,
                policies,
                authenticator,
                health,
                parts);
    }

    /** Where the rows of system tables are written for the engine. */
    private static Path statements(Path state) {
        return directory(state, "statements");
    }

    private static QuerySettings settings(QueryDefinition query) {
        return new QuerySettings(
                query.concurrent(),
                query.waiting(),
                query.queueTime(),
                limits(query.everybody()),
                query.roles().entrySet().stream()
                        .collect(
                                Collectors.toMap(
                                        Map.Entry::getKey, role -> limits(role.getValue()))));
    }

    private static QuerySettings.Limits limits(QueryDefinition.Limits limits) {
        return new QuerySettings.Limits(
                limits.concurrent(), limits.timeout(), limits.maxRows(), limits.maxBytes());
    }

    private static <T> @Nullable T part(Deque<AutoCloseable> parts, Class<T> type) {
        return parts.stream().filter(type::isInstance).map(type::cast).findFirst().orElse(null);
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

    /** A lake keeps the name of its first start, because its topics bear it. */
    private static String name(LakeDefinition written, Ledger ledger) {
        String pinned = ledger.pinned("lake-name", written.name());
        if (pinned.equals(written.name())) {
            return pinned;
        }
        if (!written.name().equals(LakeDefinition.nameOf(written.folder()))) {
            throw new LakeException(
                    ErrorCode.INCOMPATIBLE_CHANGE,
                    "This lake has been called %s since its first start, and its topics bear that name; lake.yaml now calls it %s. Write name: %s, or begin a new lake in another folder."
                            .formatted(pinned, written.name(), pinned));
        }
        log.warn(
                "The lake keeps the name of its first start, {}, though its folder is {}. Write name: {} into lake.yaml to see it there.",
                pinned,
                written.folder(),
                pinned);
        return pinned;
    }

    /** Tables name their files by full path. */
    private static void requireSameStorage(LakeDefinition written, Ledger ledger) {
        Path root = written.storage().root();
        Path pinned = Path.of(ledger.pinned("storage", root.toString()));
        try {
            if (pinned.equals(root)
                    || (Files.exists(pinned)
                            && Files.exists(root)
                            && Files.isSameFile(pinned, root))) {
                return;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't look at " + root, e);
        }
        throw new LakeException(
                ErrorCode.INCOMPATIBLE_CHANGE,
                "The tables of this lake were made in %s, and now it looks for them in %s: a lake can't be moved yet, because its tables name their files by full path. Bring the folder back to where it was, or write storage: %s if the files are still there."
                        .formatted(pinned, root, pinned));
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
                                definition.name(),
                                kafka.clientProperties(),
                                true,
                                new EventLogSettings.Broker() {
                                    @Override
                                    public Optional<String> fault() {
                                        return kafka.fault();
                                    }

                                    @Override
                                    public void failedUnknown(String error) {
                                        kafka.giveUp("Kafka failed to append: " + error);
                                    }
                                });
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

    private static OpenLineage openLineage(LakeDefinition definition, LineageDefinition to) {
        String namespace = "tonle://" + definition.name();
        return switch (to) {
            case LineageDefinition.File file -> OpenLineage.toFile(namespace, file.path());
            case LineageDefinition.Http http ->
                    OpenLineage.toServer(namespace, http.url(), http.apiKey().map(Secret::reveal));
        };
    }

    private static SqlEngine openEngine(LakeDefinition definition, BufferAllocator allocator) {
        return DuckDbEngine.open(
                new DuckDbSettings(
                        List.of(definition.storage().root(), statements(definition.state())),
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
        return ready ? health.notReady() : Optional.of("the lake is starting or stopping");
    }

    /**
     * Makes a request's events durable; see {@link Ingest#accept}.
     *
     * @throws LakeException NOT_READY while the lake stops, DISK_FULL when its own disk has too
     *     little room, and what {@link Ingest#accept} says
     */
    public IngestReceipt ingest(
            String source,
            byte[] body,
            String contentType,
            Optional<String> idempotencyKey,
            Map<String, String> headers) {
        Optional<LakeException> refusal = health.refusal();
        if (refusal.isPresent()) {
            throw refusal.get();
        }
        return ingest.accept(source, body, contentType, idempotencyKey, headers);
    }

    /** Who may see and do what. */
    public LakeAccess access() {
        return access;
    }

    /**
     * Where a column comes from and what comes of it, for a principal that sees {@code
     * system.lineage}.
     *
     * @param column {@code namespace.table.column}
     * @throws LakeException NOT_FOUND if there is no such column to be seen, or no lineage
     */
    public ColumnLineage lineage(String column, Principal principal) {
        return ColumnLineage.of(
                column,
                select -> {
                    try (RunningQuery rows = query(select, principal)) {
                        return rows.texts();
                    }
                });
    }

    /** Answers a question; see {@link QueryService#answer}. */
    public void answer(Question question, Answer.Receiver receiver) {
        try {
            queries.answer(question, receiver);
        } catch (LakeException e) {
            throw health.explained(e);
        }
    }

    /** Starts a query over what a principal sees; see {@link QueryService#run}. */
    public RunningQuery query(String sql, Principal principal) {
        try {
            return queries.run(sql, principal, ReadPoint.NEWEST);
        } catch (LakeException e) {
            throw health.explained(e);
        }
    }

    /** What runs: to be listed and cancelled. */
    public QueryService queries() {
        return queries;
    }

    /**
     * The bronze table of every source, then every dataset after those that it reads.
     *
     * @throws LakeException LEDGER_UNAVAILABLE, with the reason if that is known
     */
    public List<TableStatus> tables() {
        try {
            return status.tables(health.refusal().map(LakeException::getMessage));
        } catch (LakeException e) {
            throw health.explained(e);
        }
    }

    /** What became of the events about runs; empty if lake.yaml says no place for them. */
    public Optional<LineageEvents> lineageEvents() {
        return lineage.map(
                events -> new LineageEvents(events.sent(), events.dropped(), events.waiting()));
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
