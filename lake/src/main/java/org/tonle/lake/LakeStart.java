package org.tonle.lake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.iceberg.catalog.TableIdentifier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.CachedFiles;
import org.tonle.catalog.FolderFiles;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.TableFiles;
import org.tonle.debezium.PostgresSource;
import org.tonle.definition.EventLogDefinition;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.LedgerDefinition;
import org.tonle.definition.LineageDefinition;
import org.tonle.definition.MaintenanceDefinition;
import org.tonle.definition.QueryDefinition;
import org.tonle.definition.Secret;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.definition.StorageDefinition;
import org.tonle.duckdb.DuckDbEngine;
import org.tonle.duckdb.DuckDbSettings;
import org.tonle.embedded.EmbeddedKafka;
import org.tonle.embedded.EmbeddedPostgres;
import org.tonle.embedded.PrivateFile;
import org.tonle.files.FilesSource;
import org.tonle.ingest.EventLog;
import org.tonle.ingest.EventLogSettings;
import org.tonle.ingest.Ingest;
import org.tonle.ingest.IngestSettings;
import org.tonle.ingest.PlainRecords;
import org.tonle.ingest.SourceStatus;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.LedgerConfig;
import org.tonle.maintenance.Maintenance;
import org.tonle.maintenance.MaintenanceSettings;
import org.tonle.openlineage.OpenLineage;
import org.tonle.pipeline.PipelineRunner;
import org.tonle.pipeline.PipelineSettings;
import org.tonle.pipeline.RunEvent;
import org.tonle.query.Audit;
import org.tonle.query.MemoryCache;
import org.tonle.query.QueryService;
import org.tonle.query.QuerySettings;
import org.tonle.query.SystemTables;
import org.tonle.registry.TopicRecords;
import org.tonle.s3.TableBucket;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Source;
import org.tonle.sql.Dataset;
import org.tonle.sql.FetchingEngine;
import org.tonle.sql.Policies;
import org.tonle.sql.SqlEngine;

/** A start of a lake: its parts, in their order. */
final class LakeStart {
    private static final Logger log = LoggerFactory.getLogger(LakeStart.class);

    /** The files that sources keep as they are. */
    private static final String OBJECTS = "objects";

    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration LEASE = Duration.ofSeconds(10);
    private static final int STATEMENTS = 12;

    /** In the folder of the lake's state: the token of whoever may read that folder. */
    private static final String ADMIN_TOKEN = "admin-token";

    private final LakeDefinition written;
    private final List<Dataset> datasets;
    private final Policies policies;
    private final LakeOptions options;
    private final Path state;
    private final Parts parts;

    /**
     * @param written the lake's folder as it was read
     * @param datasets what its pipelines make, each after those that it reads
     * @param parts takes what is started; it is the caller's to close, whatever happens
     */
    LakeStart(
            LakeDefinition written,
            List<Dataset> datasets,
            Policies policies,
            LakeOptions options,
            Parts parts) {
        this.written = written;
        this.datasets = datasets;
        this.policies = policies;
        this.options = options;
        this.state = written.state();
        this.parts = parts;
    }

    Lake start() {
        parts.add(FolderLock.take(state));
        String holder = holder();
        Ledger ledger = parts.add(openLedger());
        LakePins pins = new LakePins(ledger);
        pins.requireSameStorage(written);
        // closed after whatever answers statements, and before what keeps the records
        Audit audit =
                parts.add(
                        Audit.start(
                                ledger.audit(),
                                directory("audit"),
                                written.audit().retention(),
                                options.clock()));
        LakeDefinition definition = written.named(pins.name(written));
        EventLog eventLog = parts.add(openEventLog(definition));
        BufferAllocator allocator = parts.add(new RootAllocator());
        TableFiles files = openFiles(definition.storage());
        LakeCatalog catalog = new LakeCatalog(ledger, files, options.failPoints());
        SqlEngine engine = parts.add(openEngine(allocator, files));
        Ingest ingest = startIngest(definition, eventLog, catalog, holder);
        // closed after the pipelines, with what they said last
        Optional<OpenLineage> lineage =
                definition.lineage().map(to -> parts.add(openLineage(definition, to)));
        PipelineRunner pipelines =
                startPipelines(definition, ledger, catalog, engine, holder, lineage);
        startMaintenance(definition, ledger, catalog, holder);
        LakeStatus status =
                new LakeStatus(catalog, definition, datasets, ingest, pipelines, options.clock());
        QueryService queries =
                new QueryService(
                        catalog,
                        definition.sources(),
                        policies::of,
                        new SystemTables(catalog, audit, statements(), status.systemTables()),
                        audit,
                        engine,
                        new MemoryCache(definition.query().cacheBytes()),
                        settings(definition.query(), ownMemory()));
        Authenticator authenticator =
                parts.add(
                        Authenticator.start(
                                PrivateFile.secret(state.resolve(ADMIN_TOKEN)),
                                ledger.apiKeys(),
                                policies,
                                options.clock()));
        EmbeddedHealth health =
                new EmbeddedHealth(
                        state, parts.find(EmbeddedKafka.class), parts.find(EmbeddedPostgres.class));
        return new Lake(
                definition,
                datasets,
                catalog,
                status,
                ingest,
                pipelines,
                lineage,
                queries,
                policies,
                authenticator,
                health,
                Optional.ofNullable(parts.find(CachedFiles.class)),
                options.clock(),
                parts);
    }

