package org.tonle.pipeline;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.QuarantineTable;
import org.tonle.catalog.StagedCommit;
import org.tonle.catalog.StagedTable;
import org.tonle.catalog.StagedTable.OnConflict;
import org.tonle.definition.DriftPolicy;
import org.tonle.definition.Place;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SqlText;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.DatasetMove;
import org.tonle.ledger.CommitRequest.DefinitionVersion;
import org.tonle.ledger.Definition;
import org.tonle.ledger.LineageEdge;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundChanges;
import org.tonle.sql.BoundStream;
import org.tonle.sql.Dataset;
import org.tonle.sql.Expectation;
import org.tonle.sql.Lineage;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.Pipelines;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlTable;
import org.tonle.sql.TableName;

/**
 * Makes the tables of the lake be what its datasets declare. A definition that is new or changed is
 * stored with the next version, in the commit that makes the tables fit.
 */
final class DatasetTables {
    private static final Logger log = LoggerFactory.getLogger(DatasetTables.class);

    /** The table property that names the deduplication key of a streaming table. */
    private static final String KEY_PROPERTY = "tonle.key";

    /** The table property that says which versions of a row a change table keeps. */
    private static final String SCD_PROPERTY = "tonle.scd-type";

    private final LakeCatalog catalog;
    private final List<SourceDefinition> sources;

    DatasetTables(LakeCatalog catalog, List<SourceDefinition> sources) {
        this.catalog = catalog;
        this.sources = sources;
    }

    /**
     * Applies one dataset; its inputs are applied already.
     *
     * @throws LakeException INCOMPATIBLE_CHANGE if its table can't follow the change; nothing is
     *     changed then
     */
    void apply(Dataset dataset) {
        try {
            fit(dataset);
        } catch (LakeException e) {
            boolean grows =
                    sources.stream().anyMatch(source -> source.drift() == DriftPolicy.EVOLVE);
            if (grows && stands(dataset)) {
                // what events brought is in its way: the lake starts, and its runs say so
                log.warn("{} can't go on: {}", dataset.name(), e.getMessage());
                return;
            }
            if (e.code() != ErrorCode.INVALID_SQL || !grows) {
                throw e;
            }
            throw new LakeException(
                    e.code(),
                    "%s. If it is a column that events bring, none has brought it to this lake yet: declare it under columns: of its source"
                            .formatted(e.getMessage()),
                    e);
        }
    }

    /** Whether a dataset was applied as it is now. */
    private boolean stands(Dataset dataset) {
        return new PinnedTables(catalog.pin(), sources).pinned(dataset.name()).isPresent()
                && unchanged(dataset, catalog.ledger().definitions().get(definition(dataset)));
    }

    private void fit(Dataset dataset) {
        PinnedTables tables = new PinnedTables(catalog.pin(), sources);
        @Nullable PinnedTable existing = tables.pinned(dataset.name()).orElse(null);
        @Nullable Definition stored = catalog.ledger().definitions().get(definition(dataset));
        catalog.ensureNamespace(dataset.name().namespace(), "tonle");
        switch (dataset) {
            case Dataset.StreamingTable table -> {
                BoundStream bound = Sql.stream(table, tables);
                String key = bound.input().table().key().map(Object::toString).orElse("event_id");
                if (existing == null) {
                    createStreaming(table, bound.schema(), key, stored);
                } else {
                    changeStreaming(table, bound, key, existing, tables, stored);
                }
            }
            case Dataset.ChangeTable table -> {
                BoundChanges bound = Sql.changes(table, tables);
                if (existing == null) {
                    createChanges(table, bound, stored);
                } else {
                    changeChanges(table, bound, existing, tables, stored);
                }
            }
            case Dataset.MaterializedView view -> {
                Schema schema = Sql.view(view, tables).schema();
                if (existing == null) {
                    createView(view, schema, stored);
                } else {
                    changeView(view, schema, existing, stored);
                }
            }
        }
    }

    /**
     * Writes down where the columns of all datasets come from, if one of them has a version of
     * which that isn't known: what another reads of it by {@code *} may have changed with it.
     * Anybody may do so at any time, since it follows from the definitions.
     */
    void recordLineage(List<Dataset> datasets) {
        Map<String, Definition> stored = catalog.ledger().definitions();
        Set<String> known = catalog.ledger().listings().lineageVersions();
        if (datasets.stream().allMatch(dataset -> known.contains(version(dataset, stored)))) {
            return;
        }
        PinnedTables tables = new PinnedTables(catalog.pin(), sources);
        for (Dataset dataset : datasets) {
            try {
                catalog.ledger()
                        .listings()
                        .lineage(
                                dataset.name().toString(),
                                defined(dataset, stored).version(),
                                lineage(dataset, tables));
            } catch (LakeException e) {
                if (e.code() != ErrorCode.INVALID_SQL) {
                    throw e;
                }
                log.warn("The lineage of {} isn't known: {}", dataset.name(), e.getMessage());
            }
        }
    }

