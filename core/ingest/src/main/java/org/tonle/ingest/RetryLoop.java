package org.tonle.ingest;

import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ingest.SourceStatus.State;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Does one source's work again and again while it fails, with longer and longer pauses. */
final class RetryLoop {
    /** The work of a source. */
    interface Work {
        /** Works until there is nothing left to do, then true; false to be called again. */
        boolean work() throws InterruptedException;

        /** What no waiting mends. */
        boolean isFinal(LakeException e);

        /** Is told how it goes: RETRYING or FAILING, and why. */
        void trouble(State state, LakeException why);
    }

    private static final Logger log = LoggerFactory.getLogger(RetryLoop.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private final String source;
    private final CountDownLatch stop;

    RetryLoop(String source, CountDownLatch stop) {
        this.source = source;
        this.stop = stop;
    }

    /**
     * Ends when the work is done, {@code stop} is down or nothing but somebody's help mends it.
     *
     * @return false in the last case
     */
    boolean run(Work work) {
        Duration pause = FIRST_PAUSE;
        boolean done = false;
        while (!done && stop.getCount() > 0) {
            long begun = System.nanoTime();
            try {
                done = work.work();
            } catch (RuntimeException e) {
                LakeException why = explained(e);
                if (work.isFinal(why)) {
                    log.error("Source {} is failing: {}", source, why.getMessage());
                    work.trouble(State.FAILING, why);
                    return false;
                }
                if (stop.getCount() > 0) {
                    log.warn("Source {} tries again: {}", source, why.getMessage(), e);
                    work.trouble(State.RETRYING, why);
                }
                boolean workedForAWhile = System.nanoTime() - begun > LONGEST_PAUSE.toNanos();
                pause = workedForAWhile ? FIRST_PAUSE : longer(pause);
                pause(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                stop.countDown();
            } catch (Error e) {
                work.trouble(
                        State.FAILING,
                        new LakeException(
                                ErrorCode.INTERNAL,
                                "The way to bronze ended with %s. What was acknowledged is in the event log. Start the lake again, with more memory if that was short."
                                        .formatted(e),
                                e));
                throw e;
            }
        }
        return true;
    }

    private static LakeException explained(RuntimeException e) {
        return switch (e) {
            case LakeException lake -> lake;
            case UncheckedIOException file -> LakeException.storage(file);
            default -> new LakeException(ErrorCode.INTERNAL, String.valueOf(e), e);
        };
    }

    private static Duration longer(Duration pause) {
        Duration twice = pause.multipliedBy(2);
        return twice.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : twice;
    }

    /** Between half of the time and all of it: several that failed together come back apart. */
    private void pause(Duration time) {
        long millis = time.toMillis();
        pauseExactly(
                Duration.ofMillis(ThreadLocalRandom.current().nextLong(millis / 2, millis + 1)));
    }

    /** Waits, unless it is to stop. */
    void pauseExactly(Duration time) {
        try {
            var unused = stop.await(time.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stop.countDown();
        }
    }
}
