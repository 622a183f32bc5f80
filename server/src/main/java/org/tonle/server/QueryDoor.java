package org.tonle.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.query.RowFormat;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/** {@code POST /api/v1/query}: streams rows; a client that leaves cancels its query. */
final class QueryDoor implements HttpService {
    static final long MOST_BYTES = 1 << 20;
    private static final Logger LOG = LoggerFactory.getLogger(QueryDoor.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration TO_ARRIVE = Duration.ofSeconds(20);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Backend lake;
    private final Gate gate;
    private final ExecutorService threads;

    QueryDoor(Backend lake, Gate gate, ExecutorService threads) {
        this.lake = lake;
        this.gate = gate;
        this.threads = threads;
    }

    @Override
    public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) {
        RowFormat format;
        Gate.Pass pass;
        try {
            format = format(request.headers());
            pass = gate.enter();
        } catch (LakeException e) {
            return Refusal.of(ctx, request, e);
        }
        ctx.setMaxRequestLength(MOST_BYTES);
        ctx.setRequestTimeout(TO_ARRIVE);
        HttpResponseWriter writer = HttpResponse.streaming();
        CompletableFuture<?> unused =
                request.aggregate()
                        .whenComplete((body, error) -> {
                            if (error != null) {
                                fail(writer, error);
                                pass.close();
                            } else {
                                // from here the engine's time limit counts
                                ctx.clearRequestTimeout();
                                start(body, TokenCheck.principal(ctx), format, writer, pass);
                            }
                        });
        return writer;
    }

    private void start(
            AggregatedHttpRequest body,
            Principal principal,
            RowFormat format,
            HttpResponseWriter writer,
            Gate.Pass pass) {
        Running running = new Running();
        Future<?> task =
                threads.submit(() -> {
                    try (pass) {
                        answer(body, principal, format, writer, running);
                    }
                });
        // whichever comes first: the client leaves, or the response is complete (then it's too
        // late)
        CompletableFuture<?> unused =
                writer.whenComplete()
                        .whenComplete((done, error) -> {
                            if (error != null) {
                                running.cancel();
                                task.cancel(true);
                            }
                        });
    }

    /** The rows once they exist; a cancel before that is remembered. */
    private static final class Running {
        private Backend.@Nullable Rows rows;
        private boolean cancelled;

        synchronized void set(Backend.Rows started) {
            rows = started;
            if (cancelled) {
                started.cancel();
            }
        }

        synchronized void cancel() {
            cancelled = true;
            if (rows != null) {
                rows.cancel();
            }
        }

        synchronized boolean cancelled() {
            return cancelled;
        }
    }

    private void answer(
            AggregatedHttpRequest body,
            Principal principal,
            RowFormat format,
            HttpResponseWriter writer,
            Running running) {
        try (Backend.Rows rows = lake.query(sql(body), principal)) {
            running.set(rows);
            ResponseHeaders headers =
                    ResponseHeaders.builder(HttpStatus.OK)
                            .contentType(type(format))
                            .setLong("tonle-seq", rows.seq())
                            .build();
            ResponseStream out = new ResponseStream(writer, headers, PATIENCE);
            try {
                rows.writeTo(out, format);
                out.close();
            } catch (IOException | RuntimeException e) {
                if (out.started()) {
                    // the status is gone; only a broken transfer can say that rows are missing
                    if (!running.cancelled()) {
                        LOG.warn("A query failed while its rows were sent: {}", e.toString());
                    }
                    writer.close(e);
                } else {
                    fail(writer, e);
                }
            }
        } catch (RuntimeException e) {
            fail(writer, e);
        }
    }

    private static void fail(HttpResponseWriter writer, Throwable error) {
        AggregatedHttpResponse response = Errors.response(error);
        if (writer.tryWrite(response.headers()) && writer.tryWrite(response.content())) {
            writer.close();
        }
    }

    private static String sql(AggregatedHttpRequest request) {
        String action = "send {\"sql\": \"SELECT …\"}";
        JsonNode node;
        try {
            node = JSON.readTree(request.content().array());
        } catch (JsonProcessingException e) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    // Jackson adds where in its own input something began
                    "the body isn't JSON: "
                            + e.getOriginalMessage().replaceFirst(" ?\\(start marker.*", ""),
                    null,
                    action);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (node == null || !node.isObject() || !node.path("sql").isTextual()) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    node != null && node.has("sql")
                            ? "the field sql is no text"
                            : "the field sql is missing",
                    null,
                    action);
        }
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(node.path("sql").textValue())) {
            throw new DoorException(
                    ErrorCode.INVALID_REQUEST,
                    "the statement holds half of a surrogate pair, which is no character",
                    null,
                    "send whole characters");
        }
        for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!name.equals("sql")) {
                throw new DoorException(
                        ErrorCode.INVALID_REQUEST, "this field isn't known", name, action);
            }
        }
        return node.get("sql").textValue();
    }

    private static RowFormat format(RequestHeaders headers) {
        String accept = headers.get(HttpHeaderNames.ACCEPT, "*/*");
        for (String part : accept.split(",", -1)) {
            String range = part.replaceFirst(";.*", "").strip().toLowerCase(Locale.ROOT);
            switch (range) {
                case "*/*", "application/*", "application/json" -> {
                    return RowFormat.JSON;
                }
                case "application/x-ndjson", "application/ndjson" -> {
                    return RowFormat.NDJSON;
                }
                case "text/csv", "text/*" -> {
                    return RowFormat.CSV;
                }
                default -> {}
            }
        }
        throw new DoorException(
                HttpStatus.NOT_ACCEPTABLE,
                ErrorCode.INVALID_REQUEST,
                "rows can't be sent as this",
                accept,
                "accept application/json, application/x-ndjson or text/csv");
    }

    private static MediaType type(RowFormat format) {
        return switch (format) {
            case JSON -> MediaType.JSON_UTF_8;
            case NDJSON -> MediaType.parse("application/x-ndjson");
            case CSV -> MediaType.CSV_UTF_8;
        };
    }
}
