package org.tonle.sql;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Runs what recurses as deep as a statement nests, on a thread whose stack takes it. */
final class BigStack {
    private static final long STACK_BYTES = 128L << 20;

    private BigStack() {}

    /** What is called from such a thread goes on in it. */
    static <T> T call(Supplier<T> task) {
        if (Thread.currentThread() instanceof Deep) {
            return task.get();
        }
        CompletableFuture<T> result = new CompletableFuture<>();
        // a platform thread: a virtual thread's stack is bounded like any other's
        Thread thread =
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
        try {
            return result.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            if (e.getCause() instanceof Error cause) {
                throw cause;
            }
            throw e;
        }
    }

    private static final class Deep extends Thread {
        Deep(Runnable task) {
            super(null, task, "tonle-sql", STACK_BYTES);
            setDaemon(true);
        }
    }
}
