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

    private static final int LEAST = 1 << 20;

    private final String name;
    private final String item;
    private final String state;
    private final PieceReader pieces;
    private final Closeable behind;
    private @Nullable Piece ahead;
    private boolean broken;
    private long count;

    /**
     * @param name its path
     * @param state of every mark
     * @param pieces closed with this
     * @param behind closed then
     * @param taken how many of them are passed over
     */
    FileBodies(
            String name,
            String item,
            String state,
            PieceReader pieces,
            Closeable behind,
            long taken) {
        this.name = name;
        this.item = item;
        this.state = state;
        this.pieces = pieces;
        this.behind = behind;
        ahead = read();
        while (count < taken && ahead != null) {
            advance();
        }
    }

    String name() {
        return name;
    }

    private void advance() {
        count++;
        ahead = read();
    }

    private @Nullable Piece read() {
        if (broken) {
            return null;
        }
        try {
            return pieces.next();
        } catch (IOException e) {
            broken = true;
            return Piece.unreadable(new byte[0], PieceReader.why(e));
        }
    }

    /** The next body; an empty one if there is nothing in the file. The last one is at the end. */
    SourceBody next() {
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
        try (behind) {
            pieces.close();
        }
    }
}
