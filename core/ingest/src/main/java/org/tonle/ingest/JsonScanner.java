package org.tonle.ingest;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Checks JSON texts (RFC 8259) in strict UTF-8 (RFC 3629) and says where they end, without building
 * anything. Eight bytes are looked at together inside of strings.
 */
final class JsonScanner {
    /** Objects and arrays inside each other at most; deeper ones would overflow readers' stacks. */
    static final int MAX_DEPTH = 512;

    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long EACH = 0x0101010101010101L;
    private static final long HIGH = 0x8080808080808080L;

    private final byte[] bytes;
    private final int end;
    private final long[] isObject = new long[MAX_DEPTH / Long.SIZE];
    private int event;
    private boolean escaped;

    JsonScanner(byte[] bytes) {
        this.bytes = bytes;
        this.end = bytes.length;
    }

    /** Which event is being read, for messages. */
    void event(int index) {
        this.event = index;
    }

    int event() {
        return event;
    }

    /** Whether the string that was read last holds an escape. */
    boolean escaped() {
        return escaped;
    }

    /** The byte at {@code i} as 0..255, or -1 behind the end. */
    int at(int i) {
        return i < end ? bytes[i] & 0xff : -1;
    }

    int skipSpace(int from) {
        int i = from;
        while (i < end) {
            byte b = bytes[i];
            if (b != ' ' && b != '\n' && b != '\r' && b != '\t') {
                break;
            }
            i++;
        }
        return i;
    }

    /**
     * Reads the value that begins at {@code from}.
     *
     * @param outer objects and arrays that it lies in
     * @return the position behind it
     */
    int value(int from, int outer) {
        int depth = outer;
        int i = from;
        while (true) {
            switch (at(i)) {
                case '{' -> {
                    push(depth++, true, i);
                    i = skipSpace(i + 1);
                    if (at(i) != '}') {
                        i = name(i);
                        continue;
                    }
                    depth--;
                    i++;
                }
                case '[' -> {
                    push(depth++, false, i);
                    i = skipSpace(i + 1);
                    if (at(i) != ']') {
                        continue;
                    }
                    depth--;
                    i++;
                }
                default -> i = scalar(i);
            }
            // behind a value: close what ends here, then find where the next value begins
            while (true) {
                if (depth == outer) {
                    return i;
                }
                i = skipSpace(i);
                int b = at(i);
                boolean object = isObject(depth - 1);
                if (b == ',') {
                    i = skipSpace(i + 1);
                    if (object) {
                        i = name(i);
                    }
                    break;
                }
                if (b != (object ? '}' : ']')) {
                    throw wrong(i, object ? "where , or } is due" : "where , or ] is due");
                }
                depth--;
                i++;
            }
        }
    }

    private void push(int depth, boolean object, int at) {
        if (depth >= MAX_DEPTH) {
            throw new MalformedBodyException(
                    event,
                    at,
                    "the beginning of a %dth level of nesting, %d are taken"
                            .formatted(depth + 1, MAX_DEPTH));
        }
        long bit = 1L << depth;
        isObject[depth >> 6] =
                object ? (isObject[depth >> 6] | bit) : (isObject[depth >> 6] & ~bit);
    }

    private boolean isObject(int depth) {
        return (isObject[depth >> 6] & (1L << depth)) != 0;
    }

    /** A member's name with its colon; the position where its value begins. */
    private int name(int from) {
        if (at(from) != '"') {
            throw wrong(from, "where a member's name is due");
        }
        return colon(string(from + 1) + 1);
    }

    int colon(int from) {
        int i = skipSpace(from);
        if (at(i) != ':') {
            throw wrong(i, "where : is due");
        }
        return skipSpace(i + 1);
    }

    private int scalar(int i) {
        int b = at(i);
        return switch (b) {
            case '"' -> string(i + 1) + 1;
            case 't' -> literal(i, "true");
            case 'f' -> literal(i, "false");
            case 'n' -> literal(i, "null");
            case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> number(i);
            default -> throw wrong(i, "where a value is due");
        };
    }

