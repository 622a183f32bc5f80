package org.tonle.catalog;

import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Runs in the caller's thread. Iceberg's own worker pool sleeps 10 ms per step, which is most of
 * what a small commit takes; and it ends before our shutdown does.
 */
public final class Direct extends AbstractExecutorService {
    public static final ExecutorService EXECUTOR = new Direct();

    private Direct() {}

    @Override
    public void execute(Runnable command) {
        command.run();
    }

    @Override
    public void shutdown() {}

    @Override
    public List<Runnable> shutdownNow() {
        return List.of();
    }

    @Override
    public boolean isShutdown() {
        return false;
    }

    @Override
    public boolean isTerminated() {
        return false;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return true;
    }
}
