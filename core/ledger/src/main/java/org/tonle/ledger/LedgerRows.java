package org.tonle.ledger;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.statement.Query;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.SourceMark;

/** What the ledger's tables hold, as records; {@link Ledger} says what each of them means. */
final class LedgerRows {
    private static final RowMapper<Ref> REF =
            (row, context) ->
                    new Ref(
                            row.getObject("table_uuid", UUID.class),
                            RefKind.valueOf(row.getString("kind").toUpperCase(Locale.ROOT)),
                            row.getString("namespace"),
                            row.getString("name"),
                            row.getString("metadata_location"),
                            row.getLong("from_seq"),
                            row.getLong("version"));

    private static final String ON_MAIN =
            "SELECT r.* FROM tonle.ref_version r"
                    + " WHERE r.branch = (SELECT id FROM tonle.branch WHERE name = 'main') ";

    /** As the partial indexes have it. */
    private static final String LIVE = "AND r.to_seq = 9223372036854775807 ";

    private static final String NAMED = "AND r.namespace = :namespace AND r.name = :name ";

    /**
     * From one name to the next and there to the last version that had begun, both by an index: a
     * scan of all versions would cost more with every commit.
     */
    static final String ALL_AT =
            """
            WITH RECURSIVE main AS (SELECT id FROM tonle.branch WHERE name = 'main'),
            names AS (
              (SELECT namespace, name FROM tonle.ref_version WHERE branch = (SELECT id FROM main)
               ORDER BY namespace, name LIMIT 1)
              UNION ALL
              SELECT n.* FROM names p, LATERAL (
                SELECT namespace, name FROM tonle.ref_version
                WHERE branch = (SELECT id FROM main) AND (namespace, name) > (p.namespace, p.name)
                ORDER BY namespace, name LIMIT 1) n
            )
            SELECT r.* FROM names n, LATERAL (
              SELECT * FROM tonle.ref_version
              WHERE branch = (SELECT id FROM main)
                AND namespace = n.namespace AND name = n.name AND from_seq <= :seq
              ORDER BY from_seq DESC, to_seq DESC LIMIT 1) r
            WHERE r.to_seq > :seq ORDER BY r.namespace, r.name
            """;

    private final Jdbi jdbi;
    private final CommitJson json;

    LedgerRows(Jdbi jdbi, CommitJson json) {
        this.jdbi = jdbi;
        this.json = json;
    }

    /** A question to the ledger, in a connection of its own. */
    interface Work<T> {
        T with(Handle handle);
    }

    /**
     * Asks the ledger.
     *
     * @throws LakeException LEDGER_UNAVAILABLE
     */
    <T> T read(Work<T> work) {
        try {
            return jdbi.withHandle(work::with);
        } catch (JdbiException e) {
            throw unavailable(e);
        }
    }

    /** The same, all of it in one transaction. */
    <T> T inTransaction(Work<T> work) {
        try {
            return jdbi.inTransaction(work::with);
        } catch (JdbiException e) {
            throw unavailable(e);
        }
    }

    static LakeException unavailable(Exception e) {
        return new LakeException(
                ErrorCode.LEDGER_UNAVAILABLE, "the ledger can't be asked: " + e.getMessage(), e);
    }

    long head() {
        return read(handle ->
                handle.createQuery("SELECT head_seq FROM tonle.branch WHERE name = 'main'")
                        .mapTo(Long.class)
                        .one());
    }

    /**
     * The last of those that a clock, set back by a minute at most, made by then. Without OFFSET
     * the branch would be walked back from its newest commit.
     */
    static final String SEQ_AT =
            """
            SELECT coalesce(max(seq), 0) FROM (
              SELECT seq FROM tonle.commit
              WHERE branch = (SELECT id FROM tonle.branch WHERE name = 'main')
                AND seq IS NOT NULL AND at <= :time
                AND at > (SELECT max(at) FROM tonle.commit
                  WHERE branch = (SELECT id FROM tonle.branch WHERE name = 'main')
                    AND seq IS NOT NULL AND at <= :time) - interval '1 minute'
              OFFSET 0) c
            """;

    long seqAt(Instant time) {
        return read(
                handle -> handle.createQuery(SEQ_AT).bind("time", time).mapTo(Long.class).one());
    }

    Optional<Ref> ref(String namespace, String name) {
        return read(handle ->
                handle.createQuery(ON_MAIN + LIVE + NAMED)
                        .bind("namespace", namespace)
                        .bind("name", name)
                        .map(REF)
                        .findOne());
    }

