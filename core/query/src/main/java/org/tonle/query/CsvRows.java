package org.tonle.query;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.iceberg.types.Types;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Rows as RFC 4180 has them, but for LF as the end of a line. */
final class CsvRows implements RowWriter {
    /** Of one value in bytes: whether it needs quotes is known when it was seen whole. */
    private static final int LONGEST = 40 << 20;

    private final Utf8Output out;

    CsvRows(Utf8Output out) {
        this.out = out;
    }

    @Override
    public void begin(List<Types.NestedField> columns) throws IOException {
        for (int i = 0; i < columns.size(); i++) {
            if (i > 0) {
                out.ascii(',');
            }
            field(columns.get(i).name().getBytes(StandardCharsets.UTF_8));
        }
        out.ascii('\n');
    }

    @Override
    public void write(VectorSchemaRoot batch) throws IOException {
        List<FieldVector> vectors = batch.getFieldVectors();
        for (int row = 0; row < batch.getRowCount(); row++) {
            for (int i = 0; i < vectors.size(); i++) {
                if (i > 0) {
                    out.ascii(',');
                }
                value(vectors.get(i), row);
            }
            out.ascii('\n');
        }
    }

    private void value(FieldVector vector, int row) throws IOException {
        if (vector.isNull(row)) {
            return;
        }
        switch (vector) {
            case VarCharVector text -> {
                if (text.getValueLength(row) > LONGEST) {
                    throw new LakeException(
                            ErrorCode.OUT_OF_RESOURCES,
                            "A text is longer than %d bytes; ask for a part of it, or for JSON"
                                    .formatted(LONGEST));
                }
                field(text.get(row));
            }
            case ListVector list -> field(json(list, row));
            case StructVector struct -> field(json(struct, row));
            default -> out.ascii(Json.scalar(vector, row));
        }
    }

    private static byte[] json(FieldVector vector, int row) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Utf8Output text = new Utf8Output(bytes, LONGEST);
        new Json(text).value(vector, row);
        text.flush();
        return bytes.toByteArray();
    }

    /** In quotes where it must be, and where it is empty, since nothing at all is NULL. */
    private void field(byte[] utf8) throws IOException {
        boolean quotes = utf8.length == 0;
        for (byte b : utf8) {
            quotes |= b == '"' || b == ',' || b == '\n' || b == '\r';
        }
        if (!quotes) {
            out.bytes(utf8);
            return;
        }
        out.ascii('"');
        for (byte b : utf8) {
            if (b == '"') {
                out.ascii('"');
            }
            out.ascii((char) b);
        }
        out.ascii('"');
    }

    @Override
    public void end() {}
}
