package org.tonle.catalog;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.expressions.ManifestEvaluator;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.TypeUtil;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.Ref;

/** A table as it stood at one sequence number; what it reaches never changes. */
public final class PinnedTable {
    private final Ref ref;
    private final TableMetadata metadata;
    private final LakeCatalog catalog;

    PinnedTable(Ref ref, TableMetadata metadata, LakeCatalog catalog) {
        this.ref = ref;
        this.metadata = metadata;
        this.catalog = catalog;
    }

    public UUID uuid() {
        return ref.table();
    }

    public TableIdentifier identifier() {
        return Names.identifier(ref.namespace(), ref.name());
    }

    public Ref ref() {
        return ref;
    }

    public Schema schema() {
        return metadata.schema();
    }

    /** Whether its schema was ever another, so that files may hold other columns. */
    public boolean evolved() {
        return metadata.schemas().size() > 1;
    }

    public Map<String, String> properties() {
        return metadata.properties();
    }

    /** The folder of its files, as an URI or a path. */
    public String location() {
        return metadata.location();
    }

    /** Names the table's state; equal locations mean equal rows. */
    public String metadataLocation() {
        return ref.metadataLocation();
    }

    /** The table's own snapshots that its metadata still lists, the oldest first. */
    public List<Snapshot> snapshots() {
        return metadata.snapshots();
    }

    /** The snapshot whose rows it has; empty while it never had a row. */
    public Optional<Snapshot> snapshot() {
        return Optional.ofNullable(metadata.currentSnapshot());
    }

    /** The number of rows, from the metadata. Errors as of {@link #deleted}. */
    public long records() {
        Map<String, DeletedRows> deleted = deleted();
        return files().stream()
                .mapToLong(file -> DeletedRows.left(file, deleted.get(file.location())))
                .sum();
    }

    /**
     * All data files, in no order, without what is known of their columns but {@code ingest_time}
     * or {@code _ingest_time}. They also hold the rows that are {@link #deleted}.
     */
    public List<DataFile> files() {
        return catalog.files(metadata).stream().map(LakeCatalog.ListedFile::file).toList();
    }

    /**
     * The data files that may hold rows which were taken in before a time, in no order, as {@link
     * #files}; manifests of later days aren't opened.
     *
     * @param micros since 1970
     */
    public List<DataFile> filesBefore(long micros) {
        Map<Integer, ManifestEvaluator> evaluators = new HashMap<>();
        return catalog
                .files(
                        metadata,
                        manifest ->
                                evaluators
                                        .computeIfAbsent(
                                                manifest.partitionSpecId(),
                                                spec -> before(micros, spec))
                                        .eval(manifest))
                .stream()
                .map(LakeCatalog.ListedFile::file)
                .filter(file -> ingestTime(file.lowerBounds(), Long.MIN_VALUE) < micros)
                .toList();
    }

    private ManifestEvaluator before(long micros, int spec) {
        return ManifestEvaluator.forRowFilter(
                Expressions.lessThan(ingestTime().name(), micros), metadata.spec(spec), true);
    }

    /**
     * The column that says when a row was taken in.
     *
     * @throws IllegalStateException if it has none
     */
    public Types.NestedField ingestTime() {
        return LakeCatalog.INGEST_TIMES.stream()
                .map(schema()::findField)
                .filter(Objects::nonNull)
                .findFirst()
                .orElseThrow(() ->
                        new IllegalStateException(
                                "%s doesn't say when its rows were taken in"
                                        .formatted(identifier())));
    }

    /**
     * The ingest time, in microseconds since 1970, that a file's rows have at the least or the
     * most.
     *
     * @param bounds of the file's columns
     * @param unknown what it is if they don't say it
     */
    public long ingestTime(@Nullable Map<Integer, ByteBuffer> bounds, long unknown) {
        Types.NestedField time = ingestTime();
        ByteBuffer bound = bounds == null ? null : bounds.get(time.fieldId());
        return bound == null ? unknown : Conversions.<Long>fromByteBuffer(time.type(), bound);
    }

    /** Where one of its files is on this machine; see {@link TableFiles#hold}. */
    public Path path(DataFile file) {
        return catalog.files().path(file.location());
    }

    /** The location of a file of its that is at a path. */
    public String location(Path path) {
        return catalog.files().location(path);
    }

    /**
     * What is deleted of its files, by their location; of the others there is nothing.
     *
     * @throws org.tonle.spi.LakeException UNSUPPORTED_SQL if rows are deleted in another way than
     *     by deletion vectors
     */
    public Map<String, DeletedRows> deleted() {
        return catalog.deleted(metadata);
    }

    /**
     * All data files.
     *
     * @param current those whose columns are certainly the table's: no other ones, of the same
     *     names and types
     */
    public record Files(List<DataFile> current, List<DataFile> older) {}

    /** All data files by what they hold. */
    public Files filesByColumns() {
        if (!evolved()) {
            return new Files(files(), List.of());
        }
        Set<Integer> columns = sameEver() ? values() : Set.of();
        List<DataFile> current = new ArrayList<>();
        List<DataFile> older = new ArrayList<>();
        for (LakeCatalog.ListedFile listed : catalog.files(metadata)) {
            boolean same = !columns.isEmpty() && listed.columns().equals(columns);
            (same ? current : older).add(listed.file());
        }
        return new Files(current, older);
    }

    /** Whether no column had another name or type in any schema that the table ever had. */
    private boolean sameEver() {
        return metadata.schemas().stream()
                .allMatch(old ->
                        schema().columns().stream()
                                .allMatch(column -> {
                                    Types.NestedField was = old.findField(column.fieldId());
                                    return was == null
                                            || (was.name().equals(column.name())
                                                    && was.type().equals(column.type()));
                                }));
    }

    /** The ids of the fields that hold values, those inside of others too. */
    private Set<Integer> values() {
        return TypeUtil.indexById(schema().asStruct()).values().stream()
                .filter(field -> field.type().isPrimitiveType())
                .map(Types.NestedField::fieldId)
                .collect(Collectors.toSet());
    }
}
