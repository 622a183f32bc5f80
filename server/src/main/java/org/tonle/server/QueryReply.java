package org.tonle.server;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.tonle.query.Answer;
import org.tonle.query.RowFormat;

/** Sends an answer. */
final class QueryReply implements Answer.Receiver {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final MediaType NDJSON = MediaType.parse("application/x-ndjson");

    private final HttpResponseWriter writer;
    private final RowFormat format;
    private @Nullable ResponseStream rows;

    QueryReply(HttpResponseWriter writer, RowFormat format) {
        this.writer = writer;
        this.format = format;
    }

    @Override
    public void unchanged(Answer answer) {
        send(headers(HttpStatus.NOT_MODIFIED, answer).build(), HttpData.empty());
    }

    @Override
    public void whole(Answer answer, byte[] body, int length) {
        send(
                headers(HttpStatus.OK, answer)
                        .contentType(type())
                        .setInt(HttpHeaderNames.CONTENT_LENGTH, length)
                        .build(),
                HttpData.wrap(body, 0, length));
    }

    private void send(ResponseHeaders headers, HttpData body) {
        // a client that is gone is told nothing
        if (writer.tryWrite(headers) && (body.isEmpty() || writer.tryWrite(body))) {
            writer.close();
        }
    }

    @Override
    public OutputStream stream(Answer answer) {
        rows =
                new ResponseStream(
                        writer,
                        headers(HttpStatus.OK, answer).contentType(type()).build(),
                        PATIENCE);
        return rows;
    }

    /** Whether the status is sent already. */
    boolean started() {
        return rows != null && rows.started();
    }

    /** Sends the rest of a stream. */
    void close() throws IOException {
        if (rows != null) {
            rows.close();
        }
    }

    private static ResponseHeadersBuilder headers(HttpStatus status, Answer answer) {
        ResponseHeadersBuilder headers =
                ResponseHeaders.builder(status)
                        .setLong(QueryHeaders.SEQ, answer.seq())
                        .set(QueryHeaders.QUERY_ID, answer.id());
        answer.etag().ifPresent(tag -> headers.set(HttpHeaderNames.ETAG, "\"" + tag + "\""));
        return headers;
    }

    private MediaType type() {
        return switch (format) {
            case JSON -> MediaType.JSON_UTF_8;
            case NDJSON -> NDJSON;
            case CSV -> MediaType.CSV_UTF_8;
        };
    }
}
