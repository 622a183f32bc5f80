package org.tonle.embedded;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.utils.Exit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a broker that gives up from ending the lake's process: Kafka calls System.exit or halt when
 * its disk fails, which is right for a process of its own and wrong in ours. The first reason is
 * kept; whoever looks after the broker starts another.
 *
 * <p>Kafka holds this hook in a static field, so it is the process's, not the broker's.
 */
final class BrokerFaults implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(BrokerFaults.class);

    private final AtomicReference<@Nullable String> first = new AtomicReference<>();

    private BrokerFaults() {}

    static BrokerFaults watch() {
        BrokerFaults faults = new BrokerFaults();
        Exit.setExitProcedure(faults::give);
        Exit.setHaltProcedure(faults::give);
        return faults;
    }

    private void give(int status, @Nullable String message) {
        String reason =
                "Kafka gave up (status %d%s)"
                        .formatted(status, message == null ? "" : ": " + message);
        note(reason);
        // the caller expects not to go on; a thread of the broker ends here instead of the process
        throw new BrokerStopped(reason);
    }

    /** Keeps a reason to give the broker up; false if there is one already. */
    boolean note(String reason) {
        boolean isFirst = first.compareAndSet(null, reason);
        if (isFirst) {
            log.error("{}", reason);
        }
        return isFirst;
    }

    Optional<String> first() {
        return Optional.ofNullable(first.get());
    }

    @Override
    public void close() {
        Exit.resetExitProcedure();
        Exit.resetHaltProcedure();
    }

    /** Ends the broker's thread that wanted to end the process. */
    private static final class BrokerStopped extends Error {
        private static final long serialVersionUID = 1L;

        BrokerStopped(String message) {
            super(message);
        }
    }
}
