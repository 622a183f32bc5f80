package org.tonle.files;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/** One file as the bodies that it becomes: always the same ones, from wherever it goes on. */
final class FileBodies implements Closeable {
    /** The position behind the last piece of a file. */
    static final String END = "9".repeat(10);

    /** Begins to read the file: the same pieces each time. */
    interface Opening {
        PieceReader open() throws IOException;
    }

    private static final int LEAST = 1 << 20;

    private final String name;
    private final String item;
    private final String state;
    private final Opening opening;
    private final FileFetch.Fetched fetched;
    private @Nullable PieceReader pieces;
    private @Nullable Piece ahead;
    private boolean broken;
    private long count;

    /**
     * @param name its path
     * @param state of every mark
     * @param fetched closed with this
     * @param taken how many of them are passed over
     */
    FileBodies(
            String name,
            String item,
            String state,
            Opening opening,
            FileFetch.Fetched fetched,
            long taken)
            throws IOException {
        this.name = name;
        this.item = item;
        this.state = state;
        this.opening = opening;
        this.fetched = fetched;
        boolean begun = false;
        try {
            ahead = read();
            while (count < taken && ahead != null) {
                advance();
            }
            begun = true;
        } finally {
            if (!begun) {
                end();
            }
        }
    }

    String name() {
        return name;
    }

    private void advance() throws IOException {
        count++;
        ahead = read();
    }

    /**
     * A piece that can't be read is one only if the file is whole, and if it is so again: an error
     * of a disk or of a network passes.
     *
     * @throws IOException what kept it from being read, if the file isn't at fault
     */
    private @Nullable Piece read() throws IOException {
        if (broken) {
            return null;
        }
        Piece piece = attempt();
        if (piece == null || piece.cause().isEmpty()) {
            return piece;
        }
        IOException why = piece.cause().get();
        fetched.requireSame(why);
        end();
        for (long i = 0; i < count; i++) {
            if (attempt() == null || broken) {
                throw why;
            }
        }
        return attempt();
    }

    private @Nullable Piece attempt() {
        PieceReader from = pieces;
        try {
            if (from == null) {
                from = opening.open();
                pieces = from;
            }
        } catch (IOException e) {
            broken = true;
            return Piece.unreadable(new byte[0], String.valueOf(e.getMessage())).because(e);
        }
        try {
            return from.next();
        } catch (IOException e) {
            broken = true;
            return Piece.unreadable(new byte[0], PieceReader.why(e)).because(e);
        }
    }

    private void end() throws IOException {
        PieceReader from = pieces;
        pieces = null;
        broken = false;
        if (from != null) {
            from.close();
        }
    }

    /** The next body; an empty one if there is nothing in the file. The last one is at the end. */
    SourceBody next() throws IOException {
        Piece first = ahead;
        if (first == null) {
            return body("", new byte[0], Optional.empty());
        }
        advance();
        if (first.problem().isPresent() || first.bytes().length >= LEAST) {
            return body(first.part(), first.bytes(), first.problem());
        }
        ByteArrayOutputStream events = new ByteArrayOutputStream(LEAST + (LEAST >> 1));
        events.writeBytes(first.bytes());
        for (Piece more = ahead;
                more != null
                        && more.problem().isEmpty()
                        && more.part().equals(first.part())
                        && events.size() + more.bytes().length <= PieceReader.LONGEST
                        && events.size() < LEAST;
                more = ahead) {
            events.writeBytes(more.bytes());
            advance();
        }
        return body(first.part(), events.toByteArray(), Optional.empty());
    }

    private SourceBody body(String part, byte[] bytes, Optional<String> problem) {
        return new SourceBody(
                new SourceMark(item, ahead == null ? END : "%010d".formatted(count), state),
                problem.isPresent() ? "text/plain" : "application/x-ndjson",
                Map.of("file", part.isEmpty() ? name : name + "!/" + part),
                bytes,
                problem,
                false);
    }

    @Override
    public void close() throws IOException {
        try (fetched) {
            end();
        }
    }
}
