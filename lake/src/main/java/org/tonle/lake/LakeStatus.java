package org.tonle.lake;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.iceberg.Schema;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.QuarantineTable;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.SourceKind;
import org.tonle.ingest.Ingest;
import org.tonle.ingest.SourceStatus;
import org.tonle.lake.TableStatus.State;
import org.tonle.ledger.CommitRequest.ExpectationResult;
import org.tonle.ledger.Ref;
import org.tonle.pipeline.DatasetStatus;
import org.tonle.pipeline.JudgedBy;
import org.tonle.pipeline.PipelineRunner;
import org.tonle.query.SystemTable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.Dataset;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.TableName;

/**
 * How every table that a lake feeds is doing: what its worker says beside what the ledger holds.
 */
final class LakeStatus {
    private static final Schema SOURCE_COLUMNS =
            SystemTable.columns(
                    "name varchar",
                    "kind varchar",
                    "state varchar",
                    "reason varchar",
                    "since timestamptz",
                    "paused_by varchar",
                    "lag_count bigint",
                    "lag_seconds bigint",
                    "event_count bigint",
                    "byte_count bigint",
                    "unreadable_count bigint",
                    "repeat_count bigint",
                    "error_count bigint",
                    "committed_at timestamptz",
                    "held_bytes bigint");

    private static final Schema DATASET_COLUMNS =
            SystemTable.columns(
                    "name varchar",
                    "kind varchar",
                    "state varchar",
                    "reason varchar",
                    "row_count bigint",
                    "file_count bigint",
                    "seq bigint",
                    "lag_count bigint",
                    "quarantined bigint");

    private final LakeCatalog catalog;
    private final LakeDefinition definition;
    private final List<Dataset> datasets;
    private final Ingest ingest;
    private final PipelineRunner pipelines;
    private final Clock clock;
    private final Map<TableName, Counted> counted = new ConcurrentHashMap<>();

    LakeStatus(
            LakeCatalog catalog,
            LakeDefinition definition,
            List<Dataset> datasets,
            Ingest ingest,
            PipelineRunner pipelines,
            Clock clock) {
        this.catalog = catalog;
        this.definition = definition;
        this.datasets = datasets;
        this.ingest = ingest;
        this.pipelines = pipelines;
        this.clock = clock;
    }

    /**
     * The bronze tables of every source, then every dataset after those that it reads.
     *
     * @param refusal why no source takes events now
     */
    List<TableStatus> tables(Optional<String> refusal) {
        // before the pin: what they have done is in it, and what follows from it still lags
        List<SourceStatus> sources = ingest.status();
        List<DatasetStatus> runs = pipelines.status();
        Pin pin = catalog.pin();
        PinnedTables tables = new PinnedTables(pin, definition.sources());
        List<TableStatus> statuses = new ArrayList<>();
        AtomicReference<@Nullable LakeException> away = new AtomicReference<>();
        for (SourceStatus source : sources) {
            Optional<TableStatus.Retention> retention = retention(source);
            for (BronzeDefinition bronze : tables(source.source())) {
                TableName name = new TableName(BronzeTable.NAMESPACE, bronze.name());
                TableStatus bare =
                        bare(
                                name,
                                "source",
                                refusal.isPresent() ? State.FAILING : state(source.state()),
                                refusal.or(() -> reason(source, retention)),
                                source.lag(),
                                retention);
                statuses.add(
                        told(
                                bare,
                                away,
                                () -> status(bare, tables.pinned(name), bare.lag(), 0, List.of()),
                                () -> seq(name, pin)));
            }
        }
        for (int i = 0; i < runs.size(); i++) {
            DatasetStatus run = runs.get(i);
            Dataset dataset = datasets.get(i);
            TableStatus bare =
                    bare(
                            dataset.name(),
                            run.kind(),
                            switch (run.state()) {
                                case RUNNING -> State.RUNNING;
                                case FAILING -> State.FAILING;
                                case STANDBY -> State.STANDBY;
                            },
                            run.reason(),
                            run.upToDate() ? 0 : pin.seq() - run.seq(),
                            Optional.empty());
            statuses.add(
                    told(
                            bare,
                            away,
                            () -> status(bare, dataset, run, tables, pin),
                            () -> seq(dataset.name(), pin)));
        }
        return statuses;
    }

