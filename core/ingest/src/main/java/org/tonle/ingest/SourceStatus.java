package org.tonle.ingest;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.tonle.spi.ErrorCode;

/**
 * How a source is doing.
 *
 * @param problem why it isn't running as it should
 * @param paused who paused it
 * @param warning what somebody should mend though it runs: its topic's copies are too few, or it
 *     holds back the log of the database that it reads
 * @param topic of the event log; empty until it is known
 * @param next by partition, the position that bronze is to have next
 * @param appended by partition, the position behind the last body that this process saw there
 * @param repeats bodies that were dropped on the way to bronze since the start
 * @param committedAt when bronze got its last rows from this process
 * @param waitingSince when the oldest body that waits in the log was taken, or a little earlier;
 *     empty when nothing waits. The log forgets it when the source's retention is over. Of an
 *     outside topic: since when bronze hasn't had all that the topic held then
 * @param heldBytes what is read keeps so much for the lake and nobody else; empty if that isn't
 *     known
 * @param counts since this process began
 * @param brings whether this process brings it to bronze now
 */
public record SourceStatus(
        String source,
        State state,
        Optional<Problem> problem,
        Optional<Pause> paused,
        Optional<String> warning,
        Optional<String> topic,
        Map<Integer, Long> next,
        Map<Integer, Long> appended,
        long repeats,
        Optional<Instant> committedAt,
        Optional<Instant> waitingSince,
        OptionalLong heldBytes,
        Counts counts,
        boolean brings) {
    public enum State {
        /** It prepares its topic and reads which requests it has seen; the door is still closed. */
        STARTING,
        RUNNING,
        /** It runs, and something has been waiting in the log for too long. */
        LAGGING,
        /** Another process brings this source to bronze; this one's door is open. */
        STANDBY,
        /** Something doesn't answer; it tries again by itself. */
        RETRYING,
        /**
         * It can't go on and takes nothing; somebody must act, and then resume it. Where what it
         * reads refuses it, it goes on by itself when it is let in again.
         */
        FAILING,
        /** Somebody wants nothing to be taken; what the lake's log holds still goes to bronze. */
        PAUSED,
        STOPPED
    }

    /**
     * A reason for a person, and its code.
     *
     * @param since when it ended to go well
     */
    public record Problem(ErrorCode code, String reason, Instant since) {}

    /** Who paused it, and when. */
    public record Pause(String by, Instant since) {}

    /**
     * What this process did.
     *
     * @param events that it brought to bronze
     * @param bytes of their bodies
     * @param unreadable of the events, those that no dataset can read: they go to quarantine
     * @param errors how often something went wrong and was tried again, or given up
     */
    public record Counts(long events, long bytes, long unreadable, long errors) {
        static final Counts NONE = new Counts(0, 0, 0, 0);

        Counts plus(Counts more) {
            return new Counts(
                    events + more.events,
                    bytes + more.bytes,
                    unreadable + more.unreadable,
                    errors + more.errors);
        }
    }

    public SourceStatus {
        next = Map.copyOf(next);
        appended = Map.copyOf(appended);
    }

    /**
     * How long the log still keeps the oldest body that waits; all of {@code retention} when none
     * waits, and nothing when it may be lost already.
     */
    public Duration left(Duration retention, Instant now) {
        if (waitingSince.isEmpty()) {
            return retention;
        }
        Duration left = retention.minus(Duration.between(waitingSince.get(), now));
        return left.isNegative() ? Duration.ZERO : left;
    }

    /** For how long the oldest body has waited; nothing if none waits. */
    public Duration behind(Instant now) {
        return waitingSince
                .map(since -> Duration.between(since, now))
                .filter(Duration::isPositive)
                .orElse(Duration.ZERO);
    }

    /** Whether half of the time is over in which somebody can act. */
    public boolean isLate(Duration retention, Instant now) {
        return left(retention, now).multipliedBy(2).compareTo(retention) < 0;
    }

    /** Bodies in the log that aren't in bronze yet, as far as this process knows. */
    public long lag() {
        return lag(next, appended);
    }

    static long lag(Map<Integer, Long> next, Map<Integer, Long> appended) {
        long lag = 0;
        for (Map.Entry<Integer, Long> partition : appended.entrySet()) {
            lag += Math.max(0, partition.getValue() - next.getOrDefault(partition.getKey(), 0L));
        }
        return lag;
    }
}
