package org.tonle.debezium;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes of JSON that grow. Used by one thread. */
final class JsonBytes {
    /** Characters of texts for which there is always room. */
    private static final int SHORT = 1 << 16;

    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final int FIRST = 64 << 10;

    private byte[] bytes = new byte[FIRST];
    private int size;

    int size() {
        return size;
    }

    /** Forgets what stands behind {@code to}. */
    void cut(int to) {
        size = to;
    }

    /** What was written, which is then forgotten. */
    byte[] take() {
        byte[] taken = Arrays.copyOf(bytes, size);
        size = 0;
        if (bytes.length > FIRST << 6) {
            // one large row needn't hold its room for ever
            bytes = new byte[FIRST];
        }
        return taken;
    }

    /** As it is: JSON already. */
    JsonBytes raw(byte[] json) {
        room(json.length);
        System.arraycopy(json, 0, bytes, size, json.length);
        size += json.length;
        return this;
    }

    JsonBytes raw(char ascii) {
        room(1);
        bytes[size++] = (byte) ascii;
        return this;
    }

    JsonBytes raw(String ascii) {
        int length = ascii.length();
        room(length);
        for (int i = 0; i < length; i++) {
            bytes[size + i] = (byte) ascii.charAt(i);
        }
        size += length;
        return this;
    }

    JsonBytes number(long value) {
        if (value < 0) {
            return raw(Long.toString(value));
        }
        int digits = 1;
        for (long rest = value; rest >= 10; rest /= 10) {
            digits++;
        }
        return digits(value, digits);
    }

    /** With as many digits as said, zeros before. */
    JsonBytes digits(long value, int digits) {
        room(digits);
        long rest = value;
        for (int i = size + digits - 1; i >= size; i--) {
            bytes[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        size += digits;
        return this;
    }

    /** Sixteen digits. */
    JsonBytes hex(long value) {
        room(16);
        for (int i = 0; i < 16; i++) {
            bytes[size + i] = HEX[(int) (value >>> (60 - 4 * i)) & 15];
        }
        size += 16;
        return this;
    }

    /** Bytes of a text that isn't short: what it might take at most would fill the heap. */
    private static long most(String text) {
        long most = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            most += c < 0x20 || c == '"' || c == '\\' ? 6 : c < 0x80 ? 1 : 3;
        }
        return most;
    }

    /** In quotes. */
    JsonBytes text(String text) {
        int length = text.length();
        // an escape is six bytes, a character three
        room(2 + (length < SHORT ? 6L * length : most(text)));
        byte[] to = bytes;
        int at = size;
        to[at++] = '"';
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c >= 0x20 && c < 0x80) {
                if (c == '"' || c == '\\') {
                    to[at++] = '\\';
                }
                to[at++] = (byte) c;
            } else if (c < 0x20) {
                at = escape(c, to, at);
            } else if (c < 0x800) {
                to[at++] = (byte) (0xc0 | (c >> 6));
                to[at++] = (byte) (0x80 | (c & 0x3f));
            } else if (Character.isHighSurrogate(c)
                    && i + 1 < length
                    && Character.isLowSurrogate(text.charAt(i + 1))) {
                int point = Character.toCodePoint(c, text.charAt(++i));
                to[at++] = (byte) (0xf0 | (point >> 18));
                to[at++] = (byte) (0x80 | ((point >> 12) & 0x3f));
                to[at++] = (byte) (0x80 | ((point >> 6) & 0x3f));
                to[at++] = (byte) (0x80 | (point & 0x3f));
            } else {
                char whole = Character.isSurrogate(c) ? '\ufffd' : c;
                to[at++] = (byte) (0xe0 | (whole >> 12));
                to[at++] = (byte) (0x80 | ((whole >> 6) & 0x3f));
                to[at++] = (byte) (0x80 | (whole & 0x3f));
            }
        }
        to[at++] = '"';
        size = at;
        return this;
    }

    private static int escape(char c, byte[] to, int from) {
        int at = from;
        to[at++] = '\\';
        switch (c) {
            case '\n' -> to[at++] = 'n';
            case '\t' -> to[at++] = 't';
            case '\r' -> to[at++] = 'r';
            default -> {
                to[at++] = 'u';
                to[at++] = '0';
                to[at++] = '0';
                to[at++] = HEX[c >> 4];
                to[at++] = HEX[c & 15];
            }
        }
        return at;
    }

    private void room(long more) {
        if (size + more > bytes.length) {
            long wanted = Math.max(size + more, bytes.length * 2L);
            bytes = Arrays.copyOf(bytes, Math.toIntExact(Math.min(wanted, Integer.MAX_VALUE - 8L)));
        }
    }
}
