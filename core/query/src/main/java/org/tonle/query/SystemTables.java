package org.tonle.query;

import static org.tonle.query.SystemTable.columns;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.jspecify.annotations.Nullable;
import org.tonle.catalog.DeletedRows;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.catalog.PinnedTable;
import org.tonle.ledger.Listing;
import org.tonle.spi.Principal;
import org.tonle.sql.Access;
import org.tonle.sql.AccessPolicy;
import org.tonle.sql.TableName;

/**
 * The tables of namespace {@code system}, and who sees them. Their rows are written as files for
 * one statement, into a directory of its own, because files are what an engine reads.
 */
public final class SystemTables {
    /** Tables about the lake. */
    public static final String NAMESPACE = "system";

    /** Tables about tables; everybody sees of them what is about tables that he sees. */
    public static final String INFORMATION_SCHEMA = "information_schema";

    /** Most rows of a system table. */
    static final int MOST_ROWS = 100_000;

    /** What others ask is nobody's business but an admin's. */
    private static final Set<Listing> STATELESS =
            EnumSet.of(Listing.AUDIT, Listing.POSITIONS, Listing.MARKED_FILES);

    private static final Set<String> ADMIN_ONLY = Set.of("audit", "queries");

    private final Map<String, SystemTable> tables = new TreeMap<>();
    private final Path directory;

    /**
     * @param directory where statements' files are, for this process alone; the engine may read it
     * @param more what else there is to know about the lake
     */
    public SystemTables(LakeCatalog catalog, Audit audit, Path directory, List<SystemTable> more) {
        this.directory = directory;
        for (Listing listing : Listing.values()) {
            add(
                    new SystemTable(
                            listing.name().toLowerCase(Locale.ROOT),
                            schema(listing),
                            !STATELESS.contains(listing),
                            (state, limit) ->
                                    catalog.ledger().listings().of(listing, state.seq(), limit)));
        }
        add(
                new SystemTable(
                        "snapshots",
                        columns(
                                "namespace varchar",
                                "table_name varchar",
                                "snapshot_id bigint",
                                "parent_id bigint",
                                "committed_at timestamptz",
                                "operation varchar",
                                "added_rows bigint",
                                "total_rows bigint"),
                        true,
                        SystemTables::snapshots));
        add(
                new SystemTable(
                        "files",
                        columns(
                                "namespace varchar",
                                "table_name varchar",
                                "file_path varchar",
                                "row_count bigint",
                                "byte_count bigint"),
                        true,
                        SystemTables::files));
        add(
                new SystemTable(
                        "queries",
                        columns(
                                "query_id varchar",
                                "started_at timestamptz",
                                "principal varchar",
                                "statement varchar",
                                "seq bigint"),
                        false,
                        (state, limit) -> running(audit, limit)));
        more.forEach(this::add);
        clear(directory);
    }

    private void add(SystemTable table) {
        tables.put(table.name(), table);
    }

    /** The table of that name, whatever its case. */
    Optional<SystemTable> table(TableName name) {
        return name.namespace().equalsIgnoreCase(NAMESPACE)
                ? Optional.ofNullable(tables.get(name.name().toLowerCase(Locale.ROOT)))
                : Optional.empty();
    }

    List<TableName> names() {
        return tables.keySet().stream().map(name -> new TableName(NAMESPACE, name)).toList();
    }

    Path directory() {
        return directory;
    }

    /**
     * What a principal sees, system tables too: an admin all, an engineer those that don't say what
     * others ask, everybody else what {@code policy} grants.
     */
    static AccessPolicy over(AccessPolicy policy, Principal principal) {
        if (policy == AccessPolicy.ALL) {
            return policy;
        }
        boolean engineer = principal.roles().contains(Principal.DATA_ENGINEER);
        return table ->
                switch (table.namespace().toLowerCase(Locale.ROOT)) {
                    case INFORMATION_SCHEMA -> Optional.of(Access.FULL);
                    case NAMESPACE ->
                            engineer && !ADMIN_ONLY.contains(table.name().toLowerCase(Locale.ROOT))
                                    ? Optional.of(Access.FULL)
                                    : policy.of(table);
                    default -> policy.of(table);
                };
    }

