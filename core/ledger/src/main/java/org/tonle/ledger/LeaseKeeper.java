package org.tonle.ledger;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.spi.LakeException;

/**
 * The leases of one process: taken when first asked for, renewed in the background, given back at
 * the end. A process that was stopped for longer than {@code time} may find them taken over; its
 * commits under the old epoch are refused.
 */
public final class LeaseKeeper implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(LeaseKeeper.class);

    private final Ledger ledger;
    private final String holder;
    private final Duration time;
    private final Map<String, Lease> held = new ConcurrentHashMap<>();
    private final ScheduledExecutorService renewal =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().name("lease-renewal").daemon().factory());

    /**
     * @param holder names this process, and no other and no earlier one
     * @param time how long after a process died its work is taken over
     */
    public LeaseKeeper(Ledger ledger, String holder, Duration time) {
        this.ledger = ledger;
        this.holder = holder;
        this.time = time;
        long third = time.toMillis() / 3;
        var unused =
                renewal.scheduleWithFixedDelay(this::renewAll, third, third, TimeUnit.MILLISECONDS);
    }

    /** The lease on a piece of work, if this process holds it or can have it now. */
    public Optional<Lease> lease(String name) {
        Lease mine = held.get(name);
        if (mine != null) {
            return Optional.of(mine);
        }
        Optional<Lease> acquired = ledger.acquire(name, holder, time);
        acquired.ifPresent(lease -> held.put(name, lease));
        return acquired;
    }

    /** Forgets a lease that a commit was refused for. */
    public void lost(Lease lease) {
        held.remove(lease.name(), lease);
    }

    private void renewAll() {
        for (Lease lease : held.values()) {
            try {
                if (!ledger.renew(lease, time)) {
                    log.warn("the lease {} was taken over", lease);
                    lost(lease);
                }
            } catch (RuntimeException e) {
                // a task that throws is never run again
                log.warn("the lease {} can't be renewed now: {}", lease, e.getMessage());
            }
        }
    }

    /** Ends the renewal and gives all leases back; the work they are for must have ended. */
    @Override
    public void close() {
        renewal.shutdownNow();
        for (Lease lease : held.values()) {
            try {
                ledger.release(lease);
            } catch (LakeException e) {
                log.warn("the lease {} ends by its time: {}", lease, e.getMessage());
            }
        }
        held.clear();
    }
}
