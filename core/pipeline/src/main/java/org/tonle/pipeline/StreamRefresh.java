package org.tonle.pipeline;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.LongPredicate;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.TimeStampVector;
import org.jspecify.annotations.Nullable;
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
import org.tonle.sql.DataFile;
import org.tonle.sql.Dataset;
import org.tonle.sql.Inputs;
import org.tonle.sql.KeyBatch;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/**
 * A streaming table is computed anew from what its input holds; the rows take the place of those
 * that it had, in one commit.
 *
 * <p>In full it is as if it had just been declared. From a time on, rows that were taken in before
 * stay, in the table and in quarantine, and so does what is left out because of their keys: as if
 * all that was taken in before that time had come first, and the definition had become what it is
 * then.
 */
final class StreamRefresh {
    private static final Duration COUNT_TIMEOUT = Duration.ofMinutes(30);
    private static final DateTimeFormatter LITERAL =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSS").withZone(ZoneOffset.UTC);

    private final Dataset.StreamingTable dataset;
    private final RunEnvironment lake;
    private final RunReports reports;

    StreamRefresh(Dataset.StreamingTable dataset, RunEnvironment lake, RunReports reports) {
        this.dataset = dataset;
        this.lake = lake;
        this.reports = reports;
    }

    TaskResult run(DatasetTask.Refresh task, Pin pin, Lease lease) {
        PinnedTables tables = new PinnedTables(pin, lake.sources());
        TableName read = dataset.reads().getFirst();
        PinnedTable input =
                tables.pinned(read).orElseThrow(() -> StreamingRun.noInput(dataset.name(), read));
        @Nullable Long stored =
                lake.catalog()
                        .ledger()
                        .datasetPositions(dataset.name().toString())
                        .get(input.uuid());
        InputHistory history = new InputHistory(lake, input, pin.seq());
        long position = stored == null ? 0 : stored;
        task.from().ifPresent(from -> requireKept(history.rewrittenFrom(position), from, input));
        try (StagedCommit commit = lake.catalog().stage();
                SeenKeys seen =
                        new SeenKeys(lake.settings().window(), lake.settings().temporary())) {
            StreamPasses passes = new StreamPasses(lake, dataset, reports, tables, input, commit);
            lake.failPoints().reach("run.before-engine");
            if (task.from().isEmpty()) {
                history.all(files -> judge(files, passes, seen, seen));
            } else {
                judgeFrom(micros(task.from().get()), position, history, tables, passes, seen);
            }
            lake.failPoints().reach("run.after-engine");
            if (task.from().isEmpty()) {
                replace(passes.target, passes.rows);
                replace(passes.quarantine, passes.refused);
                JudgedBy.set(passes.target, dataset.expectations());
            } else {
                replaceFrom(micros(task.from().get()), tables, passes, commit);
            }
            CommitRequest.Builder request =
                    InputHistory.refresh(commit.id(), task)
                            .fencedBy(lease)
                            .move(
                                    new DatasetMove(
                                            dataset.name().toString(),
                                            input.uuid(),
                                            stored == null
                                                    ? OptionalLong.empty()
                                                    : OptionalLong.of(stored),
                                            pin.seq()))
                            .summary("read-seq", pin.seq());
            passes.describe(request);
            long seq = commit.publish(request);
            passes.report();
            lake.failPoints().reach("run.after-commit");
            return new TaskResult(
                    OptionalLong.of(seq),
                    passes.input,
                    passes.written,
                    passes.malformed + passes.dropped,
                    passes.filtered,
                    passes.duplicates);
        }
    }

    private static void judge(
            List<DataFile> files, StreamPasses passes, KeyFilter keys, SeenKeys seen) {
        passes.over(files, keys);
        seen.commit();
    }

    /** Of rows that are to stay, nothing may have changed where they come from. */
    private void requireKept(Instant rewritten, Instant from, PinnedTable input) {
        if (rewritten.isBefore(from)) {
            throw new LakeException(
                    ErrorCode.INVALID_REQUEST,
                    "%s was rewritten %s since %s read it last, so that its rows from before %s can't stay as they are; refresh it %s"
                            .formatted(
                                    input.identifier(),
                                    rewritten.equals(Instant.MIN)
                                            ? "as a whole"
                                            : "from " + rewritten + " on",
                                    dataset.name(),
                                    from,
                                    rewritten.equals(Instant.MIN)
                                            ? "in full, without from"
                                            : "from that time on, or in full"));
        }
    }

