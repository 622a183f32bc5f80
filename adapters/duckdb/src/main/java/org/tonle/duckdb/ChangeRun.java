package org.tonle.duckdb;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.duckdb.DuckDBAppender;
import org.tonle.catalog.QuarantineTable;
import org.tonle.sql.BoundChanges;
import org.tonle.sql.BoundStream;
import org.tonle.sql.ChangeResult;
import org.tonle.sql.ChangeTarget;
import org.tonle.sql.DataFile;
import org.tonle.sql.Inputs;
import org.tonle.sql.SqlTable;
import org.tonle.sql.WrittenFile;

/**
 * One run of a change table. What is new, what the table holds of the same keys and what is known
 * of their deletes become one list of events by key and sequence; what that list leads to is
 * compared with what the table holds.
 *
 * <p>The columns of the table are called {@code v0}, {@code v1} … in between, and {@code s} is the
 * sequence, {@code d} whether the event deletes.
 */
final class ChangeRun {
    private static final String RUN = "temp.main.tonle_run";
    private static final String NEW = "temp.main.tonle_new";
    private static final String TRUNCATED = "temp.main.tonle_truncated";
    private static final String OLD = "temp.main.tonle_old";
    private static final String KEYS = "temp.main.tonle_keys";
    private static final String EVENTS = "temp.main.tonle_events";
    private static final String DEAD = "tonle_dead";

    /** Of events with the same key and sequence, which one counts: the greater. */
    private static final int IS_NEW = 3;

    private static final int IS_OLD = 2;

    /** Of the delete that a version of the table ends with. */
    private static final int IS_END = 1;

    /** Of a delete that the table of deletes holds, for all keys or for this one. */
    private static final int IS_DELETE = 0;

    private final Session session;
    private final BufferAllocator allocator;
    private final BoundChanges changes;
    private final BoundStream.Printed sql;
    private final Inputs inputs;
    private final ChangeTarget target;
    private final StreamInput input;
    private final List<String> columns;
    private final List<Integer> keys;
    private final int sequence;

    ChangeRun(
            Session session,
            BufferAllocator allocator,
            BoundChanges changes,
            Inputs inputs,
            ChangeTarget target) {
        this.session = session;
        this.allocator = allocator;
        this.changes = changes;
        this.sql = changes.stream().print(DuckDbDialect.INSTANCE);
        this.inputs = inputs;
        this.target = target;
        this.columns = changes.columns();
        this.keys = changes.keys().stream().map(columns::indexOf).toList();
        this.sequence = columns.size();
        this.input =
                StreamInput.of(
                        changes.stream(),
                        sql,
                        inputs.of(changes.stream().input().table().name()),
                        demands());
    }

    /** Every change has a sequence, and a key, unless it is of all keys. */
    private List<StreamInput.Demand> demands() {
        List<StreamInput.Demand> demands = new ArrayList<>();
        demands.add(
                new StreamInput.Demand(
                        "SEQUENCE BY",
                        "(" + sql.columns().get(sequence) + ") IS NULL",
                        "nothing says where it stands in the order of changes"));
        for (int key : keys) {
            demands.add(
                    new StreamInput.Demand(
                            columns.get(key),
                            "("
                                    + sql.columns().get(key)
                                    + ") IS NULL AND NOT coalesce("
                                    + sql.columns().get(sequence + 2)
                                    + ", false)",
                            columns.get(key) + " is a key and missing"));
        }
        return demands;
    }

