package org.tonle.maintenance;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.iceberg.ContentFile;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.ManifestContent;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ManifestReader;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.deletes.PositionDeleteIndex;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.FileInfo;
import org.apache.iceberg.io.IOUtil;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.SeekableInputStream;
import org.apache.iceberg.io.SupportsPrefixOperations;
import org.apache.iceberg.view.ViewMetadataParser;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.page.DataPage;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.column.page.PageReader;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.ParquetInput;
import org.tonle.ledger.Pointer;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;

/**
 * Whether all that the ledger's pointers reach is there: every state that is kept, of every table,
 * view and branch, down to its files. Nothing is changed.
 */
public final class Check {
    private final LakeCatalog catalog;
    private final FileIO io;
    private final boolean contents;
    private final Consumer<Problem> each;
    private final Map<UUID, String> names;

    /** Of one table: what was looked at, and what lies in its folder. */
    private final Set<String> seen = new HashSet<>();

    private Map<String, Long> listed = new HashMap<>();
    private long tables;
    private long states;
    private long files;
    private long bytes;
    private long problems;

    private Check(LakeCatalog catalog, boolean contents, Consumer<Problem> each) {
        this.catalog = catalog;
        this.io = catalog.io();
        this.contents = contents;
        this.each = each;
        this.names =
                catalog.ledger().refsAt(catalog.ledger().head()).stream()
                        .collect(
                                Collectors.toMap(
                                        Ref::table, ref -> ref.namespace() + "." + ref.name()));
    }

    /**
     * Something that isn't as a pointer says.
     *
     * @param table or view, by its name now; by its id if it has none any more
     * @param state the commit since which a pointer reaches it
     * @param location of the file
     * @param what is wrong with it
     */
    public record Problem(String table, long state, String location, String what) {}

    /**
     * What was looked at.
     *
     * @param tables that have or had a state which is kept, views too, on each branch
     * @param states that are kept
     * @param files each once for every table
     * @param bytes of those whose size is told
     */
    public record Report(long tables, long states, long files, long bytes, long problems) {}

    /**
     * Looks at everything.
     *
     * @param contents whether every file of rows is read to its end, too, with the checksums that
     *     it has; else that it is there and as long as the table says
     * @param each is told of each problem as it is found
     * @throws org.tonle.spi.LakeException what keeps the ledger or the storage from being read
     */
    public static Report of(LakeCatalog catalog, boolean contents, Consumer<Problem> each) {
        Check check = new Check(catalog, contents, each);
        check.all();
        return new Report(check.tables, check.states, check.files, check.bytes, check.problems);
    }

