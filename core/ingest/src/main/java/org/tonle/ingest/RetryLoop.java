package org.tonle.ingest;

import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tonle.ingest.SourceStatus.State;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Does one source's work again and again while it fails, with longer and longer pauses. What no
 * waiting mends is left until somebody says that it is to be tried {@link #again}.
 *
 * <p>There is no end of trying: a source that gave up after some time would lie still when what it
 * waits for is back, with nobody there. How long it has been trying is in its status. One whose
 * credentials were refused is failing, and is tried again, too: they are renewed elsewhere.
 */
final class RetryLoop {
    /** The work of a source. */
    interface Work {
        /** Works until there is nothing left to do, then true; false to be called again. */
        boolean work() throws InterruptedException;

        /** What no waiting mends. */
        boolean isFinal(LakeException e);

        /** Is told how it goes: RETRYING or FAILING, and why. */
        void trouble(State state, LakeException why);

        /** Is told, after FAILING, that it begins anew. */
        void anew();
    }

    private static final Logger log = LoggerFactory.getLogger(RetryLoop.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private static final Duration FOR_EVER = Duration.ofDays(36_500);

    private final String source;
    private boolean stopping;
    private boolean leaving;
    private boolean waiting;
    private boolean again;

    RetryLoop(String source) {
        this.source = source;
    }

    /** Ends soon. */
    synchronized void stop() {
        stopping = true;
        notifyAll();
    }

    synchronized boolean isStopping() {
        return stopping;
    }

    /** Ends if nothing but somebody's help mends the work, now or later. */
    synchronized void leaveIfFailing() {
        leaving = true;
        notifyAll();
    }

    /** Lets work that has failed be tried now; nothing if none has. */
    synchronized void again() {
        again = waiting;
        notifyAll();
    }

    /**
     * Ends when the work is done, or it is to stop.
     *
     * @return false if it ended while nothing but somebody's help would mend it
     */
    boolean run(Work work) {
        Duration pause = FIRST_PAUSE;
        boolean done = false;
        while (!done && !isStopping()) {
            long begun = System.nanoTime();
            try {
                done = work.work();
            } catch (RuntimeException e) {
                LakeException why = explained(e);
                if (work.isFinal(why)) {
                    log.error("Source {} is failing: {}", source, why.getMessage());
                    waits();
                    work.trouble(State.FAILING, why);
                    if (!awaitHelp()) {
                        return false;
                    }
                    work.anew();
                    pause = FIRST_PAUSE;
                    continue;
                }
                waits();
                if (!isStopping()) {
                    log.warn("Source {} tries again: {}", source, why.getMessage(), e);
                    work.trouble(refuses(why) ? State.FAILING : State.RETRYING, why);
                }
                boolean workedForAWhile = System.nanoTime() - begun > LONGEST_PAUSE.toNanos();
                pause = workedForAWhile ? FIRST_PAUSE : longer(pause);
                pause(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                stop();
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

    /** Somebody must act, where the lake can't see it: whether that was done shows by trying. */
    private static boolean refuses(LakeException why) {
        return switch (why.code()) {
            case UNAUTHENTICATED, FORBIDDEN -> true;
            default -> false;
        };
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
        long chosen = ThreadLocalRandom.current().nextLong(millis / 2, millis + 1);
        long deadline = System.nanoTime() + Duration.ofMillis(chosen).toNanos();
        var unused = await(() -> System.nanoTime() - deadline >= 0, deadline);
    }

    /** Waits, unless it is to stop or to try {@link #again}. */
    void pauseExactly(Duration time) {
        waits();
        long deadline = System.nanoTime() + time.toNanos();
        var unused = await(() -> System.nanoTime() - deadline >= 0, deadline);
    }

    private synchronized boolean awaitHelp() {
        return await(() -> leaving, System.nanoTime() + FOR_EVER.toNanos()) && !stopping;
    }

    /** From now on {@link #again} is heard: before anybody can see that it failed. */
    private synchronized void waits() {
        waiting = true;
        again = false;
    }

    /** Returns whether it is to be tried again now. */
    private synchronized boolean await(BooleanSupplier enough, long deadline) {
        try {
            while (!stopping && !again && !enough.getAsBoolean()) {
                long left = Math.max(1, (deadline - System.nanoTime()) / 1_000_000);
                wait(Math.min(left, 60_000));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopping = true;
        } finally {
            waiting = false;
        }
        return again;
    }
}