    private static long micros(Instant time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, time);
    }

    private void judgeFrom(
            long from,
            long position,
            InputHistory history,
            PinnedTables tables,
            StreamPasses passes,
            SeenKeys seen) {
        long window = lake.settings().window().toMillis() * 1000;
        long earliest = Math.min(from, history.earliestAddedAfter(position));
        long since = earliest < Long.MIN_VALUE + window ? Long.MIN_VALUE : earliest - window;
        StreamingRun.loadKeys(lake, dataset, tables, since, from, seen);
        // what is older and wasn't read yet comes first: it belongs to the part that stays
        Part older = new Part(seen, time -> time < from);
        Rows later = new Rows(tables, ">= " + literal(from));
        history.addedAfter(
                position,
                Long.MIN_VALUE,
                from - 1,
                files -> {
                    judge(files, passes, older, seen);
                    later.count(files);
                });
        Part newer = new Part(seen, time -> time >= from);
        Rows earlier = new Rows(tables, "< " + literal(from));
        history.within(
                from,
                Long.MAX_VALUE,
                files -> {
                    judge(files, passes, newer, seen);
                    earlier.count(files);
                });
        long aside = older.aside + newer.aside;
        long others = later.count + earlier.count;
        passes.input -= others;
        passes.duplicates -= aside;
        // of the others, WHERE left out those that weren't put aside
        passes.filtered -= others - aside;
    }

    private static String literal(long micros) {
        return "TIMESTAMP WITH LOCAL TIME ZONE '%s'"
                .formatted(LITERAL.format(Instant.EPOCH.plus(micros, ChronoUnit.MICROS)));
    }

    /** Counts rows of the input that were taken in at some time. */
    private final class Rows {
        private final BoundQuery query;
        private long count;

        Rows(PinnedTables tables, String time) {
            TableName read = dataset.reads().getFirst();
            this.query =
                    Sql.query(
                            "SELECT COUNT(*) FROM \"%s\".\"%s\" WHERE %s %s"
                                    .formatted(
                                            read.namespace(),
                                            read.name(),
                                            tables.table(read).orElseThrow().isBronze()
                                                    ? "ingest_time"
                                                    : SqlTable.INGEST_TIME,
                                            time),
                            tables);
        }

        void count(List<DataFile> files) {
            try (QueryResult result =
                    lake.engine()
                            .run(
                                    query,
                                    Inputs.of(dataset.reads().getFirst(), files),
                                    new QueryLimits(COUNT_TIMEOUT))) {
                while (result.next()) {
                    count += ((BigIntVector) result.batch().getVector(0)).get(0);
                }
            }
        }
    }

    /** Puts rows of another time aside, which lie in the same files. */
    private static final class Part implements KeyFilter {
        private final SeenKeys seen;
        private final LongPredicate times;
        private long aside;

        Part(SeenKeys seen, LongPredicate times) {
            this.seen = seen;
            this.times = times;
        }

        @Override
        public BitSet duplicates(KeyBatch batch) {
            BitSet duplicates = new BitSet(batch.size());
            for (int i = 0; i < batch.size(); i++) {
                long time = batch.ingestTimeMicros(i);
                if (!times.test(time)) {
                    aside++;
                    duplicates.set(i);
                } else if (seen.isDuplicate(batch.key(i), time)) {
                    duplicates.set(i);
                }
            }
            return duplicates;
        }
    }

    private void replaceFrom(
            long from, PinnedTables tables, StreamPasses passes, StagedCommit commit) {
        try (Scratch scratch =
                new Scratch(
                        lake.engine(), passes.quarantine.dataDirectory(), commit.id().toString())) {
            replaceFrom(
                    from,
                    SqlTable.INGEST_TIME,
                    passes.target,
                    tables.pinned(dataset.name()).orElseThrow(),
                    passes.rows,
                    scratch);
            replaceFrom(
                    from,
                    "ingest_time",
                    passes.quarantine,
                    tables.pinned(Pipelines.quarantine(dataset.name())).orElseThrow(),
                    passes.refused,
                    scratch);
        }
    }

    private static void replaceFrom(
            long from,
            String time,
            StagedTable staged,
            PinnedTable table,
            List<WrittenFile> written,
            Scratch scratch) {
        scratch.put("table", SqlTable.placed(table.schema()), PinnedTables.files(table));
        Map<String, BitSet> leaving =
                scratch.places(
                        table,
                        "SELECT \"%s\", \"%s\", \"%s\" FROM scratch.\"table\" WHERE \"%3$s\" >= %s"
                                .formatted(
                                        SqlTable.FILE,
                                        SqlTable.ROW,
                                        time,
                                        RefusedInput.instant(from, 0)),
                        (batch, row) -> ((TimeStampVector) batch.getVector(2)).get(row) >= from);
        if (!leaving.isEmpty()) {
            staged.letRowsLeave();
        }
        if (written.isEmpty() && leaving.isEmpty()) {
            return;
        }
        staged.change(
                table, written.stream().map(file -> staged.adopt(file.path())).toList(), leaving);
    }

    static void replace(StagedTable table, List<WrittenFile> written) {
        table.replaceAll(written.stream().map(file -> table.adopt(file.path())).toList());
    }
}
