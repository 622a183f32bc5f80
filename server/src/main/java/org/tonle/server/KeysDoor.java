package org.tonle.server;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import org.tonle.definition.Units;
import org.tonle.lake.LakeAccess;
import org.tonle.spi.ApiKey;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.Principal;

/** {@code /api/v1/keys}: makes API keys, lists them, ends them. */
final class KeysDoor {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration MOST_TIME = Duration.ofDays(3650);
    private static final int MOST_BYTES = 64 << 10;
    private static final String ACTION =
            "send {\"roles\": [\"data_viewer\"], \"user\": \"anna\", \"expires\": \"30d\"}; user and"
                    + " expires may be left out, and roles if there is a user";

    private final Backend lake;
    private final Executor threads;

    KeysDoor(Backend lake, Executor threads) {
        this.lake = lake;
        this.threads = threads;
    }

    HttpResponse create(ServiceRequestContext ctx, HttpRequest request) {
        ctx.setMaxRequestLength(MOST_BYTES);
        Principal by = TokenCheck.principal(ctx);
        return HttpResponse.of(
                request.aggregate().thenApplyAsync(body -> create(body, by), threads));
    }

    private HttpResponse create(AggregatedHttpRequest request, Principal by) {
        JsonBody body = JsonBody.read(request, List.of("roles", "user", "expires"), ACTION);
        LakeAccess.NewKey created =
                lake.createKey(
                        Set.copyOf(new TreeSet<>(body.texts("roles"))),
                        body.text("user"),
                        body.text("expires").map(KeysDoor::time),
                        by);
        ObjectNode node = node(created.key());
        node.put("key", created.token());
        return LakeServer.json(HttpStatus.CREATED, node);
    }

    private static Duration time(String text) {
        return Units.duration(text)
                .filter(time -> time.isPositive() && time.compareTo(MOST_TIME) <= 0)
                .orElseThrow(() ->
                        new DoorException(
                                ErrorCode.INVALID_REQUEST,
                                "expires is no time above zero and up to 3650d",
                                text,
                                "write one like 12h or 30d, or leave it out"));
    }

    HttpResponse list(ServiceRequestContext ctx) {
        ArrayNode array = JSON.createArrayNode();
        lake.keys().forEach(key -> array.add(node(key)));
        return LakeServer.json(HttpStatus.OK, array);
    }

    HttpResponse revoke(ServiceRequestContext ctx) {
        lake.revokeKey(Objects.requireNonNull(ctx.pathParam("id")));
        return HttpResponse.of(HttpStatus.NO_CONTENT);
    }

    private static ObjectNode node(ApiKey key) {
        ObjectNode node = JSON.createObjectNode();
        node.put("id", key.id());
        ArrayNode roles = node.putArray("roles");
        new TreeSet<>(key.roles()).forEach(roles::add);
        key.user().ifPresent(user -> node.put("user", user));
        node.put("created", key.created().toString());
        Optional<String> expires = key.expires().map(Object::toString);
        expires.ifPresent(text -> node.put("expires", text));
        return node;
    }
}
