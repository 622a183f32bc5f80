package org.tonle.catalog;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.SupportsNamespaces;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.CommitStateUnknownException;
import org.apache.iceberg.exceptions.NamespaceNotEmptyException;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.exceptions.NoSuchViewException;
import org.apache.iceberg.view.BaseMetastoreViewCatalog;
import org.apache.iceberg.view.ViewOperations;
import org.jspecify.annotations.Nullable;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.CommitRequest.NamespaceChange;
import org.tonle.ledger.CommitRequest.PointerMove;
import org.tonle.ledger.Ledger;
import org.tonle.ledger.Ref;
import org.tonle.ledger.RefKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * The lake's tables and views as Iceberg's {@code Catalog}: each change is one commit of the
 * ledger. For Iceberg's own API; the lake itself commits through {@link StagedCommit}.
 */
public final class LedgerCatalog extends BaseMetastoreViewCatalog implements SupportsNamespaces {
    private final LakeCatalog lake;
    private final Ledger ledger;
    private final String name;
    private final Author author;
    private Map<String, String> properties = Map.of();

    LedgerCatalog(LakeCatalog lake, String name, Author author) {
        this.lake = lake;
        this.ledger = lake.ledger();
        this.name = name;
        this.author = author;
    }

    /** Who commits, and as what: makes a commit of a kind that says what was done. */
    @FunctionalInterface
    public interface Author {
        /** The lake itself. */
        Author ICEBERG = kind -> CommitRequest.builder(UUID.randomUUID(), kind, "iceberg");

        /** A commit without changes yet. */
        CommitRequest.Builder begin(String kind);
    }

    @Override
    public void initialize(String ignored, Map<String, String> settings) {
        properties = Map.copyOf(settings);
    }

