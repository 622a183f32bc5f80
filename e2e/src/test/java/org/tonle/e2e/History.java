package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.catalog.TableIdentifier;
import org.tonle.catalog.DeletedRows;
import org.tonle.catalog.FolderFiles;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.TableFiles;
import org.tonle.ledger.CommitRecord;
import org.tonle.ledger.Ledger;
import org.tonle.spi.FailPoints;

/**
 * Checks the whole history of a stopped {@link LakeFolder} lake, with DuckDB's own SQL over the
 * files: at every sequence number whose state is kept, not only at the end.
 */
final class History implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Ledger ledger;
    private final TableFiles files;
    private final List<TableFiles.Held> held = new ArrayList<>();
    private final LakeCatalog catalog;
    private final Connection duck;
    private final Map<String, String> cache = new HashMap<>();

    /**
     * What was found.
     *
     * @param lost events that were acknowledged and aren't in bronze
     * @param doubled places, requests' events or keys that are there more than once at some point
     */
    record Verdict(long commits, long acknowledged, long lost, long doubled) {}

    History(Ledger ledger, Path warehouse) {
        this(ledger, new FolderFiles(warehouse));
    }

    History(Ledger ledger, TableFiles files) {
        this.ledger = ledger;
        this.files = files;
        this.catalog = new LakeCatalog(ledger, files, FailPoints.NONE);
        try {
            duck = DriverManager.getConnection("jdbc:duckdb:");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * @param client which requests were answered, and in how many requests each event was sent
     */
    Verdict check(RetryingClient client) throws SQLException {
        Map<String, Integer> acknowledged = client.acknowledged();
        long head = ledger.head();
        List<CommitRecord> commits = ledger.commits(0, head);
        assertThat(commits.stream().map(CommitRecord::seq).toList())
                .as("sequence numbers have no gaps")
                .isEqualTo(java.util.stream.LongStream.rangeClosed(1, head).boxed().toList());
        long doubled = 0;
        long silverRead = 0;
        long floor = ledger.retention().floor();
        for (CommitRecord commit : commits) {
            JsonNode summary = read(commit.summary());
            String dataset = summary.path("dataset").asText();
            long seq = commit.seq();
            if (Math.min(seq - 1, silverRead) < floor) {
                // of what has expired the last state counts, which is looked at below
                if (dataset.equals("silver.events")) {
                    silverRead = summary.path("read-seq").asLong();
                }
                continue;
            }
            if (commit.kind().equals("ingest")
                    && summary.path("source").asText().equals("events")) {
                doubled += bronzeDoubles(seq);
                checkGrowth("bronze", "events", seq, summary.path("rows").asLong());
            } else if (commit.kind().equals("run") && dataset.equals("silver.events")) {
                doubled += silverDoubles(seq);
                checkRun(seq, summary, silverRead);
                silverRead = summary.path("read-seq").asLong();
            } else if (commit.kind().equals("refresh") && dataset.equals("silver.events")) {
                doubled += silverDoubles(seq);
                silverRead = summary.path("read-seq").asLong();
                checkWhole(silverRead, seq);
                checkNoneLeft(seq);
            } else if (commit.kind().equals("run") && dataset.equals("gold.groups")) {
                checkGold(seq, summary.path("read-seq").asLong());
            } else if (!commit.kind().equals("ingest") && !commit.kind().equals("run")) {
                checkNoneLeft(seq);
            }
            if (commit.kind().equals(LakeCatalog.COMPACTION)) {
                checkSame(summary.path("namespace").asText(), summary.path("name").asText(), seq);
            }
        }
        checkEnd(head);
        doubled += copies(head, client.carried());
        return new Verdict(head, total(acknowledged), lost(head, acknowledged), doubled);
    }

    private static long total(Map<String, Integer> acknowledged) {
        return acknowledged.values().stream().mapToLong(Integer::longValue).sum();
    }

    private static JsonNode read(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private long bronzeDoubles(long seq) throws SQLException {
        String bronze = table("bronze", "events", seq);
        return number(
                        "SELECT count(*) - count(DISTINCT (\"partition\", \"position\", \"index\")) FROM "
                                + bronze)
                + number(
                        "SELECT count(*) - count(DISTINCT (headers['idempotency-key'], \"index\")) FROM "
                                + bronze);
    }

    private long silverDoubles(long seq) throws SQLException {
        return number(
                "SELECT count(*) - count(DISTINCT k) FROM (SELECT _key AS k FROM %s UNION ALL SELECT key FROM %s)"
                        .formatted(silver(seq), quarantine(seq)));
    }

    /** A commit adds just the rows that it says; another's half would show here. */
    private void checkGrowth(String namespace, String name, long seq, long rows)
            throws SQLException {
        long before = number("SELECT count(*) FROM " + table(namespace, name, seq - 1));
        long after = number("SELECT count(*) FROM " + table(namespace, name, seq));
        assertThat(after - before).as("%s.%s at %d", namespace, name, seq).isEqualTo(rows);
    }

    /** Silver and quarantine of a commit hold exactly what bronze held at what it has read. */
    private void checkRun(long seq, JsonNode summary, long readBefore) throws SQLException {
        assertThat(summary.path("read-after").asLong())
                .as("read from where it was")
                .isEqualTo(readBefore);
        checkGrowth("silver", "events", seq, summary.path("written").asLong());
        checkGrowth(
                "quarantine",
                "silver_events",
                seq,
                summary.path("malformed").asLong() + summary.path("dropped").asLong());
        checkWhole(summary.path("read-seq").asLong(), seq);
    }

    /** No event is ever taken away: a table with fewer rows is one of which a part is there. */
    private void checkNoneLeft(long seq) throws SQLException {
        if (!silver(seq).equals(silver(seq - 1))) {
            assertThat(number("SELECT count(*) FROM " + silver(seq)))
                    .as("rows of silver at %d, which were there before", seq)
                    .isGreaterThanOrEqualTo(number("SELECT count(*) FROM " + silver(seq - 1)));
        }
    }

    /** Silver and quarantine hold exactly what bronze held at what was read. */
    private void checkWhole(long readSeq, long seq) throws SQLException {
        assertThat(apart(readSeq, seq))
                .as(
                        "events of bronze that are in neither silver nor quarantine, or the reverse, at %d",
                        seq)
                .isZero();
    }

    /** Keys that only bronze at one sequence number, or only silver at another one, has. */
    private long apart(long bronzeSeq, long silverSeq) throws SQLException {
        return number(
                """
                SELECT count(*) FROM (SELECT DISTINCT event_id FROM %s) b
                FULL JOIN (SELECT _key AS k FROM %s UNION ALL SELECT key FROM %s) s
                ON b.event_id = s.k WHERE b.event_id IS NULL OR s.k IS NULL
                """
                        .formatted(
                                table("bronze", "events", bronzeSeq),
                                silver(silverSeq),
                                quarantine(silverSeq)));
    }

    /** A compaction puts files in the place of others, and no row is another one after it. */
    private void checkSame(String namespace, String name, long seq) throws SQLException {
        String before = table(namespace, name, seq - 1);
        String after = table(namespace, name, seq);
        assertThat(
                        number(
                                """
                                SELECT count(*) FROM (
                                  (FROM %1$s EXCEPT ALL FROM %2$s) UNION ALL
                                  (FROM %2$s EXCEPT ALL FROM %1$s))
                                """
                                        .formatted(before, after)))
                .as("rows of %s.%s that the compaction at %d lost or made", namespace, name, seq)
                .isZero();
    }

    private void checkGold(long seq, long readSeq) throws SQLException {
        assertThat(
                        rows(
                                "SELECT grp, n, total::BIGINT FROM "
                                        + table("gold", "groups", seq)
                                        + " ORDER BY 1"))
                .as("gold at %d against silver at %d", seq, readSeq)
                .isEqualTo(
                        rows(
                                "SELECT grp, count(*), sum(amount)::BIGINT FROM "
                                        + silver(readSeq)
                                        + " GROUP BY 1 ORDER BY 1"));
    }

    /** Everything that is in bronze has gone all the way, and silver says of each what it said. */
    private void checkEnd(long head) throws SQLException {
        assertThat(
                        rows(
                                """
                                SELECT s.id, s.grp, s.amount FROM %s s ANTI JOIN (
                                  SELECT event_id AS id, payload->>'grp' AS grp,
                                         (payload->>'amount')::INT AS amount FROM %s) b
                                ON s.id = b.id AND s.grp = b.grp AND s.amount = b.amount
                                """
                                        .formatted(silver(head), table("bronze", "events", head))))
                .as("rows of silver that no event says")
                .isEmpty();
        assertThat(apart(head, head)).as("events that went no further than bronze").isZero();
        checkGold(head, head);
    }

    private long lost(long head, Map<String, Integer> acknowledged) throws SQLException {
        Map<String, Integer> found = new HashMap<>();
        try (Statement statement = duck.createStatement();
                ResultSet rows =
                        statement.executeQuery(
                                "SELECT headers['idempotency-key'], count(*)::INT FROM "
                                        + table("bronze", "events", head)
                                        + " GROUP BY 1")) {
            while (rows.next()) {
                found.put(rows.getString(1), rows.getInt(2));
            }
        }
        long lost = 0;
        for (Map.Entry<String, Integer> request : new TreeMap<>(acknowledged).entrySet()) {
            lost += Math.max(0, request.getValue() - found.getOrDefault(request.getKey(), 0));
        }
        return lost;
    }

    /** Events that are in bronze more often than they were sent in different requests. */
    private long copies(long head, Map<String, Integer> carried) throws SQLException {
        long copies = 0;
        try (Statement statement = duck.createStatement();
                ResultSet rows =
                        statement.executeQuery(
                                "SELECT event_id, count(*)::INT FROM "
                                        + table("bronze", "events", head)
                                        + " GROUP BY 1")) {
            while (rows.next()) {
                copies += Math.max(0, rows.getInt(2) - carried.getOrDefault(rows.getString(1), 0));
            }
        }
        return copies;
    }

    private String silver(long seq) {
        return table("silver", "events", seq);
    }

    private String quarantine(long seq) {
        return table("quarantine", "silver_events", seq);
    }

    /** A table at a sequence number, as DuckDB reads its files. */
    private String table(String namespace, String name, long seq) {
        Optional<PinnedTable> pinned =
                catalog.pinAt(seq).table(TableIdentifier.of(namespace, name));
        String rows =
                pinned.isEmpty()
                        ? ""
                        : cache.computeIfAbsent(
                                pinned.get().metadataLocation(), location -> held(pinned.get()));
        if (rows.isEmpty()) {
            return "(SELECT %s WHERE false)"
                    .formatted(
                            switch (namespace) {
                                case "bronze" ->
                                        "'' AS event_id, '' AS payload, MAP {'':''} AS headers, 0 AS \"partition\", 0 AS \"position\", 0 AS \"index\"";
                                case "silver" -> "'' AS _key, '' AS id, '' AS grp, 0 AS amount";
                                case "gold" -> "'' AS grp, 0 AS n, 0 AS total";
                                default -> "'' AS key";
                            });
        }
        return rows;
    }

    /** What a table's files hold less what was deleted from them; they stay until the end. */
    private String held(PinnedTable table) {
        held.add(files.hold(table.files().stream().map(table::path).toList()));
        Map<String, DeletedRows> deleted = table.deleted();
        List<String> whole = new ArrayList<>();
        List<String> parts = new ArrayList<>();
        for (DataFile file : table.files()) {
            String path = "'" + table.path(file) + "'";
            DeletedRows gone = deleted.get(file.location());
            if (gone == null) {
                whole.add(path);
            } else {
                parts.add(
                        "SELECT * EXCLUDE (file_row_number) FROM read_parquet(%s, hive_partitioning=false, file_row_number=true) WHERE file_row_number NOT IN (%s)"
                                .formatted(
                                        path,
                                        gone.positions().stream()
                                                .mapToObj(String::valueOf)
                                                .collect(Collectors.joining(","))));
            }
        }
        String read = "read_parquet([" + String.join(",", whole) + "], hive_partitioning=false)";
        if (parts.isEmpty()) {
            return whole.isEmpty() ? "" : read;
        }
        if (!whole.isEmpty()) {
            parts.addFirst("FROM " + read);
        }
        return "(" + String.join(" UNION ALL BY NAME ", parts) + ")";
    }

    private long number(String sql) throws SQLException {
        try (Statement statement = duck.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }

    private List<String> rows(String sql) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Statement statement = duck.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            int columns = result.getMetaData().getColumnCount();
            while (result.next()) {
                List<String> values = new ArrayList<>();
                for (int i = 1; i <= columns; i++) {
                    values.add(result.getString(i));
                }
                rows.add(String.join("|", values));
            }
        }
        return rows;
    }

    @Override
    public void close() {
        held.forEach(TableFiles.Held::close);
        try {
            duck.close();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
