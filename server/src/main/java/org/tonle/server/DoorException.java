package org.tonle.server;

import com.linecorp.armeria.common.HttpStatus;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** A request that the door itself refuses: it can say which value, and what to send instead. */
final class DoorException extends LakeException {
    private static final long serialVersionUID = 1L;

    private final transient HttpStatus status;
    private final @Nullable String value;
    private final String action;

    DoorException(ErrorCode code, String message, @Nullable String value, String action) {
        this(ErrorStatus.of(code).status(), code, message, value, action);
    }

    /** For the statuses that HTTP itself prescribes. */
    DoorException(
            HttpStatus status,
            ErrorCode code,
            String message,
            @Nullable String value,
            String action) {
        super(code, message);
        this.status = status;
        this.value = value;
        this.action = action;
    }

    HttpStatus status() {
        return status;
    }

    @Nullable String value() {
        return value;
    }

    String action() {
        return action;
    }
}
