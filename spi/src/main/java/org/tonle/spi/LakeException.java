package org.tonle.spi;

import java.io.UncheckedIOException;
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

    /** A file that can't be read or written, as the JDK and Iceberg say it: STORAGE. */
    public static LakeException storage(UncheckedIOException e) {
        String message = String.valueOf(e.getMessage());
        String cause = String.valueOf(e.getCause());
        return new LakeException(
                ErrorCode.STORAGE,
                "A file can't be used: %s. Check that its disk has room and that the lake may write there."
                        .formatted(message.contains(cause) ? message : message + ": " + cause),
                e);
    }

    public ErrorCode code() {
        return code;
    }
}
