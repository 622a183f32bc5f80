package org.tonle.duckdb;

import static org.tonle.duckdb.ChangeSql.KEYS;
import static org.tonle.duckdb.ChangeSql.NEW;
import static org.tonle.duckdb.ChangeSql.OLD;
import static org.tonle.duckdb.ChangeSql.RUN;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.Schema;
import org.duckdb.DuckDBAppender;
import org.tonle.catalog.QuarantineTable;
import org.tonle.sql.BoundChanges;
import org.tonle.sql.ChangeResult;
import org.tonle.sql.ChangeTarget;
import org.tonle.sql.DataFile;
import org.tonle.sql.Inputs;
import org.tonle.sql.WrittenFile;

/**
 * One run of a change table. What is new, what the table holds of the same keys and what is known
 * of their deletes become one list of events by key and sequence; what that list leads to is
 * compared with what the table holds.
 */
final class ChangeRun {
    private final Session session;
    private final BufferAllocator allocator;
    private final BoundChanges changes;
    private final ChangeSql sql;
    private final Inputs inputs;
    private final ChangeTarget target;

    ChangeRun(
            Session session,
            BufferAllocator allocator,
            BoundChanges changes,
            Inputs inputs,
            ChangeTarget target) {
        this.session = session;
        this.allocator = allocator;
        this.changes = changes;
        this.sql = new ChangeSql(changes, inputs, target);
        this.inputs = inputs;
        this.target = target;
    }

    ChangeResult run() {
        List<DataFile> events = inputs.of(changes.stream().input().table().name());
        long read = events.stream().mapToLong(DataFile::records).sum();
        execute("CREATE TEMP TABLE tonle_run AS " + sql.input().candidates());
        execute("CREATE TEMP TABLE tonle_new AS " + sql.newEvents());
        execute(
                "CREATE TEMP TABLE tonle_truncated AS SELECT s FROM "
                        + NEW
                        + " WHERE t UNION SELECT s FROM ("
                        + sql.deletes()
                        + ") WHERE "
                        + sql.keys("IS NULL", " AND "));
        boolean truncates = count("SELECT count(*) FROM " + NEW + " WHERE t") > 0;
        execute(
                "CREATE TEMP TABLE tonle_keys AS SELECT DISTINCT "
                        + sql.keys("", ", ")
                        + " FROM "
                        + NEW
                        + " WHERE NOT t");
        List<Integer> untold = sql.untold(untoldNames());
        execute("CREATE TEMP TABLE tonle_old AS " + sql.old(truncates, untold));
        findDead();
        if (truncates) {
            execute(
                    "INSERT INTO "
                            + KEYS
                            + " SELECT DISTINCT "
                            + sql.keys("", ", ")
                            + " FROM "
                            + sql.live()
                            + " EXCEPT SELECT * FROM "
                            + KEYS);
        }
        execute("CREATE TEMP TABLE tonle_events AS " + sql.events(untold));
        List<WrittenFile> written = new ArrayList<>();
        try {
            List<WrittenFile> rows = write(sql.rows(untold), target.schema(), target.directory());
            written.addAll(rows);
            List<WrittenFile> deletes =
                    write(sql.newDeletes(), changes.deleted(), target.deletesDirectory());
            written.addAll(deletes);
            long malformed =
                    count("SELECT count(*) FROM " + RUN + " WHERE \"tonle$problem\" IS NOT NULL");
            List<WrittenFile> quarantine =
                    malformed == 0
                            ? List.of()
                            : write(
                                    new QuarantineRows(target.dataset(), target.commitId())
                                            .malformed(sql.input(), RUN),
                                    QuarantineTable.SCHEMA,
                                    target.quarantineDirectory());
            written.addAll(quarantine);
            return new ChangeResult(
                    rows,
                    removed(),
                    deletes,
                    quarantine,
                    read,
                    malformed,
                    rows.stream().mapToLong(WrittenFile::records).sum());
        } catch (RuntimeException | Error e) {
            written.forEach(file -> ParquetCopy.remove(file.path()));
            throw e;
        }
    }

    private Set<String> untoldNames() {
        Set<String> names = new HashSet<>();
        try (Batches rows =
                new Batches(
                        session,
                        allocator,
                        "SELECT DISTINCT unnest(u) AS u FROM " + NEW + " WHERE len(u) > 0")) {
            for (VectorSchemaRoot batch = rows.next(); batch != null; batch = rows.next()) {
                VarCharVector told = (VarCharVector) batch.getVector("u");
                for (int i = 0; i < batch.getRowCount(); i++) {
                    names.add(String.valueOf(told.getObject(i)));
                }
            }
        }
        return names;
    }

    /** Finds the rows that the table doesn't have any more. */
    private void findDead() {
        Map<String, BitSet> deleted = new HashMap<>();
        for (DataFile file : inputs.of(target.dataset())) {
            file.deleted().ifPresent(rows -> deleted.put(file.path().toString(), rows.positions()));
        }
        List<Long> dead = new ArrayList<>();
        if (!deleted.isEmpty()) {
            places(
                    "SELECT f, p, rowid AS r FROM " + OLD,
                    (file, position, batch, i) -> {
                        BitSet gone = deleted.get(file);
                        if (gone != null && gone.get(position)) {
                            dead.add(((BigIntVector) batch.getVector("r")).get(i));
                        }
                    });
        }
        session.call(() -> {
            session.execute("CREATE TEMP TABLE tonle_dead (r BIGINT)");
            try (DuckDBAppender appender =
                    session.connection().createAppender("temp", "main", "tonle_dead")) {
                for (long row : dead) {
                    appender.beginRow().append(row).endRow();
                }
            }
            return true;
        });
    }

    private Map<Path, BitSet> removed() {
        Map<Path, BitSet> removed = new HashMap<>();
        places(
                sql.removed(),
                (file, position, batch, i) ->
                        removed.computeIfAbsent(Path.of(file), path -> new BitSet()).set(position));
        return removed;
    }

    private interface Place {
        void at(String file, int position, VectorSchemaRoot batch, int row);
    }

    private void places(String query, Place place) {
        try (Batches rows = new Batches(session, allocator, query)) {
            for (VectorSchemaRoot batch = rows.next(); batch != null; batch = rows.next()) {
                VarCharVector files = (VarCharVector) batch.getVector("f");
                BigIntVector positions = (BigIntVector) batch.getVector("p");
                for (int i = 0; i < batch.getRowCount(); i++) {
                    place.at(
                            String.valueOf(files.getObject(i)),
                            Math.toIntExact(positions.get(i)),
                            batch,
                            i);
                }
            }
        }
    }

    private List<WrittenFile> write(String select, Schema schema, Path directory) {
        return ParquetCopy.write(
                session, select, schema, directory.resolve(target.name() + ".parquet"));
    }

    private void execute(String statement) {
        session.call(() -> {
            session.execute(statement);
            return true;
        });
    }

    private long count(String query) {
        try (Batches rows = new Batches(session, allocator, query)) {
            VectorSchemaRoot batch = java.util.Objects.requireNonNull(rows.next());
            return ((BigIntVector) batch.getVector(0)).get(0);
        }
    }
}