    private TableStatus status(
            TableStatus bare, Dataset dataset, DatasetStatus run, PinnedTables tables, Pin pin) {
        Optional<PinnedTable> table = tables.pinned(dataset.name());
        // another process's progress is not known here; the ledger's is
        boolean behind =
                dataset.reads().stream()
                        .flatMap(read -> tables.pinned(read).stream())
                        .anyMatch(input -> input.ref().fromSeq() > run.seq());
        TableName quarantine =
                new TableName(
                        QuarantineTable.NAMESPACE,
                        QuarantineTable.of(dataset.name().namespace(), dataset.name().name()));
        return status(
                bare.because(
                        bare.reason()
                                .or(() -> table.flatMap(found -> JudgedBy.hint(dataset, found)))),
                table,
                behind ? pin.seq() - run.seq() : 0,
                tables.pinned(quarantine).map(PinnedTable::records).orElse(0L),
                expectations(dataset, pin.seq()));
    }

    /**
     * With its figures; while what they are read from is away without them, and with the reason, so
     * that the tables are there all the same.
     *
     * @param away why the storage can't be read, once that is known: it isn't asked again
     */
    static TableStatus told(
            TableStatus bare,
            AtomicReference<@Nullable LakeException> away,
            Supplier<TableStatus> whole,
            LongSupplier seq) {
        LakeException why = away.get();
        if (why == null) {
            try {
                return whole.get();
            } catch (LakeException e) {
                if (e.code() != ErrorCode.STORAGE) {
                    throw e;
                }
                // each table would be waited for as long as this one
                away.set(e);
                why = e;
            }
        }
        String message = why.getMessage();
        return bare.because(bare.reason().or(() -> Optional.ofNullable(message)))
                .at(seq.getAsLong());
    }

    /** The commit that wrote a table last, of what the ledger holds alone. */
    private long seq(TableName name, Pin pin) {
        return catalog.ledger()
                .refAt(name.namespace(), name.name(), pin.seq())
                .map(Ref::fromSeq)
                .orElse(0L);
    }

    /**
     * Every source, as it is at this process.
     *
     * @param refusal why none takes events now
     */
    List<SourceReport> sources(Optional<String> refusal) {
        return ingest.status().stream().map(source -> report(source, refusal)).toList();
    }

    /** One of them. */
    SourceReport report(SourceStatus source, Optional<String> refusal) {
        Optional<TableStatus.Retention> retention = retention(source);
        return new SourceReport(
                source.source(),
                definition.source(source.source()).orElseThrow().kind().name(),
                refusal.isPresent() ? SourceStatus.State.FAILING : source.state(),
                refusal.or(() -> reason(source, retention)),
                source.paused()
                        .map(SourceStatus.Pause::since)
                        .or(() -> source.problem().map(SourceStatus.Problem::since)),
                source.paused().map(SourceStatus.Pause::by),
                source.lag(),
                source.behind(clock.instant()),
                source.counts(),
                source.repeats(),
                source.committedAt(),
                source.heldBytes(),
                retention);
    }

    private static Optional<String> reason(
            SourceStatus source, Optional<TableStatus.Retention> retention) {
        Optional<String> wrong =
                source.problem()
                        .map(SourceStatus.Problem::reason)
                        .or(() -> retention.flatMap(LakeStatus::alarm))
                        .or(source::warning);
        return source.paused()
                .map(pause ->
                        "paused by %s%s"
                                .formatted(pause.by(), wrong.map(text -> ": " + text).orElse("")))
                .or(() -> wrong);
    }

    /** {@code system.sources} and {@code system.datasets}. */
    List<SystemTable> systemTables() {
        return List.of(
                new SystemTable("sources", SOURCE_COLUMNS, false, (state, limit) -> sourceRows()),
                new SystemTable(
                        "datasets", DATASET_COLUMNS, false, (state, limit) -> datasetRows()));
    }

    private List<@Nullable Object[]> sourceRows() {
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (SourceReport whole : sources(Optional.empty())) {
            SourceReport source = whole.withoutReason();
            rows.add(
                    new @Nullable Object[] {
                        source.name(),
                        source.kind(),
                        source.state().name().toLowerCase(Locale.ROOT),
                        source.reason().orElse(null),
                        source.since().orElse(null),
                        source.pausedBy().orElse(null),
                        source.lag(),
                        source.behind().toSeconds(),
                        source.counts().events(),
                        source.counts().bytes(),
                        source.counts().unreadable(),
                        source.repeats(),
                        source.counts().errors(),
                        source.committedAt().orElse(null),
                        source.heldBytes().isPresent() ? source.heldBytes().getAsLong() : null
                    });
        }
        return rows;
    }

