package org.tonle.pipeline;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.apache.arrow.vector.TimeStampVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.tonle.catalog.BronzeTable;
import org.tonle.catalog.PinnedTable;
import org.tonle.catalog.QuarantineTable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.DataFile;
import org.tonle.sql.PinnedTables;
import org.tonle.sql.SqlTable;
import org.tonle.sql.WrittenFile;

/**
 * Rows of a dataset's quarantine that are to be judged again, and the rows of its input that they
 * come from, which hold all that the dataset may ask for.
 *
 * <p>Of the tables in {@link Scratch}, {@code selected} are the rows of quarantine and {@code
 * found} those of the input; {@code refused} are those that were refused again.
 */
final class RefusedInput {
    private static final DateTimeFormatter LITERAL =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneOffset.UTC);
    private static final List<String> EVENT_PLACE =
            List.of("partition", "position", "index", "ingest_time");

    private final Scratch scratch;
    private final SqlTable input;
    private long earliest = Long.MAX_VALUE;
    private long latest = Long.MIN_VALUE;

    /**
     * @param input what the dataset reads
     */
    RefusedInput(Scratch scratch, SqlTable input) {
        this.scratch = scratch;
        this.input = input;
    }

    /**
     * Finds the rows of a part of what was selected.
     *
     * @param after how many of these come before it
     * @param most rows that it may have
     * @param rows of the input, as they are now
     * @param fixed whether the selected rows say how the payload is mended
     * @return how many rows of the input there are
     */
    long find(SelectedRows selected, long after, long most, PinnedTable rows, boolean fixed) {
        selected.part(after, most, scratch);
        scratch.read(
                "SELECT MIN(ingest_time), MAX(ingest_time) FROM scratch.selected",
                batch -> {
                    earliest = ((TimeStampVector) batch.getVector(0)).get(0);
                    latest = ((TimeStampVector) batch.getVector(1)).get(0);
                });
        scratch.put("input", input.schema(), within(rows));
        return scratch.make("found", found(fixed), input.schema());
    }

    /** The files that may hold rows of the time in question. */
    private List<DataFile> within(PinnedTable rows) {
        return PinnedTables.files(rows, file -> InputHistory.mayHold(rows, file, earliest, latest));
    }

    private String found(boolean fixed) {
        List<String> columns = new ArrayList<>();
        for (Types.NestedField column : input.schema().columns()) {
            String own = "b." + quoted(column.name());
            String value = fixed ? mended(column.name(), own) : own;
            columns.add(value + " AS " + quoted(column.name()));
        }
        return "SELECT %s FROM scratch.input AS b JOIN scratch.selected AS s ON %s WHERE b.%s BETWEEN %s AND %s"
                .formatted(
                        String.join(", ", columns),
                        same("b", input.isBronze(), "s"),
                        quoted(time(input.isBronze())),
                        instant(earliest, 0),
                        instant(latest, 1));
    }

    private static String mended(String column, String own) {
        return switch (column) {
            case "payload" -> "s.\"payload\"";
            // it says that the payload as it came can't be read
            case "headers" ->
                    "CASE WHEN b.\"headers\"['%s'] IS NULL THEN b.\"headers\" END"
                            .formatted(BronzeTable.PROBLEM_HEADER);
            default -> own;
        };
    }

    private static String time(boolean event) {
        return event ? "ingest_time" : SqlTable.INGEST_TIME;
    }

    /** A literal of the second in which a time lies, or of one some seconds later. */
    static String instant(long micros, long more) {
        return "TIMESTAMP WITH LOCAL TIME ZONE '%s'"
                .formatted(
                        LITERAL.format(
                                Instant.ofEpochSecond(Math.floorDiv(micros, 1_000_000L) + more)));
    }

    /**
     * Whether two rows are of the same row of the input.
     *
     * @param event whether {@code one} is a row of bronze, or else of a streaming table
     * @param other a row of quarantine
     */
    private static String same(String one, boolean event, String other) {
        if (event) {
            return EVENT_PLACE.stream()
                    .map(column -> "%s.%s = %s.%2$s".formatted(one, quoted(column), other))
                    .collect(Collectors.joining(" AND "));
        }
        return "%1$s.\"_key\" = %2$s.\"key\" AND %1$s.\"_ingest_time\" = %2$s.\"ingest_time\""
                .formatted(one, other);
    }

    private String sameRefused() {
        return input.isBronze()
                ? same("r", true, "s")
                : "r.\"key\" = s.\"key\" AND r.\"ingest_time\" = s.\"ingest_time\"";
    }

    /** What leaves quarantine: rows that were found and not refused again. */
    private String leaving(String columns, String more, String condition) {
        return "SELECT %s FROM scratch.selected AS s JOIN scratch.found AS f ON %s LEFT JOIN scratch.refused AS r ON %s%s WHERE r.\"key\" IS NULL%s"
                .formatted(
                        columns, same("f", input.isBronze(), "s"), sameRefused(), more, condition);
    }

    /** Says which rows were refused again, in files that no table gets. */
    void refused(List<WrittenFile> rows) {
        scratch.keep("refused", QuarantineTable.SCHEMA, rows);
    }

    /** The places in quarantine of the rows that leave it, by the files' locations. */
    Map<String, BitSet> leaving(PinnedTable quarantine) {
        return scratch.places(
                quarantine,
                leaving("s.\"_file\" AS f, s.\"_pos\" AS p", "", ""),
                (batch, row) -> true);
    }

    /**
     * Makes {@code freed}: the keys of rows that leave quarantine without entering the table under
     * them, so that other rows may have them.
     *
     * @param written what entered the table
     * @return how many there are
     */
    long freed(Schema schema, List<WrittenFile> written) {
        scratch.putWritten("written", schema, written);
        return scratch.make(
                "freed",
                leaving(
                        "s.\"key\" AS \"key\", s.\"ingest_time\" AS \"ingest_time\"",
                        " LEFT JOIN scratch.written AS w ON w.\"_key\" = s.\"key\" AND"
                                + " w.\"_ingest_time\" = s.\"ingest_time\"",
                        " AND w.\"_key\" IS NULL"));
    }

    /**
     * A row that is refused again has its key on, so that none that enters may have got it.
     *
     * @throws LakeException INVALID_REQUEST if one did
     */
    void requireOthersKeys(Duration window) {
        scratch.read(
                "SELECT s.\"key\", s.\"ingest_time\", w.\"_ingest_time\" FROM scratch.selected AS s JOIN scratch.refused AS r ON %s JOIN scratch.written AS w ON w.\"_key\" = s.\"key\""
                        .formatted(sameRefused()),
                batch -> {
                    for (int i = 0; i < batch.getRowCount(); i++) {
                        long refused = ((TimeStampVector) batch.getVector(1)).get(i);
                        long entering = ((TimeStampVector) batch.getVector(2)).get(i);
                        if (Math.abs(refused - entering) <= window.toMillis() * 1_000) {
                            throw new LakeException(
                                    ErrorCode.INVALID_REQUEST,
                                    "A row would get the key %s of another one that is refused again. Leave that one out by a WHERE, or mend it, too."
                                            .formatted(batch.getVector(0).getObject(i)));
                        }
                    }
                });
    }

    /** Gives key and ingest time, in microseconds, of each row of a query over {@link Scratch}. */
    void keys(String sql, BiConsumer<String, Long> each) {
        scratch.read(
                sql,
                batch -> {
                    VarCharVector keys = (VarCharVector) batch.getVector(0);
                    TimeStampVector times = (TimeStampVector) batch.getVector(1);
                    for (int i = 0; i < batch.getRowCount(); i++) {
                        each.accept(String.valueOf(keys.getObject(i)), times.get(i));
                    }
                });
    }

    private static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }
}
