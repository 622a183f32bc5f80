package org.tonle.files;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.CsvRecordHandler;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * CSV as RFC 4180 has it, or with tabs: the first record names the columns, each other one becomes
 * an object of texts. An empty field is left out.
 */
final class CsvReader implements PieceReader {
    private static final JsonFactory JSON = new JsonFactory();
    private static final char REPLACED = '\uFFFD';

    private final CloseableIterator<CsvRecord> records;
    private final List<String> columns;
    private @Nullable Piece left;
    private @Nullable IOException broken;
    private boolean ended;

    CsvReader(InputStream in, char separator) throws IOException {
        this.records =
                de.siegmar.fastcsv.reader.CsvReader.builder()
                        .fieldSeparator(separator)
                        .skipEmptyLines(true)
                        .detectBomHeader(false)
                        .allowExtraFields(true)
                        .allowMissingFields(true)
                        .maxBufferSize(LONGEST)
                        .build(
                                CsvRecordHandler.builder()
                                        .maxFieldSize(LONGEST)
                                        .maxRecordSize(LONGEST)
                                        .build(),
                                new InputStreamReader(in, UTF_8))
                        .iterator();
        this.columns = header();
    }

    private List<String> header() {
        CsvRecord first = read();
        if (first == null) {
            return List.of();
        }
        List<String> names =
                first.getFields().stream()
                        .map(name -> name.startsWith("\uFEFF") ? name.substring(1) : name)
                        .map(String::strip)
                        .toList();
        Set<String> seen = new HashSet<>();
        for (String name : names) {
            if (name.isEmpty() || !seen.add(name.toLowerCase(Locale.ROOT))) {
                ended = true;
                left =
                        Piece.unreadable(
                                text(first),
                                name.isEmpty()
                                        ? "the first record, which names the columns, has an empty name"
                                        : "the first record names column " + name + " twice");
                break;
            }
        }
        return names;
    }

    @Override
    public @Nullable Piece next() throws IOException {
        Piece waiting = left;
        if (waiting != null) {
            left = null;
            return waiting;
        }
        CsvRecord record = read();
        if (broken != null) {
            throw broken;
        }
        if (record == null) {
            waiting = left;
            left = null;
            return waiting;
        }
        if (record.getFieldCount() != columns.size()) {
            return Piece.unreadable(
                    text(record),
                    "line %d has %d fields and the first one names %d columns"
                            .formatted(
                                    record.getStartingLineNumber(),
                                    record.getFieldCount(),
                                    columns.size()));
        }
        for (String field : record.getFields()) {
            if (field.indexOf(REPLACED) >= 0) {
                return Piece.unreadable(
                        text(record),
                        "line %d holds bytes that are not UTF-8"
                                .formatted(record.getStartingLineNumber()));
            }
        }
        return Piece.events(json(record));
    }

    /** The next record; null at the end, and where what follows can't be read: then it is left. */
    private @Nullable CsvRecord read() {
        if (ended) {
            return null;
        }
        try {
            if (records.hasNext()) {
                return records.next();
            }
        } catch (CsvParseException e) {
            left =
                    Piece.unreadable(
                            new byte[0],
                            "the file can't be read on: %s%s"
                                    .formatted(
                                            e.getMessage(),
                                            e.getCause() == null
                                                    ? ""
                                                    : ": " + e.getCause().getMessage()));
        } catch (UncheckedIOException e) {
            broken = Objects.requireNonNullElse(e.getCause(), new IOException(e));
        }
        ended = true;
        return null;
    }

    private byte[] json(CsvRecord record) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            for (int i = 0; i < columns.size(); i++) {
                String value = record.getField(i);
                if (!value.isEmpty()) {
                    json.writeStringField(columns.get(i), value);
                }
            }
            json.writeEndObject();
        }
        out.write('\n');
        return out.toByteArray();
    }

    /** The record as its fields say, not with the file's own quotes. */
    private static byte[] text(CsvRecord record) {
        StringJoiner fields = new StringJoiner(",");
        for (String field : record.getFields()) {
            fields.add(
                    field.matches("(?s).*[,\"\\r\\n].*")
                            ? "\"" + field.replace("\"", "\"\"") + "\""
                            : field);
        }
        return fields.toString().getBytes(UTF_8);
    }

    @Override
    public void close() throws IOException {
        records.close();
    }
}
