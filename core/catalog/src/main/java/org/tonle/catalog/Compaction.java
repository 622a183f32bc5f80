package org.tonle.catalog;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.catalog.TableIdentifier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Lease;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/**
 * Puts one file in the place of many small ones of the same partition and of like size, or of those
 * of whose rows many are deleted, in one commit. A row is copied once per size class, so that what
 * it costs doesn't grow with the number of commits, and of each class fewer files than {@code
 * fanIn} stay. The rows stay as they are, those that are deleted go for good, whoever reads the old
 * files goes on with them (they stay on the disk), and whoever reads what was added sees nothing.
 */
public final class Compaction {
    /** Reached by every compaction. */
    public static final List<String> FAIL_POINTS =
            List.of("compact.after-write", "compact.after-commit");

    private static final Logger log = LoggerFactory.getLogger(Compaction.class);

    /** Files of this size are left as they are. */
    private static final long LARGE_BYTES = 64L << 20;

    /** The smallest class holds files up to this size. */
    private static final long SMALL_BYTES = 64L << 10;

    /** A file is rewritten when more than one row of so many is deleted. */
    private static final int WORN = 3;

    private final LakeCatalog catalog;
    private final int fanIn;
    private final FailPoints failPoints;

    /** How a table's rows are copied. */
    @FunctionalInterface
    public interface Rewriter {
        /**
         * Writes the rows of {@code small} that aren't deleted, in the order of the files, into new
         * ones.
         *
         * @param commit with which the new files' names begin
         */
        List<DataFile> rewrite(StagedTable table, UUID commit, List<DataFile> small);
    }

    /** Files that may become one. */
    private record Bin(int spec, StructLike partition, int sizeClass) {}

    /**
     * @param fanIn how many files of one class become one
     */
    public Compaction(LakeCatalog catalog, int fanIn, FailPoints failPoints) {
        this.catalog = catalog;
        this.fanIn = fanIn;
        this.failPoints = failPoints;
    }

    /** How many files of one class become one: with fewer new ones there is nothing to do. */
    public int fanIn() {
        return fanIn;
    }

    /**
     * Compacts once, if there is something worth it.
     *
     * @param table as it is read
     * @param files of the table, those that may be replaced
     * @param lease that the commit needs, if any
     * @return whether it did; not if somebody else replaced the files, which is as good
     * @throws LakeException LEASE_LOST, or what the rewriter throws; nothing was changed
     */
    public boolean compact(
            PinnedTable table, List<DataFile> files, Optional<Lease> lease, Rewriter rewriter) {
        Map<String, DeletedRows> deleted = table.deleted();
        List<DataFile> small = worthIt(files);
        if (small.isEmpty()) {
            small = worn(files, deleted);
        }
        if (small.isEmpty()) {
            return false;
        }
        try {
            replace(table, small, deleted, lease, rewriter);
            return true;
        } catch (LakeException e) {
            boolean conflict =
                    e instanceof CommitConflictException || e.code() == ErrorCode.COMMIT_CONFLICT;
            if (conflict && e.code() != ErrorCode.LEASE_LOST) {
                log.info(
                        "{} was changed while it was compacted: {}",
                        table.identifier(),
                        e.getMessage());
                return false;
            }
            throw e;
        }
    }

    /** The oldest files of the fullest class of a partition, as many as become one. */
    private List<DataFile> worthIt(List<DataFile> files) {
        Map<Bin, List<DataFile>> bins = new LinkedHashMap<>();
        for (DataFile file : files) {
            if (file.fileSizeInBytes() < LARGE_BYTES) {
                Bin bin =
                        new Bin(file.specId(), file.partition(), sizeClass(file.fileSizeInBytes()));
                bins.computeIfAbsent(bin, key -> new ArrayList<>()).add(file);
            }
        }
        return bins.values().stream()
                .filter(members -> members.size() >= fanIn)
                .max(Comparator.comparingInt(List::size))
                .map(this::oldest)
                .orElse(List.of());
    }

