package org.tonle.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.ContentTooLargeException;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.ResponseHeadersBuilder;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.CommitStateUnknownException;
import org.apache.iceberg.exceptions.NamespaceNotEmptyException;
import org.apache.iceberg.exceptions.NoSuchNamespaceException;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.exceptions.NoSuchViewException;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.exceptions.UnprocessableEntityException;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.rest.responses.ErrorResponse;
import org.apache.iceberg.rest.responses.ErrorResponseParser;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Errors as Iceberg's clients read them. A status says more there than elsewhere: of a commit 409
 * means that it didn't happen, 5xx that it may have.
 */
final class IcebergErrors {
    private static final Logger LOG = LoggerFactory.getLogger(IcebergErrors.class);

    private IcebergErrors() {}

    static AggregatedHttpResponse response(Throwable error) {
        Throwable cause = Errors.unwrap(error);
        return switch (cause) {
            case NoSuchNamespaceException e -> of(HttpStatus.NOT_FOUND, e);
            case NoSuchTableException e -> of(HttpStatus.NOT_FOUND, e);
            case NoSuchViewException e -> of(HttpStatus.NOT_FOUND, e);
            case NotFoundException e -> of(HttpStatus.NOT_FOUND, e);
            case AlreadyExistsException e -> of(HttpStatus.CONFLICT, e);
            case NamespaceNotEmptyException e -> of(HttpStatus.CONFLICT, e);
            case CommitFailedException e -> of(HttpStatus.CONFLICT, e);
            case CommitStateUnknownException e -> of(HttpStatus.SERVICE_UNAVAILABLE, e);
            case UnprocessableEntityException e -> of(HttpStatus.UNPROCESSABLE_ENTITY, e);
            case UnsupportedOperationException e -> of(HttpStatus.NOT_ACCEPTABLE, e);
            case ValidationException e -> of(HttpStatus.BAD_REQUEST, e);
            case IllegalArgumentException e -> of(HttpStatus.BAD_REQUEST, e);
            case JsonProcessingException e ->
                    response(
                            HttpStatus.BAD_REQUEST,
                            "BadRequestException",
                            "the body isn't what is expected here: " + e.getOriginalMessage());
            case LakeException e -> lake(e);
            case ContentTooLargeException e ->
                    response(
                            HttpStatus.REQUEST_ENTITY_TOO_LARGE,
                            ErrorCode.TOO_LARGE.name(),
                            "the body is larger than " + e.maxContentLength() + " bytes");
            case UncheckedIOException e -> lake(LakeException.storage(e));
            default -> {
                LOG.error("A request failed by a bug", cause);
                yield response(
                        HttpStatus.INTERNAL_SERVER_ERROR,
                        ErrorCode.INTERNAL.name(),
                        "unexpected " + cause.getClass().getSimpleName());
            }
        };
    }

    private static AggregatedHttpResponse lake(LakeException e) {
        if (e.code() == ErrorCode.INTERNAL) {
            LOG.error("A request failed by a bug", e);
        }
        HttpStatus status =
                e instanceof DoorException door ? door.status() : ErrorStatus.of(e.code()).status();
        String type =
                switch (e.code()) {
                    case FORBIDDEN -> "ForbiddenException";
                    case UNAUTHENTICATED -> "NotAuthorizedException";
                    case COMMIT_CONFLICT -> CommitFailedException.class.getSimpleName();
                    default -> e.code().name();
                };
        return response(status, type, String.valueOf(e.getMessage()));
    }

    private static AggregatedHttpResponse of(HttpStatus status, Exception e) {
        return response(status, e.getClass().getSimpleName(), String.valueOf(e.getMessage()));
    }

    private static AggregatedHttpResponse response(HttpStatus status, String type, String message) {
        ErrorResponse error =
                ErrorResponse.builder()
                        .responseCode(status.code())
                        .withType(type)
                        .withMessage(message)
                        .build();
        ResponseHeadersBuilder headers =
                ResponseHeaders.builder(status).contentType(MediaType.JSON_UTF_8);
        if (status.code() == 401) {
            headers.set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer realm=\"tonle\"");
        }
        if (status.code() == 429 || status.code() == 503) {
            headers.setInt(HttpHeaderNames.RETRY_AFTER, 1);
        }
        return AggregatedHttpResponse.of(
                headers.build(),
                HttpData.wrap(ErrorResponseParser.toJson(error).getBytes(StandardCharsets.UTF_8)));
    }
}
