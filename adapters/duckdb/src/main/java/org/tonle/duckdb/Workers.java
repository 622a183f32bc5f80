package org.tonle.duckdb;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** The threads that wait inside DuckDB: platform threads, since it would pin virtual ones. */
final class Workers implements AutoCloseable {
    /** DuckDB's parser and binder recurse as deep as a statement nests. */
    private static final long STACK_BYTES = 32L << 20;

    private final ExecutorService threads;
    private final ScheduledExecutorService clock;

    Workers(int count) {
        threads =
                Executors.newFixedThreadPool(
                        count,
                        Thread.ofPlatform()
                                .daemon()
                                .stackSize(STACK_BYTES)
                                .name("tonle-duckdb-", 0)
                                .factory());
        clock =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("tonle-duckdb-clock").factory());
    }

    /** Runs {@code task} and waits for it; interrupting the caller runs {@code cancel}. */
    <T> T call(Callable<T> task, Runnable cancel) {
        Future<T> future;
        try {
            future = threads.submit(task);
        } catch (RejectedExecutionException e) {
            throw new LakeException(ErrorCode.NOT_READY, "The SQL engine is closed", e);
        }
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return future.get();
                } catch (InterruptedException e) {
                    // DuckDB doesn't notice an interrupt; wait until it has let go of its memory
                    interrupted = true;
                    cancel.run();
                } catch (ExecutionException e) {
                    throw DuckErrors.of(e.getCause() == null ? e : e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    ScheduledFuture<?> after(Duration delay, Runnable task) {
        return clock.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void close() {
        clock.shutdownNow();
        threads.close();
    }
}