    private int literal(int from, String word) {
        for (int k = 1; k < word.length(); k++) {
            if (at(from + k) != word.charAt(k)) {
                throw wrong(from + k, "inside of what begins like " + word);
            }
        }
        return from + word.length();
    }

    private int number(int from) {
        int i = from;
        if (at(i) == '-') {
            i++;
        }
        if (at(i) == '0') {
            i++;
        } else {
            i = digits(i);
        }
        if (at(i) == '.') {
            i = digits(i + 1);
        }
        if (at(i) == 'e' || at(i) == 'E') {
            i++;
            if (at(i) == '+' || at(i) == '-') {
                i++;
            }
            i = digits(i);
        }
        return i;
    }

    private int digits(int from) {
        int i = from;
        while (i < end && bytes[i] >= '0' && bytes[i] <= '9') {
            i++;
        }
        if (i == from) {
            throw wrong(i, "where a digit is due");
        }
        return i;
    }

    /**
     * Reads a string behind its opening quote.
     *
     * @return the position of its closing quote
     */
    int string(int from) {
        escaped = false;
        int i = from;
        while (true) {
            while (i + Long.BYTES <= end) {
                long word = (long) LONGS.get(bytes, i);
                long quote = word ^ (EACH * '"');
                long slash = word ^ (EACH * '\\');
                // the lowest bit set is at the first byte that is ", \, a control or not ASCII;
                // above that one a borrow may set more
                long special =
                        (((quote - EACH) & ~quote)
                                        | ((slash - EACH) & ~slash)
                                        | (word - EACH * ' ')
                                        | word)
                                & HIGH;
                if (special != 0) {
                    i += Long.numberOfTrailingZeros(special) >>> 3;
                    break;
                }
                i += Long.BYTES;
            }
            int b = at(i);
            if (b == '"') {
                return i;
            } else if (b == '\\') {
                escaped = true;
                i = escape(i);
            } else if (b < 0x20) {
                throw wrong(i, "inside of a string");
            } else if (b < 0x80) {
                i++;
            } else {
                i = multiByte(i, b);
            }
        }
    }

    private int escape(int slash) {
        switch (at(slash + 1)) {
            case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> {
                return slash + 2;
            }
            case 'u' -> {
                for (int k = 2; k < 6; k++) {
                    int b = at(slash + k);
                    if (b < 0 || Character.digit(b, 16) < 0) {
                        throw wrong(slash + k, "where a hexadecimal digit is due");
                    }
                }
                return slash + 6;
            }
            default -> throw wrong(slash + 1, "behind \\, where only \"\\/bfnrtu may stand");
        }
    }

    /** Table 3-7 of the Unicode standard: no overlong form, no surrogate, nothing above 10FFFF. */
    private int multiByte(int i, int lead) {
        int low = 0x80;
        int high = 0xbf;
        int more;
        if (lead >= 0xc2 && lead <= 0xdf) {
            more = 1;
        } else if (lead >= 0xe0 && lead <= 0xef) {
            more = 2;
            low = lead == 0xe0 ? 0xa0 : low;
            high = lead == 0xed ? 0x9f : high;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
            more = 3;
            low = lead == 0xf0 ? 0x90 : low;
            high = lead == 0xf4 ? 0x8f : high;
        } else {
            throw wrong(i, "which begins no character of UTF-8");
        }
        for (int k = 1; k <= more; k++) {
            int b = at(i + k);
            if (b < low || b > high) {
                throw wrong(i + k, "inside of a character of UTF-8");
            }
            low = 0x80;
            high = 0xbf;
        }
        return i + more + 1;
    }

    MalformedBodyException wrong(int at, String where) {
        int b = at(at);
        String what =
                b < 0
                        ? "missing: the body ends"
                        : b > 0x20 && b < 0x7f ? "'" + (char) b + "'," : "0x%02x,".formatted(b);
        return new MalformedBodyException(event, at, what + " " + where);
    }
}