    private List<@Nullable Object[]> datasetRows() {
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (TableStatus table : tables(Optional.empty())) {
            if (!table.kind().equals("source")) {
                rows.add(
                        new @Nullable Object[] {
                            table.name().toString(),
                            table.kind(),
                            table.state().name().toLowerCase(Locale.ROOT),
                            table.withoutReason().reason().orElse(null),
                            table.whole() ? table.rows() : null,
                            table.whole() ? table.files() : null,
                            table.seq(),
                            table.lag(),
                            table.whole() ? table.quarantined() : null
                        });
            }
        }
        return rows;
    }

    private Optional<TableStatus.Retention> retention(SourceStatus status) {
        Instant now = clock.instant();
        return definition
                .source(status.source())
                // how long an outside topic keeps what it holds, its owners decide
                .filter(source -> !(source.kind() instanceof SourceKind.Kafka))
                .map(source ->
                        new TableStatus.Retention(
                                status.left(source.retention(), now),
                                status.isLate(source.retention(), now)));
    }

    private List<BronzeDefinition> tables(String source) {
        return definition.sources().stream()
                .filter(declared -> declared.name().equals(source))
                .flatMap(declared -> declared.tables().stream())
                .toList();
    }

    private static Optional<String> alarm(TableStatus.Retention retention) {
        return retention.alarm()
                ? Optional.of(
                        "It is behind: in %d minutes the event log begins to lose what bronze doesn't have. See why it is slow, or raise its retention."
                                .formatted(retention.left().toMinutes()))
                : Optional.empty();
    }

    private List<TableStatus.Expectation> expectations(Dataset dataset, long seq) {
        return switch (dataset) {
            case Dataset.StreamingTable table when !table.expectations().isEmpty() ->
                    counted.merge(
                                    table.name(),
                                    counted(table.name(), seq),
                                    (one, other) -> one.seq() > other.seq() ? one : other)
                            .all();
            case Dataset.StreamingTable table -> List.of();
            case Dataset.ChangeTable table -> List.of();
            case Dataset.MaterializedView view -> List.of();
        };
    }

    private Counted counted(TableName table, long seq) {
        Counted known = counted.getOrDefault(table, new Counted(0, List.of()));
        return known.seq() >= seq
                ? known
                : known.plus(
                        seq, catalog.ledger().expectations(table.toString(), known.seq(), seq));
    }

    /** What expectations had counted up to a commit: earlier ones needn't be added up again. */
    private record Counted(long seq, List<TableStatus.Expectation> all) {
        Counted plus(long upTo, List<ExpectationResult> results) {
            Map<String, TableStatus.Expectation> sums = new TreeMap<>();
            all.forEach(sum -> sums.put(sum.name() + ' ' + sum.action(), sum));
            for (ExpectationResult more : results) {
                sums.merge(
                        more.expectation() + ' ' + more.action(),
                        new TableStatus.Expectation(
                                more.expectation(), more.action(), more.passed(), more.failed()),
                        (before, now) ->
                                new TableStatus.Expectation(
                                        before.name(),
                                        before.action(),
                                        before.passed() + now.passed(),
                                        before.failed() + now.failed()));
            }
            return new Counted(upTo, List.copyOf(sums.values()));
        }
    }

    private static State state(SourceStatus.State state) {
        return switch (state) {
            case STARTING -> State.STARTING;
            case RUNNING -> State.RUNNING;
            case LAGGING -> State.LAGGING;
            case PAUSED -> State.PAUSED;
            case STANDBY -> State.STANDBY;
            case RETRYING, FAILING -> State.FAILING;
            case STOPPED -> State.STOPPED;
        };
    }

    /** Without figures. */
    private static TableStatus bare(
            TableName name,
            String kind,
            State state,
            Optional<String> reason,
            long lag,
            Optional<TableStatus.Retention> retention) {
        return new TableStatus(
                name, kind, state, reason, 0, 0, 0, lag, retention, 0, List.of(), false);
    }

    private static TableStatus status(
            TableStatus bare,
            Optional<PinnedTable> table,
            long lag,
            long quarantined,
            List<TableStatus.Expectation> expectations) {
        return new TableStatus(
                bare.name(),
                bare.kind(),
                bare.state(),
                bare.reason(),
                table.map(PinnedTable::records).orElse(0L),
                table.map(found -> (long) found.files().size()).orElse(0L),
                table.map(found -> found.ref().fromSeq()).orElse(0L),
                lag,
                bare.retention(),
                quarantined,
                expectations,
                true);
    }
}
