package org.tonle.query;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/**
 * Lets so many work at once, and with so much memory of their own. Those who wait come in by turns
 * of their principals, each in its own order: whoever asks a hundred questions doesn't keep the one
 * from its answer who asks one.
 */
final class FairTurns {
    private final int most;
    private final int places;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Integer> working = new HashMap<>();

    /** By principal; whoever stands first is next. */
    private final LinkedHashMap<String, Deque<Waiting>> queues = new LinkedHashMap<>();

    private int free;
    private long freeMemory;
    private int waiting;

    private record Waiting(int each, long memory, CompletableFuture<Turn> turn) {}

    /**
     * @param most how many work at once
     * @param places how many may wait; half of them for one principal at most
     * @param memory of all who work with memory of their own, in bytes
     */
    FairTurns(int most, int places, long memory) {
        this.most = most;
        this.places = places;
        this.free = most;
        this.freeMemory = memory;
    }

    /** Someone's turn, until it is closed. */
    final class Turn implements AutoCloseable {
        private final String who;
        private final long memory;
        private final AtomicBoolean over = new AtomicBoolean();

        private Turn(String who, long memory) {
            this.who = who;
            this.memory = memory;
        }

        @Override
        public void close() {
            if (over.compareAndSet(false, true)) {
                lock.lock();
                try {
                    free++;
                    freeMemory += memory;
                    working.computeIfPresent(who, (name, n) -> n == 1 ? null : n - 1);
                    grant();
                } finally {
                    lock.unlock();
                }
            }
        }
    }

    /**
     * Waits for a turn.
     *
     * @param each how many of this principal work at once
     * @param memory of its own that it needs, in bytes; no more than there is in all
     * @throws LakeException OVERLOADED if too many wait or none came to an end in time; CANCELLED
     *     if the thread is interrupted
     */
    Turn take(String who, int each, long memory, Duration patience) {
        Waiting place = enter(who, each, memory);
        try {
            return place.turn.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            if (!leave(who, place)) {
                place.turn.join().close();
            }
            Thread.currentThread().interrupt();
            throw new LakeException(ErrorCode.CANCELLED, "Interrupted before the query began", e);
        } catch (TimeoutException e) {
            if (!leave(who, place)) {
                return place.turn.join();
            }
            throw new LakeException(
                    ErrorCode.OVERLOADED,
                    "%d queries run at once, %d of one principal%s, and within %s it wasn't this one's turn; try again later"
                            .formatted(
                                    most,
                                    Math.min(each, most),
                                    memory == 0
                                            ? ""
                                            : ", with %d MB each of what there is for such"
                                                    .formatted(memory >> 20),
                                    patience),
                    e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("a turn is given or not", e);
        }
    }

    private Waiting enter(String who, int each, long memory) {
        lock.lock();
        try {
            Deque<Waiting> queue = queues.get(who);
            Waiting place = new Waiting(each, memory, new CompletableFuture<>());
            boolean atOnce = queue == null && fits(who, place);
            int own = queue == null ? 0 : queue.size();
            if (!atOnce && (waiting >= places || own >= Math.max(1, places / 2))) {
                throw new LakeException(
                        ErrorCode.OVERLOADED,
                        "%d queries wait for their turn, %d of them yours; try again later"
                                .formatted(waiting, own));
            }
            queues.computeIfAbsent(who, name -> new ArrayDeque<>()).add(place);
            waiting++;
            grant();
            return place;
        } finally {
            lock.unlock();
        }
    }

    /** How many wait. */
    int waiting() {
        lock.lock();
        try {
            return waiting;
        } finally {
            lock.unlock();
        }
    }

    /** False if the turn came before. */
    private boolean leave(String who, Waiting place) {
        lock.lock();
        try {
            Deque<Waiting> queue = queues.get(who);
            if (queue == null || !queue.remove(place)) {
                return false;
            }
            waiting--;
            if (queue.isEmpty()) {
                queues.remove(who);
            }
            // what stood behind may have another limit
            grant();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private boolean fits(String who, Waiting next) {
        return free > 0 && next.memory <= freeMemory && working.getOrDefault(who, 0) < next.each;
    }

    private void grant() {
        boolean given = true;
        while (given) {
            given = false;
            Iterator<Map.Entry<String, Deque<Waiting>>> principals = queues.entrySet().iterator();
            while (!given && principals.hasNext()) {
                Map.Entry<String, Deque<Waiting>> entry = principals.next();
                String who = entry.getKey();
                Deque<Waiting> queue = entry.getValue();
                if (fits(who, queue.getFirst())) {
                    given = true;
                    principals.remove();
                    give(who, queue);
                }
            }
        }
    }

    private void give(String who, Deque<Waiting> queue) {
        Waiting next = queue.removeFirst();
        waiting--;
        free--;
        freeMemory -= next.memory;
        working.merge(who, 1, Integer::sum);
        if (!queue.isEmpty()) {
            // at the end: everybody else first
            queues.put(who, queue);
        }
        boolean unused = next.turn.complete(new Turn(who, next.memory));
    }
}
