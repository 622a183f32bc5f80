package org.tonle.files;

import java.io.IOException;
import java.io.Serial;

/** One file may not be read; that says nothing of the others. */
final class RefusedFileException extends IOException {
    @Serial private static final long serialVersionUID = 1L;

    /** Of a file system, which says no more. */
    static final String DENIED = "access denied";

    private final String why;

    RefusedFileException(String name, IOException cause) {
        this(name, DENIED, cause);
    }

    /**
     * @param name the file's
     * @param why in a few words
     */
    RefusedFileException(String name, String why, Exception cause) {
        super("%s may not be read: %s".formatted(name, why), cause);
        this.why = why;
    }

    String why() {
        return why;
    }
}
