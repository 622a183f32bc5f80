package org.tonle.spi;

/**
 * What went wrong, as a client may branch on it. A code's name is part of the API: it appears in
 * every problem document, and is never renamed.
 *
 * <p>{@link #kind()} says whose turn it is; {@link #retryable()} says whether the same request can
 * succeed later without anybody changing anything.
 */
public enum ErrorCode {
    /** A lake folder that doesn't say what it means; the message lists every problem. */
    INVALID_DEFINITION(Kind.USER, false),
    /** A request that is not what the door accepts: encoding, syntax, a missing header. */
    INVALID_REQUEST(Kind.USER, false),
    /** Nobody who is known asks: no token, or one that doesn't hold (any more). */
    UNAUTHENTICATED(Kind.USER, false),
    /** Whoever asks may not do this. */
    FORBIDDEN(Kind.USER, false),
    /** SQL that doesn't parse or bind. */
    INVALID_SQL(Kind.USER, false),
    /** SQL that is right, and that Tonle doesn't run (yet). */
    UNSUPPORTED_SQL(Kind.USER, false),
    /** A value that made a running query fail: a cast, a division, an overflow. */
    INVALID_VALUE(Kind.USER, false),
    /** A source, table, column or branch that isn't there. */
    NOT_FOUND(Kind.USER, false),
    /** Something of that name exists already. */
    ALREADY_EXISTS(Kind.USER, false),
    /** A body larger than the source takes. */
    TOO_LARGE(Kind.USER, false),
    /** The same Idempotency-Key came with another body. */
    IDEMPOTENCY_MISMATCH(Kind.USER, false),
    /** What the commit was based on has moved. */
    COMMIT_CONFLICT(Kind.USER, true),
    /** A change of a definition that would need the data to be recomputed. */
    INCOMPATIBLE_CHANGE(Kind.USER, false),
    /** An event with a field that its source has no column for, where that is to stop it. */
    SCHEMA_DRIFT(Kind.USER, false),
    /** A row broke an expectation declared with FAIL UPDATE. */
    EXPECTATION_FAILED(Kind.USER, false),
    /** An input was rewritten or deleted from, so it can't be read as a stream any more. */
    SOURCE_CHANGED(Kind.USER, false),

    /** The event log lost what the position names: topic re-created, truncated or aged out. */
    LOG_GAP(Kind.EXTERNAL, false),
    /** The event log can't be reached or doesn't acknowledge. */
    LOG_UNAVAILABLE(Kind.EXTERNAL, true),
    /** What a source reads can't be reached. */
    SOURCE_UNAVAILABLE(Kind.EXTERNAL, true),
    /** The ledger can't be reached. */
    LEDGER_UNAVAILABLE(Kind.EXTERNAL, true),
    /** A commit was asked for, and whether it happened can't be found out now. */
    COMMIT_UNKNOWN(Kind.EXTERNAL, true),
    /** Another process holds the lease of this work now. */
    LEASE_LOST(Kind.EXTERNAL, true),
    /** Storage refused to read or write. */
    STORAGE(Kind.EXTERNAL, true),
    /** The disk is full, or nearly; it goes on by itself when there is room. */
    DISK_FULL(Kind.EXTERNAL, true),

    /** Too much at once; come back later. */
    OVERLOADED(Kind.RESOURCES, true),
    /** The statement ran longer than it may. */
    TIMEOUT(Kind.RESOURCES, true),
    /** The caller, or an operator, cancelled it. */
    CANCELLED(Kind.RESOURCES, true),
    /** More memory or disk than the statement may use. */
    OUT_OF_RESOURCES(Kind.RESOURCES, true),
    /** Somebody else holds this lake folder, port or name. */
    IN_USE(Kind.RESOURCES, true),
    /** The lake is starting or stopping. */
    NOT_READY(Kind.RESOURCES, true),
    /** Somebody paused the source; it takes what comes when it was resumed. */
    SOURCE_PAUSED(Kind.RESOURCES, true),

    /** A bug. */
    INTERNAL(Kind.INTERNAL, false);

    /** Whose turn it is. */
    public enum Kind {
        /** The one who asked must ask differently. */
        USER,
        /** A system beside us must come back or be mended. */
        EXTERNAL,
        /** Less at once, later, or more of a resource. */
        RESOURCES,
        /** We must fix it. */
        INTERNAL
    }

    private final Kind kind;
    private final boolean retryable;

    ErrorCode(Kind kind, boolean retryable) {
        this.kind = kind;
        this.retryable = retryable;
    }

    public Kind kind() {
        return kind;
    }

    public boolean retryable() {
        return retryable;
    }
}
