package org.tonle.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import com.linecorp.armeria.server.HttpStatusException;
import com.linecorp.armeria.server.RequestTimeoutException;
import com.linecorp.armeria.server.ServerErrorHandler;
import com.linecorp.armeria.server.ServiceConfig;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Turns whatever goes wrong into a problem document (RFC 9457). */
final class Errors implements ServerErrorHandler {
    static final MediaType PROBLEM = MediaType.parse("application/problem+json");
    private static final Logger LOG = LoggerFactory.getLogger(Errors.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What came back as the error of a future, without the future's wrapping. */
    static Throwable unwrap(Throwable error) {
        Throwable unwrapped = error;
        while ((unwrapped instanceof CompletionException || unwrapped instanceof ExecutionException)
                && unwrapped.getCause() != null) {
            unwrapped = unwrapped.getCause();
        }
        return unwrapped;
    }

    static AggregatedHttpResponse response(Throwable error) {
        Throwable cause = unwrap(error);
        return switch (cause) {
            case DoorException e ->
                    document(e.status(), e.code(), message(e), e.value(), e.action());
            case LakeException e -> {
                ErrorStatus status = ErrorStatus.of(e.code());
                if (e.code() == ErrorCode.INTERNAL) {
                    LOG.error("A request failed by a bug", e);
                }
                yield document(status.status(), e.code(), message(e), null, status.action());
            }
            case ContentTooLargeException e ->
                    document(
                            HttpStatus.REQUEST_ENTITY_TOO_LARGE,
                            ErrorCode.TOO_LARGE,
                            "the body is larger than " + e.maxContentLength() + " bytes",
                            null,
                            "send less in one request");
            case RequestTimeoutException e ->
                    document(
                            HttpStatus.REQUEST_TIMEOUT,
                            ErrorCode.TIMEOUT,
                            "the request took too long to arrive or to be answered",
                            null,
                            "retry; with the same Idempotency-Key nothing is doubled");
            case UncheckedIOException e -> response(LakeException.storage(e));
            case HttpStatusException e -> status(e.httpStatus(), null);
            default -> {
                LOG.error("A request failed by a bug", cause);
                yield document(
                        HttpStatus.INTERNAL_SERVER_ERROR,
                        ErrorCode.INTERNAL,
                        "unexpected " + cause.getClass().getSimpleName(),
                        null,
                        ErrorStatus.of(ErrorCode.INTERNAL).action());
            }
        };
    }

    private static String message(LakeException e) {
        return e.getMessage() == null ? e.code().name() : e.getMessage();
    }

    private static AggregatedHttpResponse status(HttpStatus status, @Nullable String detail) {
        int code = status.code();
        if (code == 404) {
            return document(
                    status,
                    ErrorCode.NOT_FOUND,
                    detail == null ? "there is nothing at this path" : detail,
                    null,
                    "GET /openapi.yaml lists the paths");
        }
        ErrorCode error =
                code == 413
                        ? ErrorCode.TOO_LARGE
                        : code == 408
                                ? ErrorCode.TIMEOUT
                                : code == 503
                                        ? ErrorCode.NOT_READY
                                        : code >= 500
                                                ? ErrorCode.INTERNAL
                                                : ErrorCode.INVALID_REQUEST;
        return document(
                status,
                error,
                detail == null ? status.reasonPhrase().toLowerCase(Locale.ROOT) : detail,
                null,
                code == 405
                        ? "GET /openapi.yaml lists the methods of each path"
                        : ErrorStatus.of(error).action());
    }

    private static AggregatedHttpResponse document(
            HttpStatus status,
            ErrorCode code,
            String detail,
            @Nullable String value,
            String action) {
        ObjectNode node = JSON.createObjectNode();
        node.put("type", "urn:tonle:problem:" + code.name().toLowerCase(Locale.ROOT));
        node.put("title", ErrorStatus.of(code).title());
        node.put("status", status.code());
        node.put("detail", detail);
        node.put("code", code.name());
        if (value != null) {
            node.put("value", value.length() > 200 ? value.substring(0, 200) + "…" : value);
        }
        node.put("action", action);
        node.put("retryable", code.retryable());
        ResponseHeadersBuilder headers = ResponseHeaders.builder(status).contentType(PROBLEM);
        int wait = ErrorStatus.of(code).retryAfterSeconds();
        if (status.code() == 401) {
            headers.set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer realm=\"tonle\"");
        }
        if (wait > 0 && (status.code() == 429 || status.code() == 503)) {
            headers.setInt(HttpHeaderNames.RETRY_AFTER, wait);
        }
        try {
            return AggregatedHttpResponse.of(
                    headers.build(), HttpData.wrap(JSON.writeValueAsBytes(node)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings can always be written", e);
        }
    }

    @Override
    public HttpResponse onServiceException(ServiceRequestContext ctx, Throwable cause) {
        return response(cause).toHttpResponse();
    }

    @Override
    public AggregatedHttpResponse renderStatus(
            @Nullable ServiceRequestContext ctx,
            ServiceConfig config,
            @Nullable RequestHeaders headers,
            HttpStatus status,
            @Nullable String description,
            @Nullable Throwable cause) {
        return status(status, description);
    }
}
