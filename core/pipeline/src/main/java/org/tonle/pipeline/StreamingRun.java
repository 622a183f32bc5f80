package org.tonle.pipeline;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.arrow.vector.TimeStampVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.DatasetMove;
import org.tonle.ledger.CommitRequest.ExpectationResult;
import org.tonle.ledger.Lease;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.BoundStream;
import org.tonle.sql.Dataset;
import org.tonle.sql.Expectation;
import org.tonle.sql.Inputs;
import org.tonle.sql.Lineage;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;
import org.tonle.sql.StreamResult;
import org.tonle.sql.StreamTarget;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/**
 * A streaming table: rows that its input gained since the last commit go through its SELECT once.
 * Target, quarantine, expectation counts and the position land in one commit.
 */
final class StreamingRun implements DatasetRun {
    private static final Duration KEYS_TIMEOUT = Duration.ofMinutes(30);
    private static final DateTimeFormatter LITERAL =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneOffset.UTC);

    private final Dataset.StreamingTable dataset;
    private final RunEnvironment lake;
    private final RunReports reports;
    private final StreamCompaction compaction;
    private @Nullable SeenKeys keys;
    private long keysFrom;
    private long epoch;

    /** Whether it was found out which expectations the rows that are there hold to. */
    private boolean settled;

    /** The commits up to here were looked at; the position in the ledger may be older. */
    private long checked;

    StreamingRun(Dataset.StreamingTable dataset, RunEnvironment lake, RunReports reports) {
        this.dataset = dataset;
        this.lake = lake;
        this.reports = reports;
        this.compaction =
                new StreamCompaction(
                        List.of(dataset.name(), Pipelines.quarantine(dataset.name())), lake);
    }

    @Override
    public void reset() {
        if (keys != null) {
            keys.close();
        }
        keys = null;
        checked = 0;
    }

    @Override
    public Duration rest() {
        return Duration.ZERO;
    }

    @Override
    public void drain() {
        // it never rests
    }

    @Override
    public TaskResult perform(DatasetTask task, Pin pin, Lease lease) {
        remember(lease);
        boolean untouched = false;
        try {
            TaskResult result = done(task, pin, lease);
            untouched = result.equals(TaskResult.NOTHING);
            return result;
        } catch (LakeException e) {
            untouched =
                    switch (e.code()) {
                        case INVALID_REQUEST, INVALID_SQL, UNSUPPORTED_SQL -> true;
                        default -> false;
                    };
            throw e;
        } finally {
            if (!untouched) {
                // keys may have become free, or others than before
                reset();
            }
        }
    }

    private TaskResult done(DatasetTask task, Pin pin, Lease lease) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        return switch (task) {
            case DatasetTask.Replay replay ->
                    new StreamReplay(dataset, lake, reports)
                            .run(
                                    replay,
                                    pin,
                                    position(tables),
                                    lease,
                                    earliest -> keys(tables, earliest));
            case DatasetTask.Refresh refresh ->
                    new StreamRefresh(dataset, lake, reports).run(refresh, pin, lease);
        };
    }

    private long position(PinnedTables tables) {
        TableName read = dataset.reads().getFirst();
        return tables.pinned(read)
                .map(input ->
                        lake.catalog()
                                .ledger()
                                .datasetPositions(name())
                                .getOrDefault(input.uuid(), 0L))
                .orElse(0L);
    }

    /** Somebody else may have written while another process had the lease. */
    private void remember(Lease lease) {
        if (lease.epoch() != epoch) {
            reset();
            // another process may have added rows by another definition
            settled = false;
            epoch = lease.epoch();
        }
    }

    @Override
    public Progress run(Pin pin, Lease lease) {
        remember(lease);
        if (!settled) {
            // before its first run: what was declared may be another thing than it was
            JudgedBy.settle(dataset, lake, pin, lease);
            settled = true;
        }
        Progress progress = takeIn(pin, lease);
        compaction.compact(lease);
        return progress;
    }

    private Progress takeIn(Pin pin, Lease lease) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        TableName read = dataset.reads().getFirst();
        PinnedTable input = tables.pinned(read).orElseThrow(() -> noInput(dataset.name(), read));
        Long stored = lake.catalog().ledger().datasetPositions(name()).get(input.uuid());
        long position = stored == null ? 0 : stored;
        long from = Math.max(position, checked);
        if (input.ref().fromSeq() <= from) {
            return new Progress(pin.seq(), false);
        }
        ChangeRange range =
                lake.catalog().changes(input.uuid(), from, pin.seq(), lake.settings().batch());
        return switch (range) {
            case ChangeRange.Rewritten(long seq, String operation) ->
                    throw new LakeException(
                            ErrorCode.SOURCE_CHANGED,
                            "%s was changed by commit %d (%s), so it can't be read as a stream from there on. To compute %4$s anew from all that it holds now, run: tonle refresh %4$s"
                                    .formatted(input.identifier(), seq, operation, name()));
            case ChangeRange.Appended(long upTo, List<DataFile> files) -> {
                if (!files.isEmpty()) {
                    OptionalLong before =
                            stored == null ? OptionalLong.empty() : OptionalLong.of(stored);
                    runOver(tables, input, before, upTo, files, lease);
                }
                checked = upTo;
                yield new Progress(upTo, upTo < pin.seq());
            }
        };
    }

    private void runOver(
            PinnedTables tables,
            PinnedTable input,
            OptionalLong position,
            long upTo,
            List<DataFile> files,
            Lease lease) {
        BoundStream bound = Sql.stream(dataset, tables);
        SeenKeys seen = keys(tables, earliest(input, files));
        boolean happened = false;
        try (StagedCommit commit = lake.catalog().stage()) {
            reports.started(commit.id(), tables, List.of(input), () -> Lineage.of(bound));
            StagedTable target =
                    commit.table(
                            tables.pinned(dataset.name()).orElseThrow().ref(), OnConflict.FAIL);
            StagedTable quarantine =
                    commit.table(
                            tables.pinned(Pipelines.quarantine(dataset.name())).orElseThrow().ref(),
                            OnConflict.FAIL);
            SchemaChange.apply(dataset.name(), target, bound.schema());
            lake.failPoints().reach("run.before-engine");
            StreamResult result =
                    lake.engine()
                            .writeStream(
                                    bound,
                                    Inputs.of(
                                            bound.input().table().name(),
                                            PinnedTables.added(input, files)),
                                    seen,
                                    new StreamTarget(
                                            dataset.name(),
                                            commit.id().toString(),
                                            target.dataDirectory(),
                                            quarantine.dataDirectory(),
                                            commit.id().toString(),
                                            target.schema()));
            lake.failPoints().reach("run.after-engine");
            append(target, result.rows());
            append(quarantine, result.quarantine());
            CommitRequest.Builder request =
                    CommitRequest.builder(commit.id(), "run", "tonle")
                            .fencedBy(lease)
                            .move(new DatasetMove(name(), input.uuid(), position, upTo))
                            .summary("dataset", name())
                            .summary("definition", DatasetTables.hash(dataset.text()))
                            .summary("read-after", position.orElse(0))
                            .summary("read-seq", upTo)
                            .summary("input", result.input())
                            .summary("written", result.written())
                            .summary("duplicates", result.duplicates())
                            .summary("filtered", result.filtered())
                            .summary("malformed", result.malformed())
                            .summary("dropped", result.dropped());
            List<ExpectationResult> expectations = expectations(bound, result);
            expectations.forEach(request::expectation);
            var unused = commit.publish(request);
            happened = true;
            seen.commit();
            compaction.added(result.rows().size() + result.quarantine().size());
            reports.completed(
                    List.of(
                            output(dataset.name(), target, result.rows()),
                            output(
                                    Pipelines.quarantine(dataset.name()),
                                    quarantine,
                                    result.quarantine())),
                    expectations);
            lake.failPoints().reach("run.after-commit");
        } finally {
            if (!happened) {
                seen.rollback();
            }
        }
    }

    static RunEvent.Output output(TableName name, StagedTable table, List<WrittenFile> written) {
        return RunReports.output(
                name,
                table,
                written.stream().mapToLong(WrittenFile::records).sum(),
                written.size());
    }

    private List<ExpectationResult> expectations(BoundStream bound, StreamResult result) {
        List<ExpectationResult> results = new ArrayList<>();
        for (int i = 0; i < bound.expectations().size(); i++) {
            Expectation expectation = bound.expectations().get(i);
            StreamResult.ExpectationResult counts = result.expectations().get(i);
            results.add(
                    new ExpectationResult(
                            name(),
                            expectation.name(),
                            expectation.violation().name().toLowerCase(Locale.ROOT),
                            counts.passed(),
                            counts.failed()));
        }
        return results;
    }

    static void append(StagedTable table, List<WrittenFile> written) {
        if (!written.isEmpty()) {
            List<DataFile> files = new ArrayList<>();
            for (WrittenFile file : written) {
                files.add(table.adopt(file.path()));
            }
            table.append(files);
        }
    }

    /** The keys that rows from {@code earliest} on may repeat, read from the tables if need be. */
    private SeenKeys keys(PinnedTables tables, long earliest) {
        long since = earliest - lake.settings().window().toMillis() * 1000;
        SeenKeys known = keys;
        if (known != null && since >= Math.max(keysFrom, known.completeFrom())) {
            return known;
        }
        reset();
        SeenKeys loaded = new SeenKeys(lake.settings().window(), lake.settings().temporary());
        load(loaded, tables, dataset.name(), "_key", "_ingest_time", since);
        load(loaded, tables, Pipelines.quarantine(dataset.name()), "\"key\"", "ingest_time", since);
        keys = loaded;
        keysFrom = since;
        return loaded;
    }

    private void load(
            SeenKeys into,
            PinnedTables tables,
            TableName table,
            String key,
            String time,
            long since) {
        BoundQuery query =
                Sql.query(
                        "SELECT %s, %s FROM \"%s\".\"%s\" WHERE %s >= TIMESTAMP WITH LOCAL TIME ZONE '%s'"
                                .formatted(
                                        key,
                                        time,
                                        table.namespace(),
                                        table.name(),
                                        time,
                                        LITERAL.format(
                                                Instant.ofEpochSecond(
                                                        Math.floorDiv(since, 1_000_000L)))),
                        tables);
        try (QueryResult rows =
                lake.engine().run(query, tables.inputs(query), new QueryLimits(KEYS_TIMEOUT))) {
            while (rows.next()) {
                VectorSchemaRoot batch = rows.batch();
                VarCharVector keyVector = (VarCharVector) batch.getVector(0);
                TimeStampVector timeVector = (TimeStampVector) batch.getVector(1);
                for (int i = 0; i < batch.getRowCount(); i++) {
                    into.load(keyVector.get(i), timeVector.get(i));
                }
            }
        }
    }

    /** The least ingest time of the files, in microseconds, from their metrics; 0 if unknown. */
    private static long earliest(PinnedTable input, List<DataFile> files) {
        Types.NestedField column =
                Optional.ofNullable(input.schema().findField("ingest_time"))
                        .orElseGet(() -> input.schema().findField("_ingest_time"));
        long earliest = Long.MAX_VALUE;
        for (DataFile file : files) {
            var bounds = file.lowerBounds();
            var lower = bounds == null ? null : bounds.get(column.fieldId());
            if (lower == null) {
                return 0;
            }
            Long value = Conversions.fromByteBuffer(column.type(), lower);
            earliest = Math.min(earliest, value);
        }
        return earliest;
    }

    private String name() {
        return dataset.name().toString();
    }

    static LakeException noInput(TableName dataset, TableName input) {
        return new LakeException(
                ErrorCode.NOT_FOUND, dataset + " reads " + input + ", which isn't there");
    }
}
