package org.tonle.ingest;

import java.nio.file.Path;
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
                this::rewrite);
    }

    private List<DataFile> rewrite(StagedTable table, UUID commit, List<DataFile> small) {
        Integer day = small.getFirst().partition().get(0, Integer.class);
        long known = day == null ? 0 : day;
        List<Path> paths =
                small.stream().map(each -> catalog.files().path(each.location())).toList();
        return catalog.files().with(paths, () -> copy(table, paths, known));
    }

    private static List<DataFile> copy(StagedTable table, List<Path> paths, long day) {
        try (BronzeFile file = BronzeFile.create(table, day)) {
            paths.forEach(path -> BronzeRows.copy(path, file));
            return List.of(file.finish());
        }
    }
}
