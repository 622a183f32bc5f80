package org.tonle.debezium;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.tonle.definition.SourceKind;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * What is asked of the database besides its changes, over a connection of its own. All throw
 * SOURCE_UNAVAILABLE when it can't be reached, UNAUTHENTICATED and FORBIDDEN when it refuses.
 */
final class PostgresServer implements AutoCloseable {
    /**
     * A replication slot.
     *
     * @param active whether somebody reads it
     * @param status of the log that it needs: {@code lost} when the server has dropped that
     * @param confirmed up to where its reader has said to have everything
     */
    record Slot(boolean active, String plugin, String database, String status, long confirmed) {}

    /**
     * Which log a server writes.
     *
     * @param system of its data, the same on its standbys
     * @param timeline a standby that takes over begins another one
     */
    record Identity(String system, int timeline) {}

    /** Of a timeline that the server has no history of. */
    private static final String UNDEFINED_FILE = "58P01";

    /** A line of a timeline's history: that it came from, and up to where. */
    private static final Pattern TIMELINE =
            Pattern.compile("(?m)^(\\d+)\t([0-9A-F]+)/([0-9A-F]+)\t");

    private final SourceKind.Postgres kind;
    private @Nullable Connection connection;

    PostgresServer(SourceKind.Postgres kind) {
        this.kind = kind;
    }

    /** Something that is asked. */
    interface Question<T> {
        T ask(Connection connection) throws SQLException;
    }

    /** What is asked over the connection, which is made first if there is none. */
    <T> T ask(Question<T> question) {
        try {
            Connection open = connection;
            if (open == null || open.isClosed()) {
                open = connect(false);
                connection = open;
            }
            return question.ask(open);
        } catch (SQLException e) {
            close();
            throw PostgresErrors.explain(kind, e);
        }
    }

    /**
     * @param replication whether it takes commands of replication instead of SQL
     */
    private Connection connect(boolean replication) throws SQLException {
        Properties properties = new Properties();
        properties.putAll(kind.properties());
        properties.setProperty("user", kind.user());
        kind.password().ifPresent(p -> properties.setProperty("password", p.reveal()));
        properties.putIfAbsent("connectTimeout", "10");
        properties.putIfAbsent("socketTimeout", "60");
        properties.putIfAbsent("ApplicationName", "tonle");
        if (replication) {
            properties.setProperty("replication", "database");
            properties.setProperty("preferQueryMode", "simple");
            properties.setProperty("assumeMinServerVersion", "12");
        }
        return DriverManager.getConnection(
                "jdbc:postgresql://%s:%d/%s".formatted(kind.host(), kind.port(), kind.database()),
                properties);
    }

    /** Throws what is wrong with the database's settings. */
    void requireLogical() {
        String level = ask(c -> text(c, "SHOW wal_level").orElse(""));
        if (!level.equals("logical")) {
            throw new LakeException(
                    ErrorCode.INVALID_DEFINITION,
                    "%s has wal_level = %s, and changes are told with logical only. Set it (ALTER SYSTEM SET wal_level = logical), restart the server, then the lake."
                            .formatted(PostgresErrors.name(kind), level));
        }
    }

    Identity identity() {
        try (Connection replication = connect(true);
                Statement statement = replication.createStatement();
                ResultSet row = statement.executeQuery("IDENTIFY_SYSTEM")) {
            row.next();
            return new Identity(row.getString("systemid"), row.getInt("timeline"));
        } catch (SQLException e) {
            throw PostgresErrors.explain(kind, e);
        }
    }

    /**
     * Where the server's log went on without that of another timeline.
     *
     * @param now the one that the server is on
     * @return 0 if it doesn't come from that one
     */
    long leftTimeline(int then, int now) {
        if (now < then) {
            return 0;
        }
        try (Connection replication = connect(true);
                Statement statement = replication.createStatement();
                ResultSet row = statement.executeQuery("TIMELINE_HISTORY " + now)) {
            row.next();
            return TIMELINE.matcher(row.getString("content"))
                    .results()
                    .filter(left -> Integer.parseInt(left.group(1)) == then)
                    .mapToLong(left ->
                            (Long.parseLong(left.group(2), 16) << 32)
                                    + Long.parseLong(left.group(3), 16))
                    .findFirst()
                    .orElse(0);
        } catch (SQLException e) {
            if (UNDEFINED_FILE.equals(e.getSQLState())) {
                return 0;
            }
            throw PostgresErrors.explain(kind, e);
        }
    }

    /** On which timeline the server writes; empty if it is a standby. */
    OptionalInt timeline() {
        return ask(c ->
                text(
                                c,
                                "SELECT CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END")
                        .map(digits -> OptionalInt.of(Integer.parseInt(digits, 16)))
                        .orElse(OptionalInt.empty()));
    }

    /** Where the server's log ends. */
    long end() {
        return ask(c ->
                number(
                        c,
                        "SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) - '0/0'::pg_lsn"));
    }

    Optional<Slot> slot() {
        return slot(kind.slot());
    }

