package org.tonle.query;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.MinimalPrettyPrinter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.types.Types;
import org.tonle.sql.QueryResult;

/** Writes a result's rows as text, batch by batch. */
final class RowWriter {
    private static final JsonFactory JSON =
            JsonFactory.builder()
                    .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
                    .disable(com.fasterxml.jackson.core.StreamWriteFeature.AUTO_CLOSE_TARGET)
                    .build();

    private RowWriter() {}

    static long write(QueryResult result, OutputStream out, RowFormat format) {
        try {
            long rows =
                    switch (format) {
                        case JSON -> json(result, out, true);
                        case NDJSON -> json(result, out, false);
                        case CSV -> csv(result, out);
                    };
            out.flush();
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Types.NestedField> columns(QueryResult result) {
        return result.schema().columns();
    }

    private static long json(QueryResult result, OutputStream out, boolean array)
            throws IOException {
        long rows = 0;
        try (JsonGenerator json = JSON.createGenerator(out)) {
            if (array) {
                json.writeStartArray();
            } else {
                json.setPrettyPrinter(new MinimalPrettyPrinter("\n"));
            }
            while (result.next()) {
                VectorSchemaRoot batch = result.batch();
                List<JsonValue> values = values(result, batch);
                for (int row = 0; row < batch.getRowCount(); row++) {
                    json.writeStartObject();
                    for (int i = 0; i < values.size(); i++) {
                        json.writeFieldName(columns(result).get(i).name());
                        values.get(i).write(json, row);
                    }
                    json.writeEndObject();
                }
                rows += batch.getRowCount();
            }
            if (array) {
                json.writeEndArray();
            }
        }
        if (rows > 0 || array) {
            out.write('\n');
        }
        return rows;
    }

    private static List<JsonValue> values(QueryResult result, VectorSchemaRoot batch) {
        List<FieldVector> vectors = batch.getFieldVectors();
        List<JsonValue> values = new ArrayList<>();
        for (int i = 0; i < vectors.size(); i++) {
            values.add(JsonValue.of(columns(result).get(i).type(), vectors.get(i)));
        }
        return values;
    }

    private static long csv(QueryResult result, OutputStream out) throws IOException {
        long rows = 0;
        StringBuilder line = new StringBuilder();
        for (Types.NestedField column : columns(result)) {
            line.append(line.isEmpty() ? "" : ",").append(quoted(column.name()));
        }
        out.write(line.append('\n').toString().getBytes(StandardCharsets.UTF_8));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        while (result.next()) {
            VectorSchemaRoot batch = result.batch();
            List<JsonValue> values = values(result, batch);
            for (int row = 0; row < batch.getRowCount(); row++) {
                line.setLength(0);
                for (int i = 0; i < values.size(); i++) {
                    line.append(i == 0 ? "" : ",").append(field(values.get(i), row, bytes));
                }
                out.write(line.append('\n').toString().getBytes(StandardCharsets.UTF_8));
            }
            rows += batch.getRowCount();
        }
        return rows;
    }

    /** A value as a field: text as it is, everything else as JSON writes it. */
    private static String field(JsonValue value, int row, ByteArrayOutputStream bytes)
            throws IOException {
        if (value.isNull(row)) {
            return "";
        }
        bytes.reset();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            value.write(json, row);
        }
        String text = bytes.toString(StandardCharsets.UTF_8);
        return text.startsWith("\"") ? quoted(value.text(row)) : quoted(text);
    }

    private static String quoted(String text) {
        boolean plain =
                !text.isEmpty()
                        && text.chars()
                                .noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}
