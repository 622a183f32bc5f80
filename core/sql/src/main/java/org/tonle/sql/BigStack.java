package org.tonle.sql;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Runs what recurses as deep as a statement nests, on a thread whose stack takes it. */
final class BigStack {
    private static final long STACK_BYTES = 128L << 20;

    /** For what isn't a query, which has a limit of its own. */
    private static final Duration LONG = Duration.ofDays(1);

    private BigStack() {}

    /** What is called from such a thread goes on in it. */
    static <T> T call(Supplier<T> task) {
        return call(LONG, task);
    }

    /**
     * As {@link #call(Supplier)}. When the time is over, or the caller is interrupted, the task
     * ends at its next {@link #check}; it is waited for.
     *
     * @throws LakeException TIMEOUT or CANCELLED then
     */
    static <T> T call(Duration most, Supplier<T> task) {
        if (Thread.currentThread() instanceof Deep) {
            return task.get();
        }
        CompletableFuture<T> result = new CompletableFuture<>();
        // a platform thread: a virtual thread's stack is bounded like any other's
        Deep thread =
                new Deep(() -> {
                    try {
                        result.complete(task.get());
                    } catch (StackOverflowError e) {
                        result.completeExceptionally(
                                new LakeException(
                                        ErrorCode.UNSUPPORTED_SQL,
                                        "The statement is nested too deep; split it with"
                                                + " WITH, or write IN (…) for long chains"
                                                + " of OR"));
                    } catch (Throwable e) {
                        result.completeExceptionally(e);
                    }
                });
        thread.start();
        return await(result, thread, most);
    }

    private static <T> T await(CompletableFuture<T> result, Deep thread, Duration most) {
        boolean interrupted = false;
        long left = most.toNanos();
        try {
            while (true) {
                try {
                    return result.get(left, TimeUnit.NANOSECONDS);
                } catch (TimeoutException e) {
                    thread.end(
                            new LakeException(
                                    ErrorCode.TIMEOUT,
                                    "The statement took longer than "
                                            + most
                                            + " before it began to run; make it shorter, or allow"
                                            + " more time",
                                    e));
                } catch (InterruptedException e) {
                    interrupted = true;
                    thread.end(
                            new LakeException(
                                    ErrorCode.CANCELLED, "The statement was cancelled", e));
                } catch (ExecutionException e) {
                    switch (e.getCause()) {
                        case RuntimeException cause -> throw cause;
                        case Error cause -> throw cause;
                        case null, default -> throw new IllegalStateException(e);
                    }
                }
                left = LONG.toNanos();
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Ends the task that calls it if it was asked to. */
    static void check() {
        if (Thread.currentThread() instanceof Deep thread) {
            LakeException why = thread.stopped;
            if (why != null) {
                throw why;
            }
        }
    }

    private static final class Deep extends Thread {
        private volatile @Nullable LakeException stopped;

        Deep(Runnable task) {
            super(null, task, "tonle-sql", STACK_BYTES);
            setDaemon(true);
        }

        void end(LakeException why) {
            stopped = why;
        }
    }
}
