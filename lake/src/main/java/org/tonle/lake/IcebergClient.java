package org.tonle.lake;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.iceberg.MetadataUpdate;
import org.apache.iceberg.Schema;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.exceptions.NoSuchViewException;
import org.apache.iceberg.exceptions.UnprocessableEntityException;
import org.apache.iceberg.rest.CatalogHandlers;
import org.apache.iceberg.rest.requests.CreateNamespaceRequest;
import org.apache.iceberg.rest.requests.CreateTableRequest;
import org.apache.iceberg.rest.requests.CreateViewRequest;
import org.apache.iceberg.rest.requests.RegisterTableRequest;
import org.apache.iceberg.rest.requests.RegisterViewRequest;
import org.apache.iceberg.rest.requests.RenameTableRequest;
import org.apache.iceberg.rest.requests.UpdateNamespacePropertiesRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequest;
import org.apache.iceberg.rest.responses.CreateNamespaceResponse;
import org.apache.iceberg.rest.responses.GetNamespaceResponse;
import org.apache.iceberg.rest.responses.LoadViewResponse;
import org.apache.iceberg.rest.responses.UpdateNamespacePropertiesResponse;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.LedgerCatalog;
import org.tonle.catalog.Names;
import org.tonle.catalog.TableUpdates;
import org.tonle.definition.StorageDefinition;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Access;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.Policies;
import org.tonle.sql.TableName;

/**
 * What one request of an Iceberg client of anybody's may see and do. What isn't to be seen is
 * answered like what isn't there, by Iceberg's exceptions; what may not be done is {@link
 * LakeException} FORBIDDEN. Each change is one commit of the ledger, of kind {@code rest}.
 */
public final class IcebergClient {
    private final LedgerCatalog catalog;
    private final LakeCatalog lake;
    private final Policies policies;
    private final StorageDefinition storage;
    private final Principal principal;
    private final AccessPolicy policy;
    private final OnceCommit once;

    IcebergClient(
            LakeCatalog lake,
            Policies policies,
            StorageDefinition storage,
            Principal principal,
            Optional<Key> key) {
        this.lake = lake;
        this.policies = policies;
        this.storage = storage;
        this.principal = principal;
        this.policy = policies.of(principal);
        this.once = new OnceCommit(lake.ledger(), principal, key);
        this.catalog = lake.iceberg("tonle", once);
    }

    /**
     * Makes a request safe to repeat.
     *
     * @param text chosen by the client
     * @param request tells the request from every other
     */
    public record Key(String text, String request) {
        /** The most that the text may have. */
        public static final int MOST_CHARACTERS = 255;

        public Key {
            if (text.isEmpty() || text.length() > MOST_CHARACTERS) {
                throw new LakeException(
                        ErrorCode.INVALID_REQUEST,
                        "an Idempotency-Key has 1 to " + MOST_CHARACTERS + " characters");
            }
        }
    }

    /** The namespaces below another that are seen, by name. */
    public List<Namespace> namespaces(Namespace parent) {
        if (!parent.isEmpty()) {
            requireSeen(parent);
        }
        return catalog.listNamespaces(parent).stream().filter(this::sees).toList();
    }

    private boolean sees(Namespace namespace) {
        return policies.seesNamespace(principal, Names.encode(namespace));
    }

    private void requireSeen(Namespace namespace) {
        if (!sees(namespace)) {
            throw new NoSuchNamespaceException("Namespace does not exist: %s", namespace);
        }
    }

    private void requireWriter(Namespace namespace) {
        requireWriter(namespace, Optional.empty());
    }

    private void requireWriter(TableIdentifier table) {
        requireWriter(table.namespace(), Optional.of(table.name()));
    }

    /** Also for an admin if the client says where something lies. */
    private void requireWriter(TableIdentifier table, @Nullable String location) {
        requireWriter(table);
        if (location != null) {
            requireAdmin(table, location);
        }
    }

    private void requireWriter(Namespace namespace, Optional<String> name) {
        String encoded = Names.encode(namespace);
        boolean may = policies.mayWrite(principal, encoded, name);
        if (may || sees(namespace)) {
            policies.reserved(namespace.isEmpty() ? "" : Names.top(encoded))
                    .ifPresent(why -> {
                        throw new LakeException(
                                ErrorCode.FORBIDDEN,
                                "%s can't be written: %s".formatted(named(namespace, name), why));
                    });
        }
        if (!may) {
            throw new LakeException(
                    ErrorCode.FORBIDDEN,
                    "%s may not write %s: no role of policies/*.yaml has it under write for them"
                            .formatted(principal.name(), named(namespace, name)));
        }
    }

    private static String named(Namespace namespace, Optional<String> name) {
        return name.map(table -> namespace + "." + table).orElse(namespace.toString());
    }

    private void requireAdmin(TableIdentifier table, String location) {
        if (!principal.isAdmin()) {
            throw new LakeException(
                    ErrorCode.FORBIDDEN,
                    "Only an admin may say where %s lies (%s); leave it out, and the lake does."
                            .formatted(table, location));
        }
    }