    private static List<LineageEdge> lineage(Dataset dataset, PinnedTables tables) {
        return switch (dataset) {
            case Dataset.StreamingTable table -> Lineage.of(Sql.stream(table, tables));
            case Dataset.ChangeTable table -> Lineage.of(Sql.changes(table, tables));
            case Dataset.MaterializedView view -> Lineage.of(Sql.view(view, tables));
        };
    }

    private static Definition defined(Dataset dataset, Map<String, Definition> stored) {
        return java.util.Objects.requireNonNull(stored.get(definition(dataset)));
    }

    private static String version(Dataset dataset, Map<String, Definition> stored) {
        return dataset.name() + " " + defined(dataset, stored).version();
    }

    private void createStreaming(
            Dataset.StreamingTable table, Schema schema, String key, @Nullable Definition stored) {
        catalog.ensureNamespace(QuarantineTable.NAMESPACE, "tonle");
        try (StagedCommit commit = catalog.stage()) {
            commit.create(
                    identifier(table.name()),
                    schema,
                    PartitionSpec.unpartitioned(),
                    Map.of(
                            KEY_PROPERTY,
                            key,
                            JudgedBy.PROPERTY,
                            JudgedBy.of(table.expectations()),
                            // of many columns the last ones would have no bounds
                            TableProperties.METRICS_MODE_COLUMN_CONF_PREFIX + SqlTable.INGEST_TIME,
                            "full"));
            commit.create(
                    identifier(Pipelines.quarantine(table.name())),
                    QuarantineTable.SCHEMA,
                    PartitionSpec.unpartitioned(),
                    StagedTable.ROWS_CHANGE);
            publish(commit, table, stored);
        }
    }

    /** Rows leave it, which only tables of format version 3 can say in a few bytes. */
    private void createChanges(
            Dataset.ChangeTable table, BoundChanges bound, @Nullable Definition stored) {
        TableName deletes = Pipelines.deleted(table.name());
        catalog.ensureNamespace(QuarantineTable.NAMESPACE, "tonle");
        catalog.ensureNamespace(deletes.namespace(), "tonle");
        Map<String, String> properties = new HashMap<>(StagedTable.ROWS_CHANGE);
        properties.put(KEY_PROPERTY, String.join(",", bound.keys()));
        properties.put(SCD_PROPERTY, scdType(bound));
        try (StagedCommit commit = catalog.stage()) {
            commit.create(
                    identifier(table.name()),
                    bound.schema(),
                    PartitionSpec.unpartitioned(),
                    properties);
            commit.create(
                    identifier(deletes), bound.deleted(), PartitionSpec.unpartitioned(), Map.of());
            commit.create(
                    identifier(Pipelines.quarantine(table.name())),
                    QuarantineTable.SCHEMA,
                    PartitionSpec.unpartitioned(),
                    StagedTable.ROWS_CHANGE);
            publish(commit, table, stored);
        }
    }

    private static String scdType(BoundChanges bound) {
        return bound.history() ? "2" : "1";
    }

    private void changeChanges(
            Dataset.ChangeTable table,
            BoundChanges bound,
            PinnedTable existing,
            PinnedTables tables,
            @Nullable Definition stored) {
        Map<String, String> was = existing.properties();
        if (!was.containsKey(SCD_PROPERTY)) {
            throw refused(table, "it was no change table before");
        }
        if (!scdType(bound).equals(was.get(SCD_PROPERTY))) {
            throw refused(table, "it was stored as SCD TYPE " + was.get(SCD_PROPERTY));
        }
        String keys = String.join(",", bound.keys());
        if (!keys.equals(was.get(KEY_PROPERTY))) {
            throw refused(
                    table,
                    "its rows are told apart by " + was.get(KEY_PROPERTY) + ", not by " + keys);
        }
        changeRows(table, bound.schema(), existing, tables, stored);
    }

    private void createView(
            Dataset.MaterializedView view, Schema schema, @Nullable Definition stored) {
        try (StagedCommit commit = catalog.stage()) {
            commit.create(identifier(view.name()), schema, PartitionSpec.unpartitioned(), Map.of());
            publish(commit, view, stored);
        }
    }

    private void changeStreaming(
            Dataset.StreamingTable table,
            BoundStream bound,
            String key,
            PinnedTable existing,
            PinnedTables tables,
            @Nullable Definition stored) {
        if (existing.schema().findField(SqlTable.KEY) == null) {
            throw refused(table, "it was no streaming table before");
        }
        String was = existing.properties().getOrDefault(KEY_PROPERTY, key);
        if (!was.equals(key)) {
            throw refused(table, "its rows are told apart by " + was + ", not by " + key);
        }
        changeRows(table, bound.schema(), existing, tables, stored);
    }

