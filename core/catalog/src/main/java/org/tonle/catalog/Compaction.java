package org.tonle.catalog;

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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.Lease;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/**
 * Puts one file in the place of many small ones of the same partition and of like size, in one
 * commit. A row is copied once per size class, so that what it costs doesn't grow with the number
 * of commits, and of each class fewer files than {@code fanIn} stay. The rows stay as they are,
 * whoever reads the old files goes on with them (they stay on the disk), and whoever reads what was
 * added sees nothing.
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

    private final LakeCatalog catalog;
    private final int fanIn;
    private final FailPoints failPoints;

    /** How a table's rows are copied. */
    @FunctionalInterface
    public interface Rewriter {
        /**
         * Writes the rows of {@code small}, in the order of the files, into new ones.
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
     * @param files of the table, those that may be replaced
     * @param lease that the commit needs, if any
     * @return whether it did; not if somebody else replaced the files, which is as good
     * @throws LakeException LEASE_LOST, or what the rewriter throws; nothing was changed
     */
    public boolean compact(
            TableIdentifier table, List<DataFile> files, Optional<Lease> lease, Rewriter rewriter) {
        List<DataFile> small = worthIt(files);
        if (small.isEmpty()) {
            return false;
        }
        try {
            replace(table, small, lease, rewriter);
            return true;
        } catch (LakeException e) {
            boolean conflict =
                    e instanceof CommitConflictException || e.code() == ErrorCode.COMMIT_CONFLICT;
            if (conflict && e.code() != ErrorCode.LEASE_LOST) {
                log.info("{} was changed while it was compacted: {}", table, e.getMessage());
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

    private List<DataFile> oldest(List<DataFile> members) {
        List<DataFile> chosen = new ArrayList<>();
        long bytes = 0;
        List<DataFile> inOrder =
                members.stream().sorted(Comparator.comparing(Compaction::age)).toList();
        for (DataFile file : inOrder) {
            if (chosen.size() == fanIn || bytes + file.fileSizeInBytes() > 2 * LARGE_BYTES) {
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
            TableIdentifier table, List<DataFile> small, Optional<Lease> lease, Rewriter rewriter) {
        try (StagedCommit commit = catalog.stage()) {
            StagedTable staged = commit.table(table, StagedTable.OnConflict.REAPPLY);
            List<DataFile> written = rewriter.rewrite(staged, commit.id(), small);
            requireAll(table, small, written);
            failPoints.reach("compact.after-write");
            staged.rewrite(small, written);
            CommitRequest.Builder request =
                    CommitRequest.builder(commit.id(), LakeCatalog.COMPACTION, "tonle")
                            .summary("table", table.toString())
                            .summary("files", small.size());
            lease.ifPresent(request::fencedBy);
            var unused = commit.publish(request);
        }
        failPoints.reach("compact.after-commit");
    }

    private static void requireAll(
            TableIdentifier table, List<DataFile> small, List<DataFile> written) {
        if (rows(written) != rows(small)) {
            throw new LakeException(
                    ErrorCode.INTERNAL,
                    "Compaction of %s wrote %d rows of files that hold %d. Nothing was changed; this is a bug, please report it."
                            .formatted(table, rows(written), rows(small)));
        }
    }

    private static long rows(List<DataFile> files) {
        return files.stream().mapToLong(DataFile::recordCount).sum();
    }
}
