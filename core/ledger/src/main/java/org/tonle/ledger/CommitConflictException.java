package org.tonle.ledger;

import java.util.Optional;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** A commit that certainly did not happen, because something it was based on has changed. */
public final class CommitConflictException extends LakeException {
    private static final long serialVersionUID = 1L;

    /** What had changed. */
    public enum Reason {
        /** Somebody else read this range of the input already. */
        POSITION("TN001"),
        /** A table, namespace or definition isn't what it was. */
        POINTER("TN002"),
        /** Something asserted doesn't hold. */
        REQUIREMENT("TN003"),
        /** Another process does this work now. */
        LEASE("TN004"),
        /** The commit's id was closed as aborted while its outcome was being looked for. */
        CLOSED("TN005"),
        ALREADY_EXISTS("TN006"),
        NOT_FOUND("TN007"),
        NOT_EMPTY("TN008");

        private final String sqlState;

        Reason(String sqlState) {
            this.sqlState = sqlState;
        }

        static Optional<Reason> of(String sqlState) {
            for (Reason reason : values()) {
                if (reason.sqlState.equals(sqlState)) {
                    return Optional.of(reason);
                }
            }
            return Optional.empty();
        }

        private ErrorCode code() {
            return switch (this) {
                case POSITION, POINTER, REQUIREMENT, CLOSED -> ErrorCode.COMMIT_CONFLICT;
                case LEASE -> ErrorCode.LEASE_LOST;
                case ALREADY_EXISTS -> ErrorCode.ALREADY_EXISTS;
                case NOT_FOUND -> ErrorCode.NOT_FOUND;
                case NOT_EMPTY -> ErrorCode.INVALID_REQUEST;
            };
        }
    }

    private final Reason reason;
    private final String subject;

    CommitConflictException(Reason reason, String message, String subject) {
        super(reason.code(), message + ": " + subject);
        this.reason = reason;
        this.subject = subject;
    }

    /** The same conflict, thrown again where a caller waited for it. */
    CommitConflictException(CommitConflictException other) {
        super(other.code(), String.valueOf(other.getMessage()), other);
        this.reason = other.reason;
        this.subject = other.subject;
    }

    public Reason reason() {
        return reason;
    }

    /** The table, position, lease or namespace it is about. */
    public String subject() {
        return subject;
    }
}
