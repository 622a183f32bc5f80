package org.tonle.query;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ledger.AuditRecord;
import org.tonle.ledger.AuditTrail;
import org.tonle.spi.LakeException;

/**
 * Writes records to the ledger beside the answers, those of a fifth of a second together, and
 * removes old ones. Tries for ever.
 */
final class AuditWriter implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AuditWriter.class);
    private static final int TOGETHER = 1000;
    private static final Duration GATHER = Duration.ofMillis(200);
    private static final Duration AGAIN = Duration.ofMillis(500);
    private static final Duration TO_DRAIN = Duration.ofSeconds(8);

    /** No more at once, so that new records don't wait for it. */
    private static final int REMOVED_TOGETHER = 1000;

    private static final Duration REMOVE_EVERY = Duration.ofMinutes(10);

    private final AuditTrail ledger;
    private final Duration retention;
    private final Clock clock;
    private final Consumer<Done> written;
    private final LinkedBlockingQueue<Done> queue = new LinkedBlockingQueue<>();
    private final Thread thread;
    private long nextRemoval = System.nanoTime();
    private volatile boolean complete;

    /**
     * A statement that has ended.
     *
     * @param units of room that its record takes
     * @param note where it was noted
     */
    record Done(AuditRecord record, int units, NoteFile.Note note) {}

    /**
     * @param retention of records
     * @param written is told of each that is in the ledger
     */
    AuditWriter(AuditTrail ledger, Duration retention, Clock clock, Consumer<Done> written) {
        this.ledger = ledger;
        this.retention = retention;
        this.clock = clock;
        this.written = written;
        this.thread = Thread.ofPlatform().daemon().name("tonle-audit").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    void add(Done done) {
        queue.add(done);
        if (queue.size() == TOGETHER) {
            LockSupport.unpark(thread);
        }
    }

    private void run() {
        List<Done> batch = new ArrayList<>();
        long patience = Long.MAX_VALUE;
        while (!complete || !queue.isEmpty() || !batch.isEmpty()) {
            if (complete && patience == Long.MAX_VALUE) {
                patience = System.nanoTime() + TO_DRAIN.toNanos();
            }
            try {
                if (batch.isEmpty()) {
                    gather(batch);
                }
                if (!batch.isEmpty()) {
                    ledger.add(batch.stream().map(Done::record).toList());
                    batch.forEach(written);
                    batch.clear();
                }
                removeOld();
            } catch (LakeException e) {
                if (complete && System.nanoTime() - patience > 0) {
                    LOG.warn(
                            "{} statements can't be written to the audit before the lake stops ({});"
                                    + " the next start does it",
                            batch.size() + queue.size(),
                            e.getMessage());
                    return;
                }
                LOG.warn("The audit can't be written now, and is tried again: {}", e.getMessage());
                LockSupport.parkNanos(AGAIN.toNanos());
            } catch (InterruptedException e) {
                // nobody has a reason to; what is queued is written all the same
                LOG.debug("interrupted", e);
            }
        }
    }

    private void gather(List<Done> batch) throws InterruptedException {
        Done first = queue.poll(GATHER.toNanos(), TimeUnit.NANOSECONDS);
        if (first == null) {
            return;
        }
        if (!complete && queue.size() < TOGETHER) {
            LockSupport.parkNanos(GATHER.toNanos());
        }
        batch.add(first);
        queue.drainTo(batch, TOGETHER - 1);
    }

    /** One step; the next follows after the records that have come meanwhile. */
    private void removeOld() {
        if (complete || System.nanoTime() - nextRemoval < 0) {
            return;
        }
        int removed = ledger.removeBefore(clock.instant().minus(retention), REMOVED_TOGETHER);
        if (removed < REMOVED_TOGETHER) {
            nextRemoval = System.nanoTime() + REMOVE_EVERY.toNanos();
        }
    }

    /**
     * Writes all that was added, within some seconds; what can't be written then is logged by its
     * number.
     */
    @Override
    public void close() {
        complete = true;
        LockSupport.unpark(thread);
        try {
            thread.join(TO_DRAIN.plusSeconds(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