    private void requireNoPlaces(TableIdentifier table, Map<String, String> properties) {
        TableUpdates.PLACES.stream()
                .map(properties::get)
                .filter(Objects::nonNull)
                .forEach(place -> requireAdmin(table, place));
    }

    public CreateNamespaceResponse createNamespace(CreateNamespaceRequest request) {
        requireWriter(request.namespace());
        return once.answer(
                () -> CatalogHandlers.createNamespace(catalog, request),
                first ->
                        CreateNamespaceResponse.builder()
                                .withNamespace(request.namespace())
                                .setProperties(request.properties())
                                .build());
    }

    public GetNamespaceResponse namespace(Namespace namespace) {
        requireSeen(namespace);
        return CatalogHandlers.loadNamespace(catalog, namespace);
    }

    public void dropNamespace(Namespace namespace) {
        requireWriter(namespace);
        once.run(() -> CatalogHandlers.dropNamespace(catalog, namespace));
    }

    public UpdateNamespacePropertiesResponse updateNamespace(
            Namespace namespace, UpdateNamespacePropertiesRequest request) {
        request.validate();
        requireWriter(namespace);
        Set<String> removals = new TreeSet<>(request.removals());
        Set<String> both = new TreeSet<>(removals);
        both.retainAll(request.updates().keySet());
        if (!both.isEmpty()) {
            throw new UnprocessableEntityException(
                    "Invalid namespace update, properties both set and removed: %s", both);
        }
        return once.answer(
                () -> {
                    Set<String> before = catalog.loadNamespaceMetadata(namespace).keySet();
                    Set<String> missing = new TreeSet<>(removals);
                    missing.removeAll(before);
                    once.note("missing", String.join("\n", missing));
                    catalog.changeProperties(namespace, request.updates(), removals);
                    return changed(request, missing);
                },
                first ->
                        changed(
                                request,
                                first.fact("missing").stream()
                                        .flatMap(String::lines)
                                        .collect(Collectors.toSet())));
    }

    private static UpdateNamespacePropertiesResponse changed(
            UpdateNamespacePropertiesRequest request, Set<String> missing) {
        return UpdateNamespacePropertiesResponse.builder()
                .addUpdated(request.updates().keySet())
                .addRemoved(
                        request.removals().stream().filter(key -> !missing.contains(key)).toList())
                .addMissing(missing)
                .build();
    }

    /** The tables of a namespace that are seen, by name; of some perhaps not all rows. */
    public List<TableIdentifier> tables(Namespace namespace) {
        requireSeen(namespace);
        return catalog.listTables(namespace).stream().filter(this::sees).toList();
    }

    private Optional<Access> access(TableIdentifier table) {
        return table.namespace().isEmpty()
                ? Optional.empty()
                : policy.of(new TableName(Names.encode(table.namespace()), table.name()));
    }

    private boolean sees(TableIdentifier table) {
        return access(table).isPresent();
    }

    /** NoSuchTableException unless the table is there and seen, in whatever part. */
    public void requireTable(TableIdentifier table) {
        if (!sees(table) || !catalog.tableExists(table)) {
            throw new NoSuchTableException("Table does not exist: %s", table);
        }
    }

    /**
     * What a table is: by it a client finds all files.
     *
     * @throws LakeException FORBIDDEN if not all of the table is for whoever asks
     */
    public TableMetadata table(TableIdentifier table) {
        Access access =
                access(table)
                        .orElseThrow(
                                () -> new NoSuchTableException("Table does not exist: %s", table));
        return whole(table, access, catalog.metadata(table));
    }

    private TableMetadata whole(TableIdentifier table, Access access, TableMetadata metadata) {
        if (policies.isTrusted(principal)) {
            return metadata;
        }
        if (access.isRestricted()) {
            throw hidden(table, "some of its rows or columns are hidden from " + principal.name());
        }
        // files keep what a column held that is gone, with the mask that it had
        Set<Integer> shown = ids(metadata.schema());
        boolean gone =
                metadata.schemas().stream().anyMatch(schema -> !shown.containsAll(ids(schema)));
        if (gone && !principal.roles().contains(Principal.DATA_ENGINEER)) {
            throw hidden(table, "they hold columns that it has no more");
        }
        return metadata;
    }

    private static Set<Integer> ids(Schema schema) {
        return new HashSet<>(schema.idToName().keySet());
    }

    private static LakeException hidden(TableIdentifier table, String why) {
        return new LakeException(
                ErrorCode.FORBIDDEN,
                "The files of %s aren't given out: %s. Ask by SQL instead (POST /api/v1/query), or have an admin write trusted: true for a user who keeps the policy itself."
                        .formatted(table, why));
    }

    /** How a client reaches the files of tables; no credentials. */
    public Map<String, String> fileSettings() {
        Map<String, String> settings = new HashMap<>();
        if (storage instanceof StorageDefinition.Bucket bucket) {
            bucket.bucket()
                    .endpoint()
                    .ifPresent(endpoint -> settings.put("s3.endpoint", endpoint.toString()));
            bucket.bucket()
                    .region()
                    .ifPresent(region -> {
                        settings.put("client.region", region);
                        settings.put("s3.region", region);
                    });
            if (bucket.bucket().pathStyle()) {
                settings.put("s3.path-style-access", "true");
            }
        }
        return settings;
    }

