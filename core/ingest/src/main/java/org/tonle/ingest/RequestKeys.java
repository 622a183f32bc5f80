package org.tonle.ingest;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The requests with an Idempotency-Key that one source took within the last 24 hours of
 * <i>stored</i> ingest time. Those in bronze and those that are only in the log are kept apart:
 * what the sink drops follows from bronze alone, and so is the same after a crash.
 *
 * <p>Safe for use by many threads.
 */
final class RequestKeys {
    static final Duration MEMORY = Duration.ofHours(24);

    /** What is forgotten is older still, for clocks and sinks that are behind. */
    private static final Duration SLACK = Duration.ofHours(1);

    /** Forgetting looks at every entry. */
    private static final long EXPIRE_EVERY_MICROS = 10_000_000;

    private final Clock clock;
    private final KeyTable inBronze = new KeyTable();
    private final Map<RequestKey, KeyTable.Entry> onlyInLog = new HashMap<>();
    private long expiredAtMicros = Long.MIN_VALUE / 2;

    RequestKeys(Clock clock) {
        this.clock = clock;
    }

    static long micros(Instant instant) {
        return Math.addExact(
                Math.multiplyExact(instant.getEpochSecond(), 1_000_000L),
                instant.getNano() / 1_000);
    }

    static Instant instant(long micros) {
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
    }

    /** What is older than this doesn't matter to a request, or a record, of {@code atMicros}. */
    static long horizon(long atMicros) {
        return atMicros - TimeUnit.NANOSECONDS.toMicros(MEMORY.plus(SLACK).toNanos());
    }

    synchronized int size() {
        return inBronze.size() + onlyInLog.size();
    }

    /** The request that a request with this key, taken at {@code atMicros}, would repeat. */
    synchronized Optional<KeyTable.Entry> find(RequestKey key, long atMicros) {
        Optional<KeyTable.Entry> found = inBronze.find(key).filter(e -> isNear(e, atMicros));
        return found.isPresent()
                ? found
                : Optional.ofNullable(onlyInLog.get(key)).filter(e -> isNear(e, atMicros));
    }

    /** Like {@link #find}, but in bronze. */
    synchronized Optional<KeyTable.Entry> findInBronze(RequestKey key, long atMicros) {
        return inBronze.find(key).filter(e -> isNear(e, atMicros));
    }

    /** Whether two requests are near enough, in whole seconds, for one to repeat the other. */
    static boolean isNear(KeyTable.Entry entry, long atMicros) {
        long seconds =
                Math.floorDiv(atMicros, 1_000_000L)
                        - Math.floorDiv(entry.ingestTimeMicros(), 1_000_000L);
        return Math.abs(seconds) <= MEMORY.toSeconds();
    }

    /** A request that became durable in the log. */
    synchronized void appended(RequestKey key, KeyTable.Entry entry) {
        KeyTable.Entry known = onlyInLog.get(key);
        // the first in the log is the one that reaches bronze
        if (known == null
                || !isNear(known, entry.ingestTimeMicros())
                || entry.position() < known.position()) {
            onlyInLog.put(key, entry);
        }
    }

    /** Requests that a commit brought to bronze; and what lies before {@code next} is read. */
    synchronized void committed(Map<RequestKey, KeyTable.Entry> kept, Map<Integer, Long> next) {
        long forget = micros(clock.instant().minus(MEMORY).minus(SLACK));
        kept.forEach((key, entry) -> {
            // files are read in no order; of two requests with one key, more than 24
            // hours apart, the later one counts
            if (inBronze.find(key).filter(e -> e.position() > entry.position()).isEmpty()) {
                inBronze.put(key, entry, forget);
            }
        });
        onlyInLog
                .values()
                .removeIf(e -> e.position() < next.getOrDefault(e.partition(), Long.MIN_VALUE));
    }

    /** Whether fewer than {@code limit} are remembered; forgets what is old before it says no. */
    synchronized boolean hasRoom(int limit) {
        if (size() < limit) {
            return true;
        }
        long now = micros(clock.instant());
        if (now - expiredAtMicros > EXPIRE_EVERY_MICROS) {
            expiredAtMicros = now;
            inBronze.expire(micros(clock.instant().minus(MEMORY).minus(SLACK)));
        }
        return size() < limit;
    }
}