    /** Columns that a table of rows gains, or reads in a wider type; no row is touched. */
    private void changeRows(
            Dataset table,
            Schema schema,
            PinnedTable existing,
            PinnedTables tables,
            @Nullable Definition stored) {
        UUID input = tables.pinned(table.reads().getFirst()).orElseThrow().uuid();
        Map<UUID, Long> positions = catalog.ledger().datasetPositions(table.name().toString());
        if (!positions.isEmpty() && !positions.containsKey(input)) {
            throw refused(table, "it reads another input than " + table.reads().getFirst());
        }
        if (unchanged(table, stored) && evolves(table.reads().getFirst())) {
            // what events brought changed its columns: the run says so if it can't follow
            return;
        }
        SchemaChange change = SchemaChange.of(table.name(), existing.schema(), schema);
        if (change.isNone() && unchanged(table, stored)) {
            return;
        }
        Optional<List<Expectation>> judgedBy = judgedBy(existing, stored);
        try (StagedCommit commit = catalog.stage()) {
            if (!change.isNone() || judgedBy.isPresent()) {
                StagedTable staged = commit.table(existing.ref(), OnConflict.FAIL);
                change.apply(staged);
                judgedBy.ifPresent(expectations -> JudgedBy.set(staged, expectations));
            }
            publish(commit, table, stored);
        }
    }

    private boolean evolves(TableName read) {
        return sources.stream()
                .flatMap(source -> source.tables().stream())
                .anyMatch(table ->
                        table.drift().policy() == DriftPolicy.EVOLVE
                                && new TableName(BronzeTable.NAMESPACE, table.name())
                                        .matches(read));
    }

    /** By what a table's rows were judged that doesn't say it: made before tables did. */
    private static Optional<List<Expectation>> judgedBy(
            PinnedTable existing, @Nullable Definition stored) {
        if (stored == null || existing.properties().containsKey(JudgedBy.PROPERTY)) {
            return Optional.empty();
        }
        try {
            return Sql.dataset(new SqlText(new Place(stored.name(), 1, 1), stored.text()))
                            instanceof Dataset.StreamingTable before
                    ? Optional.of(before.expectations())
                    : Optional.empty();
        } catch (LakeException e) {
            // what was declared once may be refused by now; nothing is known then
            return Optional.empty();
        }
    }

    private static LakeException refused(Dataset dataset, String why) {
        return SchemaChange.refused(dataset.name(), why);
    }

    private void changeView(
            Dataset.MaterializedView view,
            Schema schema,
            PinnedTable existing,
            @Nullable Definition stored) {
        if (existing.schema().findField(SqlTable.KEY) != null) {
            throw refused(view, "it was a streaming table before");
        }
        boolean sameSchema = sameColumns(existing.schema(), schema);
        if (sameSchema && unchanged(view, stored)) {
            return;
        }
        try (StagedCommit commit = catalog.stage()) {
            if (!sameSchema) {
                commit.replace(identifier(view.name()), schema, PartitionSpec.unpartitioned());
            }
            CommitRequest.Builder request = request(commit, view, stored);
            // from 0 on everything is new, so that it is recomputed
            catalog.ledger()
                    .datasetPositions(view.name().toString())
                    .forEach((input, seq) ->
                            request.move(
                                    new DatasetMove(
                                            view.name().toString(),
                                            input,
                                            OptionalLong.of(seq),
                                            0)));
            var unused = commit.publish(request);
        }
    }

    static boolean sameColumns(Schema before, Schema after) {
        List<Types.NestedField> old = before.columns();
        List<Types.NestedField> now = after.columns();
        if (old.size() != now.size()) {
            return false;
        }
        for (int i = 0; i < old.size(); i++) {
            if (!old.get(i).name().equals(now.get(i).name())
                    || !SchemaChange.same(old.get(i).type(), now.get(i).type())
                    || old.get(i).isOptional() != now.get(i).isOptional()) {
                return false;
            }
        }
        return true;
    }

    private void publish(StagedCommit commit, Dataset dataset, @Nullable Definition stored) {
        var unused = commit.publish(request(commit, dataset, stored));
    }

    private static CommitRequest.Builder request(
            StagedCommit commit, Dataset dataset, @Nullable Definition stored) {
        CommitRequest.Builder request =
                CommitRequest.builder(commit.id(), "define", "tonle")
                        .summary("dataset", dataset.name().toString());
        if (!unchanged(dataset, stored)) {
            request.define(
                    new DefinitionVersion(
                            definition(dataset),
                            stored == null ? 1 : stored.version() + 1,
                            hash(dataset.text()),
                            dataset.text()));
        }
        return request;
    }

    private static boolean unchanged(Dataset dataset, @Nullable Definition stored) {
        return stored != null && stored.hash().equals(hash(dataset.text()));
    }

    /** The name under which the ledger keeps a dataset's definition. */
    static String definition(Dataset dataset) {
        return "dataset " + dataset.name();
    }

    /** What tells a definition's versions apart, also in the summary of each run. */
    static String hash(String text) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static TableIdentifier identifier(TableName name) {
        return TableIdentifier.of(name.namespace(), name.name());
    }
}