    /** What a table that is to be made would be; nothing is there yet. */
    public TableMetadata stageTable(Namespace namespace, CreateTableRequest request) {
        requireWriter(TableIdentifier.of(namespace, request.name()), request.location());
        return CatalogHandlers.stageTableCreate(catalog, namespace, request).tableMetadata();
    }

    public TableMetadata createTable(Namespace namespace, CreateTableRequest request) {
        TableIdentifier table = TableIdentifier.of(namespace, request.name());
        requireWriter(table, request.location());
        requireNoPlaces(table, request.properties());
        return once.answer(
                () -> CatalogHandlers.createTable(catalog, namespace, request).tableMetadata(),
                first -> catalog.metadataAt(table, first.seq()));
    }

    /** For an admin: what a metadata file names may belong to any table. */
    public TableMetadata registerTable(Namespace namespace, RegisterTableRequest request) {
        TableIdentifier table = TableIdentifier.of(namespace, request.name());
        requireWriter(table, request.metadataLocation());
        return once.answer(
                () -> CatalogHandlers.registerTable(catalog, namespace, request).tableMetadata(),
                first -> catalog.metadataAt(table, first.seq()));
    }

    /**
     * Changes tables, all or none.
     *
     * @return what they are then, in order
     */
    public List<TableMetadata> update(List<UpdateTableRequest> requests) {
        List<TableUpdates.Update> updates = new ArrayList<>();
        for (UpdateTableRequest request : requests) {
            request.validate();
            if (request.identifier() == null) {
                throw new IllegalArgumentException("a change names no table");
            }
            if (request.updates().isEmpty()) {
                // what is only asked about tells what a table is
                var unused = table(request.identifier());
            } else {
                requireWriter(request.identifier());
            }
            updates.add(
                    new TableUpdates.Update(
                            request.identifier(), request.requirements(), request.updates()));
        }
        if (updates.isEmpty()) {
            throw new IllegalArgumentException("a commit changes some table");
        }
        return once.answer(
                () -> new TableUpdates(lake, catalog, !principal.isAdmin()).commit(updates),
                first ->
                        updates.stream()
                                .map(update -> catalog.metadataAt(update.table(), first.seq()))
                                .toList());
    }

    public void renameTable(RenameTableRequest request) {
        requireWriter(request.source());
        requireWriter(request.destination());
        once.run(() -> CatalogHandlers.renameTable(catalog, request));
    }

    /** Its name is gone; its files stay until the lake's own clean-up. */
    public void dropTable(TableIdentifier table) {
        requireWriter(table);
        once.run(() -> CatalogHandlers.dropTable(catalog, table));
    }

    /** The views of a namespace that are seen, by name. */
    public List<TableIdentifier> views(Namespace namespace) {
        requireSeen(namespace);
        return catalog.listViews(namespace).stream().filter(this::sees).toList();
    }

    /** NoSuchViewException unless the view is there and seen. */
    public void requireView(TableIdentifier view) {
        if (!sees(view) || !catalog.viewExists(view)) {
            throw new NoSuchViewException("View does not exist: %s", view);
        }
    }

    public LoadViewResponse view(TableIdentifier view) {
        if (!sees(view)) {
            throw new NoSuchViewException("View does not exist: %s", view);
        }
        return CatalogHandlers.loadView(catalog, view);
    }

    public LoadViewResponse createView(Namespace namespace, CreateViewRequest request) {
        TableIdentifier view = TableIdentifier.of(namespace, request.name());
        requireWriter(view, request.location());
        requireNoPlaces(view, request.properties());
        return once.answer(
                () -> CatalogHandlers.createView(catalog, namespace, request),
                first -> CatalogHandlers.loadView(catalog, view));
    }

    /** For an admin, like {@link #registerTable}. */
    public LoadViewResponse registerView(Namespace namespace, RegisterViewRequest request) {
        TableIdentifier view = TableIdentifier.of(namespace, request.name());
        requireWriter(view, request.metadataLocation());
        return once.answer(
                () -> CatalogHandlers.registerView(catalog, namespace, request),
                first -> CatalogHandlers.loadView(catalog, view));
    }

    public LoadViewResponse updateView(TableIdentifier view, UpdateTableRequest request) {
        requireWriter(view);
        for (MetadataUpdate update : request.updates()) {
            switch (update) {
                case MetadataUpdate.SetLocation to -> requireAdmin(view, to.location());
                case MetadataUpdate.SetProperties to -> requireNoPlaces(view, to.updated());
                default -> {}
            }
        }
        return once.answer(
                () -> CatalogHandlers.updateView(catalog, view, request),
                first -> CatalogHandlers.loadView(catalog, view));
    }

    public void renameView(RenameTableRequest request) {
        requireWriter(request.source());
        requireWriter(request.destination());
        once.run(() -> CatalogHandlers.renameView(catalog, request));
    }

    public void dropView(TableIdentifier view) {
        requireWriter(view);
        once.run(() -> CatalogHandlers.dropView(catalog, view));
    }
}
