package org.tonle.ingest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tonle.spi.SourceBody;
import org.tonle.spi.SourceMark;

/**
 * Makes records of the event log from what a source read. A line that is no JSON becomes a record
 * of its own, so that it alone is refused. Used by one thread.
 */
final class SourceRecords {
    /** Between the position behind which a body lies and the number of a part of it. */
    private static final char PART = '/';

    private final Map<String, SourceMark> behind = new HashMap<>();

    /**
     * Begins anew.
     *
     * @param taken by item, the last mark in the log or bronze
     * @return the marks to go on from: a body of which only parts are there is read once more
     */
    Map<String, SourceMark> begin(Map<String, SourceMark> taken) {
        behind.clear();
        taken.forEach((item, mark) -> whole(mark).ifPresent(known -> behind.put(item, known)));
        return Map.copyOf(behind);
    }

    private static Optional<SourceMark> whole(SourceMark mark) {
        int part = mark.position().indexOf(PART);
        if (part < 0) {
            return Optional.of(mark);
        }
        return part == 0
                ? Optional.empty()
                : Optional.of(
                        new SourceMark(
                                mark.item(), mark.position().substring(0, part), mark.state()));
    }

    /** The records of the next body. */
    List<BodyRecord> of(SourceBody body, long ingestTimeMicros) {
        SourceMark before =
                behind.getOrDefault(body.mark().item(), new SourceMark(body.mark().item(), "", ""));
        List<BodyRecord> records = new ArrayList<>();
        try {
            records.add(BodyRecord.ofSource(body, before.position(), ingestTimeMicros));
        } catch (MalformedBodyException e) {
            String after = before.position();
            for (SourceBody part : parts(body, before, e.problem())) {
                records.add(BodyRecord.ofSource(part, after, ingestTimeMicros));
                after = part.mark().position();
            }
        }
        behind.put(body.mark().item(), body.mark());
        return records;
    }

    /** What lies between two bad lines is one part, and so is each of these. */
    private List<SourceBody> parts(SourceBody body, SourceMark before, String why) {
        if (BodyFormat.of(body.contentType()) != BodyFormat.NDJSON) {
            return List.of(
                    part(body, body.mark(), body.bytes(), Optional.of(why), body.continues()));
        }
        byte[] bytes = body.bytes();
        List<SourceBody> parts = new ArrayList<>();
        int good = 0;
        for (int line = 0; line < bytes.length; ) {
            int end = endOfLine(bytes, line);
            Optional<String> wrong = problem(Arrays.copyOfRange(bytes, line, end));
            if (wrong.isPresent()) {
                if (good < line) {
                    parts.add(part(body, before, parts.size(), good, line, Optional.empty()));
                }
                parts.add(part(body, before, parts.size(), line, end, wrong));
                good = end;
            }
            line = end;
        }
        if (good < bytes.length) {
            parts.add(part(body, before, parts.size(), good, bytes.length, Optional.empty()));
        }
        SourceBody last = parts.removeLast();
        parts.add(part(body, body.mark(), last.bytes(), last.problem(), body.continues()));
        return parts;
    }

    /** Behind the line break. */
    private static int endOfLine(byte[] bytes, int from) {
        int at = from;
        while (at < bytes.length && bytes[at] != '\n') {
            at++;
        }
        return Math.min(bytes.length, at + 1);
    }

    private static Optional<String> problem(byte[] line) {
        try {
            var unused = EventCursor.count(line, BodyFormat.NDJSON);
            return Optional.empty();
        } catch (MalformedBodyException e) {
            return Optional.of(e.problem());
        }
    }

    private static SourceBody part(
            SourceBody body,
            SourceMark before,
            int number,
            int from,
            int to,
            Optional<String> problem) {
        return part(
                body,
                new SourceMark(
                        before.item(),
                        before.position() + PART + "%07d".formatted(number),
                        before.state()),
                Arrays.copyOfRange(body.bytes(), from, to),
                problem,
                true);
    }

    private static SourceBody part(
            SourceBody body,
            SourceMark mark,
            byte[] bytes,
            Optional<String> problem,
            boolean continues) {
        return new SourceBody(mark, body.contentType(), body.headers(), bytes, problem, continues);
    }
}
