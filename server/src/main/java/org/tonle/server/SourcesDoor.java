package org.tonle.server;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.tonle.lake.SourceReport;
import org.tonle.spi.Principal;

/** {@code /api/v1/sources}: says how sources are doing, pauses and resumes them. */
final class SourcesDoor {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MOST_BYTES = 64 << 10;

    private final Backend lake;
    private final Executor threads;

    SourcesDoor(Backend lake, Executor threads) {
        this.lake = lake;
        this.threads = threads;
    }

    HttpResponse list(ServiceRequestContext ctx) {
        ArrayNode array = JSON.createArrayNode();
        lake.sources(TokenCheck.principal(ctx)).forEach(source -> array.add(node(source)));
        return LakeServer.json(array);
    }

    HttpResponse pause(ServiceRequestContext ctx, HttpRequest request) {
        return operate(ctx, request, lake::pause);
    }

    HttpResponse resume(ServiceRequestContext ctx, HttpRequest request) {
        return operate(ctx, request, lake::resume);
    }

    private interface Operation {
        SourceReport of(String source, Principal by);
    }

    private HttpResponse operate(
            ServiceRequestContext ctx, HttpRequest request, Operation operation) {
        ctx.setMaxRequestLength(MOST_BYTES);
        String source = Objects.requireNonNull(ctx.pathParam("source"));
        Principal by = TokenCheck.principal(ctx);
        return HttpResponse.of(
                request.aggregate()
                        .thenApplyAsync(
                                nothing -> LakeServer.json(node(operation.of(source, by))),
                                threads));
    }

    private static ObjectNode node(SourceReport source) {
        ObjectNode node = JSON.createObjectNode();
        node.put("name", source.name());
        node.put("kind", source.kind());
        node.put("state", source.state().name().toLowerCase(Locale.ROOT));
        source.reason().ifPresent(reason -> node.put("reason", reason));
        source.since().ifPresent(since -> node.put("since", since.toString()));
        source.pausedBy().ifPresent(by -> node.put("paused_by", by));
        node.put("lag", source.lag());
        node.put("lag_seconds", source.behind().toSeconds());
        node.put("events", source.counts().events());
        node.put("bytes", source.counts().bytes());
        node.put("unreadable", source.counts().unreadable());
        node.put("repeats", source.repeats());
        node.put("errors", source.counts().errors());
        source.committedAt().ifPresent(at -> node.put("committed_at", at.toString()));
        source.heldBytes().ifPresent(bytes -> node.put("held_bytes", bytes));
        source.retention()
                .ifPresent(retention ->
                        node.put("retention_left_seconds", retention.left().toSeconds())
                                .put("alarm", retention.alarm()));
        return node;
    }
}
