package org.tonle.ledger;

/**
 * What the ledger holds, row by row, newest first, for people to look at. {@code :seq} is the state
 * that is asked for; where a listing has no states of its own, it is as it is.
 */
public enum Listing {
    /** seq, commit id, kind, principal, time, summary as JSON. */
    COMMITS(
            """
            SELECT k.seq, k.id::text, k.kind, k.principal, k.at, k.summary::text
            FROM tonle.commit k WHERE k.branch = :branch AND k.seq <= :seq ORDER BY k.seq DESC\
            """),

    /** seq, commit id, namespace, name, table uuid, operation, snapshot id, metadata. */
    CHANGES(
            """
            SELECT c.seq, c.commit::text, r.namespace, r.name, c.table_uuid::text, c.operation,
                c.snapshot_id, c.metadata_after
            FROM tonle.change c LEFT JOIN LATERAL (
                SELECT v.namespace, v.name FROM tonle.ref_version v
                WHERE v.branch = c.branch AND v.table_uuid = c.table_uuid
                ORDER BY v.from_seq <= c.seq DESC, abs(v.from_seq - c.seq) LIMIT 1) r ON true
            WHERE c.branch = :branch AND c.seq <= :seq ORDER BY c.seq DESC\
            """),

    /** kind, consumer, what it reads, partition, the next position; without states. */
    POSITIONS(
            """
            SELECT 'event log', p.consumer, p.topic_id, p.partition::bigint, p.next
            FROM tonle.log_position p WHERE p.branch = :branch AND :seq >= 0
            UNION ALL
            SELECT 'dataset', d.dataset, coalesce(
                (SELECT v.namespace || '.' || v.name FROM tonle.ref_version v
                 WHERE v.branch = d.branch AND v.table_uuid = d.input_table
                 ORDER BY v.from_seq DESC LIMIT 1), d.input_table::text), NULL, d.seq
            FROM tonle.dataset_position d WHERE d.branch = :branch ORDER BY 1, 2, 3, 4\
            """),

    /** seq, dataset, expectation, action, passed, failed. */
    EXPECTATION_RESULTS(
            """
            SELECT e.seq, e.dataset, e.expectation, e.action, e.passed, e.failed
            FROM tonle.expectation_result e WHERE e.branch = :branch AND e.seq <= :seq
            ORDER BY e.seq DESC, e.dataset, e.expectation\
            """),

    /** name, version, seq, hash, text. */
    DEFINITIONS(
            """
            SELECT d.name, d.version::bigint, d.seq, d.hash, d.text
            FROM tonle.definition d WHERE d.branch = :branch AND d.seq <= :seq
            ORDER BY d.seq DESC, d.name\
            """),

    /** As {@link AuditRecord}, tables separated by commas; without states. */
    AUDIT(
            """
            SELECT a.query_id::text, a.started_at, a.principal, a.statement, a.statement_sha256,
                array_to_string(a.tables, ', '), a.seq, a.row_count, a.micros / 1000.0::float8,
                a.outcome, a.error
            FROM tonle.audit a, tonle.branch b WHERE b.id = :branch AND :seq >= 0
            ORDER BY a.started_at DESC, a.query_id\
            """),

    /** dataset, version, column, input table, input column: of each dataset's version at seq. */
    LINEAGE(
            """
            SELECT l.dataset, l.version::bigint, l.column_name, l.input_table, l.input_column
            FROM tonle.lineage l WHERE l.branch = :branch AND l.version = (
                SELECT max(d.version) FROM tonle.definition d WHERE d.branch = l.branch
                AND d.name = 'dataset ' || l.dataset AND d.seq <= :seq)
            ORDER BY l.dataset, l.column_name, l.input_table, l.input_column\
            """),

    /**
     * seq, time, namespace, name, action, files and bytes before and after, rows, rows that were
     * deleted before and are gone now, milliseconds: what was put in the place of what, or went.
     */
    MAINTENANCE(
            """
            SELECT k.seq, k.at, k.summary->>'namespace', k.summary->>'name', k.kind,
                (k.summary->>'files')::bigint, (k.summary->>'written_files')::bigint,
                (k.summary->>'bytes')::bigint, (k.summary->>'written_bytes')::bigint,
                (k.summary->>'rows')::bigint, (k.summary->>'folded_rows')::bigint,
                (k.summary->>'millis')::bigint
            FROM tonle.commit k
            WHERE k.branch = :branch AND k.seq <= :seq
              AND k.kind IN ('compact', 'expire-rows', 'expire-snapshots', 'clean-up')
            ORDER BY k.seq DESC\
            """),

    /** location, bytes, when it was marked, whether it is kept all the same; without states. */
    MARKED_FILES(
            """
            SELECT f.location, f.bytes, f.marked_at,
              CASE WHEN f.kept THEN 'YES' ELSE 'NO' END
            FROM tonle.marked_file f, tonle.branch b WHERE b.id = :branch AND :seq >= 0
            ORDER BY f.marked_at DESC, f.location\
            """);

    private final String sql;

    Listing(String sql) {
        this.sql = sql;
    }

    String sql() {
        return sql;
    }
}
