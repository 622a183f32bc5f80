package org.tonle.pipeline;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ledger.Ledger;

/** Asks the ledger for its head once for all that wait for it to move. */
final class HeadWatch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(HeadWatch.class);

    private final Ledger ledger;
    private final Thread thread = Thread.ofVirtual().name("head-watch").unstarted(this::watch);
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition moved = lock.newCondition();
    private volatile long head = -1;
    private volatile boolean closed;

    HeadWatch(Ledger ledger) {
        this.ledger = ledger;
    }

    void start() {
        thread.start();
    }

    /** Waits until the head is beyond {@code seq}, {@code ended} says so, or the time is over. */
    void await(long seq, Duration timeout, BooleanSupplier ended) throws InterruptedException {
        long left = timeout.toNanos();
        lock.lockInterruptibly();
        try {
            while (head <= seq && left > 0 && !ended.getAsBoolean()) {
                left = moved.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Makes everybody look again whether to go on waiting. */
    void wake() {
        lock.lock();
        try {
            moved.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void watch() {
        while (!closed) {
            try {
                head = ledger.awaitHeadBeyond(head, Duration.ofSeconds(5));
                wake();
            } catch (RuntimeException | Error e) {
                log.warn("the ledger's head can't be asked for: {}", e.toString());
                try {
                    await(Long.MAX_VALUE, Duration.ofMillis(500), () -> closed);
                } catch (InterruptedException interrupted) {
                    return;
                }
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        wake();
    }
}
