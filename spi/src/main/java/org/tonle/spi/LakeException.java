package org.tonle.spi;

import org.jspecify.annotations.Nullable;

/**
 * The one exception of the lake. The message says what, which value, and what to do next; it is
 * shown to users as it is and holds no secrets.
 */
public class LakeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    public LakeException(ErrorCode code, String message) {
        this(code, message, null);
    }

    public LakeException(ErrorCode code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public ErrorCode code() {
        return code;
    }
}
