package org.tonle.pipeline;

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
    private final LakeCatalog catalog;
    private final LeaseKeeper leases;
    private final HeadWatch head;
    private final Thread thread;
    private volatile boolean stopping;
    private volatile State state = State.STANDBY;
    private volatile @Nullable String reason;
    private volatile long seq;
    private volatile boolean upToDate;
    private Duration pause = FIRST_PAUSE;

    DatasetWorker(
            Dataset dataset,
            DatasetRun run,
            LakeCatalog catalog,
            LeaseKeeper leases,
            HeadWatch head) {
        this.dataset = dataset;
        this.run = run;
        this.catalog = catalog;
        this.leases = leases;
        this.head = head;
        this.thread = Thread.ofVirtual().name("dataset-" + dataset.name()).unstarted(this::loop);
    }

    void start() {
        thread.start();
    }

    /** Lets the run that is under way end, and starts no other. */
    void stop() {
        stopping = true;
        head.wake();
    }

    void join() throws InterruptedException {
        thread.join();
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
                head.await(Long.MAX_VALUE, Duration.ofSeconds(1), () -> stopping);
                return;
            }
            Pin pin = catalog.pin();
            DatasetRun.Progress progress = run.run(pin, lease.get());
            seq = progress.seq();
            upToDate = !progress.more();
            state = State.RUNNING;
            reason = null;
            pause = FIRST_PAUSE;
            if (upToDate) {
                head.await(pin.seq(), Duration.ofSeconds(5), () -> stopping);
            } else if (run instanceof ViewRun view && view.rest().isPositive()) {
                head.await(Long.MAX_VALUE, view.rest(), () -> stopping);
            }
        } catch (CommitConflictException e) {
            if (e.code() == ErrorCode.LEASE_LOST) {
                lease.ifPresent(leases::lost);
            }
            log.info("{} is computed again: {}", dataset.name(), e.getMessage());
            fail(e.getMessage(), state);
        } catch (LakeException e) {
            log.warn("{} can't go on: {}", dataset.name(), e.getMessage());
            fail(e.getMessage(), State.FAILING);
        } catch (RuntimeException | Error e) {
            log.error("{} can't go on", dataset.name(), e);
            fail("internal error: " + e, State.FAILING);
        }
    }

    private void fail(@Nullable String why, State as) throws InterruptedException {
        // what is remembered may not be what the tables hold: it is read from them again
        run.reset();
        upToDate = false;
        state = as;
        reason = why;
        head.await(Long.MAX_VALUE, pause, () -> stopping);
        pause =
                pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0
                        ? LONGEST_PAUSE
                        : pause.multipliedBy(2);
    }
}
