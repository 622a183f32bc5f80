package org.tonle.ingest;

import java.util.Locale;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** How a body holds its events. */
enum BodyFormat {
    /** One JSON value; the elements of an array are an event each. */
    JSON,
    /** JSON values, one a line; an array is one event. */
    NDJSON,
    /** One JSON value, which is one event whatever it is. */
    VALUE,
    /** The client didn't say: one array with an event per element, else values, one a line. */
    UNSAID;

    /**
     * Of a Content-Type header.
     *
     * @throws LakeException INVALID_REQUEST if it names another character encoding than UTF-8
     */
    static BodyFormat of(String contentType) {
        String[] parts = contentType.toLowerCase(Locale.ROOT).split(";", -1);
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].strip().replace("\"", "");
            if (parameter.startsWith("charset=")
                    && !parameter.equals("charset=utf-8")
                    && !parameter.equals("charset=us-ascii")) {
                throw new LakeException(
                        ErrorCode.INVALID_REQUEST,
                        "The body's Content-Type says %s. JSON travels in UTF-8; send it so."
                                .formatted(parameter));
            }
        }
        String type = parts[0].strip();
        return switch (type) {
            case "application/json" -> JSON;
            case "application/x-ndjson",
                    "application/ndjson",
                    "application/jsonl",
                    "application/x-jsonlines" ->
                    NDJSON;
            default -> type.endsWith("+json") ? JSON : UNSAID;
        };
    }
}
