package org.tonle.catalog;

import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;

/**
 * The shape of every {@code quarantine.<namespace>_<dataset>}: one row per row that the dataset
 * refused, with the reason and with what is needed to take it back. Its identity is (dataset, input
 * position, ordinal). Field ids are part of the format and never change.
 */
public final class QuarantineTable {
    public static final String NAMESPACE = "quarantine";

    /** {@code reason} of a row whose schema-on-read value is missing or not of its type. */
    public static final String MALFORMED = "malformed";

    /** {@code reason} of a row that broke an expectation. */
    public static final String EXPECTATION = "expectation";

    public static final Schema SCHEMA =
            new Schema(
                    Types.NestedField.required(1, "dataset", Types.StringType.get()),
                    Types.NestedField.required(2, "reason", Types.StringType.get()),
                    // the column that is malformed, or the expectation that was broken
                    Types.NestedField.required(3, "rule", Types.StringType.get()),
                    // a sentence for a person, with the value
                    Types.NestedField.required(4, "message", Types.StringType.get()),
                    // the deduplication key of the row
                    Types.NestedField.required(5, "key", Types.StringType.get()),
                    Types.NestedField.required(6, "ingest_time", Types.TimestampType.withZone()),
                    // place of the event in the log; null where the input isn't a bronze table
                    Types.NestedField.optional(7, "partition", Types.IntegerType.get()),
                    Types.NestedField.optional(8, "position", Types.LongType.get()),
                    Types.NestedField.optional(9, "index", Types.IntegerType.get()),
                    Types.NestedField.required(10, "ordinal", Types.IntegerType.get()),
                    // the event as it came, or the row as JSON
                    Types.NestedField.required(11, "payload", Types.StringType.get()),
                    Types.NestedField.required(12, "commit_id", Types.StringType.get()));

    private QuarantineTable() {}

    /** The name, within {@link #NAMESPACE}, of the table of a dataset's refused rows. */
    public static String of(String namespace, String dataset) {
        return namespace + "_" + dataset;
    }
}