    private static Schema schema(Listing listing) {
        return switch (listing) {
            case COMMITS ->
                    columns(
                            "seq bigint",
                            "commit_id varchar",
                            "kind varchar",
                            "principal varchar",
                            "committed_at timestamptz",
                            "summary varchar");
            case CHANGES ->
                    columns(
                            "seq bigint",
                            "commit_id varchar",
                            "namespace varchar",
                            "table_name varchar",
                            "table_uuid varchar",
                            "operation varchar",
                            "snapshot_id bigint",
                            "metadata_path varchar");
            case POSITIONS ->
                    columns(
                            "kind varchar",
                            "consumer varchar",
                            "input varchar",
                            "partition_number bigint",
                            "next_position bigint");
            case EXPECTATION_RESULTS ->
                    columns(
                            "seq bigint",
                            "dataset varchar",
                            "expectation varchar",
                            "violation_action varchar",
                            "passed bigint",
                            "failed bigint");
            case DEFINITIONS ->
                    columns(
                            "name varchar",
                            "definition_version bigint",
                            "seq bigint",
                            "sha256 varchar",
                            "definition varchar");
            case AUDIT ->
                    columns(
                            "query_id varchar",
                            "started_at timestamptz",
                            "principal varchar",
                            "statement varchar",
                            "statement_sha256 varchar",
                            "tables_read varchar",
                            "seq bigint",
                            "row_count bigint",
                            "milliseconds double",
                            "outcome varchar",
                            "error varchar");
            case LINEAGE ->
                    columns(
                            "dataset varchar",
                            "definition_version bigint",
                            "column_name varchar",
                            "input_table varchar",
                            "input_column varchar");
            case MAINTENANCE ->
                    columns(
                            "seq bigint",
                            "committed_at timestamptz",
                            "namespace varchar",
                            "table_name varchar",
                            "action varchar",
                            "files_before bigint",
                            "files_after bigint",
                            "bytes_before bigint",
                            "bytes_after bigint",
                            "row_count bigint",
                            "folded_rows bigint",
                            "milliseconds bigint");
            case MARKED_FILES ->
                    columns(
                            "file_path varchar",
                            "byte_count bigint",
                            "marked_at timestamptz",
                            "kept varchar");
        };
    }

    private static List<@Nullable Object[]> snapshots(Pin state, int limit) {
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (PinnedTable table : state.tables()) {
            for (Snapshot snapshot : table.snapshots()) {
                Map<String, String> summary =
                        snapshot.summary() == null ? Map.of() : snapshot.summary();
                rows.add(
                        new @Nullable Object[] {
                            table.ref().namespace(),
                            table.ref().name(),
                            snapshot.snapshotId(),
                            snapshot.parentId(),
                            Instant.ofEpochMilli(snapshot.timestampMillis()),
                            snapshot.operation(),
                            number(summary.get("added-records")),
                            total(summary)
                        });
            }
        }
        rows.sort(Comparator.comparing(row -> (Instant) row[4], Comparator.reverseOrder()));
        return rows.subList(0, Math.min(limit, rows.size()));
    }

    /** Iceberg counts rows that are deleted, too. */
    private static @Nullable Long total(Map<String, String> summary) {
        Long held = number(summary.get("total-records"));
        Long deleted = number(summary.get("total-position-deletes"));
        return held == null || deleted == null ? held : Long.valueOf(held - deleted);
    }

    private static @Nullable Long number(@Nullable String text) {
        return text == null ? null : Long.valueOf(text);
    }

    private static List<@Nullable Object[]> files(Pin state, int limit) {
        List<@Nullable Object[]> rows = new ArrayList<>();
        for (PinnedTable table : state.tables()) {
            Map<String, DeletedRows> deleted = table.deleted();
            table.files().stream()
                    .limit(limit - rows.size())
                    .forEach(file ->
                            rows.add(
                                    new @Nullable Object[] {
                                        table.ref().namespace(),
                                        table.ref().name(),
                                        file.location(),
                                        DeletedRows.left(file, deleted.get(file.location())),
                                        file.fileSizeInBytes()
                                    }));
        }
        return rows;
    }

    private static List<@Nullable Object[]> running(Audit audit, int limit) {
        return audit.running()
                .limit(limit)
                .map(entry ->
                        new @Nullable Object[] {
                            entry.id().toString(),
                            entry.started(),
                            entry.principal(),
                            entry.statement(),
                            entry.seq().isPresent() ? entry.seq().getAsLong() : null
                        })
                .toList();
    }

    /** What a process that was killed has left. */
    private static void clear(Path directory) {
        try {
            Files.createDirectories(directory);
            try (Stream<Path> left = Files.list(directory)) {
                for (Path path : left.toList()) {
                    StatementTables.remove(path);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't clear " + directory, e);
        }
    }
}
