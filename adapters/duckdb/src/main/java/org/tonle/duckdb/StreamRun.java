package org.tonle.duckdb;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.types.Types;
import org.duckdb.DuckDBAppender;
import org.tonle.catalog.QuarantineTable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.BoundStream;
import org.tonle.sql.Expectation;
import org.tonle.sql.Expectation.Violation;
import org.tonle.sql.Inputs;
import org.tonle.sql.KeyBatch;
import org.tonle.sql.KeyFilter;
import org.tonle.sql.SqlTable;
import org.tonle.sql.StreamResult;
import org.tonle.sql.StreamTarget;
import org.tonle.sql.WrittenFile;

/**
 * One run of a streaming table. The candidates are parsed once into a temporary table of the
 * session; what follows reads that. The payload is looked at a single time.
 */
final class StreamRun {
    private static final String RUN = "temp.main.tonle_run";
    private static final String DUPLICATES = "tonle_duplicates";

    private final Session session;
    private final BufferAllocator allocator;
    private final BoundStream stream;
    private final BoundStream.Printed sql;
    private final StreamTarget target;
    private final StreamInput input;

    StreamRun(
            Session session,
            BufferAllocator allocator,
            BoundStream stream,
            Inputs inputs,
            StreamTarget target) {
        this.session = session;
        this.allocator = allocator;
        this.stream = stream;
        this.sql = stream.print(DuckDbDialect.INSTANCE);
        this.target = target;
        this.input = StreamInput.of(stream, sql, inputs.of(stream.input().table().name()));
    }

    StreamResult run(long inputRows, KeyFilter keys) {
        session.call(() -> {
            session.execute("CREATE TEMP TABLE tonle_run AS " + input.candidates());
            return true;
        });
        long candidates = count("SELECT count(*) FROM " + RUN);
        long duplicates = removeDuplicates(keys);
        long malformed =
                count("SELECT count(*) FROM " + RUN + " WHERE \"tonle$problem\" IS NOT NULL");
        long[] failed = failed();
        refuse(failed);
        List<WrittenFile> rows = writeRows();
        long written = rows.stream().mapToLong(WrittenFile::records).sum();
        long judged = candidates - duplicates - malformed;
        List<WrittenFile> quarantine;
        try {
            quarantine = malformed + judged - written == 0 ? List.of() : writeQuarantine();
        } catch (RuntimeException | Error e) {
            rows.forEach(file -> ParquetCopy.remove(file.path()));
            throw e;
        }
        List<StreamResult.ExpectationResult> results = new ArrayList<>();
        for (int i = 0; i < failed.length; i++) {
            results.add(
                    new StreamResult.ExpectationResult(
                            stream.expectations().get(i).name(), judged - failed[i], failed[i]));
        }
        return new StreamResult(
                rows,
                quarantine,
                inputRows,
                inputRows - candidates,
                duplicates,
                malformed,
                judged - written,
                written,
                results);
    }

    /** Asks about each candidate in order, and takes the duplicates out of the table. */
    private long removeDuplicates(KeyFilter keys) {
        List<long[]> found = new ArrayList<>();
        long total = 0;
        String ordered =
                "SELECT \"tonle$key\" AS k, \"tonle$time\" AS t, rowid AS r FROM "
                        + RUN
                        + " ORDER BY "
                        + input.order();
        try (Batches rows = rows(ordered)) {
            for (VectorSchemaRoot batch = rows.next(); batch != null; batch = rows.next()) {
                BitSet duplicates =
                        keys.duplicates(
                                new KeyBatch(
                                        (VarCharVector) batch.getVector("k"),
                                        (BigIntVector) batch.getVector("t")));
                BigIntVector ids = (BigIntVector) batch.getVector("r");
                long[] batchIds = duplicates.stream().mapToLong(ids::get).toArray();
                total += batchIds.length;
                if (batchIds.length > 0) {
                    found.add(batchIds);
                }
            }
        }
        if (total > 0) {
            session.call(() -> {
                session.execute("CREATE TEMP TABLE " + DUPLICATES + " (r BIGINT)");
                try (DuckDBAppender appender =
                        session.connection().createAppender("temp", "main", DUPLICATES)) {
                    for (long[] ids : found) {
                        for (long id : ids) {
                            appender.beginRow().append(id).endRow();
                        }
                    }
                }
                session.execute(
                        "DELETE FROM "
                                + RUN
                                + " WHERE rowid IN (SELECT r FROM temp.main."
                                + DUPLICATES
                                + ")");
                return true;
            });
        }
        return total;
    }

    /** The output row of every intact candidate, called as conditions call it. */
    private String output(String... more) {
        List<String> columns = new ArrayList<>();
        List<Types.NestedField> fields = stream.schema().columns();
        for (int i = 0; i < sql.columns().size(); i++) {
            Types.NestedField field = fields.get(i);
            columns.add(
                    "CAST("
                            + sql.columns().get(i)
                            + " AS "
                            + DuckTypes.type(field.type())
                            + ") AS "
                            + DuckTypes.name(field.name()));
        }
        columns.add("\"tonle$key\" AS \"" + SqlTable.KEY + "\"");
        columns.add("make_timestamptz(\"tonle$time\") AS \"" + SqlTable.INGEST_TIME + "\"");
        columns.addAll(List.of(more));
        return "(SELECT "
                + String.join(", ", columns)
                + " FROM "
                + RUN
                + " AS "
                + DuckTypes.name(sql.inputAlias())
                + " WHERE \"tonle$problem\" IS NULL) AS "
                + DuckTypes.name(sql.outputAlias());
    }

