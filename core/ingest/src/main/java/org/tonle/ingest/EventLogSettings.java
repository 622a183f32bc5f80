package org.tonle.ingest;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * How to use an event log.
 *
 * @param lake its name, which is part of every topic's
 * @param client passed to every Kafka client as they are; {@code bootstrap.servers} at least
 * @param flushEach whether a topic asks its broker to force each record to disk (a broker without
 *     replicas must)
 * @param inFlightBytes of bodies that wait for their acknowledgement at most
 * @param timeout after which a body that wasn't acknowledged is given up
 * @param broker what is known of a broker beside its clients
 */
public record EventLogSettings(
        String lake,
        Map<String, String> client,
        boolean flushEach,
        int inFlightBytes,
        Duration timeout,
        Broker broker) {
    public static final int DEFAULT_IN_FLIGHT_BYTES = 64 << 20;
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

    /** A broker that this process runs, or one that it knows nothing of but what it answers. */
    public interface Broker {
        /** One that lives elsewhere. */
        Broker OUTSIDE =
                new Broker() {
                    @Override
                    public Optional<String> fault() {
                        return Optional.empty();
                    }

                    @Override
                    public void failedUnknown(String error) {
                        // its operators and its replicas see to it
                    }
                };

        /** Why it is down, for a person; empty while it runs. Cheap. */
        Optional<String> fault();

        /**
         * It answered an append with an error that it has no name for. Nothing else is sent to it
         * before this returns.
         */
        void failedUnknown(String error);
    }

    public EventLogSettings {
        client = Map.copyOf(client);
    }

    public EventLogSettings(String lake, Map<String, String> client, boolean flushEach) {
        this(lake, client, flushEach, Broker.OUTSIDE);
    }

    public EventLogSettings(
            String lake, Map<String, String> client, boolean flushEach, Broker broker) {
        this(lake, client, flushEach, DEFAULT_IN_FLIGHT_BYTES, DEFAULT_TIMEOUT, broker);
    }

    public EventLogSettings(
            String lake,
            Map<String, String> client,
            boolean flushEach,
            int inFlightBytes,
            Duration timeout) {
        this(lake, client, flushEach, inFlightBytes, timeout, Broker.OUTSIDE);
    }

    /** Client properties hold passwords. */
    @Override
    public String toString() {
        return "EventLogSettings[lake=%s, servers=%s, flushEach=%s]"
                .formatted(lake, client.get("bootstrap.servers"), flushEach);
    }
}
