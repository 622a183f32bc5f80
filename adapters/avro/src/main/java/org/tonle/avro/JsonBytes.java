package org.tonle.avro;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** The JSON of one event while it is written; what becomes too large is given up. */
public final class JsonBytes extends OutputStream {
    /** Longer events aren't taken. */
    public static final int LONGEST = 16 << 20;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);

    @Override
    public void write(int b) throws IOException {
        require(1);
        bytes.write(b);
    }

    @Override
    public void write(byte[] some, int from, int length) throws IOException {
        require(length);
        bytes.write(some, from, length);
    }

    private void require(int more) throws IOException {
        if (bytes.size() + (long) more > LONGEST) {
            throw new IOException("it becomes more than %d bytes of JSON".formatted(LONGEST));
        }
    }

    public byte[] toByteArray() {
        return bytes.toByteArray();
    }
}
