package org.tonle.debezium;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** What a database tells of the changes of its tables, and by which they are known again. */
final class PostgresPublication {
    /** From this version on publications may leave out rows and columns. */
    private static final int FILTERS_SINCE = 150_000;

    private final SourceKind.Postgres kind;
    private final PostgresServer server;

    PostgresPublication(SourceKind.Postgres kind, PostgresServer server) {
        this.kind = kind;
        this.server = server;
    }

    /** Makes the publication if there is none; throws if it tells of less than the tables. */
    void require(Set<String> tables) {
        Set<String> published = new TreeSet<>();
        Optional<String> kinds =
                server.ask(c -> {
                    try (PreparedStatement statement =
                            c.prepareStatement(
                                    """
                                    SELECT concat_ws(', ', CASE WHEN NOT pubinsert THEN 'insert' END,
                                      CASE WHEN NOT pubupdate THEN 'update' END,
                                      CASE WHEN NOT pubdelete THEN 'delete' END,
                                      CASE WHEN NOT pubtruncate THEN 'truncate' END)
                                    FROM pg_publication WHERE pubname = ?
                                    """)) {
                        statement.setString(1, kind.publication());
                        try (ResultSet row = statement.executeQuery()) {
                            return row.next()
                                    ? Optional.of(row.getString(1))
                                    : Optional.<String>empty();
                        }
                    }
                });
        if (kinds.isEmpty()) {
            createPublication(tables);
            return;
        }
        if (!kinds.get().isEmpty()) {
            throw new LakeException(
                    ErrorCode.INVALID_DEFINITION,
                    "Publication %s of %s doesn't tell of every %s. Mend it: ALTER PUBLICATION %s SET (publish = 'insert, update, delete, truncate')."
                            .formatted(
                                    kind.publication(),
                                    PostgresErrors.name(kind),
                                    kinds.get(),
                                    kind.publication()));
        }
        server.ask(c -> {
            try (PreparedStatement statement =
                    c.prepareStatement(
                            "SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = ?")) {
                statement.setString(1, kind.publication());
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        published.add(row.getString(1));
                    }
                }
            }
            return published;
        });
        Set<String> missing = new TreeSet<>(tables);
        missing.removeAll(published);
        if (!missing.isEmpty()) {
            throw new LakeException(
                    ErrorCode.INVALID_DEFINITION,
                    "Publication %s of %s doesn't have %s. Changes made until it has are not told; add them (ALTER PUBLICATION %s ADD TABLE %s), and write a new slot: into the source's file if rows may have changed meanwhile."
                            .formatted(
                                    kind.publication(),
                                    PostgresErrors.name(kind),
                                    String.join(", ", missing),
                                    kind.publication(),
                                    String.join(
                                            ", ",
                                            missing.stream()
                                                    .map(PostgresServer::quoted)
                                                    .toList())));
        }
        requireWholeTables(tables);
    }

    /**
     * Rows or columns that a publication leaves out would go wrong behind the first look at all.
     */
    private void requireWholeTables(Set<String> tables) {
        List<String> filtered =
                server.ask(c -> {
                    List<String> found = new ArrayList<>();
                    if (PostgresServer.number(
                                    c, "SELECT current_setting('server_version_num')::int")
                            < FILTERS_SINCE) {
                        return found;
                    }
                    try (PreparedStatement statement =
                            c.prepareStatement(
                                    """
                                    SELECT n.nspname || '.' || c.relname
                                    FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
                                      JOIN pg_class c ON c.oid = r.prrelid
                                      JOIN pg_namespace n ON n.oid = c.relnamespace
                                    WHERE p.pubname = ? AND n.nspname || '.' || c.relname = ANY (?)
                                      AND (r.prqual IS NOT NULL OR r.prattrs IS NOT NULL)
                                    ORDER BY 1
                                    """)) {
                        statement.setString(1, kind.publication());
                        statement.setArray(2, c.createArrayOf("text", tables.toArray()));
                        try (ResultSet row = statement.executeQuery()) {
                            while (row.next()) {
                                found.add(row.getString(1));
                            }
                        }
                    }
                    return found;
                });
        if (!filtered.isEmpty()) {
            throw new LakeException(
                    ErrorCode.INVALID_DEFINITION,
                    "Publication %s of %s tells of some rows or columns only: %s. What the lake has of the others would be wrong. Publish the whole tables, by a publication of the lake's own if need be (publication: in the source's file)."
                            .formatted(
                                    kind.publication(),
                                    PostgresErrors.name(kind),
                                    String.join(", ", filtered)));
        }
    }

    /**
     * What the publication, the tables and their place in it are known by. Whatever is made anew
     * has another one, and what was changed meanwhile isn't told: PostgreSQL skips what isn't
     * published, and since version 18 a publication that isn't there.
     */
    Map<String, String> identities(Set<String> tables) {
        return server.ask(c -> {
            Map<String, String> found = new TreeMap<>();
            try (PreparedStatement statement =
                    c.prepareStatement(
                            """
                            SELECT n.nspname || '.' || c.relname, concat_ws('/', p.oid, c.oid, r.oid)
                            FROM pg_publication p
                            JOIN pg_class c ON c.relkind IN ('r', 'p')
                            JOIN pg_namespace n ON n.oid = c.relnamespace
                            LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
                            WHERE p.pubname = ? AND n.nspname || '.' || c.relname = ANY (?)
                            """)) {
                statement.setString(1, kind.publication());
                statement.setArray(2, c.createArrayOf("text", tables.toArray()));
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        found.put(row.getString(1), row.getString(2));
                    }
                }
            }
            return found;
        });
    }

    /**
     * Tables whose rows nobody could change any more: PostgreSQL refuses UPDATE and DELETE of what
     * is published and has nothing that tells its rows apart.
     */
    private List<String> withoutIdentity(Set<String> tables) {
        return server.ask(c -> {
            List<String> found = new ArrayList<>();
            try (PreparedStatement statement =
                    c.prepareStatement(
                            """
                            SELECT n.nspname || '.' || c.relname
                            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname || '.' || c.relname = ANY (?) AND EXISTS (
                              SELECT FROM pg_class r
                              WHERE (r.oid = c.oid
                                  OR r.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))
                                AND r.relkind = 'r' AND r.relreplident <> 'f'
                                AND NOT EXISTS (
                                  SELECT FROM pg_index i
                                  WHERE i.indrelid = r.oid AND CASE r.relreplident
                                    WHEN 'd' THEN i.indisprimary AND i.indimmediate
                                    WHEN 'i' THEN i.indisreplident
                                    ELSE false END))
                            ORDER BY 1
                            """)) {
                statement.setArray(1, c.createArrayOf("text", tables.toArray()));
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        found.add(row.getString(1));
                    }
                }
            }
            return found;
        });
    }

    private void createPublication(Set<String> tables) {
        List<String> bare = withoutIdentity(tables);
        if (!bare.isEmpty()) {
            throw new LakeException(
                    ErrorCode.INVALID_DEFINITION,
                    "%s has no primary key for %s. If they were published PostgreSQL would refuse every UPDATE and DELETE of their rows, so the lake makes no publication of them. Let it know whole rows (ALTER TABLE %s REPLICA IDENTITY FULL), or take them out of the source's file, then start the lake again."
                            .formatted(
                                    PostgresErrors.name(kind),
                                    String.join(", ", bare),
                                    PostgresServer.quoted(bare.getFirst())));
        }
        String sql =
                "CREATE PUBLICATION %s FOR TABLE %s WITH (publish_via_partition_root = true)"
                        .formatted(
                                kind.publication(),
                                String.join(
                                        ", ",
                                        tables.stream().map(PostgresServer::quoted).toList()));
        server.ask(c -> {
            try (PreparedStatement statement = c.prepareStatement(sql)) {
                return statement.execute();
            } catch (SQLException e) {
                if (PostgresErrors.isForbidden(e)) {
                    throw new LakeException(
                            ErrorCode.FORBIDDEN,
                            "%s has no publication %s, and %s may not make it (%s). Let the tables' owner run: %s;"
                                    .formatted(
                                            PostgresErrors.name(kind),
                                            kind.publication(),
                                            kind.user(),
                                            e.getMessage(),
                                            sql),
                            e);
                }
                throw e;
            }
        });
    }
}
