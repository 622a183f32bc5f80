package org.tonle.ledger;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.List;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * The ledger's own records for those who watch a lake: listings of what it holds, the lineage of
 * datasets. All methods throw {@link org.tonle.spi.LakeException} LEDGER_UNAVAILABLE.
 */
public final class Listings {
    private final LedgerRows rows;

    Listings(LedgerRows rows) {
        this.rows = rows;
    }

    /**
     * Rows of a listing: values are String, Long, Double, java.time.Instant or null.
     *
     * @param limit the most rows: the newest
     */
    public List<@Nullable Object[]> of(Listing listing, long seq, int limit) {
        return rows.read(handle ->
                handle.createQuery(listing.sql() + " LIMIT :limit")
                        .bind("branch", branch(handle))
                        .bind("seq", seq)
                        .bind("limit", limit)
                        .map((row, context) -> values(row))
                        .list());
    }

    private static @Nullable Object[] values(ResultSet row) throws SQLException {
        @Nullable Object[] values = new @Nullable Object[row.getMetaData().getColumnCount()];
        for (int i = 0; i < values.length; i++) {
            @Nullable Object value = row.getObject(i + 1);
            values[i] = value instanceof Timestamp time ? time.toInstant() : value;
        }
        return values;
    }

    private static int branch(Handle handle) {
        return handle.createQuery("SELECT id FROM tonle.branch WHERE name = 'main'")
                .mapTo(Integer.class)
                .one();
    }

    /** Of which datasets lineage is known, by name and version: {@code gold.route 2}. */
    public Set<String> lineageVersions() {
        return rows.read(handle ->
                handle.createQuery(
                                "SELECT DISTINCT dataset || ' ' || version FROM tonle.lineage"
                                        + " WHERE branch = :branch")
                        .bind("branch", branch(handle))
                        .mapTo(String.class)
                        .set());
    }

    /** Says where the columns of a version of a dataset come from, in place of what was said. */
    public void lineage(String dataset, int version, List<LineageEdge> edges) {
        var unused =
                rows.read(handle ->
                        handle.inTransaction(transaction -> {
                            int branch = branch(transaction);
                            var removed =
                                    transaction
                                            .createUpdate(
                                                    "DELETE FROM tonle.lineage WHERE branch ="
                                                            + " :branch AND dataset = :dataset AND"
                                                            + " version = :version")
                                            .bind("branch", branch)
                                            .bind("dataset", dataset)
                                            .bind("version", version)
                                            .execute();
                            var batch =
                                    transaction.prepareBatch(
                                            "INSERT INTO tonle.lineage VALUES (:branch, :dataset,"
                                                    + " :version, :column, :table, :input)"
                                                    + " ON CONFLICT DO NOTHING");
                            for (LineageEdge edge : edges) {
                                batch.bind("branch", branch)
                                        .bind("dataset", dataset)
                                        .bind("version", version)
                                        .bind("column", edge.column().orElse(null))
                                        .bind("table", edge.inputTable())
                                        .bind("input", edge.inputColumn())
                                        .add();
                            }
                            return edges.isEmpty() ? removed : batch.execute().length;
                        }));
    }
}
