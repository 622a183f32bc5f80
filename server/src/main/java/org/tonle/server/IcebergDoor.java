package org.tonle.server;

import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.QueryParams;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import org.tonle.lake.IcebergClient;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/** {@code /iceberg/v1}: the lake's tables for any client that speaks Iceberg's REST protocol. */
final class IcebergDoor implements HttpService {
    static final String PREFIX = "/iceberg/";

    /** The changes of a commit; what they point to isn't sent. */
    private static final long MOST_BYTES = 8 << 20;

    private static final Duration TO_ARRIVE = Duration.ofSeconds(20);
    private static final Duration TO_ANSWER = Duration.ofMinutes(2);

    private final Backend lake;
    private final Gate gate;
    private final ByteBudget bytes;
    private final IcebergRoutes routes;
    private final ExecutorService threads;

    IcebergDoor(Backend lake, Gate gate, ByteBudget bytes, Meters meters, ExecutorService threads) {
        this.lake = lake;
        this.gate = gate;
        this.bytes = bytes;
        this.routes = new IcebergRoutes(meters);
        this.threads = threads;
    }

    @Override
    public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) {
        Principal principal;
        Gate.Pass pass;
        ByteBudget.Share share = bytes.share();
        try {
            principal = lake.authenticate(TokenCheck.token(request));
            share.growTo(Math.max(request.headers().contentLength(), 0));
            pass = gate.enter(principal);
        } catch (LakeException e) {
            share.close();
            return Refusal.with(ctx, request, IcebergErrors.response(e));
        }
        ctx.setMaxRequestLength(MOST_BYTES);
        ctx.setRequestTimeout(TO_ARRIVE);
        return HttpResponse.of(
                request.peekData(data -> share.grow(data.length()))
                        .aggregate()
                        .thenApplyAsync(
                                body -> {
                                    ctx.setRequestTimeout(TO_ANSWER);
                                    return answer(body, principal);
                                },
                                threads)
                        .exceptionally(e -> IcebergErrors.response(e).toHttpResponse())
                        .whenComplete((response, error) -> {
                            share.close();
                            pass.close();
                        }));
    }

    private HttpResponse answer(AggregatedHttpRequest request, Principal principal) {
        String path = request.path();
        int query = path.indexOf('?');
        String[] segments =
                path.substring(PREFIX.length(), query < 0 ? path.length() : query).split("/", -1);
        QueryParams parameters =
                query < 0
                        ? QueryParams.of()
                        : QueryParams.fromQueryString(path.substring(query + 1));
        List<String> sent = request.headers().getAll("idempotency-key");
        if (sent.size() > 1) {
            throw new LakeException(
                    ErrorCode.INVALID_REQUEST, "there is more than one Idempotency-Key");
        }
        Optional<IcebergClient.Key> key =
                sent.stream().map(text -> new IcebergClient.Key(text, digest(request))).findFirst();
        try {
            return routes.answer(
                    request.method(),
                    List.of(segments),
                    new IcebergRoutes.Asked(
                            lake.iceberg(principal, key),
                            parameters,
                            Optional.ofNullable(
                                    request.headers().get(HttpHeaderNames.IF_NONE_MATCH)),
                            request.content()));
        } catch (IOException e) {
            return IcebergErrors.response(e).toHttpResponse();
        }
    }

    /** Tells the request from every other that could come with the same key. */
    private static String digest(AggregatedHttpRequest request) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(
                    (request.method() + " " + request.path() + "\n")
                            .getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest(request.content().array()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** There is nothing at a path. */
    static HttpResponse nothing(String what) {
        return IcebergErrors.response(
                        new DoorException(
                                HttpStatus.NOT_FOUND, ErrorCode.NOT_FOUND, what, null, ""))
                .toHttpResponse();
    }
}
