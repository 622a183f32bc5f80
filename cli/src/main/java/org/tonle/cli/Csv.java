package org.tonle.cli;

import java.io.IOException;
import java.io.PushbackReader;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads RFC 4180, record by record. */
final class Csv {
    private final PushbackReader in;

    Csv(Reader in) {
        this.in = new PushbackReader(in, 1);
    }

    /** The next record; empty at the end. */
    Optional<List<String>> next() throws IOException {
        int first = in.read();
        if (first < 0) {
            return Optional.empty();
        }
        in.unread(first);
        List<String> record = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        boolean quoted = false;
        while (true) {
            int c = in.read();
            if (quoted && c == '"') {
                int after = in.read();
                if (after == '"') {
                    field.append('"');
                } else {
                    quoted = false;
                    if (after >= 0) {
                        in.unread(after);
                    }
                }
            } else if (quoted && c >= 0) {
                field.append((char) c);
            } else if (c == '"') {
                quoted = true;
            } else if (c == ',') {
                record.add(field.toString());
                field.setLength(0);
            } else if (c == '\n' || c < 0) {
                record.add(field.toString());
                return Optional.of(record);
            } else if (c != '\r') {
                field.append((char) c);
            }
        }
    }
}
