package org.tonle.server;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.SimpleDecoratingHttpService;
import io.netty.util.AttributeKey;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;

/** Lets nobody in who isn't known, or who may not use this door. */
final class TokenCheck extends SimpleDecoratingHttpService {
    private static final AttributeKey<Principal> PRINCIPAL =
            AttributeKey.valueOf(TokenCheck.class, "PRINCIPAL");
    private static final String SCHEME = "Bearer ";

    private final Backend lake;
    private final Door door;

    /**
     * Who may use a door.
     *
     * @param asks whether a token is asked for
     * @param roles of whom, for a person
     */
    record Door(boolean asks, Predicate<Principal> opens, String roles) {
        static final Door ANYBODY = new Door(false, principal -> true, "");
        static final Door ANYBODY_KNOWN = new Door(true, principal -> true, "");
        static final Door INGEST =
                new Door(
                        true,
                        Principal::mayIngest,
                        "ingest, data_engineer or admin may send events");
        static final Door OPERATE =
                new Door(true, Principal::mayOperate, "data_engineer or admin may do this");
        static final Door ADMIN = new Door(true, Principal::isAdmin, "admin may do this");
    }

    TokenCheck(HttpService delegate, Backend lake, Door door) {
        super(delegate);
        this.lake = lake;
        this.door = door;
    }

    @Override
    public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) throws Exception {
        if (!door.asks()) {
            return unwrap().serve(ctx, request);
        }
        try {
            Principal principal = lake.authenticate(token(request));
            if (!door.opens().test(principal)) {
                throw new LakeException(
                        ErrorCode.FORBIDDEN,
                        "only the roles "
                                + door.roles()
                                + ", and "
                                + principal.name()
                                + " has none of them");
            }
            ctx.setAttr(PRINCIPAL, principal);
        } catch (LakeException e) {
            return Refusal.of(ctx, request, e);
        }
        return unwrap().serve(ctx, request);
    }

    /** The one that a request shows; UNAUTHENTICATED if it shows none. */
    static String token(HttpRequest request) {
        List<String> sent = request.headers().getAll(HttpHeaderNames.AUTHORIZATION);
        if (sent.isEmpty()) {
            throw new LakeException(
                    ErrorCode.UNAUTHENTICATED, "the Authorization header is missing");
        }
        String first = sent.getFirst();
        if (sent.size() > 1 || !first.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            throw new LakeException(
                    ErrorCode.UNAUTHENTICATED, "the Authorization header isn't one Bearer token");
        }
        return first.substring(SCHEME.length()).strip();
    }

    /** Who asks, behind the check. */
    static Principal principal(ServiceRequestContext ctx) {
        @Nullable Principal principal = ctx.attr(PRINCIPAL);
        return Objects.requireNonNull(principal, "a door without a check");
    }
}
