package org.tonle.ingest;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Walks over the events of one body and checks every byte of it on the way. {@link #next} moves to
 * the next event; {@link #start}, {@link #end} and {@link #field} then say where it lies and where
 * the fields lie that were asked for.
 *
 * <p>Fields are members of an event that is an object; of a name that stands there twice, the first
 * counts (as DuckDB has it).
 */
final class EventCursor {
    /** What a field's value is. */
    enum Type {
        ABSENT,
        STRING,
        NUMBER,
        OTHER
    }

    /** Where a field's value lies; a string's without its quotes. */
    static final class Field {
        private final byte[] name;
        private Type type = Type.ABSENT;
        private boolean escaped;
        private int start;
        private int end;

        private Field(String name) {
            this.name = name.getBytes(StandardCharsets.UTF_8);
        }

        Type type() {
            return type;
        }

        /** Whether a string holds escapes, so that its bytes aren't its text. */
        boolean escaped() {
            return escaped;
        }

        int start() {
            return start;
        }

        int end() {
            return end;
        }
    }

    private enum State {
        BEGIN,
        /** Values follow each other, one a line. */
        LINES,
        /** Inside the array whose elements are the events. */
        ELEMENTS,
        /** The one value was read. */
        SINGLE,
        DONE
    }

    private final byte[] body;
    private final BodyFormat format;
    private final JsonScanner scanner;
    private final Field[] fields;
    private State state = State.BEGIN;
    private int index = -1;
    private int start;
    private int end;

    EventCursor(byte[] body, BodyFormat format, String... names) {
        this.body = body;
        this.format = format;
        this.scanner = new JsonScanner(body);
        this.fields = new Field[names.length];
        for (int i = 0; i < names.length; i++) {
            fields[i] = new Field(names[i]);
        }
    }

    /** Counts the events of a body that is right as a whole. */
    static int count(byte[] body, BodyFormat format) {
        EventCursor cursor = new EventCursor(body, format);
        while (cursor.next()) {
            // each step checks
        }
        return cursor.index + 1;
    }

    /** Index of the event in the body, from 0. */
    int index() {
        return index;
    }

    int start() {
        return start;
    }

    int end() {
        return end;
    }

    /** Of the names given at construction, the one at {@code i}. */
    Field field(int i) {
        return fields[i];
    }

    /** The text of a field, its escapes decoded. */
    String text(Field field) {
        String raw = new String(body, field.start, field.end - field.start, StandardCharsets.UTF_8);
        return field.escaped ? JsonText.unescape(raw) : raw;
    }

    /**
     * Moves to the next event.
     *
     * @return false when the body has ended as it should
     * @throws MalformedBodyException where it isn't what it should be
     */
    boolean next() {
        int i = scanner.skipSpace(end);
        scanner.event(index + 1);
        switch (state) {
            case BEGIN -> {
                if (scanner.at(i) == '['
                        && format != BodyFormat.NDJSON
                        && format != BodyFormat.VALUE) {
                    return beginArray(i);
                }
                if (scanner.at(i) < 0) {
                    state = State.DONE;
                    return false;
                }
                state =
                        format == BodyFormat.JSON || format == BodyFormat.VALUE
                                ? State.SINGLE
                                : State.LINES;
                return event(i);
            }
            case LINES -> {
                if (scanner.at(i) < 0) {
                    state = State.DONE;
                    return false;
                }
                if (!lineBreakIn(end, i)) {
                    throw scanner.wrong(i, "where a line break is due");
                }
                return event(i);
            }
            case ELEMENTS -> {
                int b = scanner.at(i);
                if (b == ',') {
                    return event(scanner.skipSpace(i + 1));
                }
                if (b != ']') {
                    throw scanner.wrong(i, "where , or ] is due");
                }
                return ended(i + 1);
            }
            case SINGLE -> {
                return ended(i);
            }
            case DONE -> {
                return false;
            }
        }
        throw new IllegalStateException("no such state: " + state);
    }

    private boolean beginArray(int i) {
        int first = scanner.skipSpace(i + 1);
        if (scanner.at(first) == ']') {
            return ended(first + 1);
        }
        state = State.ELEMENTS;
        return event(first);
    }

    private boolean ended(int from) {
        int i = scanner.skipSpace(from);
        if (scanner.at(i) >= 0) {
            throw scanner.wrong(
                    i,
                    "behind the end of the one JSON value (several, one a line, are application/x-ndjson)");
        }
        state = State.DONE;
        end = i;
        return false;
    }

    private boolean lineBreakIn(int from, int to) {
        for (int i = from; i < to; i++) {
            if (body[i] == '\n') {
                return true;
            }
        }
        return false;
    }

    private boolean event(int from) {
        for (Field field : fields) {
            field.type = Type.ABSENT;
        }
        int outer = state == State.ELEMENTS ? 1 : 0;
        start = from;
        end =
                fields.length > 0 && scanner.at(from) == '{'
                        ? object(from, outer)
                        : scanner.value(from, outer);
        index++;
        return true;
    }

    private int object(int from, int outer) {
        int i = scanner.skipSpace(from + 1);
        if (scanner.at(i) == '}') {
            return i + 1;
        }
        while (true) {
            if (scanner.at(i) != '"') {
                throw scanner.wrong(i, "where a member's name is due");
            }
            int nameEnd = scanner.string(i + 1);
            Field field = named(i + 1, nameEnd, scanner.escaped());
            int valueStart = scanner.colon(nameEnd + 1);
            int valueEnd = scanner.value(valueStart, outer + 1);
            if (field != null && field.type == Type.ABSENT) {
                place(field, valueStart, valueEnd);
            }
            i = scanner.skipSpace(valueEnd);
            int b = scanner.at(i);
            if (b == '}') {
                return i + 1;
            }
            if (b != ',') {
                throw scanner.wrong(i, "where , or } is due");
            }
            i = scanner.skipSpace(i + 1);
        }
    }

    private @Nullable Field named(int from, int to, boolean escaped) {
        if (escaped) {
            String name =
                    JsonText.unescape(new String(body, from, to - from, StandardCharsets.UTF_8));
            byte[] decoded = name.getBytes(StandardCharsets.UTF_8);
            for (Field field : fields) {
                if (Arrays.equals(field.name, decoded)) {
                    return field;
                }
            }
            return null;
        }
        for (Field field : fields) {
            if (field.name.length == to - from
                    && Arrays.equals(field.name, 0, field.name.length, body, from, to)) {
                return field;
            }
        }
        return null;
    }

    private void place(Field field, int from, int to) {
        int first = scanner.at(from);
        if (first == '"') {
            field.type = Type.STRING;
            field.start = from + 1;
            field.end = to - 1;
            field.escaped = scanner.escaped();
        } else {
            field.type = first == '-' || (first >= '0' && first <= '9') ? Type.NUMBER : Type.OTHER;
            field.start = from;
            field.end = to;
            field.escaped = false;
        }
    }
}