    Optional<Slot> slot(String name) {
        return ask(c -> {
            try (PreparedStatement statement =
                    c.prepareStatement(
                            """
                            SELECT active, coalesce(plugin, ''), coalesce(database, ''),
                              coalesce(wal_status, ''),
                              coalesce(confirmed_flush_lsn, '0/0'::pg_lsn) - '0/0'::pg_lsn
                            FROM pg_replication_slots WHERE slot_name = ?
                            """)) {
                statement.setString(1, name);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next()
                            ? Optional.of(
                                    new Slot(
                                            row.getBoolean(1),
                                            row.getString(2),
                                            row.getString(3),
                                            row.getString(4),
                                            row.getLong(5)))
                            : Optional.<Slot>empty();
                }
            }
        });
    }

    /** Bytes of its log that the server keeps for a slot. */
    long heldBack(String slot) {
        return ask(c -> {
            try (PreparedStatement statement =
                    c.prepareStatement(
                            """
                            SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                              ELSE pg_current_wal_lsn() END) - restart_lsn
                            FROM pg_replication_slots WHERE slot_name = ?
                            """)) {
                statement.setString(1, slot);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next() ? row.getLong(1) : 0;
                }
            }
        });
    }

    void dropSlot() {
        ask(c -> {
            try (PreparedStatement statement =
                    c.prepareStatement("SELECT pg_drop_replication_slot(?)")) {
                statement.setString(1, kind.slot());
                return statement.execute();
            }
        });
    }

    /**
     * Drops a slot of this database that nobody reads, unless it was moved on.
     *
     * @param behind its reader never had more than what was committed up to there
     * @return whether it was dropped
     */
    boolean dropUnread(String slot, long behind) {
        return ask(c -> {
            try (PreparedStatement statement =
                    c.prepareStatement(
                            """
                            SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
                            WHERE slot_name = ? AND NOT active AND plugin = 'pgoutput'
                              AND database = current_database()
                              AND confirmed_flush_lsn - '0/0'::pg_lsn <= ?
                            """)) {
                statement.setString(1, slot);
                statement.setLong(2, behind);
                try (ResultSet dropped = statement.executeQuery()) {
                    return dropped.next();
                }
            }
        });
    }

    /**
     * A transaction of its own in the server's log, without rows: its place there comes with the
     * changes, so that it is known that nothing is missing before it.
     */
    void message() {
        var unused =
                ask(c ->
                        text(
                                c,
                                "SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_logical_emit_message(true, 'tonle', '') END"));
    }

    /**
     * Throws NOT_FOUND if a table isn't there, FORBIDDEN if all are and one can't be read: rights
     * may be given back.
     *
     * @param tables {@code schema.table}
     */
    void requireTables(Set<String> tables) {
        List<String> missing = new ArrayList<>();
        List<String> refused = new ArrayList<>();
        for (String table : tables) {
            int dot = table.indexOf('.');
            Optional<Boolean> readable =
                    ask(c -> {
                        try (PreparedStatement statement =
                                c.prepareStatement(
                                        """
                                        SELECT has_schema_privilege(n.oid, 'USAGE')
                                          AND has_table_privilege(c.oid, 'SELECT')
                                        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                                        WHERE n.nspname = ? AND c.relname = ? AND c.relkind IN ('r', 'p')
                                        """)) {
                            statement.setString(1, table.substring(0, dot));
                            statement.setString(2, table.substring(dot + 1));
                            try (ResultSet row = statement.executeQuery()) {
                                return row.next()
                                        ? Optional.of(row.getBoolean(1))
                                        : Optional.<Boolean>empty();
                            }
                        }
                    });
            if (readable.isEmpty()) {
                missing.add("there is no table " + table);
            } else if (!readable.get()) {
                refused.add(
                        "%s may not read %s (GRANT SELECT ON %s TO %s)"
                                .formatted(kind.user(), table, quoted(table), kind.user()));
            }
        }
        if (!missing.isEmpty()) {
            missing.addAll(refused);
            throw new LakeException(
                    ErrorCode.NOT_FOUND,
                    "In %s %s. Mend it there, or take the table out of the source's file, then start the lake again."
                            .formatted(PostgresErrors.name(kind), String.join("; ", missing)));
        }
        if (!refused.isEmpty()) {
            throw new LakeException(
                    ErrorCode.FORBIDDEN,
                    "In %s %s. Then it goes on by itself; or take the table out of the source's file and start the lake again."
                            .formatted(PostgresErrors.name(kind), String.join("; ", refused)));
        }
    }

    /** Whether the server has values of the tables that it keeps beside their rows. */
    boolean hasLargeValues(Set<String> tables) {
        return ask(c -> {
            try (PreparedStatement statement =
                    c.prepareStatement(
                            """
                            SELECT 1
                            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                              CROSS JOIN LATERAL (
                                SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid)) p(oid)
                              JOIN pg_class r ON r.oid = p.oid
                            WHERE n.nspname || '.' || c.relname = ANY (?)
                              AND r.reltoastrelid <> 0 AND pg_relation_size(r.reltoastrelid) > 0
                            """)) {
                statement.setArray(1, c.createArrayOf("text", tables.toArray()));
                try (ResultSet row = statement.executeQuery()) {
                    return row.next();
                }
            }
        });
    }

    /** {@code schema.table} as SQL names it. */
    static String quoted(String table) {
        int dot = table.indexOf('.');
        return identifier(table.substring(0, dot)) + "." + identifier(table.substring(dot + 1));
    }

    private static String identifier(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    private static Optional<String> text(Connection c, String sql) throws SQLException {
        try (PreparedStatement statement = c.prepareStatement(sql);
                ResultSet row = statement.executeQuery()) {
            return row.next() ? Optional.ofNullable(row.getString(1)) : Optional.empty();
        }
    }

    static long number(Connection c, String sql) throws SQLException {
        try (PreparedStatement statement = c.prepareStatement(sql);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    @Override
    public void close() {
        Connection open = connection;
        connection = null;
        if (open != null) {
            try {
                open.close();
            } catch (SQLException e) {
                // it is gone either way
            }
        }
    }
}
