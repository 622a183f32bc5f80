package org.tonle.query;

import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** Who works out which answer: whoever asks the same meanwhile waits for that. Thread-safe. */
final class Flights {
    private final Map<Key, Flight> flights = new ConcurrentHashMap<>();

    /**
     * What is worked out together: what gives the same answer, and fails in the same way.
     *
     * @param answer under which it is kept
     * @param guarded whether its errors say nothing of values
     * @param memoryBytes that it may take; empty: not limited
     */
    record Key(String answer, boolean guarded, OptionalLong memoryBytes) {}

    /** What those who wait are told. */
    sealed interface Outcome {
        /** Here it is. */
        record Whole(KeptAnswer answer) implements Outcome {}

        /** Each has to work it out: it is longer than what is kept. */
        record TooLarge() implements Outcome {}

        /** Nobody works on it any more. */
        record Abandoned() implements Outcome {}

        /** It can't be worked out. */
        record Failed(LakeException why) implements Outcome {}
    }

    /** One answer on its way; whoever's it is closes it. */
    final class Flight {
        private final Key key;
        private final Thread worker = Thread.currentThread();
        private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();

        private Flight(Key key) {
            this.key = key;
        }

        /** Whether it is for the calling thread to work it out. */
        boolean isMine() {
            return worker.equals(Thread.currentThread());
        }

        /** Tells those who wait; only the first time. */
        void tell(Outcome what) {
            boolean unused = outcome.complete(what);
        }

        /** Tells of an error those for whom it would be the same. */
        void tell(LakeException error) {
            switch (error.code()) {
                // it is of whoever asked, or of its time
                case CANCELLED, OVERLOADED, TIMEOUT, NOT_READY -> tell(new Outcome.Abandoned());
                default -> tell(new Outcome.Failed(error));
            }
        }

        /** Lets the next who asks begin anew, and those who wait if they were told nothing. */
        void close() {
            boolean unused = flights.remove(key, this);
            tell(new Outcome.Abandoned());
        }

        /**
         * @throws LakeException TIMEOUT; CANCELLED if the thread is interrupted
         */
        Outcome await(Duration timeout) {
            try {
                return outcome.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new LakeException(ErrorCode.CANCELLED, "The query was cancelled", e);
            } catch (TimeoutException e) {
                throw new LakeException(
                        ErrorCode.TIMEOUT,
                        "The same query runs for somebody else, and took longer than " + timeout,
                        e);
            } catch (ExecutionException e) {
                throw new IllegalStateException("an outcome is told or not", e);
            }
        }
    }

    /** The flight of a key, the caller's unless somebody else works on it. */
    Flight of(Key key) {
        Flight mine = new Flight(key);
        Flight theirs = flights.putIfAbsent(key, mine);
        return theirs == null ? mine : theirs;
    }
}
