package org.tonle.catalog;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.iceberg.ContentFile;
import org.apache.iceberg.ManifestContent;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ManifestReader;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.io.FileIO;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Keeps a table in a folder of its own: what names files of another table could be read in its
 * place, by whoever may not read that one.
 */
final class Confinement {
    /** Tables may name whatever they like. */
    static final Confinement NONE = new Confinement(null);

    private final @Nullable LakeCatalog lake;

    Confinement(@Nullable LakeCatalog lake) {
        this.lake = lake;
    }

    /**
     * @param base what the table was; null: it is new
     * @throws LakeException FORBIDDEN if what it is to be reaches further than its folder
     */
    void check(TableIdentifier table, @Nullable TableMetadata base, TableMetadata updated) {
        if (lake == null) {
            return;
        }
        String folder = updated.location();
        if (base == null) {
            requireNew(lake, table, folder);
        } else if (!folder.equals(base.location())) {
            throw refused(table, "its location is changed to " + folder);
        }
        for (String property : TableUpdates.PLACES) {
            String place = updated.properties().get(property);
            if (place != null) {
                requireInside(lake, table, folder, place);
            }
        }
        updated.statisticsFiles().forEach(file -> requireInside(lake, table, folder, file.path()));
        updated.partitionStatisticsFiles()
                .forEach(file -> requireInside(lake, table, folder, file.path()));
        // an id may come back with other files in the commit that removes it
        Set<String> known =
                base == null
                        ? Set.of()
                        : base.snapshots().stream()
                                .map(snapshot -> String.valueOf(snapshot.manifestListLocation()))
                                .collect(Collectors.toSet());
        Set<String> checked = new HashSet<>();
        if (base != null && base.currentSnapshot() != null) {
            Snapshot before = base.currentSnapshot();
            MetadataFiles.reading(() -> before.allManifests(lake.io()))
                    .forEach(manifest -> checked.add(manifest.path()));
        }
        for (Snapshot snapshot : updated.snapshots()) {
            String list = String.valueOf(snapshot.manifestListLocation());
            if (!known.contains(list)) {
                requireInside(lake, table, folder, list);
                for (ManifestFile manifest :
                        MetadataFiles.reading(() -> snapshot.allManifests(lake.io()))) {
                    if (checked.add(manifest.path())) {
                        requireInside(lake, table, folder, manifest.path());
                        MetadataFiles.reading(() -> {
                            requireInside(lake, table, folder, manifest, updated.specsById());
                            return true;
                        });
                    }
                }
            }
        }
    }

    private static void requireInside(
            LakeCatalog lake,
            TableIdentifier table,
            String folder,
            ManifestFile manifest,
            Map<Integer, PartitionSpec> specs) {
        FileIO io = lake.io();
        try (ManifestReader<? extends ContentFile<?>> files =
                manifest.content() == ManifestContent.DATA
                        ? ManifestFiles.read(manifest, io, specs)
                        : ManifestFiles.readDeleteManifest(manifest, io, specs)) {
            for (ContentFile<?> file : files) {
                requireInside(lake, table, folder, file.location());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + manifest.path(), e);
        }
    }

    /** A folder that {@link LakeCatalog#newLocation} gave out, and that no table has had. */
    private static void requireNew(LakeCatalog lake, TableIdentifier table, String folder) {
        String given = lake.newLocation(table);
        int suffix = given.lastIndexOf('-') + 1;
        if (folder.length() != given.length()
                || !folder.startsWith(given.substring(0, suffix))
                || !folder.substring(suffix).matches("[0-9a-f]{8}")
                || lake.ledger().wasBelow(folder + "/")) {
            throw refused(table, "it is to lie in " + folder);
        }
    }

    private static void requireInside(
            LakeCatalog lake, TableIdentifier table, String folder, String location) {
        Path own = lake.files().path(folder).normalize();
        Path named;
        try {
            named = lake.files().path(location).normalize();
        } catch (LakeException e) {
            throw refused(table, "it names " + location);
        }
        if (!named.startsWith(own)) {
            throw refused(table, "it names " + location);
        }
    }

    private static LakeException refused(TableIdentifier table, String what) {
        return new LakeException(
                ErrorCode.FORBIDDEN,
                "%s can't be written so: %s. A table has files of its own folder only, and the lake says where that is; an admin may do otherwise."
                        .formatted(table, what));
    }
}
