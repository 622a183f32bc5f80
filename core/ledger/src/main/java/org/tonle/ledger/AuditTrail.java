package org.tonle.ledger;

import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The ledger's records of statements; {@link Listing#AUDIT} shows them. All methods throw {@link
 * org.tonle.spi.LakeException} LEDGER_UNAVAILABLE.
 */
public final class AuditTrail {
    private final LedgerRows rows;

    AuditTrail(LedgerRows rows) {
        this.rows = rows;
    }

    /** Adds records, all or none. One that is there already is left as it is. */
    public void add(List<AuditRecord> records) {
        var unused =
                rows.read(handle -> {
                    try {
                        return insert(handle.getConnection(), records);
                    } catch (SQLException e) {
                        throw LedgerRows.unavailable(e);
                    }
                });
    }

    /** One statement however many there are: a row by itself costs several times as much. */
    private static int insert(Connection connection, List<AuditRecord> records)
            throws SQLException {
        try (PreparedStatement insert =
                connection.prepareStatement(
                        "INSERT INTO tonle.audit SELECT id, started, principal, statement, sha256,"
                                + " string_to_array(tables, chr(10)), seq, row_count, micros,"
                                + " outcome, error FROM unnest(?::uuid[], ?::timestamptz[],"
                                + " ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[],"
                                + " ?::bigint[], ?::bigint[], ?::text[], ?::text[])"
                                + " AS r(id, started, principal, statement, sha256, tables, seq,"
                                + " row_count, micros, outcome, error) ON CONFLICT DO NOTHING")) {
            Columns columns = new Columns(connection, insert, records);
            columns.add("uuid", AuditRecord::id);
            columns.add("timestamptz", record -> record.started().atOffset(ZoneOffset.UTC));
            columns.add("text", record -> storable(record.principal()));
            columns.add("text", record -> storable(record.statement()));
            columns.add("text", record -> record.sha256().orElse(null));
            columns.add("text", record -> storable(String.join("\n", record.tables())));
            columns.add(
                    "bigint", record -> record.seq().isPresent() ? record.seq().getAsLong() : null);
            columns.add(
                    "bigint",
                    record -> record.rows().isPresent() ? record.rows().getAsLong() : null);
            columns.add(
                    "bigint",
                    record -> record.took().map(took -> took.toNanos() / 1000).orElse(null));
            columns.add("text", AuditRecord::outcome);
            columns.add("text", record -> record.error().map(AuditTrail::storable).orElse(null));
            return insert.executeUpdate();
        }
    }

    /** The records' values, a column for each parameter. */
    private static final class Columns {
        private final Connection connection;
        private final PreparedStatement to;
        private final List<AuditRecord> records;
        private int count;

        Columns(Connection connection, PreparedStatement to, List<AuditRecord> records) {
            this.connection = connection;
            this.to = to;
            this.records = records;
        }

        void add(String type, Function<AuditRecord, @Nullable Object> value) throws SQLException {
            @Nullable Object[] values = records.stream().map(value).toArray();
            Array array = connection.createArrayOf(type, values);
            to.setArray(++count, array);
        }
    }

    /**
     * Removes records of statements that began before a time, the oldest first.
     *
     * @param most how many at once
     * @return how many; fewer than {@code most}: there are no more, or another process removes them
     */
    public int removeBefore(Instant time, int most) {
        return rows.read(handle ->
                handle.createUpdate(
                                "DELETE FROM tonle.audit WHERE query_id IN (SELECT query_id FROM"
                                        + " tonle.audit WHERE started_at < :time ORDER BY"
                                        + " started_at LIMIT :most FOR UPDATE SKIP LOCKED)")
                        .bind("time", time)
                        .bind("most", most)
                        .execute());
    }

    /** PostgreSQL's texts hold neither NUL nor half a surrogate pair. */
    private static String storable(String text) {
        String whole = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
        return whole.replace('\0', '\uFFFD');
    }
}
