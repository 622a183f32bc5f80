package org.tonle.definition;

import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * What queries may take.
 *
 * @param cacheBytes of answers that are kept in memory; 0: none
 * @param concurrent how many run at once
 * @param waiting how many wait for that
 * @param queueTime how long one waits at most
 * @param everybody what one principal may take
 * @param roles the same for those who have a role
 */
public record QueryDefinition(
        long cacheBytes,
        int concurrent,
        int waiting,
        Duration queueTime,
        Limits everybody,
        Map<String, Limits> roles) {
    /**
     * What one principal may take.
     *
     * @param concurrent how many of its queries run at once
     * @param timeout from start to the last row
     * @param maxRows of a result
     * @param maxBytes of a result as it is written
     * @param memoryBytes of the engine for each query, at most half of all; empty: they share it
     */
    public record Limits(
            int concurrent,
            Duration timeout,
            long maxRows,
            long maxBytes,
            OptionalLong memoryBytes) {}

    public QueryDefinition {
        roles = Map.copyOf(roles);
    }

    /** Whether somebody's queries have memory of their own. */
    public boolean limitsMemory() {
        return Stream.concat(Stream.of(everybody), roles.values().stream())
                .anyMatch(limits -> limits.memoryBytes().isPresent());
    }
}
