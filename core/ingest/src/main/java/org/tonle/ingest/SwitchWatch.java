package org.tonle.ingest;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ledger.SourceSwitch;
import org.tonle.ledger.SourceSwitches;
import org.tonle.spi.LakeException;

/**
 * Hears, in a thread of its own, what people say of a lake's sources at any of its processes. While
 * the ledger can't be asked nothing changes.
 */
final class SwitchWatch implements Runnable {
    private static final Logger log = LoggerFactory.getLogger(SwitchWatch.class);

    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

    private final SourceSwitches switches;
    private final Consumer<SourceSwitch> heard;
    private final Map<String, SourceSwitch> known = new HashMap<>();
    private final CountDownLatch stop = new CountDownLatch(1);

    /**
     * @param heard is told what is new, in this thread or that of whoever says it here
     */
    SwitchWatch(SourceSwitches switches, Consumer<SourceSwitch> heard) {
        this.switches = switches;
        this.heard = heard;
    }

    void stop() {
        stop.countDown();
    }

    @Override
    public void run() {
        try {
            while (!stop.await(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                look();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void look() {
        try {
            switches.all().values().forEach(this::hear);
        } catch (LakeException e) {
            log.debug("Whether sources are paused can't be asked now", e);
        }
    }

    /** Pauses a source; here that is heard when this returns. */
    synchronized void pause(String source, String by) {
        hear(switches.pause(source, by));
    }

    /** Resumes a source; here that is heard when this returns. */
    synchronized void resume(String source, String by) {
        hear(switches.resume(source, by));
    }

    // whoever asks the ledger holds the lock: nothing that is older is heard after what is newer
    private void hear(SourceSwitch said) {
        if (!said.equals(known.put(said.source(), said))) {
            heard.accept(said);
        }
    }
}
