package org.tonle.server;

import com.linecorp.armeria.common.HttpStatus;
import org.tonle.spi.ErrorCode;

/**
 * What an error code is in HTTP: the one table.
 *
 * @param action what to do next where the message doesn't say more
 * @param retryAfterSeconds 0 where waiting alone doesn't help
 */
record ErrorStatus(HttpStatus status, String title, String action, int retryAfterSeconds) {
    static ErrorStatus of(ErrorCode code) {
        return switch (code) {
            case INVALID_DEFINITION ->
                    user(HttpStatus.UNPROCESSABLE_ENTITY, "Invalid definition", "correct the file");
            case INVALID_REQUEST ->
                    user(HttpStatus.BAD_REQUEST, "Invalid request", "correct the request");
            case UNAUTHENTICATED ->
                    user(
                            HttpStatus.UNAUTHORIZED,
                            "Not authenticated",
                            "send Authorization: Bearer and a token: that of"
                                    + " DIR/.tonle/admin-token, or an API key");
            case FORBIDDEN ->
                    user(HttpStatus.FORBIDDEN, "Forbidden", "ask with a role that may do this");
            case INVALID_SQL ->
                    user(HttpStatus.UNPROCESSABLE_ENTITY, "Invalid SQL", "correct the statement");
            case UNSUPPORTED_SQL ->
                    user(
                            HttpStatus.UNPROCESSABLE_ENTITY,
                            "Unsupported SQL",
                            "write the statement another way");
            case INVALID_VALUE ->
                    user(
                            HttpStatus.UNPROCESSABLE_ENTITY,
                            "Invalid value",
                            "leave the value out by WHERE or CASE");
            case NOT_FOUND ->
                    user(HttpStatus.NOT_FOUND, "Not found", "GET /api/v1/datasets lists what is");
            case ALREADY_EXISTS ->
                    user(HttpStatus.CONFLICT, "Already exists", "choose another name");
            case TOO_LARGE ->
                    user(
                            HttpStatus.REQUEST_ENTITY_TOO_LARGE,
                            "Too large",
                            "send less in one request");
            case IDEMPOTENCY_MISMATCH ->
                    user(
                            HttpStatus.UNPROCESSABLE_ENTITY,
                            "Idempotency-Key used for another body",
                            "send a new body with a key of its own");
            case COMMIT_CONFLICT ->
                    later(HttpStatus.CONFLICT, "Commit conflict", "read again and retry", 1);
            case INCOMPATIBLE_CHANGE ->
                    user(
                            HttpStatus.CONFLICT,
                            "Incompatible change",
                            "undo the change, or name the dataset anew");
            case SCHEMA_DRIFT ->
                    user(
                            HttpStatus.UNPROCESSABLE_ENTITY,
                            "No column for a field",
                            "leave the field out, or have a column declared for it");
            case EXPECTATION_FAILED ->
                    user(
                            HttpStatus.UNPROCESSABLE_ENTITY,
                            "Expectation failed",
                            "correct the row or the expectation");
            case SOURCE_CHANGED ->
                    user(HttpStatus.CONFLICT, "Source changed", "refresh the dataset in full");
            case LOG_GAP ->
                    user(
                            HttpStatus.INTERNAL_SERVER_ERROR,
                            "Event log lost records",
                            "see GET /api/v1/datasets for the source and the reason");
            case LOG_UNAVAILABLE -> outside("Event log unavailable");
            case SOURCE_UNAVAILABLE -> outside("Source unavailable");
            case LEDGER_UNAVAILABLE -> outside("Ledger unavailable");
            case COMMIT_UNKNOWN -> outside("Outcome of the commit unknown");
            case LEASE_LOST -> outside("Lease lost");
            case STORAGE -> outside("Storage failed");
            case DISK_FULL ->
                    later(
                            HttpStatus.SERVICE_UNAVAILABLE,
                            "Disk full",
                            "free space on the disk of the lake; then retry, it goes on by itself",
                            5);
            case OVERLOADED ->
                    later(HttpStatus.TOO_MANY_REQUESTS, "Overloaded", "retry after a while", 1);
            case TIMEOUT ->
                    later(HttpStatus.GATEWAY_TIMEOUT, "Timed out", "ask for less, or later", 0);
            case CANCELLED ->
                    later(HttpStatus.SERVICE_UNAVAILABLE, "Cancelled", "retry if you want it", 1);
            case OUT_OF_RESOURCES ->
                    later(
                            HttpStatus.SERVICE_UNAVAILABLE,
                            "Out of resources",
                            "ask for less, or give the engine more memory in lake.yaml",
                            5);
            case IN_USE -> user(HttpStatus.CONFLICT, "In use", "choose another, or wait");
            case NOT_READY ->
                    later(
                            HttpStatus.SERVICE_UNAVAILABLE,
                            "Not ready",
                            "wait until /health/ready answers 200",
                            2);
            case SOURCE_PAUSED ->
                    later(
                            HttpStatus.SERVICE_UNAVAILABLE,
                            "Source paused",
                            "retry when the source was resumed; with the same Idempotency-Key"
                                    + " nothing is doubled",
                            10);
            case INTERNAL ->
                    user(
                            HttpStatus.INTERNAL_SERVER_ERROR,
                            "Internal error",
                            "this is a bug: please report it with the lake's log");
        };
    }

    private static ErrorStatus user(HttpStatus status, String title, String action) {
        return new ErrorStatus(status, title, action, 0);
    }

    private static ErrorStatus later(HttpStatus status, String title, String action, int seconds) {
        return new ErrorStatus(status, title, action, seconds);
    }

    private static ErrorStatus outside(String title) {
        return later(
                HttpStatus.SERVICE_UNAVAILABLE,
                title,
                "retry; with the same Idempotency-Key nothing is doubled",
                2);
    }
}
