package org.tonle.pipeline;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.arrow.vector.BigIntVector;
import org.apache.iceberg.DataFile;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.StagedTable;
import org.tonle.sql.BoundQuery;
import org.tonle.sql.FileTarget;
import org.tonle.sql.Inputs;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.QueryLimits;
import org.tonle.sql.QueryResult;
import org.tonle.sql.Sql;
import org.tonle.sql.SqlEngine;
import org.tonle.sql.TableName;
import org.tonle.sql.WrittenFile;

/** Rows of some files of a table, written by the engine into new ones of the same table. */
final class RowCopy {
    private static final QueryLimits LIMITS = new QueryLimits(Duration.ofMinutes(30));

    private final TableName name;
    private final PinnedTables pinned;
    private final PinnedTable table;
    private final SqlEngine engine;

    /**
     * @param pinned in which {@code name} is {@code table}
     */
    RowCopy(TableName name, PinnedTables pinned, PinnedTable table, SqlEngine engine) {
        this.name = name;
        this.pinned = pinned;
        this.table = table;
        this.engine = engine;
    }

    /**
     * Copies the rows that aren't deleted, all columns of them by name: {@code *} leaves the hidden
     * ones out.
     *
     * @param commit with which the new files' names begin
     * @param since rows that were taken in then or later, to the second; otherwise all
     */
    List<DataFile> copy(
            StagedTable staged, UUID commit, List<DataFile> files, Optional<Instant> since) {
        String columns =
                staged.schema().columns().stream()
                        .map(column -> quoted(column.name()))
                        .collect(Collectors.joining(", "));
        BoundQuery rows = query(columns, since.map(time -> ">= " + instant(time)));
        List<WrittenFile> written =
                engine.write(
                        rows,
                        inputs(files),
                        new FileTarget(staged.dataDirectory(), commit.toString(), staged.schema()));
        return written.stream().map(file -> staged.adopt(file.path())).toList();
    }

    /** How many rows that aren't deleted were taken in before a time, to the second. */
    long before(List<DataFile> files, Instant time) {
        BoundQuery count = query("COUNT(*)", Optional.of("< " + instant(time)));
        long found = 0;
        try (QueryResult rows = engine.run(count, inputs(files), LIMITS)) {
            while (rows.next()) {
                for (int i = 0; i < rows.batch().getRowCount(); i++) {
                    found += ((BigIntVector) rows.batch().getVector(0)).get(i);
                }
            }
        }
        return found;
    }

    private BoundQuery query(String columns, Optional<String> times) {
        return Sql.query(
                "SELECT %s FROM %s.%s%s"
                        .formatted(
                                columns,
                                quoted(name.namespace()),
                                quoted(name.name()),
                                times.map(which ->
                                                " WHERE %s %s"
                                                        .formatted(
                                                                quoted(table.ingestTime().name()),
                                                                which))
                                        .orElse("")),
                pinned);
    }

    private Inputs inputs(List<DataFile> files) {
        return Inputs.of(name, PinnedTables.files(table, files));
    }

    private static String instant(Instant time) {
        return RefusedInput.instant(ChronoUnit.MICROS.between(Instant.EPOCH, time), 0);
    }

    private static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }
}
