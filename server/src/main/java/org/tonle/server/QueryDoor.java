package org.tonle.server;

import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.query.Question;
import org.tonle.query.RowFormat;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/** {@code POST /api/v1/query}: streams rows; a client that leaves cancels its query. */
final class QueryDoor implements HttpService {
    static final long MOST_BYTES = 1 << 20;
    private static final Logger LOG = LoggerFactory.getLogger(QueryDoor.class);
    private static final String ACTION =
            "send {\"sql\": \"SELECT …\"}; \"parameters\" and \"namespace\" may be with it";
    private static final Duration TO_ARRIVE = Duration.ofSeconds(20);

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
            format = QueryHeaders.format(request.headers());
            QueryHeaders.check(request.headers());
            pass = gate.enter(TokenCheck.principal(ctx));
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
        Future<?> task =
                threads.submit(() -> {
                    try (pass) {
                        answer(body, principal, format, writer);
                    }
                });
        // whichever comes first: the client leaves, or the response is complete (then it's too
        // late)
        CompletableFuture<?> unused =
                writer.whenComplete()
                        .whenComplete((done, error) -> {
                            if (error != null) {
                                task.cancel(true);
                                // a task that had not begun never does
                                pass.close();
                            }
                        });
    }

    private void answer(
            AggregatedHttpRequest body,
            Principal principal,
            RowFormat format,
            HttpResponseWriter writer) {
        QueryReply reply = new QueryReply(writer, format);
        try {
            JsonBody fields =
                    JsonBody.read(body, List.of("sql", "parameters", "namespace"), ACTION);
            lake.answer(
                    new Question(
                            fields.needed("sql"),
                            fields.scalars("parameters"),
                            fields.text("namespace"),
                            principal,
                            QueryHeaders.readPoint(body.headers()),
                            format,
                            QueryHeaders.known(body.headers())),
                    reply);
            reply.close();
        } catch (IOException | RuntimeException | Error e) {
            // nobody may wait for ever, not even after an OutOfMemoryError
            if (reply.started()) {
                // the status is gone; only a broken transfer can say that rows are missing
                if (!Thread.currentThread().isInterrupted()) {
                    LOG.warn("A query failed while its rows were sent: {}", e.toString());
                }
                writer.close(e);
            } else {
                fail(writer, e);
            }
        }
    }

    private static void fail(HttpResponseWriter writer, Throwable error) {
        AggregatedHttpResponse response = Errors.response(error);
        if (writer.tryWrite(response.headers()) && writer.tryWrite(response.content())) {
            writer.close();
        }
    }
}