    /** The oldest files of one partition that mostly hold rows which nobody reads any more. */
    private List<DataFile> worn(List<DataFile> files, Map<String, DeletedRows> deleted) {
        List<DataFile> worn =
                files.stream().filter(file -> isWorn(file, deleted.get(file.location()))).toList();
        return worn.isEmpty() ? List.of() : oldest(together(worn));
    }

    private static boolean isWorn(DataFile file, @Nullable DeletedRows rows) {
        return rows != null && rows.count() * WORN > file.recordCount();
    }

    private static List<DataFile> together(List<DataFile> files) {
        DataFile first = files.getFirst();
        return files.stream()
                .filter(file ->
                        file.specId() == first.specId()
                                && file.partition().equals(first.partition()))
                .toList();
    }

    private List<DataFile> oldest(List<DataFile> members) {
        List<DataFile> chosen = new ArrayList<>();
        long bytes = 0;
        List<DataFile> inOrder =
                members.stream().sorted(Comparator.comparing(Compaction::age)).toList();
        for (DataFile file : inOrder) {
            boolean full = bytes + file.fileSizeInBytes() > 2 * LARGE_BYTES;
            if (chosen.size() == fanIn || (full && !chosen.isEmpty())) {
                break;
            }
            chosen.add(file);
            bytes += file.fileSizeInBytes();
        }
        return chosen;
    }

    private static long age(DataFile file) {
        Long sequence = file.dataSequenceNumber();
        return sequence == null ? Long.MAX_VALUE : sequence;
    }

    private int sizeClass(long bytes) {
        int sizeClass = 0;
        for (long limit = SMALL_BYTES; limit < bytes; limit *= fanIn) {
            sizeClass++;
        }
        return sizeClass;
    }

    private void replace(
            PinnedTable table,
            List<DataFile> small,
            Map<String, DeletedRows> deleted,
            Optional<Lease> lease,
            Rewriter rewriter) {
        try (StagedCommit commit = catalog.stage()) {
            StagedTable staged = commit.table(table.identifier(), StagedTable.OnConflict.REAPPLY);
            long begun = System.nanoTime();
            List<DataFile> written = rewriter.rewrite(staged, commit.id(), small);
            long rows = rows(written, Map.of());
            requireAll(table.identifier(), rows(small, deleted), rows);
            failPoints.reach("compact.after-write");
            staged.rewrite(table, small, written);
            CommitRequest.Builder request =
                    CommitRequest.builder(commit.id(), LakeCatalog.COMPACTION, "tonle")
                            .summary("namespace", Names.encode(table.identifier().namespace()))
                            .summary("name", table.identifier().name())
                            .summary("files", small.size())
                            .summary("written_files", written.size())
                            .summary("bytes", bytes(small))
                            .summary("written_bytes", bytes(written))
                            .summary("rows", rows)
                            .summary("folded_rows", rows(small, Map.of()) - rows)
                            .summary(
                                    "millis",
                                    Duration.ofNanos(System.nanoTime() - begun).toMillis());
            lease.ifPresent(request::fencedBy);
            var unused = commit.publish(request);
        }
        failPoints.reach("compact.after-commit");
    }

    private static void requireAll(TableIdentifier table, long rows, long written) {
        if (written != rows) {
            throw new LakeException(
                    ErrorCode.INTERNAL,
                    "Compaction of %s wrote %d rows of files that hold %d. Nothing was changed; this is a bug, please report it."
                            .formatted(table, written, rows));
        }
    }

    private static long bytes(List<DataFile> files) {
        return files.stream().mapToLong(DataFile::fileSizeInBytes).sum();
    }

    private static long rows(List<DataFile> files, Map<String, DeletedRows> deleted) {
        return files.stream()
                .mapToLong(file -> DeletedRows.left(file, deleted.get(file.location())))
                .sum();
    }
}