    private Ingest startIngest(
            LakeDefinition definition, EventLog eventLog, LakeCatalog catalog, String holder) {
        Ingest ingest =
                parts.add(
                        new Ingest(
                                eventLog,
                                catalog,
                                options.clock(),
                                options.failPoints(),
                                new IngestSettings(
                                        holder,
                                        definition.ingest().commitInterval(),
                                        definition.ingest().commitSizeBytes(),
                                        IngestSettings.DEFAULT_REMEMBERED_KEYS),
                                source -> outside(source, definition.storage()),
                                kafka -> TopicRecords.of(kafka).orElseGet(PlainRecords::new)));
        ingest.start(definition.sources());
        try {
            if (!ingest.awaitStarted(START_LIMIT)) {
                log.warn(
                        "not every source has started: {}",
                        ingest.status().stream()
                                .filter(source -> source.state() != SourceStatus.State.RUNNING)
                                .map(source -> source.source() + " is " + source.state())
                                .collect(Collectors.joining(", ")));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LakeException(ErrorCode.CANCELLED, "The start was interrupted", e);
        }
        requireTables(definition, catalog, ingest);
        return ingest;
    }

    /** What a source reads that takes no requests. */
    private Source outside(SourceDefinition source, StorageDefinition storage) {
        return switch (source.kind()) {
            case SourceKind.Files files ->
                    new FilesSource(
                            files, objects(storage).resolve(source.name()), options.clock());
            case SourceKind.Postgres postgres -> new PostgresSource(postgres, options.clock());
            case SourceKind.Http http -> throw notRead(source);
            case SourceKind.Kafka kafka -> throw notRead(source);
        };
    }

    /** Of a lake in a bucket they stay on this machine. */
    private Path objects(StorageDefinition storage) {
        return switch (storage) {
            case StorageDefinition.Folder(Path root) -> root.resolve(OBJECTS);
            case StorageDefinition.Bucket bucket -> state.resolve(OBJECTS);
        };
    }

    private static IllegalArgumentException notRead(SourceDefinition source) {
        return new IllegalArgumentException(source.name() + " isn't read into the event log");
    }

    /** A dataset can't be made over a source that never got so far as to have a table. */
    private static void requireTables(
            LakeDefinition definition, LakeCatalog catalog, Ingest ingest) {
        for (SourceStatus source : ingest.status()) {
            boolean lacks =
                    definition.sources().stream()
                            .filter(declared -> declared.name().equals(source.source()))
                            .flatMap(declared -> declared.tables().stream())
                            .anyMatch(table ->
                                    catalog.ledger()
                                            .ref(BronzeTable.NAMESPACE, table.name())
                                            .isEmpty());
            if (source.problem().isPresent() && lacks) {
                throw new LakeException(
                        source.problem().get().code(),
                        "Source %s has never been ready, so the lake can't begin: %s"
                                .formatted(source.source(), source.problem().get().reason()));
            }
        }
    }

    private PipelineRunner startPipelines(
            LakeDefinition definition,
            Ledger ledger,
            LakeCatalog catalog,
            SqlEngine engine,
            String holder,
            Optional<OpenLineage> lineage) {
        LeaseKeeper leases =
                parts.add(new LeaseKeeper(ledger, holder + "/" + UUID.randomUUID(), LEASE));
        PipelineRunner pipelines =
                parts.add(
                        new PipelineRunner(
                                datasets,
                                definition.sources(),
                                catalog,
                                engine,
                                leases,
                                new PipelineSettings(
                                        definition.refreshInterval(),
                                        directory("tmp"),
                                        definition.maintenance().rows(),
                                        definition.maintenance().interval()),
                                options.failPoints(),
                                lineage.<Consumer<RunEvent>>map(to -> to).orElse(event -> {}),
                                options.clock()));
        try {
            pipelines.apply();
        } catch (LakeException e) {
            if (e.code() != ErrorCode.STORAGE) {
                throw e;
            }
            log.warn("What the datasets declare is looked at later: {}", e.getMessage());
        }
        pipelines.start();
        return pipelines;
    }

    private void startMaintenance(
            LakeDefinition definition, Ledger ledger, LakeCatalog catalog, String holder) {
        MaintenanceDefinition declared = definition.maintenance();
        LeaseKeeper leases =
                parts.add(new LeaseKeeper(ledger, holder + "/" + UUID.randomUUID(), LEASE));
        Maintenance maintenance =
                new Maintenance(
                        catalog,
                        leases,
                        new MaintenanceSettings(
                                declared.history(),
                                declared.slowReaders(),
                                declared.grace(),
                                declared.interval(),
                                bronzeRows(definition)),
                        options.clock(),
                        options.failPoints());
        maintenance.start();
        var unused = parts.add(maintenance);
    }

    /** How long each table of bronze keeps its rows, if not for ever. */
    private static Map<TableIdentifier, Duration> bronzeRows(LakeDefinition definition) {
        Duration limit = definition.maintenance().rows().get(BronzeTable.NAMESPACE);
        return limit == null
                ? Map.of()
                : definition.sources().stream()
                        .flatMap(source -> source.tables().stream())
                        .collect(
                                Collectors.toMap(
                                        table ->
                                                TableIdentifier.of(
                                                        BronzeTable.NAMESPACE, table.name()),
                                        table -> limit));
    }

    private Ledger openLedger() {
        LedgerConfig config =
                switch (written.ledger()) {
                    case LedgerDefinition.Embedded embedded -> {
                        EmbeddedPostgres postgres =
                                parts.add(EmbeddedPostgres.start(postgres(state)));
                        yield new LedgerConfig(
                                postgres.jdbcUrl(), postgres.user(), postgres.password());
                    }
                    case LedgerDefinition.Postgres postgres -> config(postgres);
                };
        return Ledger.open(config, options.failPoints());
    }

    static LedgerConfig config(LedgerDefinition.Postgres postgres) {
        return new LedgerConfig(
                postgres.url(),
                postgres.user(),
                postgres.password().map(secret -> secret.reveal()).orElse(""));
    }

    /** Where the embedded PostgreSQL of a lake has its data. */
    static Path postgres(Path state) {
        return state.resolve("postgres");
    }

    private EventLog openEventLog(LakeDefinition definition) {
        return EventLog.open(
                switch (definition.eventLog()) {
                    case EventLogDefinition.Embedded embedded -> {
                        EmbeddedKafka kafka =
                                parts.add(EmbeddedKafka.start(state.resolve("kafka")));
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

    private TableFiles openFiles(StorageDefinition storage) {
        return switch (storage) {
            case StorageDefinition.Folder(Path root) -> new FolderFiles(root);
            case StorageDefinition.Bucket bucket ->
                    parts.add(
                            new CachedFiles(
                                    TableBucket.files(bucket, directory("cache/.staging")),
                                    bucket.place(),
                                    directory("cache"),
                                    bucket.cacheBytes()));
        };
    }

    private SqlEngine openEngine(BufferAllocator allocator, TableFiles files) {
        return new FetchingEngine(
                DuckDbEngine.open(
                        new DuckDbSettings(
                                List.of(files.folder(), statements()),
                                directory("duckdb"),
                                written.engine().memoryBytes() - ownMemory(),
                                ownMemory(),
                                written.engine().threads(),
                                STATEMENTS),
                        allocator),
                files);
    }

    /** Of the engine's memory, what queries with a limit have; everything else has the rest. */
    private long ownMemory() {
        return written.query().limitsMemory() ? written.engine().memoryBytes() / 2 : 0;
    }

    private Path directory(String name) {
        try {
            return Files.createDirectories(state.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException("can't create " + state.resolve(name), e);
        }
    }

    /** Where the rows of system tables are written for the engine. */
    private Path statements() {
        return directory("statements");
    }

    private static QuerySettings settings(QueryDefinition query, long ownMemory) {
        return new QuerySettings(
                query.concurrent(),
                query.waiting(),
                query.queueTime(),
                ownMemory,
                limits(query.everybody()),
                query.roles().entrySet().stream()
                        .collect(
                                Collectors.toMap(
                                        Map.Entry::getKey, role -> limits(role.getValue()))));
    }

    private static QuerySettings.Limits limits(QueryDefinition.Limits limits) {
        return new QuerySettings.Limits(
                limits.concurrent(),
                limits.timeout(),
                limits.maxRows(),
                limits.maxBytes(),
                limits.memoryBytes());
    }

    /** The same for a folder as long as it lives, so that a restart takes its own leases over. */
    private String holder() {
        Path file = state.resolve("holder");
        try {
            if (!Files.exists(file)) {
                Path fresh =
                        Files.writeString(state.resolve("holder.new"), UUID.randomUUID() + "\n");
                Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            }
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + file, e);
        }
    }
}
