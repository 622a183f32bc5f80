package org.tonle.ingest;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.tonle.spi.ErrorCode;

/**
 * How a source is doing.
 *
 * @param problem why it isn't running as it should
 * @param warning what somebody should mend though it runs: its topic's copies are too few, or it
 *     holds back the log of the database that it reads
 * @param topic of the event log; empty until it is known
 * @param next by partition, the position that bronze is to have next
 * @param appended by partition, the position behind the last body that this process saw there
 * @param repeats bodies that were dropped on the way to bronze since the start
 * @param committedAt when bronze got its last rows from this process
 * @param waitingSince when the oldest body that waits in the log was taken, or a little earlier;
 *     empty when nothing waits. The log forgets it when the source's retention is over
 */
public record SourceStatus(
        String source,
        State state,
        Optional<Problem> problem,
        Optional<String> warning,
        Optional<String> topic,
        Map<Integer, Long> next,
        Map<Integer, Long> appended,
        long repeats,
        Optional<Instant> committedAt,
        Optional<Instant> waitingSince) {
    public enum State {
        /** It prepares its topic and reads which requests it has seen; the door is still closed. */
        STARTING,
        RUNNING,
        /** Another process brings this source to bronze; this one's door is open. */
        STANDBY,
        /** Something doesn't answer; it tries again by itself. */
        RETRYING,
        /** It can't go on and takes nothing; somebody must act. */
        FAILING,
        STOPPED
    }

    /** A reason for a person, and its code. */
    public record Problem(ErrorCode code, String reason) {}

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

    /** Whether half of the time is over in which somebody can act. */
    public boolean isLate(Duration retention, Instant now) {
        return left(retention, now).multipliedBy(2).compareTo(retention) < 0;
    }

    /** Bodies in the log that aren't in bronze yet, as far as this process knows. */
    public long lag() {
        long lag = 0;
        for (Map.Entry<Integer, Long> partition : appended.entrySet()) {
            lag += Math.max(0, partition.getValue() - next.getOrDefault(partition.getKey(), 0L));
        }
        return lag;
    }
}
