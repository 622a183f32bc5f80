package org.tonle.ingest;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Puts one file in the place of many small ones of the same day and of like size. A row is copied
 * once per size class, so that what it costs doesn't grow with the number of commits. The rows and
 * their order within a file stay as they are, whoever reads the old files goes on with them, and
 * whoever reads what was added sees nothing.
 */
final class Compaction {
    /** Files of this size are left as they are. */
    private static final long LARGE_BYTES = 64L << 20;

    /** The smallest class holds files up to this size. */
    private static final long SMALL_BYTES = 64L << 10;

    /** Days that are over keep the few files that they ended with. */
    private static final Duration RECENT = Duration.ofHours(36);

    private final LakeCatalog catalog;
    private final Clock clock;
    private final int fanIn;

    /**
     * @param fanIn how many files of one class become one
     */
    Compaction(LakeCatalog catalog, Clock clock, int fanIn) {
        this.catalog = catalog;
        this.clock = clock;
        this.fanIn = fanIn;
    }

    /**
     * Compacts once, if there is something worth it.
     *
     * @return whether it did
     */
    boolean compact(String source) {
        TableIdentifier table = TableIdentifier.of(BronzeTable.NAMESPACE, source);
        long since = RequestKeys.micros(clock.instant().minus(RECENT));
        List<DataFile> small = worthIt(RecentFiles.since(catalog, table, since));
        if (small.isEmpty()) {
            return false;
        }
        try {
            replace(table, small);
            return true;
        } catch (LakeException e) {
            // another process did it, which is as good
            if (e instanceof CommitConflictException || e.code() == ErrorCode.COMMIT_CONFLICT) {
                return false;
            }
            throw e;
        }
    }

    /** The oldest files of the fullest class of a day, as many as become one. */
    private List<DataFile> worthIt(List<DataFile> files) {
        Map<Long, List<DataFile>> classes = new TreeMap<>();
        for (DataFile file : files) {
            if (file.fileSizeInBytes() < LARGE_BYTES) {
                long key = day(file) * Long.SIZE + sizeClass(file.fileSizeInBytes());
                classes.computeIfAbsent(key, k -> new ArrayList<>()).add(file);
            }
        }
        return classes.values().stream()
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

    private static long day(DataFile file) {
        Integer day = file.partition().get(0, Integer.class);
        return day == null ? 0 : day;
    }

    private void replace(TableIdentifier table, List<DataFile> small) {
        try (StagedCommit commit = catalog.stage()) {
            StagedTable staged = commit.table(table, StagedTable.OnConflict.REAPPLY);
            long day = day(small.getFirst());
            try (BronzeFile file =
                    BronzeFile.create(staged.newDataFile(BronzeFile.partition(day)), day)) {
                small.forEach(each -> BronzeRows.copy(LocalFileIO.path(each.location()), file));
                requireAll(small, file);
                staged.rewrite(small, List.of(file.finish()));
            }
            var unused =
                    commit.publish(
                            CommitRequest.builder(commit.id(), LakeCatalog.COMPACTION, "tonle")
                                    .summary("table", table.toString())
                                    .summary("files", small.size()));
        }
    }

    private static void requireAll(List<DataFile> small, BronzeFile file) {
        long rows = small.stream().mapToLong(DataFile::recordCount).sum();
        if (file.rows() != rows) {
            throw new LakeException(
                    ErrorCode.INTERNAL,
                    "Compaction read %d rows of files that hold %d. Nothing was changed."
                            .formatted(file.rows(), rows));
        }
    }
}
