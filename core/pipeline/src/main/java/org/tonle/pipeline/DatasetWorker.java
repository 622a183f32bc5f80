package org.tonle.pipeline;

import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.catalog.LakeCatalog;
import org.tonle.catalog.Pin;
import org.tonle.ledger.CommitConflictException;
import org.tonle.ledger.Lease;
import org.tonle.ledger.LeaseKeeper;
import org.tonle.pipeline.DatasetStatus.State;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import org.tonle.sql.Dataset;

/** Runs one dataset whenever the lake moves on, in a thread of its own, until it is stopped. */
final class DatasetWorker {
    private static final Logger log = LoggerFactory.getLogger(DatasetWorker.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private final Dataset dataset;
    private final DatasetRun run;
    private final RunReports reports;
    private final LakeCatalog catalog;
    private final LeaseKeeper leases;
    private final HeadWatch head;
    private final Thread thread;
    private volatile boolean elsewhere;
    private volatile boolean draining;
    private volatile boolean stopping;
    private volatile State state = State.STANDBY;
    private volatile @Nullable String reason;
    private volatile long seq;
    private volatile boolean upToDate;
    private Duration pause = FIRST_PAUSE;

    DatasetWorker(
            Dataset dataset,
            DatasetRun run,
            RunReports reports,
            LakeCatalog catalog,
            LeaseKeeper leases,
            HeadWatch head) {
        this.dataset = dataset;
        this.run = run;
        this.reports = reports;
        this.catalog = catalog;
        this.leases = leases;
        this.head = head;
        this.thread = Thread.ofVirtual().name("dataset-" + dataset.name()).unstarted(this::loop);
    }

    void start() {
        thread.start();
    }

    /** From now on it doesn't rest before it takes in what its inputs hold. */
    void drain() {
        draining = true;
        run.drain();
        head.wake();
    }

    /**
     * Waits, while it drains, until it holds all that the lake holds now.
     *
     * @return false if it doesn't when the time is over, or can't because it is failing; a dataset
     *     that another process works on is that one's to finish
     */
    boolean awaitDrained(Duration limit) throws InterruptedException {
        long goal = catalog.ledger().head();
        head.await(Long.MAX_VALUE, limit, () -> holds(goal) || elsewhere || state == State.FAILING);
        return holds(goal) || elsewhere;
    }

    private boolean holds(long goal) {
        return upToDate && seq >= goal && state == State.RUNNING;
    }

    /** Lets the run that is under way end, and starts no other. */
    void stop() {
        stopping = true;
        head.wake();
    }

    /** Waits until its thread has ended; a run that takes longer than the limit is given up. */
    void join(Duration limit) throws InterruptedException {
        if (thread.getState() != Thread.State.NEW && !thread.join(limit)) {
            thread.interrupt();
            thread.join();
        }
    }

    DatasetStatus status() {
        return new DatasetStatus(
                dataset.name().toString(),
                switch (dataset) {
                    case Dataset.StreamingTable table -> "streaming table";
                    case Dataset.MaterializedView view -> "materialized view";
                },
                state,
                Optional.ofNullable(reason),
                seq,
                upToDate);
    }

    private void loop() {
        while (!stopping) {
            try {
                step();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void step() throws InterruptedException {
        Optional<Lease> lease = Optional.empty();
        try {
            lease = leases.lease("dataset/" + dataset.name());
            if (lease.isEmpty()) {
                state = State.STANDBY;
                elsewhere = true;
                head.await(Long.MAX_VALUE, Duration.ofSeconds(1), () -> stopping);
                return;
            }
            elsewhere = false;
            Pin pin = catalog.pin();
            DatasetRun.Progress progress = run.run(pin, lease.get());
            reports.wentWell();
            seq = progress.seq();
            upToDate = !progress.more();
            state = State.RUNNING;
            reason = null;
            pause = FIRST_PAUSE;
            if (draining) {
                head.wake();
            }
            if (upToDate) {
                head.await(pin.seq(), Duration.ofSeconds(5), () -> stopping);
            } else if (run.rest().isPositive()) {
                head.await(Long.MAX_VALUE, run.rest(), () -> stopping || draining);
            }
        } catch (CommitConflictException e) {
            if (e.code() == ErrorCode.LEASE_LOST) {
                lease.ifPresent(leases::lost);
            }
            log.info("{} is computed again: {}", dataset.name(), e.getMessage());
            reports.aborted();
            fail(e.getMessage(), state);
        } catch (LakeException e) {
            cantGoOn(e);
        } catch (UncheckedIOException e) {
            cantGoOn(LakeException.storage(e));
        } catch (RuntimeException | Error e) {
            if (!givenUp(e)) {
                log.error("{} can't go on", dataset.name(), e);
                reports.failed(ErrorCode.INTERNAL);
                fail("internal error: " + e, State.FAILING);
            }
        }
    }

    private void cantGoOn(LakeException e) throws InterruptedException {
        if (!givenUp(e)) {
            log.warn("{} can't go on: {}", dataset.name(), e.getMessage());
            reports.failed(e.code());
            fail(e.getMessage(), State.FAILING);
        }
    }

    /** Whether this is how a run ends that {@link #join} interrupted; the next start does it. */
    private boolean givenUp(Throwable e) {
        boolean interrupted = stopping && Thread.currentThread().isInterrupted();
        if (interrupted) {
            log.info("a run of {} was given up, since the lake stops: {}", dataset.name(), e);
            reports.aborted();
        }
        return interrupted;
    }

    private void fail(@Nullable String why, State as) throws InterruptedException {
        // what is remembered may not be what the tables hold: it is read from them again
        run.reset();
        upToDate = false;
        state = as;
        reason = why;
        head.wake();
        head.await(Long.MAX_VALUE, pause, () -> stopping);
        pause =
                pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0
                        ? LONGEST_PAUSE
                        : pause.multipliedBy(2);
    }
}
