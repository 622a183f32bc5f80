package org.tonle.catalog;

import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;

/**
 * The shape of every {@code bronze.<source>}: what arrived, as it came, and where it stood in the
 * event log. (partition, position, index) is there exactly once. Field ids are part of the format
 * and never change.
 */
public final class BronzeTable {
    public static final String NAMESPACE = "bronze";

    /** The header that says why an event couldn't be read; others don't have it. */
    public static final String PROBLEM_HEADER = "tonle-problem";

    public static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.required(1, "event_id", Types.StringType.get()),
                    Types.NestedField.optional(2, "event_time", Types.TimestampType.withZone()),
                    Types.NestedField.required(3, "ingest_time", Types.TimestampType.withZone()),
                    Types.NestedField.required(4, "source", Types.StringType.get()),
                    Types.NestedField.required(5, "topic", Types.StringType.get()),
                    Types.NestedField.required(6, "partition", Types.IntegerType.get()),
                    Types.NestedField.required(7, "position", Types.LongType.get()),
                    Types.NestedField.required(8, "index", Types.IntegerType.get()),
                    Types.NestedField.optional(9, "key", Types.StringType.get()),
                    Types.NestedField.optional(
                            10,
                            "headers",
                            Types.MapType.ofOptional(
                                    13, 14, Types.StringType.get(), Types.StringType.get())),
                    Types.NestedField.required(11, "content_type", Types.StringType.get()),
                    Types.NestedField.required(12, "payload", Types.StringType.get()));

    /** By day of {@code ingest_time} (UTC). */
    public static final PartitionSpec SPEC =
            PartitionSpec.builderFor(SCHEMA).day("ingest_time").build();

    private BronzeTable() {}
}
