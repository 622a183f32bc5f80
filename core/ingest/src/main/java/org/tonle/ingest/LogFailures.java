package org.tonle.ingest;

import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** What Kafka's exceptions mean to the lake. */
final class LogFailures {
    private LogFailures() {}

    /** {@code what} says in a few words what was tried. */
    static LakeException of(Throwable thrown, String what) {
        Throwable cause = thrown;
        while ((cause instanceof ExecutionException || cause instanceof CompletionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return switch (cause) {
            case LakeException lake -> lake;
            case InterruptedException e -> interrupted(what, e);
            case InterruptException e -> interrupted(what, e);
            case RecordTooLargeException e ->
                    new LakeException(
                            ErrorCode.TOO_LARGE,
                            "The event log refused a body for its size (%s). Send smaller bodies, or raise max-body of the source and the limits of the brokers."
                                    .formatted(e.getMessage()),
                            e);
            case InvalidOffsetException e ->
                    new LakeException(
                            ErrorCode.LOG_GAP,
                            "The event log no longer holds what comes next (%s). It was truncated, or its retention has passed the position."
                                    .formatted(e.getMessage()),
                            e);
            case AuthenticationException e ->
                    new LakeException(
                            ErrorCode.LOG_UNAVAILABLE,
                            "The event log refused the lake's credentials: %s. Check the properties that say how it is reached."
                                    .formatted(e.getMessage()),
                            e);
            case AuthorizationException e ->
                    new LakeException(
                            ErrorCode.LOG_UNAVAILABLE,
                            "The event log doesn't allow to %s: %s. Grant it to the lake's user."
                                    .formatted(what, e.getMessage()),
                            e);
            default ->
                    new LakeException(
                            ErrorCode.LOG_UNAVAILABLE,
                            "The event log didn't answer when asked to %s: %s."
                                    .formatted(what, cause),
                            cause);
        };
    }

    private static LakeException interrupted(String what, Exception e) {
        Thread.currentThread().interrupt();
        return new LakeException(
                ErrorCode.CANCELLED, "Interrupted while waiting to " + what + ".", e);
    }
}
