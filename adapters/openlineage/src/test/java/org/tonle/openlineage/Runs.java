package org.tonle.openlineage;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.iceberg.types.Types;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.ledger.CommitRequest.ExpectationResult;
import org.tonle.ledger.LineageEdge;
import org.tonle.pipeline.RunEvent;
import org.tonle.spi.ErrorCode;
import org.tonle.sql.Dataset;
import org.tonle.sql.Sql;
import org.tonle.sql.TableName;

/** Events of a streaming table and of a view. */
final class Runs {
    static final Instant AT = Instant.parse("2026-03-01T10:00:00.123456Z");

    private static final Dataset SILVER =
            Sql.dataset(
                    new SqlText(
                            new Place("pipelines/f.sql", 1, 1),
                            "CREATE STREAMING TABLE silver.flights (CONSTRAINT plausible EXPECT"
                                    + " (delay > -100) ON VIOLATION DROP ROW, CONSTRAINT real"
                                    + " EXPECT (delay IS NOT NULL) ON VIOLATION FAIL UPDATE) AS"
                                    + " SELECT event_id AS id, delay FROM STREAM bronze.flights"
                                    + " WHERE origin <> ''"));

    private static final RunEvent.Table BRONZE =
            new RunEvent.Table(
                    new TableName("bronze", "flights"),
                    "file:/data/my lake/bronze/flights-1",
                    List.of(
                            Types.NestedField.required(1, "event_id", Types.StringType.get()),
                            Types.NestedField.optional(2, "delay", Types.IntegerType.get())),
                    Optional.of(7L));

    private Runs() {}

    static RunEvent.Run run() {
        return new RunEvent.Run(
                UUID.fromString("0198c2a0-0000-7000-8000-000000000001"),
                SILVER,
                List.of(BRONZE),
                () ->
                        List.of(
                                new LineageEdge(Optional.of("id"), "bronze.flights", "event_id"),
                                new LineageEdge(Optional.of("delay"), "bronze.flights", "delay"),
                                new LineageEdge(Optional.empty(), "bronze.flights", "origin")));
    }

    static RunEvent started() {
        return new RunEvent(run(), AT, new RunEvent.Started());
    }

    static RunEvent completed() {
        return new RunEvent(
                run(),
                AT,
                new RunEvent.Completed(
                        List.of(
                                output("silver", "flights", 5),
                                output("quarantine", "silver_flights", 2)),
                        List.of(
                                new ExpectationResult(
                                        "silver.flights", "plausible", "drop_row", 5, 2),
                                new ExpectationResult(
                                        "silver.flights", "real", "fail_update", 7, 0))));
    }

    static RunEvent failed() {
        return new RunEvent(run(), AT, new RunEvent.Failed(ErrorCode.EXPECTATION_FAILED));
    }

    static RunEvent aborted() {
        return new RunEvent(run(), AT, new RunEvent.Aborted());
    }

    private static RunEvent.Output output(String namespace, String name, long rows) {
        return new RunEvent.Output(
                new RunEvent.Table(
                        new TableName(namespace, name),
                        "s3://bucket/lake/" + namespace + "/" + name,
                        List.of(Types.NestedField.optional(1, "id", Types.StringType.get())),
                        Optional.of(8L)),
                rows,
                1);
    }
}