    /** Versions of a name don't overlap: the last one that had begun is the only candidate. */
    Optional<Ref> refAt(String namespace, String name, long seq) {
        return read(handle ->
                handle.createQuery(
                                "SELECT * FROM ("
                                        + ON_MAIN
                                        + NAMED
                                        + "AND r.from_seq <= :seq"
                                        + " ORDER BY r.from_seq DESC, r.to_seq DESC LIMIT 1) v"
                                        + " WHERE v.to_seq > :seq")
                        .bind("seq", seq)
                        .bind("namespace", namespace)
                        .bind("name", name)
                        .map(REF)
                        .findOne());
    }

    List<Ref> refsAt(long seq) {
        return read(handle -> handle.createQuery(ALL_AT).bind("seq", seq).map(REF).list());
    }

    List<Ref> refs(String namespace, RefKind kind) {
        return read(handle ->
                handle.createQuery(
                                ON_MAIN
                                        + LIVE
                                        + "AND r.namespace = :namespace AND r.kind = :kind"
                                        + " ORDER BY r.name")
                        .bind("namespace", namespace)
                        .bind("kind", kind.name().toLowerCase(Locale.ROOT))
                        .map(REF)
                        .list());
    }

    Map<String, Map<String, String>> namespaces() {
        return read(handle -> {
            Map<String, Map<String, String>> found = new TreeMap<>();
            handle.createQuery(
                            "SELECT n.namespace, n.properties::text AS properties"
                                    + " FROM tonle.namespace_version n"
                                    + " JOIN tonle.branch b ON b.id = n.branch"
                                    + " WHERE b.name = 'main' AND n.to_seq = :live")
                    .bind("live", Long.MAX_VALUE)
                    .map((row, context) ->
                            Map.entry(row.getString(1), json.readProperties(row.getString(2))))
                    .forEach(entry -> found.put(entry.getKey(), entry.getValue()));
            return found;
        });
    }

    List<Change> changes(UUID table, long after, long upTo, int most) {
        return read(handle ->
                handle.createQuery(
                                "SELECT c.*, k.kind, c.seq <= b.floor_seq AS expired"
                                        + " FROM tonle.change c"
                                        + " JOIN tonle.branch b ON b.id = c.branch"
                                        + " JOIN tonle.commit k ON k.id = c.commit"
                                        + " WHERE b.name = 'main' AND c.table_uuid = :table"
                                        + " AND c.seq > :after AND c.seq <= :upTo"
                                        + " ORDER BY c.seq LIMIT :most")
                        .bind("table", table)
                        .bind("after", after)
                        .bind("upTo", upTo)
                        .bind("most", most)
                        .map(LedgerRows::change)
                        .list());
    }

    private static Change change(
            java.sql.ResultSet row, org.jdbi.v3.core.statement.StatementContext context)
            throws java.sql.SQLException {
        long snapshot = row.getLong("snapshot_id");
        OptionalLong snapshotId = row.wasNull() ? OptionalLong.empty() : OptionalLong.of(snapshot);
        return new Change(
                row.getLong("seq"),
                row.getObject("commit", UUID.class),
                row.getString("kind"),
                row.getObject("table_uuid", UUID.class),
                row.getString("metadata_before"),
                row.getString("metadata_after"),
                row.getString("operation"),
                snapshotId,
                row.getBoolean("expired"));
    }

    private static final RowMapper<CommitRecord> COMMIT =
            (row, context) ->
                    new CommitRecord(
                            row.getObject("id", UUID.class),
                            row.getLong("seq"),
                            row.getString("kind"),
                            row.getString("principal"),
                            row.getTimestamp("at").toInstant(),
                            row.getString("summary"));

    private static final String COMMITS =
            "SELECT k.id, k.seq, k.kind, k.principal, k.at, k.summary::text AS summary"
                    + " FROM tonle.commit k JOIN tonle.branch b ON b.id = k.branch"
                    + " WHERE b.name = 'main' ";

    List<CommitRecord> commits(long after, long upTo) {
        return read(handle ->
                handle.createQuery(COMMITS + "AND k.seq > :after AND k.seq <= :upTo ORDER BY k.seq")
                        .bind("after", after)
                        .bind("upTo", upTo)
                        .map(COMMIT)
                        .list());
    }