    @Override
    protected Map<String, String> properties() {
        return properties;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    protected TableOperations newTableOps(TableIdentifier identifier) {
        return new LedgerTableOperations(this, lake, identifier);
    }

    @Override
    protected ViewOperations newViewOps(TableIdentifier identifier) {
        return new LedgerViewOperations(this, lake, identifier);
    }

    @Override
    protected String defaultWarehouseLocation(TableIdentifier identifier) {
        return lake.newLocation(identifier);
    }

    @Override
    public List<TableIdentifier> listTables(Namespace namespace) {
        return list(namespace, RefKind.TABLE);
    }

    @Override
    public List<TableIdentifier> listViews(Namespace namespace) {
        return list(namespace, RefKind.VIEW);
    }

    private List<TableIdentifier> list(Namespace namespace, RefKind kind) {
        requireNamespace(namespace);
        return ledger.refs(Names.encode(namespace), kind).stream()
                .map(ref -> Names.identifier(ref.namespace(), ref.name()))
                .toList();
    }

    @Override
    public boolean dropTable(TableIdentifier identifier, boolean purge) {
        Optional<Ref> ref = ref(identifier, RefKind.TABLE);
        if (ref.isEmpty()) {
            return false;
        }
        TableMetadata last = lake.metadata().read(ref.get().metadataLocation());
        commit("drop", move(ref.get(), null, identifier, "drop"));
        if (purge) {
            CatalogUtil.dropTableData(lake.io(), last);
        }
        return true;
    }

    @Override
    public boolean dropView(TableIdentifier identifier) {
        Optional<Ref> ref = ref(identifier, RefKind.VIEW);
        ref.ifPresent(found -> commit("drop", move(found, null, identifier, "drop")));
        return ref.isPresent();
    }

    @Override
    public void renameTable(TableIdentifier from, TableIdentifier to) {
        Ref ref =
                ref(from, RefKind.TABLE)
                        .orElseThrow(
                                () -> new NoSuchTableException("Table does not exist: %s", from));
        rename(ref, to);
    }

    @Override
    public void renameView(TableIdentifier from, TableIdentifier to) {
        Ref ref =
                ref(from, RefKind.VIEW)
                        .orElseThrow(
                                () -> new NoSuchViewException("View does not exist: %s", from));
        rename(ref, to);
    }

    private void rename(Ref ref, TableIdentifier to) {
        requireNamespace(to.namespace());
        anyRef(to).ifPresent(taken -> refuseRename(ref, taken.kind(), to));
        try {
            commit("rename", move(ref, ref.metadataLocation(), to, "rename"));
        } catch (CommitConflictException e) {
            if (e.reason() == CommitConflictException.Reason.ALREADY_EXISTS) {
                refuseRename(ref, ref.kind(), to);
            }
            throw e;
        }
    }

    private static void refuseRename(Ref ref, RefKind taken, TableIdentifier to) {
        throw new AlreadyExistsException(
                "Cannot rename %s to %s. %s already exists",
                Names.identifier(ref.namespace(), ref.name()),
                to,
                taken == RefKind.TABLE ? "Table" : "View");
    }

    /** The error for making something of {@code made} where a {@code taken} has the name. */
    private static AlreadyExistsException taken(
            RefKind made, RefKind taken, TableIdentifier identifier) {
        String what = taken == RefKind.TABLE ? "Table" : "View";
        return made == taken
                ? new AlreadyExistsException("%s already exists: %s", what, identifier)
                : new AlreadyExistsException(
                        "%s with same name already exists: %s", what, identifier);
    }

    private static PointerMove move(
            Ref ref, @Nullable String after, TableIdentifier to, String operation) {
        return new PointerMove(
                ref.table(),
                ref.kind(),
                Names.encode(to.namespace()),
                to.name(),
                ref.metadataLocation(),
                after,
                operation,
                OptionalLong.empty());
    }

    /** Refuses to make something where the namespace is missing or the name is taken. */
    void requireFree(TableIdentifier identifier, RefKind kind) {
        requireNamespace(identifier.namespace());
        anyRef(identifier)
                .ifPresent(other -> {
                    throw taken(kind, other.kind(), identifier);
                });
    }

    /** Commits where a table or a view leads that Iceberg has written. */
    void publish(TableIdentifier identifier, PointerMove move) {
        publish(
                author.begin("iceberg").move(move).build(),
                identifier,
                List.of(String.valueOf(move.after())));
    }

    /** What a table is now; NotFoundException if the file that says it is gone. */
    public TableMetadata metadata(TableIdentifier identifier) {
        return ref(identifier, RefKind.TABLE)
                .map(found -> lake.metadata().readExisting(found.metadataLocation()))
                .orElseThrow(
                        () -> new NoSuchTableException("Table does not exist: %s", identifier));
    }

    /** What a table was when {@code seq} was the head. */
    public TableMetadata metadataAt(TableIdentifier identifier, long seq) {
        return ledger.refAt(Names.encode(identifier.namespace()), identifier.name(), seq)
                .map(found -> lake.metadata().read(found.metadataLocation()))
                .orElseThrow(
                        () -> new NoSuchTableException("Table does not exist: %s", identifier));
    }

    /** A commit of whoever this catalog is for. */
    CommitRequest.Builder begin(String kind) {
        return author.begin(kind);
    }

    /**
     * Commits, with Iceberg's exceptions; the metadata files that were written for it are deleted
     * unless the commit happened or may have.
     *
     * @param identifier what it is about, for errors
     */
    void publish(CommitRequest request, TableIdentifier identifier, List<String> written) {
        boolean keep = false;
        try {
            var unused = ledger.commit(request);
            keep = true;
        } catch (CommitConflictException e) {
            RefKind kind =
                    request.pointers().isEmpty()
                            ? RefKind.TABLE
                            : request.pointers().getFirst().kind();
            throw switch (e.reason()) {
                case ALREADY_EXISTS -> taken(kind, kind, identifier);
                case NOT_FOUND ->
                        new NoSuchNamespaceException(
                                "Namespace does not exist: %s", identifier.namespace());
                case POINTER, POSITION, REQUIREMENT, LEASE, CLOSED, NOT_EMPTY ->
                        new CommitFailedException(
                                e, "Cannot commit %s: %s", identifier, e.getMessage());
            };
        } catch (LakeException e) {
            if (e.code() == ErrorCode.COMMIT_UNKNOWN) {
                keep = true;
                throw new CommitStateUnknownException(e);
            }
            throw e;
        } finally {
            if (!keep) {
                written.forEach(lake.io()::deleteFile);
            }
        }
    }

    private void commit(String kind, PointerMove move) {
        var unused = ledger.commit(author.begin(kind).move(move).build());
    }

    Optional<Ref> ref(TableIdentifier identifier, RefKind kind) {
        return anyRef(identifier).filter(ref -> ref.kind() == kind);
    }

    private Optional<Ref> anyRef(TableIdentifier identifier) {
        return ledger.ref(Names.encode(identifier.namespace()), identifier.name());
    }

    @Override
    public void createNamespace(Namespace namespace, Map<String, String> metadata) {
        if (namespace.isEmpty()) {
            throw new IllegalArgumentException("a namespace needs a name");
        }
        try {
            change(namespace, null, metadata);
        } catch (CommitConflictException e) {
            if (e.reason() == CommitConflictException.Reason.ALREADY_EXISTS) {
                throw new AlreadyExistsException("Namespace already exists: %s", namespace);
            }
            throw e;
        }
    }

    @Override
    public List<Namespace> listNamespaces(Namespace parent) {
        if (!parent.isEmpty()) {
            requireNamespace(parent);
        }
        int depth = parent.length() + 1;
        return ledger.namespaces().keySet().stream()
                .map(Names::namespace)
                .filter(namespace -> namespace.length() == depth)
                .filter(namespace ->
                        List.of(namespace.levels())
                                .subList(0, depth - 1)
                                .equals(List.of(parent.levels())))
                .toList();
    }

    @Override
    public Map<String, String> loadNamespaceMetadata(Namespace namespace) {
        // Iceberg asks it for null
        return new HashMap<>(requireNamespace(namespace));
    }

    @Override
    public boolean dropNamespace(Namespace namespace) {
        Map<String, String> before = ledger.namespaces().get(Names.encode(namespace));
        if (before == null) {
            return false;
        }
        if (!listNamespaces(namespace).isEmpty()) {
            throw new NamespaceNotEmptyException("Namespace is not empty: %s", namespace);
        }
        try {
            change(namespace, before, null);
        } catch (CommitConflictException e) {
            if (e.reason() == CommitConflictException.Reason.NOT_EMPTY) {
                throw new NamespaceNotEmptyException("Namespace is not empty: %s", namespace);
            }
            throw e;
        }
        return true;
    }

    @Override
    public boolean setProperties(Namespace namespace, Map<String, String> set) {
        Map<String, String> before = requireNamespace(namespace);
        Map<String, String> after = new HashMap<>(before);
        after.putAll(set);
        change(namespace, before, after);
        return true;
    }

    @Override
    public boolean removeProperties(Namespace namespace, Set<String> removed) {
        Map<String, String> before = requireNamespace(namespace);
        Map<String, String> after = new HashMap<>(before);
        after.keySet().removeAll(removed);
        change(namespace, before, after);
        return true;
    }

    /** Sets and removes properties in one commit. */
    public void changeProperties(Namespace namespace, Map<String, String> set, Set<String> remove) {
        Map<String, String> before = requireNamespace(namespace);
        Map<String, String> after = new HashMap<>(before);
        after.keySet().removeAll(remove);
        after.putAll(set);
        if (!after.equals(before)) {
            change(namespace, before, after);
        }
    }

    private void change(
            Namespace namespace,
            @Nullable Map<String, String> before,
            @Nullable Map<String, String> after) {
        var unused =
                ledger.commit(
                        author.begin("namespace")
                                .change(new NamespaceChange(Names.encode(namespace), before, after))
                                .build());
    }

    Map<String, String> requireNamespace(Namespace namespace) {
        Map<String, String> found = ledger.namespaces().get(Names.encode(namespace));
        if (found == null) {
            throw new NoSuchNamespaceException("Namespace does not exist: %s", namespace);
        }
        return found;
    }
}
