package org.tonle.pipeline;

import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
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

/**
 * Runs a dataset, or several that are one piece of work, whenever the lake moves on, in a thread of
 * its own, until it is stopped.
 */
final class DatasetWorker {
    private static final Logger log = LoggerFactory.getLogger(DatasetWorker.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private final String name;
    private final List<Dataset> datasets;
    private final DatasetRun run;
    private final List<RunReports> reports;
    private final LakeCatalog catalog;
    private final LeaseKeeper leases;
    private final HeadWatch head;
    private final Runnable beforeRuns;
    private final Thread thread;
    private volatile boolean elsewhere;
    private volatile boolean draining;
    private volatile boolean stopping;
    private volatile State state = State.STANDBY;
    private volatile @Nullable String reason;
    private volatile long seq;
    private volatile boolean upToDate;
    private final Queue<Asked> asked = new ConcurrentLinkedQueue<>();
    private Duration pause = FIRST_PAUSE;

    /** Whether the current step got so far as to know the lake's state. */
    private boolean reached;

    /** What somebody waits for. */
    private record Asked(DatasetTask task, CompletableFuture<TaskResult> answer) {}

    /**
     * @param name of the work, which one process of all does
     * @param reports of each dataset
     */
    DatasetWorker(
            String name,
            List<Dataset> datasets,
            DatasetRun run,
            List<RunReports> reports,
            LakeCatalog catalog,
            LeaseKeeper leases,
            HeadWatch head,
            Runnable beforeRuns) {
        this.name = name;
        this.datasets = List.copyOf(datasets);
        this.run = run;
        this.reports = List.copyOf(reports);
        this.catalog = catalog;
        this.leases = leases;
        this.head = head;
        this.beforeRuns = beforeRuns;
        this.thread = Thread.ofVirtual().name("dataset-" + name).unstarted(this::loop);
    }

    void start() {
        thread.start();
    }

    /** Whether it works on that dataset, whatever the case of its name. */
    boolean worksOn(String dataset) {
        return datasets.stream().anyMatch(own -> own.name().toString().equalsIgnoreCase(dataset));
    }

    /** Does what somebody asks of one of its datasets, between its runs. */
    CompletableFuture<TaskResult> ask(DatasetTask task) {
        Asked added = new Asked(task, new CompletableFuture<>());
        asked.add(added);
        if (stopping) {
            refuse(stopped());
        }
        head.wake();
        return added.answer();
    }

    private void refuse(LakeException why) {
        for (Asked next = asked.poll(); next != null; next = asked.poll()) {
            next.answer().completeExceptionally(why);
        }
    }

    private static LakeException stopped() {
        return new LakeException(ErrorCode.NOT_READY, "The lake is stopping; ask it again later");
    }

    private boolean isCalled() {
        return stopping || !asked.isEmpty();
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

    /** Of each dataset. */
    List<DatasetStatus> status() {
        return datasets.stream()
                .map(dataset ->
                        new DatasetStatus(
                                dataset.name().toString(),
                                switch (dataset) {
                                    case Dataset.StreamingTable table -> "streaming table";
                                    case Dataset.ChangeTable table -> "change table";
                                    case Dataset.MaterializedView view -> "materialized view";
                                },
                                state,
                                Optional.ofNullable(reason),
                                seq,
                                upToDate))
                .toList();
    }

    private void loop() {
        while (!stopping) {
            try {
                step();
            } catch (InterruptedException e) {
                break;
            }
        }
        refuse(stopped());
    }

    /** Does what was asked first. */
    private void answer(Asked next, Pin pin, Lease lease) {
        try {
            TaskResult result = run.perform(next.task(), pin, lease);
            next.answer().complete(result);
        } catch (UncheckedIOException e) {
            unanswered(next, LakeException.storage(e));
        } catch (RuntimeException | Error e) {
            if (e instanceof LakeException lost && lost.code() == ErrorCode.LEASE_LOST) {
                leases.lost(lease);
            }
            unanswered(next, e);
        }
    }

    private void unanswered(Asked next, Throwable why) {
        log.warn("{} of {} was not done: {}", next.task(), name, why.toString());
        reports.forEach(RunReports::aborted);
        next.answer().completeExceptionally(why);
    }

    /** Another process does the work, and can be asked. */
    private void referAsked() {
        if (!asked.isEmpty()) {
            refuse(
                    new LakeException(
                            ErrorCode.LEASE_LOST,
                            "Another process of this lake works on %s (%s); ask that one"
                                    .formatted(
                                            name,
                                            catalog.ledger().leases("dataset/" + name).stream()
                                                    .map(Lease::holder)
                                                    .findFirst()
                                                    .orElse("it has just ended"))));
        }
    }

    private void step() throws InterruptedException {
        Optional<Lease> lease = Optional.empty();
        reached = false;
        try {
            lease = leases.lease("dataset/" + name);
            if (lease.isEmpty()) {
                state = State.STANDBY;
                elsewhere = true;
                referAsked();
                head.await(Long.MAX_VALUE, Duration.ofSeconds(1), this::isCalled);
                return;
            }
            elsewhere = false;
            beforeRuns.run();
            Pin pin = catalog.pin();
            reached = true;
            @Nullable Asked next = asked.poll();
            if (next != null) {
                answer(next, pin, lease.get());
                return;
            }
            DatasetRun.Progress progress = run.run(pin, lease.get());
            reports.forEach(RunReports::wentWell);
            seq = progress.seq();
            upToDate = !progress.more();
            state = State.RUNNING;
            reason = null;
            pause = FIRST_PAUSE;
            if (draining) {
                head.wake();
            }
            if (upToDate) {
                head.await(pin.seq(), Duration.ofSeconds(5), this::isCalled);
            } else if (run.rest().isPositive()) {
                head.await(Long.MAX_VALUE, run.rest(), () -> isCalled() || draining);
            }
        } catch (CommitConflictException e) {
            if (e.code() == ErrorCode.LEASE_LOST) {
                lease.ifPresent(leases::lost);
            }
            log.info("{} is computed again: {}", name, e.getMessage());
            reports.forEach(RunReports::aborted);
            fail(e.getMessage(), state);
        } catch (LakeException e) {
            cantGoOn(e);
        } catch (UncheckedIOException e) {
            cantGoOn(LakeException.storage(e));
        } catch (RuntimeException | Error e) {
            if (!givenUp(e)) {
                log.error("{} can't go on", name, e);
                reports.forEach(each -> each.failed(ErrorCode.INTERNAL));
                fail("internal error: " + e, State.FAILING);
            }
        }
    }

    private void cantGoOn(LakeException e) throws InterruptedException {
        if (!givenUp(e)) {
            log.warn("{} can't go on: {}", name, e.getMessage());
            reports.forEach(each -> each.failed(e.code()));
            fail(e.getMessage(), State.FAILING);
        }
    }

    /** Whether this is how a run ends that {@link #join} interrupted; the next start does it. */
    private boolean givenUp(Throwable e) {
        boolean interrupted = stopping && Thread.currentThread().isInterrupted();
        if (interrupted) {
            log.info("a run of {} was given up, since the lake stops: {}", name, e);
            reports.forEach(RunReports::aborted);
        }
        return interrupted;
    }

    private void fail(@Nullable String why, State as) throws InterruptedException {
        // what is remembered may not be what the tables hold: it is read from them again
        run.reset();
        upToDate = false;
        state = as;
        reason = why;
        if (!reached) {
            // who waits is told, and asks again
            refuse(
                    new LakeException(
                            ErrorCode.NOT_READY,
                            "%s can't be worked on now: %s".formatted(name, why)));
        }
        head.wake();
        head.await(Long.MAX_VALUE, pause, this::isCalled);
        pause =
                pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0
                        ? LONGEST_PAUSE
                        : pause.multipliedBy(2);
    }
}
