package org.tonle.lake;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.CachedFiles;
import org.tonle.catalog.Compaction;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.StagedCommit;
import org.tonle.definition.LakeDefinition;
import org.tonle.ingest.Ingest;
import org.tonle.ingest.IngestReceipt;
import org.tonle.ledger.Ledger;
import org.tonle.openlineage.OpenLineage;
import org.tonle.pipeline.PipelineRunner;
import org.tonle.query.Answer;
import org.tonle.query.ColumnLineage;
import org.tonle.query.QueryService;
import org.tonle.query.Question;
import org.tonle.query.ReadPoint;
import org.tonle.query.RunningQuery;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Dataset;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Policies;

/** A running lake. Safe for use by many threads; calls block. */
public final class Lake implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Lake.class);
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(8);

    private final LakeDefinition definition;
    private final LakeCatalog catalog;
    private final LakeStatus status;
    private final Ingest ingest;
    private final PipelineRunner pipelines;
    private final QueryService queries;
    private final Optional<OpenLineage> lineage;
    private final Policies policies;
    private final LakeAccess access;
    private final LakeQuarantine quarantine;
    private final EmbeddedHealth health;
    private final Optional<CachedFiles> cache;
    private final InstantSource clock;
    private final Parts parts;
    private volatile boolean ready;

    Lake(
            LakeDefinition definition,
            List<Dataset> datasets,
            LakeCatalog catalog,
            LakeStatus status,
            Ingest ingest,
            PipelineRunner pipelines,
            Optional<OpenLineage> lineage,
            QueryService queries,
            Policies policies,
            Authenticator authenticator,
            EmbeddedHealth health,
            Optional<CachedFiles> cache,
            InstantSource clock,
            Parts parts) {
        this.definition = definition;
        this.catalog = catalog;
        this.status = status;
        this.ingest = ingest;
        this.pipelines = pipelines;
        this.lineage = lineage;
        this.queries = queries;
        this.policies = policies;
        this.access = new LakeAccess(this, policies, authenticator);
        this.quarantine = new LakeQuarantine(this, datasets, pipelines);
        this.health = health;
        this.cache = cache;
        this.clock = clock;
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
        Parts parts = new Parts();
        try {
            Lake lake = new LakeStart(definition, datasets, policies, options, parts).start();
            lake.ready = true;
            return lake;
        } catch (RuntimeException | Error e) {
            parts.close();
            if (e instanceof RuntimeException && Thread.currentThread().isInterrupted()) {
                // whatever it was that noticed
                throw new LakeException(ErrorCode.CANCELLED, "The start was interrupted", e);
            }
            throw e;
        }
    }

    /**
     * The name of every step at which {@link LakeOptions#failPoints} is told, but for those of what
     * only has to be done when files have lain about for long.
     */
    public static List<String> failPoints() {
        List<String> all = new ArrayList<>(Ingest.FAIL_POINTS);
        all.addAll(StagedCommit.FAIL_POINTS);
        all.addAll(Ledger.failPoints());
        all.addAll(PipelineRunner.failPoints());
        all.addAll(Compaction.FAIL_POINTS);
        return all;
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
     * What a request of an Iceberg client may see and do.
     *
     * @param key makes what it changes safe to repeat
     */
    public IcebergClient iceberg(Principal principal, Optional<IcebergClient.Key> key) {
        return new IcebergClient(catalog, policies, definition.storage(), principal, key);
    }

    /** What its datasets refused. */
    public LakeQuarantine quarantine() {
        return quarantine;
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

    /**
     * How every source is doing at this process.
     *
     * @throws LakeException LEDGER_UNAVAILABLE
     */
    public List<SourceReport> sources() {
        return status.sources(health.refusal().map(LakeException::getMessage));
    }

    /**
     * Takes nothing from a source until it is resumed; see {@link Ingest#pause}.
     *
     * @throws LakeException NOT_FOUND, LEDGER_UNAVAILABLE
     */
    public SourceReport pause(String source, Principal by) {
        return status.report(ingest.pause(source, by.name()), Optional.empty());
    }

    /**
     * Lets a source go on where it was paused, or begin anew where it is failing; see {@link
     * Ingest#resume}.
     *
     * @throws LakeException NOT_FOUND, LEDGER_UNAVAILABLE
     */
    public SourceReport resume(String source, Principal by) {
        return status.report(ingest.resume(source, by.name()), Optional.empty());
    }

    /**
     * Says of files that are to go, {@code system.marked_files}, that they stay, or that they may
     * go after all.
     *
     * @param prefix with which their locations begin
     * @return how many it was said of
     * @throws LakeException LEDGER_UNAVAILABLE
     */
    public int keepFiles(String prefix, boolean kept) {
        return catalog.ledger().retention().keep(prefix, kept, clock.instant());
    }

    /** What became of the events about runs; empty if lake.yaml says no place for them. */
    public Optional<LineageEvents> lineageEvents() {
        return lineage.map(
                events -> new LineageEvents(events.sent(), events.dropped(), events.waiting()));
    }

    /** How the copies of a bucket's files fare; empty if the tables lie in a folder. */
    public Optional<CacheCounts> cache() {
        return cache.map(CachedFiles::counts)
                .map(counts ->
                        new CacheCounts(
                                counts.hits(),
                                counts.misses(),
                                counts.fetchedBytes(),
                                counts.bytes(),
                                counts.limitBytes()));
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
        parts.close();
    }
}
