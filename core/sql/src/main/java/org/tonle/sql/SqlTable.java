package org.tonle.sql;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.iceberg.MetadataColumns;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.tonle.catalog.BronzeTable;
import org.tonle.definition.BronzeDefinition;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.DriftPolicy;
import org.tonle.definition.JsonPath;

/**
 * A pinned table, as statements see it.
 *
 * @param name its name, in its own case
 * @param schema the columns its files hold; field ids decide which column of a file is which
 * @param onRead the columns parsed out of {@code payload}; only a bronze table has any
 * @param key the column of {@code onRead} that deduplicates; empty: the event's id does
 * @param only the fields that its events may have; empty: any
 */
public record SqlTable(
        TableName name,
        Schema schema,
        List<ReadColumn> onRead,
        Optional<String> key,
        Optional<Fields> only) {
    /**
     * Fields of an object in {@code payload}.
     *
     * @param under where the object is; empty: it is the whole event
     * @param names of its fields, exactly
     */
    public record Fields(List<JsonPath.Step> under, Set<String> names) {
        public Fields {
            under = List.copyOf(under);
            names = Set.copyOf(names);
        }
    }

    /** The hidden column that holds a streaming table's deduplication key. */
    public static final String KEY = "_key";

    /** The hidden column that holds when a streaming table's row was taken in. */
    public static final String INGEST_TIME = "_ingest_time";

    /** The hidden column that says which change a row of a change table is the outcome of. */
    public static final String SEQUENCE = "_sequence";

    /** The column of {@link #placed} that says in which file a row stands, by its path. */
    public static final String FILE = "_file";

    /** The column of {@link #placed} that says where in its file a row stands, counted from 0. */
    public static final String ROW = "_pos";

    /** What columns are called that exist only while something is computed. */
    private static final String OWN_PREFIX = "tonle$";

    private static final Set<String> OF_STREAMS = Set.of(KEY, INGEST_TIME);
    private static final Set<String> HIDDEN = Set.of(KEY, INGEST_TIME, SEQUENCE);

    public SqlTable {
        onRead = List.copyOf(onRead);
        for (String column : key.stream().toList()) {
            if (onRead.stream().noneMatch(c -> c.name().equals(column))) {
                throw new IllegalArgumentException("The key " + column + " is no column");
            }
        }
    }

    /** A table whose events may have any fields. */
    public SqlTable(TableName name, Schema schema, List<ReadColumn> onRead, Optional<String> key) {
        this(name, schema, onRead, key, Optional.empty());
    }

    /** A table without schema-on-read columns. */
    public static SqlTable of(TableName name, Schema schema) {
        return new SqlTable(name, schema, List.of(), Optional.empty());
    }

    /** A table of bronze that a source fills, with the columns that are declared. */
    public static SqlTable bronze(BronzeDefinition table) {
        return bronze(
                table,
                new TableName(BronzeTable.NAMESPACE, table.name()),
                BronzeTable.SCHEMA,
                Map.of());
    }

    /**
     * A table of bronze that is there, with the columns that its events brought besides.
     *
     * @param properties the table's
     */
    static SqlTable bronze(
            BronzeDefinition table, TableName name, Schema schema, Map<String, String> properties) {
        List<ColumnDefinition> columns = table.columns(properties);
        Optional<Fields> only =
                table.drift().policy() == DriftPolicy.QUARANTINE
                        ? Optional.of(new Fields(table.drift().under(), table.fields(properties)))
                        : Optional.empty();
        return new SqlTable(
                name,
                schema,
                columns.stream().map(ReadColumn::of).toList(),
                table.keyField(),
                only);
    }

    /** Whether a statement that was bound to {@code other} means the same over this. */
    boolean hasColumnsOf(SqlTable other) {
        return name.equals(other.name)
                && schema.sameSchema(other.schema)
                && onRead.equals(other.onRead)
                && key.equals(other.key)
                && only.equals(other.only);
    }

    /**
     * What is left of it for somebody who sees no more: without the columns that aren't granted.
     */
    public SqlTable shown(Access access) {
        return access.isRestricted() ? Guard.shown(this, access) : this;
    }

    /**
     * A table's columns, and the place of each row: Iceberg's metadata columns, by whose field ids
     * engines know them.
     */
    public static Schema placed(Schema schema) {
        return new Schema(
                Stream.concat(
                                schema.columns().stream(),
                                Stream.of(
                                        Types.NestedField.required(
                                                MetadataColumns.FILE_PATH.fieldId(),
                                                FILE,
                                                Types.StringType.get()),
                                        Types.NestedField.required(
                                                MetadataColumns.ROW_POSITION.fieldId(),
                                                ROW,
                                                Types.LongType.get())))
                        .toList());
    }

    /** Whether its rows are events as they came. */
    public boolean isBronze() {
        return name.namespace().equalsIgnoreCase(BronzeTable.NAMESPACE);
    }

    /** Whether it is a streaming table: one whose rows carry their key and their time. */
    public boolean isStreaming() {
        return OF_STREAMS.stream().allMatch(column -> schema.findField(column) != null);
    }

    /** Whether {@code SELECT *} leaves the column out. It can still be named. */
    public static boolean isHidden(String column) {
        return HIDDEN.contains(column);
    }

    /** Whether a dataset can't call a column so: in whatever case, it is hidden or in between. */
    static boolean isOwn(String column) {
        String lower = column.toLowerCase(Locale.ROOT);
        return HIDDEN.contains(lower) || lower.startsWith(OWN_PREFIX);
    }

    /** Every column a statement can name, hidden ones too, in order: stored, then on read. */
    public Stream<Types.NestedField> columns() {
        int next = schema.highestFieldId() + 1;
        return Stream.concat(
                schema.columns().stream(),
                IntStream.range(0, onRead.size())
                        .mapToObj(i ->
                                Types.NestedField.optional(
                                        next + i,
                                        onRead.get(i).name(),
                                        onRead.get(i).tableType())));
    }
}
