package org.tonle.ledger;

import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.LakeException;

/**
 * Which states of a lake are kept, and which files are to go. Every method throws {@link
 * LakeException} with LEDGER_UNAVAILABLE when PostgreSQL can't be asked.
 */
public final class Retention {
    /** So many pointers are asked for at once. */
    private static final int PAGE = 5_000;

    /**
     * Commits that a dataset still has to read. As {@code LakeCatalog} says what a change is to a
     * reader: those of our own maintenance are nothing.
     */
    private static final String UNREAD =
            """
            SELECT min(n.seq) FROM tonle.dataset_position d CROSS JOIN LATERAL (
              SELECT c.seq, k.at FROM tonle.change c JOIN tonle.commit k ON k.id = c.commit
              WHERE c.branch = d.branch AND c.table_uuid = d.input_table AND c.seq > d.seq
                AND (c.metadata_after IS NULL OR c.snapshot_id IS NOT NULL
                  OR c.operation = 'overwrite')
                AND k.kind NOT IN ('compact', 'expire-rows')
              ORDER BY c.seq LIMIT 1) n
            WHERE d.branch = :branch AND n.at >= :waits\
            """;

    private static final String POINTERS =
            """
            SELECT v.branch, v.table_uuid, v.kind, v.from_seq, v.metadata_location, c.snapshot_id,
              CASE
                WHEN v.to_seq = 9223372036854775807 OR EXISTS (
                  SELECT 1 FROM tonle.branch f WHERE f.parent = v.branch
                    AND f.fork_seq >= v.from_seq AND f.fork_seq < v.to_seq) THEN 'ALL'
                WHEN v.to_seq > b.floor_seq THEN 'STATE' ELSE 'NOTHING' END AS held
            FROM tonle.ref_version v JOIN tonle.branch b ON b.id = v.branch
            LEFT JOIN tonle.change c ON c.branch = v.branch AND c.table_uuid = v.table_uuid
              AND c.seq = v.from_seq
            """;

    private static final RowMapper<Pointer> POINTER =
            (row, context) -> {
                long snapshot = row.getLong("snapshot_id");
                OptionalLong snapshotId =
                        row.wasNull() ? OptionalLong.empty() : OptionalLong.of(snapshot);
                return new Pointer(
                        row.getInt("branch"),
                        row.getObject("table_uuid", UUID.class),
                        RefKind.valueOf(row.getString("kind").toUpperCase(java.util.Locale.ROOT)),
                        row.getLong("from_seq"),
                        row.getString("metadata_location"),
                        snapshotId,
                        Pointer.Held.valueOf(row.getString("held")));
            };

    private static final RowMapper<MarkedFile> MARKED =
            (row, context) ->
                    new MarkedFile(
                            row.getString("location"),
                            row.getObject("commit", UUID.class),
                            row.getLong("bytes"),
                            row.getTimestamp("marked_at").toInstant(),
                            row.getBoolean("kept"));

    private final LedgerRows rows;

    Retention(LedgerRows rows) {
        this.rows = rows;
    }

    /** The oldest state that is kept: what the lake was before that may be gone. */
    public long floor() {
        return rows.read(handle ->
                handle.createQuery("SELECT floor_seq FROM tonle.branch WHERE name = 'main'")
                        .mapTo(Long.class)
                        .one());
    }

    /**
     * Lets states expire. What a dataset has yet to read stays, if it hasn't waited for too long.
     *
     * @param since the state that the lake had then is the oldest that is kept
     * @param waits a dataset that was given something to read before that no longer holds it
     * @return the oldest state that is kept now; never an older one than before
     */
    public long expire(Instant since, Instant waits) {
        long oldest = rows.seqAt(since);
        return rows.inTransaction(handle -> {
            // commits move datasets under the same lock
            int branch =
                    handle.createQuery("SELECT id FROM tonle.branch WHERE name = 'main' FOR UPDATE")
                            .mapTo(Integer.class)
                            .one();
            @Nullable Long unread =
                    handle.createQuery(UNREAD)
                            .bind("branch", branch)
                            .bind("waits", waits)
                            .map((row, context) -> {
                                long seq = row.getLong(1);
                                return row.wasNull() ? Optional.<Long>empty() : Optional.of(seq);
                            })
                            .one()
                            .orElse(null);
            return handle.createQuery(
                            "UPDATE tonle.branch SET floor_seq = greatest(floor_seq, :floor)"
                                    + " WHERE id = :branch RETURNING floor_seq")
                    .bind("floor", unread == null ? oldest : Math.min(oldest, unread - 1))
                    .bind("branch", branch)
                    .mapTo(Long.class)
                    .one();
        });
    }

    /**
     * Pointers of all branches, by branch and table, and of each the oldest first; those that were
     * made since it was called may be missing.
     *
     * @param after the last one that is known; null for the first
     * @return some of those that follow; none behind the last
     */
    public List<Pointer> pointers(@Nullable Pointer after) {
        return rows.read(handle ->
                handle.createQuery(
                                POINTERS
                                        + " WHERE (v.branch, v.table_uuid, v.from_seq)"
                                        + " > (:branch, :table, :seq)"
                                        + " ORDER BY v.branch, v.table_uuid, v.from_seq"
                                        + " LIMIT :page")
                        .bind("branch", after == null ? -1 : after.branch())
                        .bind("table", after == null ? new UUID(0, 0) : after.table())
                        .bind("seq", after == null ? -1 : after.fromSeq())
                        .bind("page", PAGE)
                        .map(POINTER)
                        .list());
    }

