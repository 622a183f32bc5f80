package org.tonle.embedded;

import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** The pause between two looks at another process, which tells nobody when it is done. */
final class Waiting {
    private static final long MOMENT_MILLIS = 20;

    private Waiting() {}

    static void moment() {
        try {
            Thread.sleep(MOMENT_MILLIS);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    static LakeException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new LakeException(
                ErrorCode.CANCELLED, "Interrupted while waiting for an embedded server.", e);
    }
}
