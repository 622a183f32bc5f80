package org.tonle.query;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.iceberg.types.Types;

/** Rows as JSON objects: in one array, or one on each line. */
final class JsonRows implements RowWriter {
    private final Utf8Output out;
    private final Json json;
    private final boolean lines;
    private final List<byte[]> keys = new ArrayList<>();
    private boolean first = true;

    private JsonRows(Utf8Output out, boolean lines) {
        this.out = out;
        this.json = new Json(out);
        this.lines = lines;
    }

    static JsonRows array(Utf8Output out) {
        return new JsonRows(out, false);
    }

    static JsonRows lines(Utf8Output out) {
        return new JsonRows(out, true);
    }

    @Override
    public void begin(List<Types.NestedField> columns) throws IOException {
        for (Types.NestedField column : columns) {
            ByteArrayOutputStream key = new ByteArrayOutputStream();
            Utf8Output text = new Utf8Output(key, Integer.MAX_VALUE);
            text.ascii(keys.isEmpty() ? '{' : ',');
            new Json(text).string(column.name());
            text.ascii(':');
            text.flush();
            keys.add(key.toByteArray());
        }
        if (!lines) {
            out.ascii('[');
        }
    }

    @Override
    public void write(VectorSchemaRoot batch) throws IOException {
        List<FieldVector> vectors = batch.getFieldVectors();
        for (int row = 0; row < batch.getRowCount(); row++) {
            if (!first && !lines) {
                out.ascii(",\n");
            }
            first = false;
            for (int i = 0; i < vectors.size(); i++) {
                out.bytes(keys.get(i));
                json.value(vectors.get(i), row);
            }
            out.ascii('}');
            if (lines) {
                out.ascii('\n');
            }
        }
    }

    @Override
    public void end() throws IOException {
        if (!lines) {
            out.ascii("]\n");
        }
    }
}
