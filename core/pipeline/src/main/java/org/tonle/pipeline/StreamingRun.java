package org.tonle.pipeline;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.arrow.vector.TimeStampVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.DataFile;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.ChangeRange;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.DatasetMove;
import org.tonle.ledger.Lease;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.Dataset;
import org.tonle.sql.Inputs;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/**
 * A streaming table: rows that its input gained since the last commit go through its SELECT once.
 * Target, quarantine, expectation counts and the position land in one commit.
 */
final class StreamingRun implements DatasetRun {
    private static final Duration KEYS_TIMEOUT = Duration.ofMinutes(30);

    private final Dataset.StreamingTable dataset;
    private final RunEnvironment lake;
    private final RunReports reports;
    private final StreamCompaction compaction;
    private final StreamExpiry expiry;
    private @Nullable SeenKeys keys;
    private long keysFrom;
    private long epoch;

    /** Whether it was found out which expectations the rows that are there hold to. */
    private boolean settled;

    /** What the last refresh did. */
    private TaskResult followed = TaskResult.NOTHING;

    /** The commits up to here were looked at; the position in the ledger may be older. */
    private long checked;

    StreamingRun(Dataset.StreamingTable dataset, RunEnvironment lake, RunReports reports) {
        this.dataset = dataset;
        this.lake = lake;
        this.reports = reports;
        List<TableName> written = List.of(dataset.name(), Pipelines.quarantine(dataset.name()));
        this.compaction = new StreamCompaction(written, lake);
        this.expiry = new StreamExpiry(written, lake);
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
                            .run(replay, pin, position(tables), lease, this::reset);
            case DatasetTask.Refresh refresh -> refresh(refresh, pin, lease);
            case DatasetTask.Follow follow ->
                    asked(tables, pin)
                            .map(refresh -> refresh(refresh, pin, lease))
                            .orElseGet(() -> followed.since(follow.seq()));
        };
    }

    private TaskResult refresh(DatasetTask.Refresh task, Pin pin, Lease lease) {
        // it has keys of its own, and they are as many
        reset();
        TaskResult result = new StreamRefresh(dataset, lake, reports).run(task, pin, lease);
        if (task.from().isPresent()) {
            // the rows that were to be judged again may be among those that were
            settled = false;
        }
        followed = result;
        return result;
    }

    /** What a refresh of the input asks of this, if there was one since it was read. */
    private Optional<DatasetTask.Refresh> asked(PinnedTables tables, Pin pin) {
        return tables.pinned(dataset.reads().getFirst())
                .flatMap(input ->
                        new InputHistory(lake, input, pin.seq()).asked(name(), position(tables)));
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
        if (!progress.more()) {
            // what it has yet to read may repeat the oldest of its rows
            expiry.expire(lease);
        }
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
        if (stored == null && new InputHistory(lake, input, pin.seq()).isRewrittenAfter(0)) {
            // it is new, and what its input held at first isn't what it is made of now
            return caughtUp(InputHistory.whole(name()), pin, lease);
        }
        ChangeRange range =
                lake.catalog().changes(input.uuid(), from, pin.seq(), lake.settings().batch());
        return switch (range) {
            case ChangeRange.Rewritten rewritten -> {
                Optional<DatasetTask.Refresh> asked = asked(tables, pin);
                if (asked.isEmpty()) {
                    throw new LakeException(
                            ErrorCode.SOURCE_CHANGED,
                            "%s %s, so it can't be read as a stream from there on. To compute %3$s anew from all that it holds now, run: tonle refresh %3$s"
                                    .formatted(input.identifier(), rewritten.told(), name()));
                }
                yield caughtUp(asked.get(), pin, lease);
            }
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

    private Progress caughtUp(DatasetTask.Refresh task, Pin pin, Lease lease) {
        var unused = refresh(task, pin, lease);
        checked = pin.seq();
        return new Progress(pin.seq(), false);
    }

    private void runOver(
            PinnedTables tables,
            PinnedTable input,
            OptionalLong position,
            long upTo,
            List<DataFile> files,
            Lease lease) {
        SeenKeys seen = keys(tables, earliest(input, files));
        boolean happened = false;
        try (StagedCommit commit = lake.catalog().stage()) {
            StreamPasses passes = new StreamPasses(lake, dataset, reports, tables, input, commit);
            lake.failPoints().reach("run.before-engine");
            passes.over(PinnedTables.added(input, files), seen);
            lake.failPoints().reach("run.after-engine");
            append(passes.target, passes.rows);
            append(passes.quarantine, passes.refused);
            CommitRequest.Builder request =
                    CommitRequest.builder(commit.id(), "run", "tonle")
                            .fencedBy(lease)
                            .move(new DatasetMove(name(), input.uuid(), position, upTo))
                            .summary("read-after", position.orElse(0))
                            .summary("read-seq", upTo);
            passes.describe(request);
            var unused = commit.publish(request);
            happened = true;
            seen.commit();
            compaction.added(passes.rows.size() + passes.refused.size());
            passes.report();
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
        loadKeys(lake, dataset, tables, since, Long.MAX_VALUE, loaded);
        keys = loaded;
        keysFrom = since;
        return loaded;
    }

    /**
     * Reads the keys of a streaming table, those in its quarantine too.
     *
     * @param since rows that were taken in from then on, in microseconds
     * @param before and before then
     */
    static void loadKeys(
            RunEnvironment lake,
            Dataset.StreamingTable dataset,
            PinnedTables tables,
            long since,
            long before,
            SeenKeys into) {
        TableName refused = Pipelines.quarantine(dataset.name());
        load(lake, tables, dataset.name(), "_key", "_ingest_time", since, before, into);
        load(lake, tables, refused, "\"key\"", "ingest_time", since, before, into);
    }

    private static void load(
            RunEnvironment lake,
            PinnedTables tables,
            TableName table,
            String key,
            String time,
            long since,
            long before,
            SeenKeys into) {
        String where =
                since == Long.MIN_VALUE
                        ? ""
                        : " WHERE %s >= %s".formatted(time, RefusedInput.instant(since, 0));
        BoundQuery query =
                Sql.query(
                        "SELECT %s, %s FROM \"%s\".\"%s\"%s"
                                .formatted(key, time, table.namespace(), table.name(), where),
                        tables);
        PinnedTable pinned = tables.pinned(table).orElseThrow();
        try (QueryResult rows =
                lake.engine()
                        .run(
                                query,
                                Inputs.of(table, inOrder(pinned, since, before)),
                                new QueryLimits(KEYS_TIMEOUT))) {
            while (rows.next()) {
                VectorSchemaRoot batch = rows.batch();
                VarCharVector keyVector = (VarCharVector) batch.getVector(0);
                TimeStampVector timeVector = (TimeStampVector) batch.getVector(1);
                for (int i = 0; i < batch.getRowCount(); i++) {
                    if (timeVector.get(i) < before) {
                        into.load(keyVector.get(i), timeVector.get(i));
                    }
                }
            }
        }
    }

    /**
     * The files of a time, those last that were added last: a key that is later than all known is
     * new. Others aren't brought here for it.
     */
    private static List<org.tonle.sql.DataFile> inOrder(
            PinnedTable table, long since, long before) {
        return PinnedTables.files(
                table,
                table.files().stream()
                        .filter(file -> InputHistory.mayHold(table, file, since, before))
                        .sorted(
                                Comparator.comparing(
                                        DataFile::fileSequenceNumber,
                                        Comparator.nullsFirst(Comparator.naturalOrder())))
                        .toList());
    }

    /** The least ingest time of the files, in microseconds, from their metrics; 0 if unknown. */
    private static long earliest(PinnedTable input, List<DataFile> files) {
        return files.stream()
                .mapToLong(file -> InputHistory.bound(input, file.lowerBounds(), 0))
                .min()
                .orElse(Long.MAX_VALUE);
    }

    private String name() {
        return dataset.name().toString();
    }

    static LakeException noInput(TableName dataset, TableName input) {
        return new LakeException(
                ErrorCode.NOT_FOUND, dataset + " reads " + input + ", which isn't there");
    }
}
