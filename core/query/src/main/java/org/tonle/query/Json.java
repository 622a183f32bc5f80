package org.tonle.query;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.DateDayVector;
import org.apache.arrow.vector.DecimalVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.TimeMicroVector;
import org.apache.arrow.vector.TimeStampMicroTZVector;
import org.apache.arrow.vector.TimeStampMicroVector;
import org.apache.arrow.vector.ValueVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.MapVector;
import org.apache.arrow.vector.complex.StructVector;

/** How one value looks as JSON. */
final class Json {
    private static final int PIECE = 64 << 10;
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private final Utf8Output out;

    Json(Utf8Output out) {
        this.out = out;
    }

    void value(ValueVector vector, int row) throws IOException {
        if (vector.isNull(row)) {
            out.ascii("null");
            return;
        }
        switch (vector) {
            case BitVector v -> out.ascii(v.get(row) == 1 ? "true" : "false");
            case IntVector v -> out.number(v.get(row));
            case BigIntVector v -> out.number(v.get(row));
            case Float4Vector v -> number(v.get(row), Float.toString(v.get(row)));
            case Float8Vector v -> number(v.get(row), Double.toString(v.get(row)));
            case VarCharVector v -> string(v, row);
            case ListVector v -> list(v, row);
            case StructVector v -> struct(v, row);
            default -> quoted(scalar(vector, row));
        }
    }

    /** Scalars that JSON has no type for, as a text without anything to escape. */
    static String scalar(ValueVector vector, int row) {
        return switch (vector) {
            case BitVector v -> v.get(row) == 1 ? "true" : "false";
            case IntVector v -> Integer.toString(v.get(row));
            case BigIntVector v -> Long.toString(v.get(row));
            case Float4Vector v -> Float.toString(v.get(row));
            case Float8Vector v -> Double.toString(v.get(row));
            case DecimalVector v -> v.getObject(row).toPlainString();
            case DateDayVector v -> Times.date(v.get(row));
            case TimeMicroVector v -> Times.time(v.get(row));
            case TimeStampMicroVector v -> Times.timestamp(v.get(row));
            case TimeStampMicroTZVector v -> Times.timestamp(v.get(row)) + "Z";
            case VarBinaryVector v -> Base64.getEncoder().encodeToString(v.get(row));
            default ->
                    throw new IllegalStateException(
                            "No engine gives columns of " + vector.getField());
        };
    }

    /** JSON has no NaN and no infinity: they are texts. */
    private void number(double value, String text) throws IOException {
        if (Double.isFinite(value)) {
            out.ascii(text);
        } else {
            quoted(text);
        }
    }

    private void quoted(String text) throws IOException {
        out.ascii('"');
        out.ascii(text);
        out.ascii('"');
    }

    void string(String text) throws IOException {
        string(text.getBytes(StandardCharsets.UTF_8));
    }

    private void string(byte[] utf8) throws IOException {
        out.ascii('"');
        escaped(utf8, utf8.length);
        out.ascii('"');
    }

    /** Piece by piece: nobody else bounds how long a text is. */
    private void string(VarCharVector vector, int row) throws IOException {
        out.ascii('"');
        long from = vector.getOffsetBuffer().getInt((long) row * VarCharVector.OFFSET_WIDTH);
        int left = vector.getValueLength(row);
        byte[] piece = new byte[Math.min(left, PIECE)];
        while (left > 0) {
            int length = Math.min(left, PIECE);
            vector.getDataBuffer().getBytes(from, piece, 0, length);
            escaped(piece, length);
            from += length;
            left -= length;
        }
        out.ascii('"');
    }

    private void escaped(byte[] utf8, int length) throws IOException {
        int from = 0;
        for (int i = 0; i < length; i++) {
            byte b = utf8[i];
            if (b == '"' || b == '\\' || (b >= 0 && b < 0x20)) {
                out.bytes(utf8, from, i);
                escape(b);
                from = i + 1;
            }
        }
        out.bytes(utf8, from, length);
    }

    private void escape(byte b) throws IOException {
        switch (b) {
            case '"' -> out.ascii("\\\"");
            case '\\' -> out.ascii("\\\\");
            case '\n' -> out.ascii("\\n");
            case '\r' -> out.ascii("\\r");
            case '\t' -> out.ascii("\\t");
            default -> {
                out.ascii("\\u00");
                out.ascii((char) HEX[b >> 4]);
                out.ascii((char) HEX[b & 15]);
            }
        }
    }

    private void list(ListVector vector, int row) throws IOException {
        FieldVector elements = vector.getDataVector();
        int from = vector.getElementStartIndex(row);
        int to = vector.getElementEndIndex(row);
        boolean object =
                vector instanceof MapVector
                        && ((StructVector) elements).getChildrenFromFields().getFirst()
                                instanceof VarCharVector;
        out.ascii(object ? '{' : '[');
        for (int i = from; i < to; i++) {
            if (i > from) {
                out.ascii(',');
            }
            if (object) {
                var entry = ((StructVector) elements).getChildrenFromFields();
                value(entry.get(0), i);
                out.ascii(':');
                value(entry.get(1), i);
            } else {
                value(elements, i);
            }
        }
        out.ascii(object ? '}' : ']');
    }

    private void struct(StructVector vector, int row) throws IOException {
        out.ascii('{');
        boolean first = true;
        for (FieldVector child : vector.getChildrenFromFields()) {
            if (!first) {
                out.ascii(',');
            }
            first = false;
            string(child.getName());
            out.ascii(':');
            value(child, row);
        }
        out.ascii('}');
    }
}
