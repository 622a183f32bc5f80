package org.tonle.embedded;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after one embedded server: one that has given up is started again at the same address, as
 * soon as its disk has room. Until then {@link #fault} says why it is away.
 */
final class Keeper implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Keeper.class);

    /** What a server may need before it answers: recovery writes, too. */
    static final long ROOM_TO_START_BYTES = 64L << 20;

    private static final Duration LOOK = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    /** What is looked after. Its methods are called by one thread. */
    interface Kept {
        /** Why it takes nothing any more; empty while it runs. */
        Optional<String> down();

        /** Ends what is left of it and starts it at the same address; throws if it can't. */
        void restart() throws Exception;
    }

    private final String name;
    private final Path directory;
    private final Kept kept;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread;
    private volatile @Nullable String fault;

    private Keeper(String name, Path directory, Kept kept) {
        this.name = name;
        this.directory = directory;
        this.kept = kept;
        this.thread = Thread.ofPlatform().daemon().name("keeper-" + name).unstarted(this::look);
    }

    static Keeper start(String name, Path directory, Kept kept) {
        Keeper keeper = new Keeper(name, directory, kept);
        keeper.thread.start();
        return keeper;
    }

    /** Why the server is away, and what is waited for; empty while it runs. */
    Optional<String> fault() {
        String known = fault;
        return known != null ? Optional.of(known) : kept.down();
    }

    private void look() {
        Duration pause = LOOK;
        while (!stopped(pause)) {
            Optional<String> reason = kept.down();
            if (reason.isEmpty()) {
                fault = null;
                pause = LOOK;
                continue;
            }
            if (fault == null) {
                log.error("{} is down: {}", name, reason.get());
            }
            pause = restart(reason.get()) ? LOOK : longer(pause);
        }
    }

    /** Whether the server runs again. */
    private boolean restart(String reason) {
        long free = directory.toFile().getUsableSpace();
        if (free < ROOM_TO_START_BYTES) {
            fault =
                    "%s. The disk of %s has %d MB left: free at least %d MB, and it goes on by itself"
                            .formatted(reason, directory, free >> 20, ROOM_TO_START_BYTES >> 20);
            return false;
        }
        fault = reason + ". It is being started again";
        try {
            kept.restart();
            log.info("{} runs again", name);
            fault = null;
            return true;
        } catch (Exception e) {
            if (e instanceof InterruptedException || Thread.currentThread().isInterrupted()) {
                stop.countDown();
                return false;
            }
            fault = "%s. It can't be started again yet: %s".formatted(reason, e.getMessage());
            log.error("{} can't be started again yet", name, e);
            return false;
        }
    }

    private static Duration longer(Duration pause) {
        Duration twice = pause.multipliedBy(2);
        return twice.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : twice;
    }

    private boolean stopped(Duration pause) {
        try {
            return stop.await(pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            return true;
        }
    }

    /** Looks no more. A restart that is under way is broken off. */
    @Override
    public void close() {
        stop.countDown();
        thread.interrupt();
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
