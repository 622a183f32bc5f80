package org.tonle.files;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads one file from its beginning: always in the same pieces. */
interface PieceReader extends Closeable {
    /** The longest event in bytes; a longer one is kept as one that can't be read, cut. */
    int LONGEST = 16 << 20;

    /** How much of something that can't be read is kept. */
    int KEPT = 64 << 10;

    /** A file of which nothing can be read. */
    static PieceReader broken(String problem) {
        return of(Piece.unreadable(new byte[0], problem));
    }

    /** A file that is one piece. */
    static PieceReader of(Piece whole) {
        return new PieceReader() {
            private @Nullable Piece left = whole;

            @Override
            public @Nullable Piece next() {
                Piece one = left;
                left = null;
                return one;
            }

            @Override
            public void close() {}
        };
    }

    /** What to say of a file that can't be read on. */
    static String why(IOException e) {
        return "the file can't be read on: "
                + (e instanceof EOFException
                        ? "it ends too early"
                        : Objects.requireNonNullElse(e.getMessage(), e.toString()));
    }

    /** The next piece; null behind the last one. */
    @Nullable Piece next() throws IOException;
}
