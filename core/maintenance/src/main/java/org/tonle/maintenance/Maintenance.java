package org.tonle.maintenance;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.catalog.RowExpiry;
import org.tonle.ledger.CommitRequest;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.ledger.Retention;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.FailPoints;
import org.tonle.spi.LakeException;

/**
 * Looks after a lake: rows of bronze and states that have been kept for long enough expire, then
 * files that nothing reaches any more go. One thread, of one process of those that share the lake;
 * what fails is tried again at the next round, and nobody waits for it.
 */
public final class Maintenance implements AutoCloseable {
    /**
     * The {@code kind} of the commits that tell of files that were deleted; nothing changes by it.
     */
    public static final String CLEAN_UP = "clean-up";

    private static final Logger log = LoggerFactory.getLogger(Maintenance.class);
    private static final String LEASE = "maintenance";

    /** A table at rest whose list of snapshots gets so much shorter is worth a commit. */
    private static final int LEAST_SNAPSHOTS = 2;

    /** The first round comes when a lake has had time to catch up. */
    private static final Duration FIRST = Duration.ofMinutes(1);

    private final LakeCatalog catalog;
    private final LeaseKeeper leases;
    private final MaintenanceSettings settings;
    private final InstantSource clock;
    private final RowExpiry rows;
    private final SnapshotExpiry snapshots;
    private final CleanUp cleanUp;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread = Thread.ofPlatform().name("maintenance").unstarted(this::work);

    /**
     * @param leases of this process; whoever has the one on maintenance does it
     */
    public Maintenance(
            LakeCatalog catalog,
            LeaseKeeper leases,
            MaintenanceSettings settings,
            InstantSource clock,
            FailPoints failPoints) {
        this.catalog = catalog;
        this.leases = leases;
        this.settings = settings;
        this.clock = clock;
        this.rows = new RowExpiry(catalog, clock);
        this.snapshots = new SnapshotExpiry(catalog, LEAST_SNAPSHOTS);
        this.cleanUp =
                new CleanUp(
                        catalog,
                        settings.grace(),
                        clock,
                        point -> {
                            requireGoingOn();
                            failPoints.reach(point);
                        });
    }

    public void start() {
        thread.start();
    }

    private void work() {
        Duration pause = settings.interval().compareTo(FIRST) < 0 ? settings.interval() : FIRST;
        try {
            while (!stop.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                pause = settings.interval();
                try {
                    if (leases.lease(LEASE).isPresent()) {
                        round();
                    }
                } catch (LakeException e) {
                    if (e.code() != ErrorCode.CANCELLED) {
                        log.warn("Nothing was cleaned up this time: {}", e.getMessage());
                    }
                } catch (RuntimeException e) {
                    log.warn("Nothing was cleaned up this time", e);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Does once what there is to do now. */
    public void round() {
        long begun = System.nanoTime();
        Instant now = clock.instant();
        Instant since = now.minus(settings.history());
        Retention retention = catalog.ledger().retention();
        long before = retention.floor();
        long floor = retention.expire(since, since.minus(settings.slowReaders()));
        if (floor > before) {
            log.info("States of the lake before commit {} have expired", floor);
        }
        expireRows();
        snapshots.run();
        CleanUp.Done done = cleanUp.run();
        if (done.marked() > 0 || done.deleted() > 0) {
            log.info(
                    "{} files are to go, {} of {} bytes are gone",
                    done.marked(),
                    done.deleted(),
                    done.bytes());
        }
        if (done.deleted() > 0) {
            var unused =
                    catalog.ledger()
                            .commit(
                                    CommitRequest.builder(UUID.randomUUID(), CLEAN_UP, "tonle")
                                            .summary("files", done.deleted())
                                            .summary("written_files", 0)
                                            .summary("bytes", done.bytes())
                                            .summary("written_bytes", 0)
                                            .summary(
                                                    "millis",
                                                    Duration.ofNanos(System.nanoTime() - begun)
                                                            .toMillis())
                                            .build());
        }
    }

    /**
     * A commit of a table at most: what is over in it leaves by the file, and a file holds the rows
     * of one day.
     */
    private void expireRows() {
        Pin pin = catalog.pin();
        settings.rows()
                .forEach((name, limit) -> {
                    requireGoingOn();
                    try {
                        pin.table(name)
                                .ifPresent(table ->
                                        rows.expire(
                                                table, limit, Optional.empty(), Optional.empty()));
                    } catch (LakeException e) {
                        log.warn("Old rows of {} stay for now: {}", name, e.getMessage());
                    }
                });
    }

    private void requireGoingOn() {
        if (stop.getCount() == 0) {
            throw new LakeException(ErrorCode.CANCELLED, "The lake is stopping");
        }
    }

    /** Ends what is being done at the next file. */
    @Override
    public void close() {
        stop.countDown();
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
