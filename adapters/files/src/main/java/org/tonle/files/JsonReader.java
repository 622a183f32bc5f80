package org.tonle.files;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.ByteArrayOutputStream;
import java.io.CharConversionException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** JSON: each value that stands at the top, and of an array each element, is an event. */
final class JsonReader implements PieceReader {
    private static final JsonFactory JSON =
            JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxStringLength(LONGEST)
                                    .maxNumberLength(10_000)
                                    .maxNestingDepth(1_000)
                                    .build())
                    .build();

    private final JsonParser parser;
    private boolean inArray;
    private boolean ended;

    JsonReader(InputStream in) throws IOException {
        this.parser = JSON.createParser(in);
    }

    @Override
    public @Nullable Piece next() throws IOException {
        if (ended) {
            return null;
        }
        try {
            JsonToken token = parser.nextToken();
            if (!inArray && token == JsonToken.START_ARRAY) {
                inArray = true;
                token = parser.nextToken();
            }
            while (inArray && token == JsonToken.END_ARRAY) {
                inArray = false;
                token = parser.nextToken();
                if (token == JsonToken.START_ARRAY) {
                    inArray = true;
                    token = parser.nextToken();
                }
            }
            if (token == null) {
                ended = true;
                return null;
            }
            return event();
        } catch (JsonProcessingException | CharConversionException e) {
            ended = true;
            return Piece.unreadable(
                    new byte[0],
                    "from byte %d on the file is no JSON: %s"
                            .formatted(
                                    parser.currentLocation().getByteOffset(),
                                    e instanceof JsonProcessingException json
                                            ? json.getOriginalMessage()
                                            : e.getMessage()));
        }
    }

    /** On one line, numbers as they stand there. */
    private Piece event() throws IOException {
        int depth =
                parser.getParsingContext().getNestingDepth()
                        - (parser.currentToken().isStructStart() ? 1 : 0);
        ByteArrayOutputStream out = new ByteArrayOutputStream(512);
        try (JsonGenerator json = JSON.createGenerator(new Bounded(out))) {
            json.copyCurrentStructureExact(parser);
        } catch (TooLongException e) {
            while (parser.getParsingContext().getNestingDepth() > depth) {
                var unused = parser.nextToken();
            }
            return Piece.unreadable(
                    Arrays.copyOf(out.toByteArray(), KEPT),
                    "an event has more than %d bytes; the first %d are kept here"
                            .formatted(LONGEST, KEPT));
        }
        out.write('\n');
        return Piece.events(out.toByteArray());
    }

    private static final class TooLongException extends IOException {
        private static final long serialVersionUID = 1L;
    }

    /** Takes as much as an event may have. */
    private static final class Bounded extends FilterOutputStream {
        private long written;

        Bounded(OutputStream to) {
            super(to);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            written += length;
            if (written > LONGEST) {
                throw new TooLongException();
            }
            out.write(bytes, from, length);
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }
    }

    @Override
    public void close() throws IOException {
        parser.close();
    }
}
