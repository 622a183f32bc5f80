package org.tonle.ingest;

import java.time.Duration;
import java.util.Map;

/**
 * How to use an event log.
 *
 * @param lake its name, which is part of every topic's
 * @param client passed to every Kafka client as they are; {@code bootstrap.servers} at least
 * @param flushEach whether a topic asks its broker to force each record to disk (a broker without
 *     replicas must)
 * @param inFlightBytes of bodies that wait for their acknowledgement at most
 * @param timeout after which a body that wasn't acknowledged is given up
 */
public record EventLogSettings(
        String lake,
        Map<String, String> client,
        boolean flushEach,
        int inFlightBytes,
        Duration timeout) {
    public static final int DEFAULT_IN_FLIGHT_BYTES = 64 << 20;
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

    public EventLogSettings {
        client = Map.copyOf(client);
    }

    public EventLogSettings(String lake, Map<String, String> client, boolean flushEach) {
        this(lake, client, flushEach, DEFAULT_IN_FLIGHT_BYTES, DEFAULT_TIMEOUT);
    }

    /** Client properties hold passwords. */
    @Override
    public String toString() {
        return "EventLogSettings[lake=%s, servers=%s, flushEach=%s]"
                .formatted(lake, client.get("bootstrap.servers"), flushEach);
    }
}
