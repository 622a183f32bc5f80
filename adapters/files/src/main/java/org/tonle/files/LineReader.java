package org.tonle.files;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** NDJSON: the lines as they are, many in one piece. */
final class LineReader implements PieceReader {
    private static final int BLOCK = 1 << 20;

    private final InputStream in;
    private byte[] buffer = new byte[BLOCK];
    private int filled;
    private boolean ended;
    private @Nullable IOException broken;
    private long lines;

    LineReader(InputStream in) {
        this.in = in;
    }

    @Override
    public @Nullable Piece next() throws IOException {
        while (true) {
            // filled as far as can be: where the pieces end must not hang on how the bytes come
            fill();
            if (filled == 0) {
                return null;
            }
            int end = ended ? filled : lastBreak() + 1;
            if (end > 0) {
                return piece(end);
            }
            if (buffer.length >= LONGEST) {
                return tooLong();
            }
            buffer = Arrays.copyOf(buffer, Math.min(LONGEST, buffer.length * 2));
        }
    }

    private void fill() throws IOException {
        try {
            while (!ended && filled < buffer.length) {
                int n = in.read(buffer, filled, buffer.length - filled);
                filled += Math.max(0, n);
                ended = n < 0;
            }
        } catch (IOException e) {
            // what came before it is given first
            broken = e;
            ended = true;
        }
        if (broken != null && filled == 0) {
            throw broken;
        }
    }

    private int lastBreak() {
        int at = filled - 1;
        while (at >= 0 && buffer[at] != '\n') {
            at--;
        }
        return at;
    }

    private Piece piece(int end) {
        boolean open = buffer[end - 1] != '\n';
        byte[] bytes = Arrays.copyOf(buffer, open ? end + 1 : end);
        if (open) {
            bytes[end] = '\n';
        }
        for (int i = 0; i < end; i++) {
            if (buffer[i] == '\n') {
                lines++;
            }
        }
        System.arraycopy(buffer, end, buffer, 0, filled - end);
        filled -= end;
        if (buffer.length > BLOCK && filled <= BLOCK) {
            buffer = Arrays.copyOf(buffer, BLOCK);
        }
        // its last line may be torn
        return Piece.events(bytes).because(filled == 0 ? this.broken : null);
    }

    /** What is left of the line is passed over. */
    private Piece tooLong() throws IOException {
        byte[] kept = Arrays.copyOf(buffer, KEPT);
        long length = filled;
        filled = 0;
        buffer = new byte[BLOCK];
        while (true) {
            fill();
            int end = 0;
            while (end < filled && buffer[end] != '\n') {
                end++;
            }
            length += end;
            boolean found = end < filled;
            int from = found ? end + 1 : end;
            System.arraycopy(buffer, from, buffer, 0, filled - from);
            filled -= from;
            if (found || ended) {
                break;
            }
        }
        lines++;
        return Piece.unreadable(
                        kept,
                        "line %d has %d bytes and an event %d at most; the first %d are kept here"
                                .formatted(lines, length, LONGEST, KEPT))
                .because(broken);
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
