package org.tonle.ingest;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.Compaction;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LocalFileIO;
import org.tonle.catalog.StagedTable;

/** Compacts the latest days of bronze; rows keep their order within a file. */
final class BronzeCompaction {
    /** Days that are over keep the few files that they ended with. */
    private static final Duration RECENT = Duration.ofHours(36);

    private final LakeCatalog catalog;
    private final Clock clock;
    private final Compaction compaction;

    BronzeCompaction(LakeCatalog catalog, Clock clock, Compaction compaction) {
        this.catalog = catalog;
        this.clock = clock;
        this.compaction = compaction;
    }

    /**
     * Compacts once, if there is something worth it.
     *
     * @return whether it did
     */
    boolean compact(String name) {
        TableIdentifier table = TableIdentifier.of(BronzeTable.NAMESPACE, name);
        long since = RequestKeys.micros(clock.instant().minus(RECENT));
        return compaction.compact(
                catalog.pin().table(table).orElseThrow(),
                RecentFiles.since(catalog, table, since),
                // the position in the log doesn't move, so that whoever does it may
                Optional.empty(),
                BronzeCompaction::rewrite);
    }

    private static List<DataFile> rewrite(StagedTable table, UUID commit, List<DataFile> small) {
        Integer day = small.getFirst().partition().get(0, Integer.class);
        long known = day == null ? 0 : day;
        try (BronzeFile file =
                BronzeFile.create(table.newDataFile(BronzeFile.partition(known)), known)) {
            small.forEach(each -> BronzeRows.copy(LocalFileIO.path(each.location()), file));
            return List.of(file.finish());
        }
    }
}
