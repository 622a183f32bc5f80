package org.tonle.server;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.SimpleDecoratingHttpService;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.tonle.spi.ErrorCode;

/**
 * Refuses requests that a browser was tricked into: a web page may send requests to the loopback
 * interface, directly (then Origin names it) or through a name that it lets point there (then Host
 * does).
 */
final class HostCheck extends SimpleDecoratingHttpService {
    /**
     * What Armeria is told to put in the place of a Host that is missing. It would take the name of
     * this machine otherwise, and that may well be localhost.
     */
    static final String MISSING = "missing-host.invalid";

    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

    HostCheck(HttpService delegate) {
        super(delegate);
    }

    @Override
    public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) throws Exception {
        // HTTP/1's Host stays beside what Armeria makes of it; HTTP/2 has :authority only
        String host =
                request.headers()
                        .get(
                                request.headers().contains(HttpHeaderNames.HOST)
                                        ? HttpHeaderNames.HOST
                                        : HttpHeaderNames.AUTHORITY);
        boolean missing = host == null || withoutPort(host).equals(MISSING);
        if (host == null || !LOOPBACK.contains(withoutPort(host))) {
            throw new DoorException(
                    HttpStatus.BAD_REQUEST,
                    ErrorCode.INVALID_REQUEST,
                    missing
                            ? "the Host header is missing"
                            : "this lake answers on the loopback interface only",
                    missing ? null : host,
                    "address it as localhost or 127.0.0.1");
        }
        List<String> origins = request.headers().getAll(HttpHeaderNames.ORIGIN);
        for (String origin : origins) {
            if (!loopback(origin)) {
                throw new DoorException(
                        HttpStatus.FORBIDDEN,
                        ErrorCode.INVALID_REQUEST,
                        "web pages from elsewhere may not use this lake",
                        origin,
                        "ask from a page of this server, or without a browser");
            }
        }
        return unwrap().serve(ctx, request);
    }

    private static String withoutPort(String host) {
        return host.toLowerCase(Locale.ROOT).replaceFirst(":[0-9]{1,5}$", "");
    }

    private static boolean loopback(String origin) {
        try {
            String host = new URI(origin).getHost();
            return host != null && LOOPBACK.contains(host.toLowerCase(Locale.ROOT));
        } catch (URISyntaxException e) {
            return false;
        }
    }
}