    private void all() {
        List<Pointer> ofOne = new ArrayList<>();
        @Nullable Pointer last = null;
        while (true) {
            List<Pointer> page = catalog.ledger().retention().pointers(last);
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

    private void table(List<Pointer> pointers) {
        if (pointers.isEmpty()) {
            return;
        }
        tables++;
        seen.clear();
        listed = new HashMap<>();
        // the newest first: what it lists needn't be listed again
        for (Pointer pointer : pointers.reversed()) {
            states++;
            if (pointer.kind() == RefKind.TABLE) {
                state(pointer);
            } else {
                looking(
                        pointer,
                        pointer.metadataLocation(),
                        () -> ViewMetadataParser.read(found(pointer.metadataLocation())));
            }
        }
    }

    /** A step that reads a file. */
    private interface Step {
        void run() throws IOException;
    }

    /** Whatever a file makes of its reader is a problem of that file. */
    private void looking(Pointer pointer, String location, Step step) {
        try {
            step.run();
        } catch (IOException | RuntimeException e) {
            problem(pointer, location, String.valueOf(e.getMessage()));
        }
    }

    private void problem(Pointer pointer, String location, String what) {
        problems++;
        String name = names.getOrDefault(pointer.table(), pointer.table().toString());
        each.accept(new Problem(name, pointer.fromSeq(), location, what));
    }

    /** One that isn't told how long it is. */
    private InputFile found(String location) {
        files++;
        return io.newInputFile(location);
    }

    private void state(Pointer pointer) {
        looking(
                pointer,
                pointer.metadataLocation(),
                () -> {
                    TableMetadata metadata =
                            TableMetadataParser.read(
                                    io, found(pointer.metadataLocation()).location());
                    if (listed.isEmpty() && io instanceof SupportsPrefixOperations folders) {
                        for (FileInfo file : folders.listPrefix(metadata.location() + "/")) {
                            listed.put(file.location(), file.size());
                        }
                    }
                    List<Snapshot> snapshots =
                            pointer.held() == Pointer.Held.ALL
                                    ? metadata.snapshots()
                                    : metadata.currentSnapshot() == null
                                            ? List.of()
                                            : List.of(metadata.currentSnapshot());
                    for (Snapshot snapshot : snapshots) {
                        snapshot(pointer, snapshot, metadata.specsById());
                    }
                });
    }

    private void snapshot(Pointer pointer, Snapshot snapshot, Map<Integer, PartitionSpec> specs) {
        String list = snapshot.manifestListLocation();
        if (list != null && !seen.add(list)) {
            return;
        }
        looking(
                pointer,
                String.valueOf(list),
                () -> {
                    List<ManifestFile> manifests = snapshot.allManifests(io);
                    files++;
                    for (ManifestFile manifest : manifests) {
                        if (seen.add(manifest.path())
                                && is(pointer, manifest.path(), manifest.length())) {
                            looking(
                                    pointer,
                                    manifest.path(),
                                    () -> files(pointer, manifest, specs));
                        }
                    }
                });
    }

    private void files(Pointer pointer, ManifestFile manifest, Map<Integer, PartitionSpec> specs)
            throws IOException {
        try (ManifestReader<? extends ContentFile<?>> reader =
                manifest.content() == ManifestContent.DATA
                        ? ManifestFiles.read(manifest, io, specs)
                        : ManifestFiles.readDeleteManifest(manifest, io, specs)) {
            for (ContentFile<?> file : reader) {
                // vectors of several files lie in one
                boolean isNew = seen.add(file.location());
                boolean is = !isNew || is(pointer, file.location(), file.fileSizeInBytes());
                if (is && contents) {
                    ContentFile<?> told = (ContentFile<?>) file.copyWithoutStats();
                    looking(pointer, file.location(), () -> read(told, isNew));
                }
            }
        }
    }

    /** Whether a file is there and as long as it should be. */
    private boolean is(Pointer pointer, String location, long length) {
        files++;
        bytes += length;
        Long there = listed.get(location);
        if (there == null) {
            InputFile file = io.newInputFile(location);
            if (!file.exists()) {
                problem(pointer, location, "is gone");
                return false;
            }
            there = file.getLength();
        }
        if (there != length) {
            problem(
                    pointer,
                    location,
                    "has %d bytes, and %d are told of it".formatted(there, length));
            return false;
        }
        return true;
    }

    private void read(ContentFile<?> file, boolean isNew) throws IOException {
        if (file.format() == FileFormat.PARQUET) {
            if (isNew) {
                readParquet(file);
            }
        } else if (file.format() == FileFormat.PUFFIN && file instanceof DeleteFile vector) {
            byte[] blob = new byte[Math.toIntExact(vector.contentSizeInBytes())];
            try (SeekableInputStream in = io.newInputFile(vector.location()).newStream()) {
                in.seek(vector.contentOffset());
                IOUtil.readFully(in, blob, 0, blob.length);
            }
            var unused = PositionDeleteIndex.deserialize(blob, vector);
        }
    }

    private void readParquet(ContentFile<?> file) throws IOException {
        long rows = 0;
        ParquetReadOptions options =
                ParquetReadOptions.builder().usePageChecksumVerification(true).build();
        try (ParquetFileReader reader =
                ParquetFileReader.open(
                        new ParquetInput(io.newInputFile(file.location())), options)) {
            List<ColumnDescriptor> columns = reader.getFileMetaData().getSchema().getColumns();
            for (PageReadStore group = reader.readNextRowGroup();
                    group != null;
                    group = reader.readNextRowGroup()) {
                rows += group.getRowCount();
                for (ColumnDescriptor column : columns) {
                    pages(group.getPageReader(column));
                }
            }
        }
        if (rows != file.recordCount()) {
            throw new IOException(
                    "holds %d rows, and %d are told of it".formatted(rows, file.recordCount()));
        }
    }

    /** Decompressed, which shows most of what can be wrong with them. */
    private static void pages(PageReader reader) throws IOException {
        var unused = reader.readDictionaryPage();
        long values = 0;
        for (DataPage page = reader.readPage(); page != null; page = reader.readPage()) {
            values += page.getValueCount();
        }
        if (values != reader.getTotalValueCount()) {
            throw new IOException(
                    "a column has %d values, and its footer tells of %d"
                            .formatted(values, reader.getTotalValueCount()));
        }
    }
}