    private long[] failed() {
        int n = stream.expectations().size();
        if (n == 0) {
            return new long[0];
        }
        String counts =
                sql.conditions().stream()
                        .map(c -> "count(*) FILTER (WHERE (" + c + ") IS NOT TRUE)")
                        .collect(Collectors.joining(", ", "SELECT [", "] AS n FROM "));
        try (Batches rows = rows("SELECT unnest(n) AS n FROM (" + counts + output() + ")")) {
            long[] failed = new long[n];
            int at = 0;
            for (VectorSchemaRoot batch = rows.next(); batch != null; batch = rows.next()) {
                BigIntVector values = (BigIntVector) batch.getVector("n");
                for (int i = 0; i < batch.getRowCount(); i++) {
                    failed[at++] = values.get(i);
                }
            }
            return failed;
        }
    }

    /** Ends the run if an expectation says so, naming the first row that broke it. */
    private void refuse(long[] failed) {
        for (int i = 0; i < failed.length; i++) {
            Expectation expectation = stream.expectations().get(i);
            if (expectation.violation() == Violation.FAIL_UPDATE && failed[i] > 0) {
                String first =
                        text(
                                "SELECT "
                                        + message(i)
                                        + " || ' ('|| \"tonle$where\" ||')' AS m FROM "
                                        + output(input.where() + " AS \"tonle$where\"")
                                        + " WHERE ("
                                        + sql.conditions().get(i)
                                        + ") IS NOT TRUE LIMIT 1");
                throw new LakeException(
                        ErrorCode.EXPECTATION_FAILED,
                        target.dataset()
                                + ": "
                                + failed[i]
                                + (failed[i] == 1 ? " row breaks " : " rows break ")
                                + first
                                + ". Mend the source, the statement or the expectation; nothing of"
                                + " this run was kept");
            }
        }
    }

    private List<WrittenFile> writeRows() {
        String columns =
                target.schema().columns().stream()
                        .map(this::targetColumn)
                        .collect(Collectors.joining(", "));
        String kept =
                dropping()
                        .mapToObj(i -> "(" + sql.conditions().get(i) + ") IS TRUE")
                        .collect(Collectors.joining(" AND "));
        return ParquetCopy.write(
                session,
                "SELECT "
                        + columns
                        + " FROM "
                        + output()
                        + (kept.isEmpty() ? "" : " WHERE " + kept),
                target.schema(),
                target.directory().resolve(target.name() + ".parquet"));
    }

    private String targetColumn(Types.NestedField column) {
        Optional<Types.NestedField> own =
                Optional.ofNullable(stream.schema().caseInsensitiveFindField(column.name()));
        return "CAST("
                + own.map(field -> DuckTypes.name(field.name())).orElse("NULL")
                + " AS "
                + DuckTypes.type(column.type())
                + ") AS "
                + DuckTypes.name(column.name());
    }

    private IntStream dropping() {
        return IntStream.range(0, stream.expectations().size())
                .filter(i -> stream.expectations().get(i).violation() == Violation.DROP_ROW);
    }

    private List<WrittenFile> writeQuarantine() {
        QuarantineRows refused = new QuarantineRows(target.dataset(), target.commitId());
        List<String> parts = new ArrayList<>();
        parts.add(refused.malformed(input, RUN));
        if (dropping().findAny().isPresent()) {
            StringBuilder rule = new StringBuilder("CASE ");
            StringBuilder message = new StringBuilder("CASE ");
            dropping()
                    .forEach(i -> {
                        String broken = "WHEN (" + sql.conditions().get(i) + ") IS NOT TRUE THEN ";
                        rule.append(broken)
                                .append(DuckTypes.text(stream.expectations().get(i).name()))
                                .append(' ');
                        message.append(broken).append(message(i)).append(' ');
                    });
            String all =
                    dropping()
                            .mapToObj(i -> "(" + sql.conditions().get(i) + ") IS TRUE")
                            .collect(Collectors.joining(" AND "));
            parts.add(
                    "SELECT "
                            + refused.columns(
                                    QuarantineTable.EXPECTATION,
                                    rule + "END",
                                    message + "END",
                                    StreamInput.PLACE_COLUMNS,
                                    "\"tonle$payload\"")
                            + " FROM "
                            + output(input.carried())
                            + " WHERE NOT ("
                            + all
                            + ")");
        }
        return ParquetCopy.write(
                session,
                String.join(" UNION ALL ", parts),
                QuarantineTable.SCHEMA,
                target.quarantineDirectory().resolve(target.name() + ".parquet"));
    }

    /** A sentence with the values of the columns that the condition is about. */
    private String message(int expectation) {
        Expectation broken = stream.expectations().get(expectation);
        Set<String> columns = new LinkedHashSet<>(sql.conditionColumns().get(expectation));
        StringBuilder text = new StringBuilder();
        text.append(
                DuckTypes.text(
                        broken.name() + " EXPECT (" + broken.condition() + "), but the row has "));
        String separator = "";
        for (String column : columns) {
            text.append(" || ").append(DuckTypes.text(separator + column + " = "));
            text.append(" || coalesce(left(CAST(")
                    .append(DuckTypes.name(column))
                    .append(" AS VARCHAR), 200), 'NULL')");
            separator = ", ";
        }
        return text.toString();
    }

    private Batches rows(String query) {
        return new Batches(session, allocator, query);
    }

    private long count(String query) {
        try (Batches rows = rows(query)) {
            VectorSchemaRoot batch = java.util.Objects.requireNonNull(rows.next());
            return ((BigIntVector) batch.getVector(0)).get(0);
        }
    }

    private String text(String query) {
        try (Batches rows = rows(query)) {
            VectorSchemaRoot batch = java.util.Objects.requireNonNull(rows.next());
            return String.valueOf(((VarCharVector) batch.getVector(0)).getObject(0));
        }
    }
}