    Optional<CommitRecord> commit(UUID id) {
        return read(handle ->
                handle.createQuery(COMMITS + "AND k.id = :id AND k.seq IS NOT NULL")
                        .bind("id", id)
                        .map(COMMIT)
                        .findOne());
    }

    boolean wasBelow(String location) {
        return read(handle ->
                handle.createQuery(
                                "SELECT EXISTS (SELECT 1 FROM tonle.ref_version"
                                        + " WHERE starts_with(metadata_location, :location))")
                        .bind("location", location)
                        .mapTo(Boolean.class)
                        .one());
    }

    Map<Integer, LogPosition> logPositions(String consumer) {
        return read(handle -> {
            Map<Integer, LogPosition> found = new TreeMap<>();
            onMain(
                            handle,
                            "SELECT p.* FROM tonle.log_position p JOIN tonle.branch b"
                                    + " ON b.id = p.branch WHERE b.name = 'main'"
                                    + " AND p.consumer = :name",
                            consumer)
                    .map((row, context) ->
                            new LogPosition(
                                    row.getString("cluster_id"),
                                    row.getString("topic_id"),
                                    row.getInt("partition"),
                                    row.getInt("leader_epoch"),
                                    row.getLong("next")))
                    .forEach(position -> found.put(position.partition(), position));
            return found;
        });
    }

    Map<String, SourceMark> sourceMarks(String source) {
        return read(handle -> {
            Map<String, SourceMark> found = new HashMap<>();
            onMain(
                            handle,
                            "SELECT m.item, m.position, m.state FROM tonle.source_mark m"
                                    + " JOIN tonle.branch b ON b.id = m.branch"
                                    + " WHERE b.name = 'main' AND m.source = :name",
                            source)
                    .map((row, context) ->
                            new SourceMark(
                                    row.getString("item"),
                                    row.getString("position"),
                                    row.getString("state")))
                    .forEach(mark -> found.put(mark.item(), mark));
            return found;
        });
    }

    Map<UUID, Long> datasetPositions(String dataset) {
        return read(handle -> {
            Map<UUID, Long> found = new HashMap<>();
            onMain(
                            handle,
                            "SELECT p.input_table, p.seq FROM tonle.dataset_position p"
                                    + " JOIN tonle.branch b ON b.id = p.branch"
                                    + " WHERE b.name = 'main' AND p.dataset = :name",
                            dataset)
                    .map((row, context) -> Map.entry(row.getObject(1, UUID.class), row.getLong(2)))
                    .forEach(entry -> found.put(entry.getKey(), entry.getValue()));
            return found;
        });
    }

    Map<String, Definition> definitions() {
        return read(handle -> {
            Map<String, Definition> found = new TreeMap<>();
            handle.createQuery(
                            "SELECT DISTINCT ON (d.name) d.* FROM tonle.definition d"
                                    + " JOIN tonle.branch b ON b.id = d.branch"
                                    + " WHERE b.name = 'main'"
                                    + " ORDER BY d.name, d.version DESC")
                    .map((row, context) ->
                            new Definition(
                                    row.getString("name"),
                                    row.getInt("version"),
                                    row.getString("hash"),
                                    row.getString("text"),
                                    row.getLong("seq")))
                    .forEach(definition -> found.put(definition.name(), definition));
            return found;
        });
    }

    List<CommitRequest.ExpectationResult> expectations(String dataset, long after, long upTo) {
        return read(handle ->
                onMain(
                                handle,
                                "SELECT e.dataset, e.expectation, e.action,"
                                        + " sum(e.passed)::bigint AS passed,"
                                        + " sum(e.failed)::bigint AS failed"
                                        + " FROM tonle.expectation_result e"
                                        + " JOIN tonle.branch b ON b.id = e.branch"
                                        + " WHERE b.name = 'main' AND e.dataset = :name"
                                        + " AND e.seq > :after AND e.seq <= :upTo"
                                        + " GROUP BY 1, 2, 3 ORDER BY 2",
                                dataset)
                        .bind("after", after)
                        .bind("upTo", upTo)
                        .map((row, context) ->
                                new CommitRequest.ExpectationResult(
                                        row.getString("dataset"),
                                        row.getString("expectation"),
                                        row.getString("action"),
                                        row.getLong("passed"),
                                        row.getLong("failed")))
                        .list());
    }

    private static Query onMain(Handle handle, String sql, String name) {
        return handle.createQuery(sql).bind("name", name);
    }
}