    /** Of some commits, those that have an outcome: whatever comes, it stays as it is. */
    public Map<UUID, Boolean> outcomes(Collection<UUID> commits) {
        return rows.read(handle ->
                handle
                        .createQuery(
                                "SELECT id, outcome = 'committed' AS committed FROM tonle.commit"
                                        + " WHERE id = ANY(:ids)")
                        .bindArray("ids", UUID.class, commits.toArray())
                        .map((row, context) ->
                                Map.entry(row.getObject(1, UUID.class), row.getBoolean(2)))
                        .stream()
                        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
    }

    /** Forgets pointers of states that have expired. */
    public void forget(Collection<Pointer> expired) {
        var unused =
                rows.read(handle -> {
                    PreparedBatch batch =
                            handle.prepareBatch(
                                    "DELETE FROM tonle.ref_version v USING tonle.branch b"
                                            + " WHERE b.id = v.branch AND v.branch = :branch"
                                            + " AND v.table_uuid = :table AND v.from_seq = :seq"
                                            + " AND v.to_seq <= b.floor_seq AND NOT EXISTS ("
                                            + " SELECT 1 FROM tonle.branch f WHERE f.parent = v.branch"
                                            + " AND f.fork_seq >= v.from_seq"
                                            + " AND f.fork_seq < v.to_seq)");
                    for (Pointer pointer : expired) {
                        batch.bind("branch", pointer.branch())
                                .bind("table", pointer.table())
                                .bind("seq", pointer.fromSeq())
                                .add();
                    }
                    return expired.isEmpty() ? new int[0] : batch.execute();
                });
    }

    /** Notes files that nothing reaches; of one that is noted already nothing changes. */
    public void mark(Collection<MarkedFile> files) {
        var unused =
                rows.read(handle -> {
                    PreparedBatch batch =
                            handle.prepareBatch(
                                    "INSERT INTO tonle.marked_file (location, commit, bytes, marked_at)"
                                            + " VALUES (:location, :commit, :bytes, :at)"
                                            + " ON CONFLICT DO NOTHING");
                    for (MarkedFile file : files) {
                        batch.bind("location", file.location())
                                .bind("commit", file.commit())
                                .bind("bytes", file.bytes())
                                .bind("at", file.markedAt())
                                .add();
                    }
                    return files.isEmpty() ? new int[0] : batch.execute();
                });
    }

    /**
     * The files that are marked, the oldest mark first.
     *
     * @param before only those that were marked earlier
     */
    public List<MarkedFile> marked(Instant before, int most) {
        return rows.read(handle ->
                handle.createQuery(
                                "SELECT * FROM tonle.marked_file WHERE marked_at < :before"
                                        + " AND NOT kept ORDER BY marked_at, location LIMIT :most")
                        .bind("before", before)
                        .bind("most", most)
                        .map(MARKED)
                        .list());
    }

    /** Of some files, those that are marked or kept. */
    public Map<String, MarkedFile> marks(Collection<String> locations) {
        return rows.read(handle ->
                handle
                        .createQuery(
                                "SELECT * FROM tonle.marked_file WHERE location = ANY(:locations)")
                        .bindArray("locations", String.class, locations.toArray())
                        .map(MARKED)
                        .stream()
                        .collect(Collectors.toMap(MarkedFile::location, file -> file)));
    }

    /**
     * Takes the marks of files that are deleted next; whoever doesn't come to it finds them
     * unmarked.
     *
     * @return those that are still to go
     */
    public List<MarkedFile> take(Collection<MarkedFile> files) {
        return rows.read(handle ->
                handle.createQuery(
                                "DELETE FROM tonle.marked_file"
                                        + " WHERE location = ANY(:locations) AND NOT kept"
                                        + " RETURNING *")
                        .bindArray(
                                "locations",
                                String.class,
                                files.stream().map(MarkedFile::location).toArray())
                        .map(MARKED)
                        .list());
    }

    /** Takes marks away from files that aren't to go. */
    public void unmark(Collection<String> locations) {
        var unused =
                rows.read(handle ->
                        handle.createUpdate(
                                        "DELETE FROM tonle.marked_file WHERE location = ANY(:locations)")
                                .bindArray("locations", String.class, locations.toArray())
                                .execute());
    }

    /**
     * Says of marked files that they stay, or that they may go after all, their time beginning
     * anew.
     *
     * @param prefix with which their locations begin
     * @return how many it was said of
     */
    public int keep(String prefix, boolean kept, Instant now) {
        return rows.read(handle ->
                handle.createUpdate(
                                "UPDATE tonle.marked_file SET kept = :kept, marked_at = :now"
                                        + " WHERE starts_with(location, :prefix)"
                                        + " AND kept <> :kept")
                        .bind("kept", kept)
                        .bind("now", now)
                        .bind("prefix", prefix)
                        .execute());
    }
}