    ChangeResult run() {
        List<DataFile> events = inputs.of(changes.stream().input().table().name());
        long read = events.stream().mapToLong(DataFile::records).sum();
        execute("CREATE TEMP TABLE tonle_run AS " + input.candidates());
        execute("CREATE TEMP TABLE tonle_new AS " + newEvents());
        execute(
                "CREATE TEMP TABLE tonle_truncated AS SELECT s FROM "
                        + NEW
                        + " WHERE t UNION SELECT s FROM ("
                        + deletes()
                        + ") WHERE "
                        + keys("IS NULL", " AND "));
        boolean truncates = count("SELECT count(*) FROM " + NEW + " WHERE t") > 0;
        execute(
                "CREATE TEMP TABLE tonle_keys AS SELECT DISTINCT "
                        + keys("", ", ")
                        + " FROM "
                        + NEW
                        + " WHERE NOT t");
        execute("CREATE TEMP TABLE tonle_old AS " + old(truncates));
        removeDead();
        if (truncates) {
            execute(
                    "INSERT INTO "
                            + KEYS
                            + " SELECT DISTINCT "
                            + keys("", ", ")
                            + " FROM "
                            + OLD
                            + " EXCEPT SELECT * FROM "
                            + KEYS);
        }
        execute("CREATE TEMP TABLE tonle_events AS " + (changes.history() ? versions() : latest()));
        List<WrittenFile> written = new ArrayList<>();
        try {
            List<WrittenFile> rows = write(rows(), target.schema(), target.directory());
            written.addAll(rows);
            List<WrittenFile> deletes =
                    write(newDeletes(), changes.deleted(), target.deletesDirectory());
            written.addAll(deletes);
            long malformed =
                    count("SELECT count(*) FROM " + RUN + " WHERE \"tonle$problem\" IS NOT NULL");
            List<WrittenFile> quarantine =
                    malformed == 0
                            ? List.of()
                            : write(
                                    new QuarantineRows(target.dataset(), target.commitId())
                                            .malformed(input, RUN),
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

    /** Something for each key, called as in between. */
    private String keys(String each, String separator) {
        return keys.stream()
                .map(key -> "v" + key + " " + each)
                .collect(Collectors.joining(separator));
    }

    private String values() {
        return IntStream.range(0, columns.size())
                .mapToObj(i -> "v" + i)
                .collect(Collectors.joining(", "));
    }

    /** NULL for each column that isn't a key. */
    private String onlyKeys() {
        return IntStream.range(0, columns.size())
                .mapToObj(i -> keys.contains(i) ? "v" + i : "NULL AS v" + i)
                .collect(Collectors.joining(", "));
    }

    private String newEvents() {
        List<Types.NestedField> fields = changes.stream().schema().columns();
        List<String> select = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            select.add(typed(i, fields) + " AS v" + i);
        }
        select.add(typed(sequence, fields) + " AS s");
        select.add("coalesce(" + sql.columns().get(sequence + 1) + ", false) AS d");
        select.add("coalesce(" + sql.columns().get(sequence + 2) + ", false) AS t");
        select.add(
                "TRY_CAST(TRY_CAST("
                        + sql.columns().get(sequence + 3)
                        + " AS JSON) AS VARCHAR[]) AS u");
        select.add("row(" + input.order() + ") AS o");
        return "SELECT "
                + String.join(", ", select)
                + " FROM "
                + RUN
                + " AS "
                + DuckTypes.name(sql.inputAlias())
                + " WHERE \"tonle$problem\" IS NULL";
    }

    private String typed(int column, List<Types.NestedField> fields) {
        return "CAST("
                + sql.columns().get(column)
                + " AS "
                + DuckTypes.type(fields.get(column).type())
                + ")";
    }

    /** What the table of deletes holds, called as in between. */
    private String deletes() {
        List<Types.NestedField> fields = changes.deleted().columns();
        List<String> select = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            select.add(DuckTypes.name(fields.get(i).name()) + " AS v" + keys.get(i));
        }
        select.add(DuckTypes.name(SqlTable.SEQUENCE) + " AS s");
        return "SELECT "
                + String.join(", ", select)
                + " FROM ("
                + Scan.files(fields, inputs.of(target.deletes()))
                + ")";
    }

    /** Of the keys that change, all rows of the table, those that it has lost before too. */
    private String old(boolean all) {
        List<DataFile> files = inputs.of(target.dataset());
        List<String> names = new ArrayList<>();
        List<Types.NestedField> fields = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            fields.add(target.schema().caseInsensitiveFindField(columns.get(i)));
            names.add("v" + i);
        }
        fields.add(
                target.schema()
                        .findField(changes.history() ? BoundChanges.START : SqlTable.SEQUENCE));
        names.add("s");
        if (changes.history()) {
            fields.add(target.schema().findField(BoundChanges.END));
            names.add("e");
        }
        String found = Scan.places(fields, names, files);
        String ended = changes.history() ? "" : ", CAST(NULL AS INTEGER) AS e";
        return "SELECT *"
                + ended
                + " FROM ("
                + found
                + ") AS r"
                + (all
                        ? ""
                        : " WHERE EXISTS (SELECT 1 FROM "
                                + KEYS
                                + " AS k WHERE "
                                + keys.stream()
                                        .map(key -> "k.v" + key + " = r.v" + key)
                                        .collect(Collectors.joining(" AND "))
                                + ")");
    }

