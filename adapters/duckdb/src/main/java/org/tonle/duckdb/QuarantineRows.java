package org.tonle.duckdb;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.iceberg.types.Types;
import org.tonle.catalog.QuarantineTable;
import org.tonle.sql.TableName;

/**
 * The select list of rows that a dataset refuses, over the candidates of a run.
 *
 * @param dataset which refuses them
 * @param commitId of the run
 */
record QuarantineRows(TableName dataset, String commitId) {
    /** The SELECT of the candidates in {@code table} that have a problem. */
    String malformed(StreamInput input, String table) {
        return "SELECT "
                + columns(
                        QuarantineTable.MALFORMED,
                        input.rule(),
                        input.message(),
                        input.columnPlace(),
                        "\"tonle$payload\"")
                + " FROM "
                + table
                + " WHERE \"tonle$problem\" IS NOT NULL";
    }

    /** All columns of the quarantine table, from expressions over the refused row. */
    String columns(String reason, String rule, String message, List<String> place, String payload) {
        List<String> values =
                List.of(
                        DuckTypes.text(dataset.toString()),
                        DuckTypes.text(reason),
                        rule,
                        message,
                        "\"tonle$key\"",
                        "make_timestamptz(\"tonle$time\")",
                        place.get(0),
                        place.get(1),
                        place.get(2),
                        "0",
                        payload,
                        DuckTypes.text(commitId));
        List<Types.NestedField> fields = QuarantineTable.SCHEMA.columns();
        return IntStream.range(0, fields.size())
                .mapToObj(i ->
                        "CAST("
                                + values.get(i)
                                + " AS "
                                + DuckTypes.type(fields.get(i).type())
                                + ") AS "
                                + DuckTypes.name(fields.get(i).name()))
                .collect(Collectors.joining(", "));
    }
}
