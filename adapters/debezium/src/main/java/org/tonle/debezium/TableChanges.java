package org.tonle.debezium;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;

/** Writes changes of one table, as long as it has the columns that it has now. */
final class TableChanges {
    private final String table;
    private final byte[] start;
    private final Field op;
    private final Field source;
    private final @Nullable Field before;
    private final @Nullable Field after;
    private final Field tx;
    private final Field at;
    private final @Nullable RowJson rows;

    TableChanges(SourceRecord first) {
        Schema envelope = first.valueSchema();
        Struct from = ((Struct) first.value()).getStruct("source");
        this.table = from.getString("schema") + "." + from.getString("table");
        this.start = new JsonBytes().raw("{\"table\":").text(table).raw(",\"op\":\"").take();
        this.op = envelope.field("op");
        this.source = envelope.field("source");
        this.before = envelope.field("before");
        this.after = envelope.field("after");
        this.tx = from.schema().field("txId");
        this.at = from.schema().field("ts_us");
        this.rows = after == null ? null : new RowJson(after.schema());
    }

    /** {@code schema.table}. */
    String table() {
        return table;
    }

    /** Characters and bytes of a change's values: its line has as many bytes at least. */
    long least(Struct change, @Nullable Struct key, boolean whole) {
        boolean deletes = ((String) change.get(op)).startsWith("d");
        if (deletes && !whole && key != null) {
            return least(key);
        }
        return (after == null ? 0 : least(change.get(after)))
                + (before == null || (!whole && !deletes) ? 0 : least(change.get(before)));
    }

    private static long least(@Nullable Object value) {
        return switch (value) {
            case String text -> text.length();
            case byte[] bytes -> bytes.length;
            case ByteBuffer bytes -> bytes.remaining();
            case List<?> values -> values.stream().mapToLong(TableChanges::least).sum();
            case Struct row ->
                    row.schema().fields().stream().mapToLong(f -> least(row.get(f))).sum();
            case null, default -> 0;
        };
    }

    /**
     * One line, ended.
     *
     * @param whole with the row as it was; else without, and of one that was deleted the key
     */
    void line(
            Struct change,
            @Nullable Struct key,
            boolean whole,
            long base,
            long index,
            JsonBytes out) {
        Struct from = (Struct) change.get(source);
        char what = ((String) change.get(op)).charAt(0);
        begin(what, base, index, from, out);
        RowJson row = Objects.requireNonNull(rows);
        Struct old = before == null ? null : (Struct) change.get(before);
        Struct now = after == null ? null : (Struct) change.get(after);
        switch (what) {
            case 't' -> {}
            case 'd' -> {
                if (!whole && key != null) {
                    key(key, out);
                } else if (old != null) {
                    // what the database didn't tell can't be told from NULL
                    var unused = row.write(old, false, out.raw(",\"row\":"));
                }
            }
            default -> {
                List<String> unchanged =
                        now == null ? null : row.write(now, true, out.raw(",\"row\":"));
                if (whole && old != null) {
                    var unused = row.write(old, false, out.raw(",\"before\":"));
                }
                if (unchanged != null) {
                    unchanged(unchanged, out);
                }
            }
        }
        out.raw("}\n");
    }

    /** One line with nothing of the row but its key, for a change that is too large. */
    void keyOnly(Struct change, @Nullable Struct key, long base, long index, JsonBytes out) {
        Struct from = (Struct) change.get(source);
        char what = ((String) change.get(op)).charAt(0);
        begin(what, base, index, from, out);
        if (key != null) {
            key(key, out);
        }
        out.raw("}\n");
    }

    private static void key(Struct key, JsonBytes out) {
        var unused = new RowJson(key.schema()).write(key, true, out.raw(",\"row\":"));
    }

    private void begin(char what, long base, long index, Struct from, JsonBytes out) {
        out.raw(start).raw(what).raw("\",\"seq\":\"").hex(base).raw('-').digits(index, 10);
        // the transaction that reads what is there changed nothing
        begin(what == 'r' ? null : (Long) from.get(tx), (Long) from.get(at), out);
    }

    private static void begin(@Nullable Long tx, @Nullable Long at, JsonBytes out) {
        out.raw("\",\"tx\":");
        if (tx == null) {
            out.raw("null");
        } else {
            out.number(tx);
        }
        out.raw(",\"at\":");
        IsoTime.timestamp(at == null ? 0 : at, "Z", out);
    }

    /** A line that says that a table is empty now. */
    static void truncation(String table, long base, long index, long atMicros, JsonBytes out) {
        out.raw("{\"table\":").text(table).raw(",\"op\":\"t\",\"seq\":\"");
        out.hex(base).raw('-').digits(index, 10);
        begin(null, atMicros, out);
        out.raw("}\n");
    }

    private static void unchanged(List<String> columns, JsonBytes out) {
        JsonBytes list = new JsonBytes();
        char separator = '[';
        for (String column : columns) {
            list.raw(separator).text(column);
            separator = ',';
        }
        out.raw(",\"unchanged\":").text(new String(list.raw(']').take(), StandardCharsets.UTF_8));
    }
}
