package org.tonle.catalog;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.iceberg.DataFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Lease;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Takes rows out of a table that it has kept for long enough since they were taken in, as the
 * metrics of its files tell. A file leaves when its newest row does. One that holds both old and
 * newer rows is written anew without the old ones, but only when the oldest has been over for a
 * while, so that each row is copied a few times at most. A file of which it isn't known what it
 * holds stays. Whoever reads what was added sees nothing of it, and earlier states of the lake have
 * the rows for as long as they are kept.
 */
public final class RowExpiry {
    private static final Logger log = LoggerFactory.getLogger(RowExpiry.class);

    /** So much of what a limit is passes before a file is written anew, but at least a day. */
    private static final int PATIENCE = 12;

    private static final Duration LEAST_PATIENCE = Duration.ofDays(1);

    /** Of files that one commit takes out, and of bytes that it reads for writing some anew. */
    private static final int MOST_FILES = 10_000;

    private static final long MOST_BYTES = 128L << 20;

    private final LakeCatalog catalog;
    private final InstantSource clock;

    /** How those of a table's rows are copied that stay. */
    @FunctionalInterface
    public interface Rewriter {
        /**
         * Writes the rows of {@code files} that aren't deleted and were taken in at {@code since}
         * or later into new ones.
         *
         * @param commit with which the new files' names begin
         * @param since a whole second
         * @return the new files, and how many rows aren't in them because they are older
         */
        Kept rewrite(StagedTable table, UUID commit, List<DataFile> files, Instant since);
    }

    /**
     * What was kept of some files.
     *
     * @param left the number of rows that weren't
     */
    public record Kept(List<DataFile> files, long left) {
        public Kept {
            files = List.copyOf(files);
        }
    }

    /** What there is to do: files that leave as they are, and others of which rows stay. */
    private record Due(List<DataFile> gone, List<DataFile> mixed) {
        List<DataFile> all() {
            return Stream.concat(gone.stream(), mixed.stream()).toList();
        }
    }

    public RowExpiry(LakeCatalog catalog, InstantSource clock) {
        this.catalog = catalog;
        this.clock = clock;
    }

    /**
     * Takes out once what is over, if there is something.
     *
     * @param table as it is read; it says when its rows were taken in
     * @param limit how long a row stays
     * @param lease that the commit needs, if any
     * @param rewriter where it is missing, files that hold newer rows, too, stay
     * @return whether it did, so that there may be more; not if somebody else changed the files: it
     *     is left for the next time
     * @throws LakeException LEASE_LOST, or what the rewriter throws; nothing was changed
     */
    public boolean expire(
            PinnedTable table, Duration limit, Optional<Lease> lease, Optional<Rewriter> rewriter) {
        Instant since = clock.instant().minus(limit).truncatedTo(ChronoUnit.SECONDS);
        Due due = due(table, since, limit, rewriter.isPresent());
        if (due.all().isEmpty()) {
            return false;
        }
        try {
            takeOut(table, due, since, lease, rewriter);
            return true;
        } catch (LakeException e) {
            boolean conflict =
                    e instanceof CommitConflictException || e.code() == ErrorCode.COMMIT_CONFLICT;
            if (conflict && e.code() != ErrorCode.LEASE_LOST) {
                log.info(
                        "{} was changed while old rows were to leave it: {}",
                        table.identifier(),
                        e.getMessage());
                return false;
            }
            throw e;
        }
    }

    private static Due due(PinnedTable table, Instant since, Duration limit, boolean rewrites) {
        long cutoff = micros(since);
        Duration part = limit.dividedBy(PATIENCE);
        long late = micros(since.minus(part.compareTo(LEAST_PATIENCE) > 0 ? part : LEAST_PATIENCE));
        List<DataFile> gone = new ArrayList<>();
        List<DataFile> mixed = new ArrayList<>();
        long bytes = 0;
        List<DataFile> oldest =
                table.filesBefore(cutoff).stream()
                        .sorted(Comparator.comparingLong(file -> oldest(table, file)))
                        .toList();
        for (DataFile file : oldest) {
            if (gone.size() + mixed.size() == MOST_FILES) {
                break;
            }
            if (table.ingestTime(file.upperBounds(), Long.MAX_VALUE) < cutoff) {
                gone.add(file);
            } else if (rewrites
                    && oldest(table, file) < late
                    && (mixed.isEmpty() || bytes + file.fileSizeInBytes() <= MOST_BYTES)) {
                mixed.add(file);
                bytes += file.fileSizeInBytes();
            }
        }
        return new Due(gone, mixed);
    }

    /** Of a file of which it isn't known it seems to be new. */
    private static long oldest(PinnedTable table, DataFile file) {
        return table.ingestTime(file.lowerBounds(), Long.MAX_VALUE);
    }

    private static long micros(Instant time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, time);
    }

    private void takeOut(
            PinnedTable table,
            Due due,
            Instant since,
            Optional<Lease> lease,
            Optional<Rewriter> rewriter) {
        Map<String, DeletedRows> deleted = table.deleted();
        try (StagedCommit commit = catalog.stage()) {
            long begun = System.nanoTime();
            StagedTable staged = commit.table(table.identifier(), StagedTable.OnConflict.REAPPLY);
            Kept kept =
                    due.mixed().isEmpty()
                            ? new Kept(List.of(), 0)
                            : rewriter.orElseThrow()
                                    .rewrite(staged, commit.id(), due.mixed(), since);
            long written = kept.files().stream().mapToLong(DataFile::recordCount).sum();
            requireAll(table, left(due.mixed(), deleted), written + kept.left());
            staged.withdraw(table, due.all(), kept.files());
            long rows = left(due.gone(), deleted) + kept.left();
            CommitRequest.Builder request =
                    CommitRequest.builder(commit.id(), LakeCatalog.EXPIRED_ROWS, "tonle")
                            .summary("namespace", table.ref().namespace())
                            .summary("name", table.ref().name())
                            .summary("before", since.toString())
                            .summary("files", due.all().size())
                            .summary("written_files", kept.files().size())
                            .summary("bytes", bytes(due.all()))
                            .summary("written_bytes", bytes(kept.files()))
                            .summary("rows", rows)
                            .summary("folded_rows", left(due.all(), Map.of()) - written - rows)
                            .summary(
                                    "millis",
                                    Duration.ofNanos(System.nanoTime() - begun).toMillis());
            lease.ifPresent(request::fencedBy);
            var unused = commit.publish(request);
        }
    }

    private static void requireAll(PinnedTable table, long rows, long found) {
        if (found != rows) {
            throw new LakeException(
                    ErrorCode.INTERNAL,
                    "Of %d rows of %s, of which old ones were to leave, %d were found. Nothing was changed; this is a bug, please report it."
                            .formatted(rows, table.identifier(), found));
        }
    }

    private static long bytes(List<DataFile> files) {
        return files.stream().mapToLong(DataFile::fileSizeInBytes).sum();
    }

    private static long left(List<DataFile> files, Map<String, DeletedRows> deleted) {
        return files.stream()
                .mapToLong(file -> DeletedRows.left(file, deleted.get(file.location())))
                .sum();
    }
}
