package org.tonle.openlineage;

import java.io.IOException;

/** Where events go. Used by one thread. */
interface Destination extends AutoCloseable {
    /**
     * Brings one event there; it is there when this returns.
     *
     * @param event JSON in UTF-8, on one line
     * @throws Refused if this event will never be taken
     * @throws IOException if nothing can be brought there now
     */
    void send(byte[] event) throws IOException, InterruptedException;

    @Override
    void close();

    /** The other side says that an event isn't right. */
    final class Refused extends IOException {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message);
        }
    }
}