    /** Takes the rows out that the table doesn't have any more. */
    private void removeDead() {
        Map<String, BitSet> deleted = new HashMap<>();
        for (DataFile file : inputs.of(target.dataset())) {
            file.deleted().ifPresent(rows -> deleted.put(file.path().toString(), rows.positions()));
        }
        if (deleted.isEmpty()) {
            return;
        }
        List<Long> dead = new ArrayList<>();
        places(
                "SELECT f, p, rowid AS r FROM " + OLD,
                (file, position, batch, i) -> {
                    BitSet gone = deleted.get(file);
                    if (gone != null && gone.get(position)) {
                        dead.add(((BigIntVector) batch.getVector("r")).get(i));
                    }
                });
        if (!dead.isEmpty()) {
            session.call(() -> {
                session.execute("CREATE TEMP TABLE " + DEAD + " (r BIGINT)");
                try (DuckDBAppender appender =
                        session.connection().createAppender("temp", "main", DEAD)) {
                    for (long row : dead) {
                        appender.beginRow().append(row).endRow();
                    }
                }
                session.execute(
                        "DELETE FROM "
                                + OLD
                                + " WHERE rowid IN (SELECT r FROM temp.main."
                                + DEAD
                                + ")");
                return true;
            });
        }
    }

    /** Every event of the keys that change: columns, s, d, what it is (w), f, p, e. */
    private String all() {
        String places = ", CAST(NULL AS VARCHAR) AS f, CAST(NULL AS BIGINT) AS p, NULL AS e";
        List<String> parts = new ArrayList<>();
        parts.add(
                "SELECT "
                        + values()
                        + ", s, d, u, o, "
                        + IS_NEW
                        + " AS w"
                        + places
                        + " FROM "
                        + NEW
                        + " WHERE NOT t");
        parts.add(
                "SELECT "
                        + values()
                        + ", s, false AS d, NULL AS u, NULL AS o, "
                        + IS_OLD
                        + " AS w, f, p, e FROM "
                        + OLD);
        String delete = ", s, true AS d, NULL AS u, NULL AS o, ";
        String deleted = delete + IS_DELETE + " AS w" + places;
        if (changes.history()) {
            parts.add(
                    "SELECT "
                            + onlyKeys()
                            + delete
                            + IS_END
                            + " AS w"
                            + places
                            + " FROM (SELECT * REPLACE (e AS s) FROM "
                            + OLD
                            + " WHERE e IS NOT NULL)");
        }
        parts.add(
                "SELECT "
                        + onlyKeys()
                        + deleted
                        + " FROM (SELECT g.* FROM ("
                        + deletes()
                        + ") AS g SEMI JOIN "
                        + KEYS
                        + " USING ("
                        + keys("", ", ")
                        + "))");
        parts.add("SELECT " + onlyKeys() + deleted + " FROM (" + ends() + ")");
        return parts.stream().collect(Collectors.joining(" UNION ALL ", "(", ")"));
    }

    /** Of each row the first truncation behind it: there may be very many of both. */
    private String ends() {
        String own = keys("", ", ");
        return "SELECT "
                + keys.stream().map(key -> "r.v" + key).collect(Collectors.joining(", "))
                + ", t.s FROM (SELECT "
                + own
                + ", s FROM "
                + NEW
                + " WHERE NOT t AND NOT d UNION ALL SELECT "
                + own
                + ", s FROM "
                + OLD
                + ") AS r ASOF JOIN "
                + TRUNCATED
                + " AS t ON r.s < t.s";
    }

    /** A key's events in order; of those at the same place in it, the one that counts last. */
    private String order() {
        return "PARTITION BY " + keys("", ", ") + " ORDER BY s, w, o NULLS FIRST";
    }

