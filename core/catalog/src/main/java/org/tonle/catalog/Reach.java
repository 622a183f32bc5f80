package org.tonle.catalog;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.iceberg.ContentFile;
import org.apache.iceberg.ManifestContent;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ManifestReader;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.io.FileIO;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.Pointer;
import org.tonle.ledger.RefKind;
import org.tonle.ledger.Retention;

/**
 * All files that the lake's pointers reach: what anybody may still read, of every branch.
 *
 * <p>A pointer that a branch has now reaches each snapshot that its metadata lists, one of the past
 * the rows that its table had then. What was written under a commit's id that has an outcome, and
 * isn't reached behind that, never will be: a commit names only what the tables it changes reach
 * already, and files of its own.
 */
public final class Reach {
    private final Retention retention;
    private final FileIO io;
    private final Consumer<String> each;
    private final Set<String> seen = new HashSet<>();

    /** A snapshot, and what its manifests are read with. */
    private record Listed(Snapshot snapshot, Map<Integer, PartitionSpec> specs) {}

    private Reach(LakeCatalog catalog, Consumer<String> each) {
        this.retention = catalog.ledger().retention();
        this.io = catalog.io();
        this.each = each;
    }

    /**
     * Goes through all of them.
     *
     * @param each is given every location, some more than once
     * @throws org.tonle.spi.LakeException STORAGE if one that tells of others can't be read: it
     *     isn't known then what is reached
     */
    public static void of(LakeCatalog catalog, Consumer<String> each) {
        new Reach(catalog, each).all();
    }

    private void all() {
        List<Pointer> ofOne = new ArrayList<>();
        @Nullable Pointer last = null;
        while (true) {
            List<Pointer> page = retention.pointers(last);
            for (Pointer pointer : page) {
                if (last != null
                        && (last.branch() != pointer.branch()
                                || !last.table().equals(pointer.table()))) {
                    table(ofOne);
                    ofOne.clear();
                }
                if (pointer.held() != Pointer.Held.NOTHING) {
                    ofOne.add(pointer);
                }
                last = pointer;
            }
            if (page.isEmpty()) {
                table(ofOne);
                return;
            }
        }
    }

    /** The newest first: its metadata mostly lists what those before it point to. */
    private void table(List<Pointer> pointers) {
        Map<Long, Listed> listed = new HashMap<>();
        for (Pointer pointer : pointers.reversed()) {
            each.accept(pointer.metadataLocation());
            if (pointer.kind() == RefKind.TABLE) {
                boolean all = pointer.held() == Pointer.Held.ALL;
                @Nullable Listed known =
                        pointer.snapshotId().isPresent()
                                ? listed.get(pointer.snapshotId().getAsLong())
                                : null;
                if (all || known == null) {
                    read(pointer, all, listed);
                } else {
                    snapshot(known);
                }
            }
        }
    }

    private void read(Pointer pointer, boolean all, Map<Long, Listed> listed) {
        // not one that is remembered: what its snapshots remember would stay
        TableMetadata metadata =
                MetadataFiles.reading(
                        () -> TableMetadataParser.read(io, pointer.metadataLocation()));
        listed.clear();
        for (Snapshot snapshot : metadata.snapshots()) {
            Listed with = new Listed(snapshot, metadata.specsById());
            listed.put(snapshot.snapshotId(), with);
            if (all) {
                snapshot(with);
            }
        }
        Snapshot current = metadata.currentSnapshot();
        if (current != null) {
            snapshot(new Listed(current, metadata.specsById()));
        }
        metadata.statisticsFiles().forEach(file -> each.accept(file.path()));
        metadata.partitionStatisticsFiles().forEach(file -> each.accept(file.path()));
    }

    private void snapshot(Listed listed) {
        String list = listed.snapshot().manifestListLocation();
        if (list != null && !seen.add(list)) {
            return;
        }
        if (list != null) {
            each.accept(list);
        }
        for (ManifestFile manifest :
                MetadataFiles.reading(() -> listed.snapshot().allManifests(io))) {
            each.accept(manifest.path());
            if (seen.add(manifest.path())) {
                MetadataFiles.reading(() -> {
                    files(manifest, listed.specs());
                    return true;
                });
            }
        }
    }

    private void files(ManifestFile manifest, Map<Integer, PartitionSpec> specs) {
        try (ManifestReader<? extends ContentFile<?>> reader =
                manifest.content() == ManifestContent.DATA
                        ? ManifestFiles.read(manifest, io, specs)
                        : ManifestFiles.readDeleteManifest(manifest, io, specs)) {
            for (ContentFile<?> file : reader) {
                each.accept(file.location());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't read " + manifest.path(), e);
        }
    }
}
