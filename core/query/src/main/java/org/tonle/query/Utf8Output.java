package org.tonle.query;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Bytes of UTF-8 on their way out, in large pieces, up to a limit. */
final class Utf8Output {
    private static final int PIECE = 64 << 10;

    private final OutputStream out;
    private final long most;
    private byte[] buffer = new byte[PIECE];
    private int size;
    private long sent;

    Utf8Output(OutputStream out, long most) {
        this.out = out;
        this.most = most;
    }

    void ascii(char c) throws IOException {
        room(1);
        buffer[size++] = (byte) c;
    }

    void ascii(String text) throws IOException {
        int length = text.length();
        room(length);
        for (int i = 0; i < length; i++) {
            buffer[size++] = (byte) text.charAt(i);
        }
    }

    void text(String text) throws IOException {
        bytes(text.getBytes(StandardCharsets.UTF_8));
    }

    void bytes(byte[] bytes) throws IOException {
        bytes(bytes, 0, bytes.length);
    }

    void bytes(byte[] bytes, int from, int to) throws IOException {
        room(to - from);
        System.arraycopy(bytes, from, buffer, size, to - from);
        size += to - from;
    }

    void number(long value) throws IOException {
        if (value >= 0 && value < 10) {
            ascii((char) ('0' + value));
        } else {
            ascii(Long.toString(value));
        }
    }

    private void room(int bytes) throws IOException {
        if (size + bytes > buffer.length) {
            flush();
            if (bytes > buffer.length) {
                buffer = Arrays.copyOf(buffer, bytes);
            }
        }
    }

    /** Hands on what is held back; doesn't flush the stream itself. */
    void flush() throws IOException {
        if (sent + size > most) {
            throw new LakeException(
                    ErrorCode.OUT_OF_RESOURCES,
                    "The result is longer than "
                            + most
                            + " bytes, the most that are sent; ask for fewer rows or columns");
        }
        out.write(buffer, 0, size);
        sent += size;
        size = 0;
    }
}