    /**
     * The events with the values filled in that an update doesn't tell: those that the row had
     * before.
     */
    private String filled() {
        boolean needed = count("SELECT count(*) FROM " + NEW + " WHERE len(u) > 0") > 0;
        if (!needed) {
            return all();
        }
        String fills =
                IntStream.range(0, columns.size())
                        .filter(i -> !keys.contains(i))
                        .mapToObj(i -> {
                            String told =
                                    "NOT d AND NOT coalesce(list_contains(u, "
                                            + DuckTypes.text(changes.outside().get(i))
                                            + "), false)";
                            return "(last_value(CASE WHEN "
                                    + told
                                    + " THEN struct_pack(x := v"
                                    + i
                                    + ") END IGNORE NULLS) OVER ("
                                    + order()
                                    + " ROWS UNBOUNDED PRECEDING)).x AS v"
                                    + i;
                        })
                        .collect(Collectors.joining(", "));
        return "(SELECT * REPLACE (" + fills + ") FROM " + all() + ")";
    }

    /** The event that each key ends with, and the rows of the table beside it. */
    private String latest() {
        return "SELECT *, lead(1) OVER ("
                + order()
                + ") IS NULL AS counts, CAST(NULL AS INTEGER) AS n, false AS known FROM "
                + filled();
    }

    /** Each event of a key that counts, with the sequence of the next one that does (n). */
    private String versions() {
        return "SELECT *, lead(s) OVER (PARTITION BY "
                + keys("", ", ")
                + ", counts ORDER BY s) AS n, coalesce(NOT lag(d) OVER (PARTITION BY "
                + keys("", ", ")
                + ", counts ORDER BY s), false) AS known FROM (SELECT *, lead(1) OVER (PARTITION BY "
                + keys("", ", ")
                + ", s ORDER BY w, o NULLS FIRST) IS NULL AS counts FROM "
                + filled()
                + ")";
    }

    /** Whether an event's row is to be written. */
    private String written() {
        return changes.history()
                ? "counts AND NOT d AND (w <> " + IS_OLD + " OR e IS DISTINCT FROM n)"
                : "counts AND NOT d AND w = " + IS_NEW;
    }

    private String rows() {
        List<String> select = new ArrayList<>();
        for (Types.NestedField field : target.schema().columns()) {
            int own = columns.indexOf(field.name());
            String value =
                    switch (field.name()) {
                        case SqlTable.SEQUENCE, BoundChanges.START -> "s";
                        case BoundChanges.END -> "n";
                        default -> own < 0 ? "NULL" : "v" + own;
                    };
            select.add(cast(value, field));
        }
        return "SELECT " + String.join(", ", select) + " FROM " + EVENTS + " WHERE " + written();
    }

    private static String cast(String value, Types.NestedField field) {
        return "CAST("
                + value
                + " AS "
                + DuckTypes.type(field.type())
                + ") AS "
                + DuckTypes.name(field.name());
    }

    /** New deletes that no row shows: later changes of their keys may be earlier ones. */
    private String newDeletes() {
        List<Types.NestedField> fields = changes.deleted().columns();
        String own =
                IntStream.range(0, keys.size())
                        .mapToObj(i -> cast("v" + keys.get(i), fields.get(i)))
                        .collect(Collectors.joining(", "));
        String none =
                fields.subList(0, keys.size()).stream()
                        .map(field -> cast("NULL", field))
                        .collect(Collectors.joining(", "));
        String at = ", " + cast("s", fields.getLast());
        return "SELECT "
                + own
                + at
                + " FROM "
                + EVENTS
                + " WHERE counts AND d AND NOT known AND w <> "
                + IS_DELETE
                + " UNION ALL SELECT DISTINCT "
                + none
                + at
                + " FROM "
                + NEW
                + " WHERE t";
    }

    private Map<Path, BitSet> removed() {
        String kept = changes.history() ? "counts AND e IS NOT DISTINCT FROM n" : "counts";
        Map<Path, BitSet> removed = new HashMap<>();
        places(
                "SELECT f, p FROM " + EVENTS + " WHERE f IS NOT NULL AND NOT (" + kept + ")",
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
