package org.tonle.query;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.tonle.spi.Principal;

/**
 * What queries may take.
 *
 * @param concurrent how many run at once
 * @param waiting how many wait for that; more are refused as OVERLOADED
 * @param queueTime how long one waits for its turn before it is refused as OVERLOADED, and for a
 *     commit that it demands before it ends as TIMEOUT
 * @param ownMemoryBytes of the engine for queries that have {@linkplain Limits#memoryBytes memory
 *     of their own}, together
 * @param everybody what holds for a principal none of whose roles is named in {@code roles}
 * @param roles by role; whoever has several gets the most of each
 */
public record QuerySettings(
        int concurrent,
        int waiting,
        Duration queueTime,
        long ownMemoryBytes,
        Limits everybody,
        Map<String, Limits> roles) {
    /**
     * What one principal may take.
     *
     * @param concurrent how many of its queries run at once
     * @param timeout from start to the last row, then TIMEOUT
     * @param maxRows most rows of a result; then OUT_OF_RESOURCES
     * @param maxBytes most bytes of a result as it is written; then OUT_OF_RESOURCES
     * @param memoryBytes of the engine for each query; what it needs beyond goes to disk, or it is
     *     OUT_OF_RESOURCES; empty: they share what the engine has
     */
    public record Limits(
            int concurrent,
            Duration timeout,
            long maxRows,
            long maxBytes,
            OptionalLong memoryBytes) {
        public Limits {
            if (timeout.isNegative() || timeout.isZero()) {
                throw new IllegalArgumentException("A query needs time: " + timeout);
            }
            if (concurrent < 1 || maxRows < 1 || maxBytes < 1) {
                throw new IllegalArgumentException(
                        "A query needs a turn, a row and a byte at least, not "
                                + concurrent
                                + ", "
                                + maxRows
                                + " and "
                                + maxBytes);
            }
        }

        private Limits most(Limits other) {
            return new Limits(
                    Math.max(concurrent, other.concurrent),
                    timeout.compareTo(other.timeout) > 0 ? timeout : other.timeout,
                    Math.max(maxRows, other.maxRows),
                    Math.max(maxBytes, other.maxBytes),
                    memoryBytes.isEmpty() || other.memoryBytes.isEmpty()
                            ? OptionalLong.empty()
                            : OptionalLong.of(
                                    Math.max(
                                            memoryBytes.getAsLong(),
                                            other.memoryBytes.getAsLong())));
        }
    }

    public static final QuerySettings DEFAULT =
            new QuerySettings(
                    8, Duration.ofSeconds(10), Duration.ofMinutes(5), 100_000_000L, 10L << 30);

    public QuerySettings {
        if (concurrent < 1 || waiting < 1 || queueTime.isNegative()) {
            throw new IllegalArgumentException(
                    "Queries need a turn, a place to wait and time for it, not "
                            + concurrent
                            + ", "
                            + waiting
                            + " and "
                            + queueTime);
        }
        roles = Map.copyOf(roles);
        for (Limits limits : roles.values()) {
            requireRoom(limits, ownMemoryBytes);
        }
        requireRoom(everybody, ownMemoryBytes);
    }

    private static void requireRoom(Limits limits, long ownMemoryBytes) {
        if (limits.memoryBytes().orElse(0) > ownMemoryBytes) {
            throw new IllegalArgumentException(
                    "A query would never have %d bytes of its own: there are %d"
                            .formatted(limits.memoryBytes().getAsLong(), ownMemoryBytes));
        }
    }

    /** The same limits for everybody. */
    public QuerySettings(
            int concurrent, Duration queueTime, Duration timeout, long maxRows, long maxBytes) {
        this(
                concurrent,
                256,
                queueTime,
                0,
                new Limits(concurrent, timeout, maxRows, maxBytes, OptionalLong.empty()),
                Map.of());
    }

    /** What a principal may take, by its roles. */
    Limits of(Principal principal) {
        if (roles.isEmpty()) {
            return everybody;
        }
        List<Limits> own =
                principal.roles().stream().filter(roles::containsKey).map(roles::get).toList();
        return own.stream().reduce(Limits::most).orElse(everybody);
    }
}
