package org.tonle.lake;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** What a lake has started, to be closed in the opposite order. For one thread at a time. */
final class Parts implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Parts.class);

    private final Deque<AutoCloseable> started = new ArrayDeque<>();

    /**
     * Takes what was just started.
     *
     * @return the same
     * @throws LakeException CANCELLED if the thread was interrupted meanwhile; the part is taken
     */
    <T extends AutoCloseable> T add(T part) {
        started.push(part);
        if (Thread.currentThread().isInterrupted()) {
            throw new LakeException(ErrorCode.CANCELLED, "The start is not to go on");
        }
        return part;
    }

    /** The part of this type, or null. */
    <T extends AutoCloseable> @Nullable T find(Class<T> type) {
        return started.stream().filter(type::isInstance).map(type::cast).findFirst().orElse(null);
    }

    /** Whoever is interrupted is so afterwards: no part may be left running. */
    @Override
    public void close() {
        boolean interrupted = Thread.interrupted();
        while (!started.isEmpty()) {
            AutoCloseable part = started.pop();
            try {
                part.close();
            } catch (Exception e) {
                log.error("{} didn't close", part.getClass().getSimpleName(), e);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
